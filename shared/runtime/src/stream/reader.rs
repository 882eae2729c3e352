use std::time::Duration;

use redis::{AsyncConnectionConfig, Cmd, Value, aio::MultiplexedConnection};
use tokio::time::timeout;

use super::{
    BrokerError,
    entry::{self, Entry},
};

/// Discard it after an error: a late response may follow.
pub(super) struct Reader {
    connection: MultiplexedConnection,
    answer_within: Duration,
}

impl Reader {
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

    /// After an error, entries may have been delivered nevertheless.
    pub(super) async fn read(&mut self, command: &Cmd) -> Result<Vec<Entry>, BrokerError> {
        let answer = command.query_async::<Value>(&mut self.connection);
        let answer = timeout(self.answer_within, answer)
            .await
            .map_err(|_| BrokerError::late(self.answer_within))??;
        entry::read(answer)
    }
}
