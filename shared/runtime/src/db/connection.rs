//! The pool discards a session that is broken, has an unanswered statement, or belongs to an older
//! generation. The first timeout, or error that a fresh session may cure, ends a generation for all pools.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use deadpool::managed::{Manager, Metrics, Object, RecycleError, RecycleResult};
use deadpool_postgres::ClientWrapper;
use tokio::time::timeout;
use tokio_postgres::{Config, Statement, ToStatement, types::ToSql};

use super::{DbError, Fault, Row, connect, health::Health};

/// A pooled connection.
pub struct Connection {
    session: Object<Connector>,
    health: Arc<Health>,
    limit: Duration,
}

pub(super) struct Session {
    client: ClientWrapper,
    generation: u64,
    /// Includes dropped futures: the server may still run their statements.
    unanswered: AtomicU32,
    discarded: AtomicBool,
}

pub(super) struct Connector {
    pub config: Config,
    pub health: Arc<Health>,
}

impl Manager for Connector {
    type Type = Session;
    type Error = DbError;

    async fn create(&self) -> Result<Session, DbError> {
        // Read first: an error during the connect may concern the server of this session.
        let generation = self.health.generation();
        let (client, driver) = connect(&self.config).await?;
        let driver = actix_rt::spawn(async move {
            if let Err(error) = driver.await {
                tracing::debug!(%error, "a connection to PostgreSQL broke");
            }
        });
        let client = ClientWrapper::new(client, driver);
        Ok(Session { client, generation, unanswered: AtomicU32::new(0), discarded: AtomicBool::new(false) })
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<DbError> {
        let within_limit = *session.unanswered.get_mut() == 0;
        let is_current = !*session.discarded.get_mut() && session.generation == self.health.generation();
        if within_limit && is_current && !session.client.is_closed() {
            Ok(())
        } else {
            Err(RecycleError::message("discarded"))
        }
    }
}

/// A parameter of a statement.
pub type Parameter<'a> = &'a (dyn ToSql + Sync);

type Parameters<'a> = &'a [Parameter<'a>];

/// Boxed futures: those of tokio-postgres take some kilobytes each.
impl Connection {
    pub(super) fn new(session: Object<Connector>, health: Arc<Health>, limit: Duration) -> Self {
        Self { session, health, limit }
    }

    /// Prepares a statement once per session.
    pub async fn prepare_cached(&self, sql: &str) -> Result<Statement, DbError> {
        let prepared = self.within_limit(Box::pin(self.session.client.prepare_cached(sql))).await;
        prepared.inspect_err(|error| self.health.record_unfit(error, Some(sql)))
    }

    /// Prepares a statement for one use: PostgreSQL plans it with its values. It ends when it is dropped.
    pub async fn prepare_once(&self, sql: &str) -> Result<Statement, DbError> {
        let prepared = self.within_limit(Box::pin(self.session.client.prepare(sql))).await;
        prepared.inspect_err(|error| self.health.record_unfit(error, Some(sql)))
    }

    /// Runs a statement.
    pub async fn query(
        &self,
        statement: &(impl ?Sized + ToStatement),
        parameters: Parameters<'_>,
    ) -> Result<Vec<Row>, DbError> {
        let rows = self.recorded(Box::pin(self.session.client.query(statement, parameters))).await?;
        Ok(rows.into_iter().map(|row| Row::new(row, &self.health)).collect())
    }

    /// Runs a statement; zero or several rows are an error.
    pub async fn query_one(
        &self,
        statement: &(impl ?Sized + ToStatement),
        parameters: Parameters<'_>,
    ) -> Result<Row, DbError> {
        let row = self.recorded(Box::pin(self.session.client.query_one(statement, parameters))).await?;
        Ok(Row::new(row, &self.health))
    }

    /// Runs a statement; several rows are an error.
    pub async fn query_opt(
        &self,
        statement: &(impl ?Sized + ToStatement),
        parameters: Parameters<'_>,
    ) -> Result<Option<Row>, DbError> {
        let row = self.recorded(Box::pin(self.session.client.query_opt(statement, parameters))).await?;
        Ok(row.map(|row| Row::new(row, &self.health)))
    }

    /// Runs a statement and returns the number of rows it touched.
    pub async fn execute(
        &self,
        statement: &(impl ?Sized + ToStatement),
        parameters: Parameters<'_>,
    ) -> Result<u64, DbError> {
        self.recorded(Box::pin(self.session.client.execute(statement, parameters))).await
    }

    /// Runs several statements without parameters.
    pub async fn batch_execute(&self, sql: &str) -> Result<(), DbError> {
        self.recorded(Box::pin(self.session.client.batch_execute(sql))).await
    }

    /// Prepares past the cache, which shows whether the schema still allows it.
    pub(super) async fn can_prepare(&self, sql: &str) -> Result<(), DbError> {
        self.within_limit(Box::pin(self.session.client.prepare(sql))).await.map(drop)
    }

    pub(super) fn discard_generation(&self) {
        self.session.discarded.store(true, Ordering::Relaxed);
        self.health.begin_generation_after(self.session.generation);
    }

    async fn recorded<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DbError> {
        self.within_limit(answer).await.inspect_err(|error| self.health.record_unfit(error, None))
    }

    async fn within_limit<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, DbError> {
        self.session.unanswered.fetch_add(1, Ordering::Relaxed);
        let answer = timeout(self.limit, answer).await;
        self.session.unanswered.fetch_sub(1, Ordering::Relaxed);
        let answer = answer
            .map_or_else(|_| Err(DbError::timed_out(self.limit)), |answer| answer.map_err(DbError::from));
        match &answer {
            Err(DbError { fault: Fault::Lost, .. }) => self.discard_generation(),
            Err(DbError { fault: Fault::Unfit, .. }) => self.session.discarded.store(true, Ordering::Relaxed),
            _ => {}
        }
        answer
    }
}
