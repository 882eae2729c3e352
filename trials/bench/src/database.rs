//! Direct queries to PostgreSQL, a connection each.

use tokio_postgres::types::ToSql;
use tokio_postgres::{NoTls, Row};

use super::BenchError;

#[derive(Debug, Clone)]
pub struct Database(String);

impl Database {
    pub fn at(url: String) -> Self {
        Self(url)
    }

    /// Executes statements in a transaction each.
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

    pub async fn row(&self, sql: &str, arguments: &[&(dyn ToSql + Sync)]) -> Result<Row, BenchError> {
        let (client, connection) = tokio_postgres::connect(&self.0, NoTls).await?;
        let answer = async move { client.query_one(sql, arguments).await };
        Ok(tokio::join!(answer, connection).0?)
    }

    pub async fn number(&self, sql: &str) -> Result<i64, BenchError> {
        Ok(self.row(sql, &[]).await?.get(0))
    }
}
