//! The connection on which a consumer reads entries. A read blocks it, so nobody else uses it.

use std::time::Duration;

use redis::{AsyncConnectionConfig, Cmd, Value, aio::MultiplexedConnection};
use tokio::time::timeout;

use super::{
    BrokerError,
    entry::{self, Entry},
};

/// A connection for one read at a time. After an error it is thrown away: a late answer may still come.
pub(super) struct Reader {
    connection: MultiplexedConnection,
    answer_within: Duration,
}

impl Reader {
    /// `answer_within`: limit for one answer.
    ///
    /// # Errors
    /// Redis cannot be reached within `connect_within`, has another name than its certificate, or refuses the
    /// password.
    pub(super) async fn connect(
        client: &redis::Client,
        connect_within: Duration,
        answer_within: Duration,
    ) -> Result<Self, BrokerError> {
        let limits = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(connect_within))
            .set_response_timeout(Some(answer_within));
        let connecting = client.get_multiplexed_async_connection_with_config(&limits);
        let connection =
            timeout(connect_within, connecting).await.map_err(|_| BrokerError::late(connect_within))??;
        Ok(Self { connection, answer_within })
    }

    /// The entries that XREADGROUP answers with.
    ///
    /// # Errors
    /// Redis refused, or did not answer in time. Entries may have been delivered to this consumer all the
    /// same.
    pub(super) async fn read(&mut self, command: &Cmd) -> Result<Vec<Entry>, BrokerError> {
        let answer = command.query_async::<Value>(&mut self.connection);
        let answer = timeout(self.answer_within, answer)
            .await
            .map_err(|_| BrokerError::late(self.answer_within))??;
        entry::read(answer)
    }
}
