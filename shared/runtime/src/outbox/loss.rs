use super::sweep::marker_key;
use crate::stream::{Broker, BrokerError, partitions};

/// Whether the service of this name has streams to lose.
pub(crate) fn publishes(service: &str) -> bool {
    events::published_by(service).next().is_some()
}

/// Deletes the streams that `service` publishes to. Leaves Redis as if it had lost them, which the missing
/// marker tells every relay.
pub(crate) async fn lose_streams(broker: &Broker, service: &str) -> Result<(), BrokerError> {
    let mut delete = redis::cmd("DEL");
    delete.arg(marker_key(service));
    for route in events::published_by(service) {
        delete.arg(partitions(route.stream, broker.partitions()));
    }
    let deleted: u64 = broker.command(delete).await?;
    tracing::warn!(service, deleted, "asked to lose streams by /ops/faults");
    Ok(())
}
