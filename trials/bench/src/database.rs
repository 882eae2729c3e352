//! Direct queries to PostgreSQL, each with its own connection.

use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

use super::BenchError;

/// A database of the private server.
#[derive(Debug, Clone)]
pub struct Database(String);

impl Database {
    /// A handle without a connection.
    pub fn at(url: String) -> Self {
        Self(url)
    }

    /// Executes statements, one transaction each.
    pub async fn execute(&self, statements: &[&str]) -> Result<(), BenchError> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        let done = async move {
            for statement in statements {
                client.batch_execute(statement).await?;
            }
            Ok(())
        };
        tokio::join!(done, connection).0
    }

    /// Queries one row.
    pub async fn row(&self, sql: &str, arguments: &[&(dyn ToSql + Sync)]) -> Result<Row, BenchError> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        let answer = async move { client.query_one(sql, arguments).await };
        Ok(tokio::join!(answer, connection).0?)
    }

    /// Queries one number.
    pub async fn number(&self, sql: &str) -> Result<i64, BenchError> {
        Ok(self.row(sql, &[]).await?.get(0))
    }
}
