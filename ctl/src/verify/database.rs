//! PostgreSQL refuses writes here, whatever the SQL.

use std::future::Future;
use std::time::Duration;

use futures_util::{StreamExt, pin_mut};
use tokio::task::JoinSet;
use tokio_postgres::{Client, Config, Row, config::Host, types::ToSql};

use super::VerifyError;
use super::connection::connect;

/// A million orders take less than a minute; ten minutes mean that a query hangs.
const STATEMENT: Duration = Duration::from_secs(600);

pub(super) struct Reader {
    what: String,
    client: Client,
    /// Drives the connection and ends with the value.
    _driver: JoinSet<()>,
}

/// One REPEATABLE READ transaction: all queries see the moment of the first one. It ends with its connection,
/// or with [`Self::end`].
pub(super) struct Snapshot<'a>(&'a Reader);

impl Reader {
    pub(super) async fn connect(service: &str, url: &str) -> Result<Self, VerifyError> {
        Self::connect_for(service, url, STATEMENT).await
    }

    /// `limit`: of each statement.
    pub(super) async fn connect_for(service: &str, url: &str, limit: Duration) -> Result<Self, VerifyError> {
        let what = format!("the database of {service}");
        let config: Config = url.parse().map_err(|error: tokio_postgres::Error| VerifyError::Address {
            what: what.clone(),
            reason: chain(&error),
        })?;
        let unreachable = |reason: String| VerifyError::Unreachable {
            what: what.clone(),
            address: address(&config),
            reason,
        };
        let (client, driver) = connect(&config).await.map_err(unreachable)?;
        let mut drivers = JoinSet::new();
        drivers.spawn(async move { _ = driver.await });
        let reader = Self { what, client, _driver: drivers };
        reader.execute("SET default_transaction_read_only = on").await?;
        reader.execute(&format!("SET statement_timeout = {}", limit.as_millis())).await?;
        Ok(reader)
    }

    /// The server ended it, or is gone.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    async fn execute(&self, sql: &str) -> Result<(), VerifyError> {
        self.answered(self.client.batch_execute(sql)).await
    }

    async fn answered<T>(
        &self,
        query: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, VerifyError> {
        query.await.map_err(|source| VerifyError::Query { what: self.what.clone(), source })
    }

    /// For short results.
    pub(super) async fn rows(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
    ) -> Result<Vec<Row>, VerifyError> {
        self.answered(self.client.query(sql, arguments)).await
    }

    pub(super) async fn number(&self, sql: &str) -> Result<i64, VerifyError> {
        self.answered(self.client.query_one(sql, &[])).await.map(|row| row.get(0))
    }

    /// For results of any length.
    pub(super) async fn each(
        &self,
        sql: &str,
        arguments: &[&(dyn ToSql + Sync)],
        mut take: impl FnMut(&Row),
    ) -> Result<(), VerifyError> {
        let arguments = arguments.iter().map(|argument| *argument as &dyn ToSql);
        let rows = self.answered(self.client.query_raw(sql, arguments)).await?;
        pin_mut!(rows);
        while let Some(row) = rows.next().await {
            take(&self.answered(std::future::ready(row)).await?);
        }
        Ok(())
    }
}

impl<'a> Snapshot<'a> {
    pub(super) async fn of(reader: &'a Reader) -> Result<Self, VerifyError> {
        reader.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        Ok(Self(reader))
    }

    /// For the next use of the connection.
    pub(super) async fn end(self) -> Result<(), VerifyError> {
        self.0.execute("COMMIT").await
    }
}

impl std::ops::Deref for Snapshot<'_> {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        self.0
    }
}

/// `127.0.0.1:5432/payment`
fn address(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "?".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!("{host}:{port}/{}", config.get_dbname().unwrap_or_default())
}

/// tokio-postgres keeps the reason in the source.
fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}
