//! The routes of events: the publisher, the consumer and the reply of each stream.
//!
//! Relay, consumers, operations and the checker use them; a test compares them with the access rules of Redis
//! in `deploy/`.

use super::{Event, OrderCompleted, ProductChanged, RefundOrder, StockReserved};

/// A stream between two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// The stream, without partition.
    pub stream: &'static str,
    /// The service whose outbox feeds it.
    pub publisher: &'static str,
    /// The service that handles its events.
    pub consumer: &'static str,
    /// The consumer group of that service, and the name of its inbox.
    pub group: &'static str,
    /// Streams of the replies; empty for an event without reply.
    pub answered_on: &'static [&'static str],
}

/// The consumer group of `inventory`.
pub const INVENTORY_GROUP: &str = "inventory-group";
/// The consumer group of `payment`.
pub const PAYMENT_GROUP: &str = "payment-group";

pub const ROUTES: [Route; 4] = [
    Route {
        stream: OrderCompleted::STREAM,
        publisher: "payment",
        consumer: "inventory",
        group: INVENTORY_GROUP,
        answered_on: &[StockReserved::STREAM, RefundOrder::STREAM],
    },
    Route {
        stream: StockReserved::STREAM,
        publisher: "inventory",
        consumer: "payment",
        group: PAYMENT_GROUP,
        answered_on: &[],
    },
    Route {
        stream: RefundOrder::STREAM,
        publisher: "inventory",
        consumer: "payment",
        group: PAYMENT_GROUP,
        answered_on: &[],
    },
    Route {
        stream: ProductChanged::STREAM,
        publisher: "inventory",
        consumer: "payment",
        group: PAYMENT_GROUP,
        answered_on: &[],
    },
];

/// The streams that `service` publishes.
pub fn published_by(service: &str) -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(move |route| route.publisher == service)
}

/// The streams that `service` consumes.
pub fn consumed_by(service: &str) -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(move |route| route.consumer == service)
}

/// The route of a stream, or of one partition of it (`order_completed.3`).
#[must_use]
pub fn route_of(stream: &str) -> Option<&'static Route> {
    let whole = stream.split_once('.').map_or(stream, |(whole, _)| whole);
    ROUTES.iter().find(|route| route.stream == whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_reads_all_its_streams_in_one_group() {
        for route in &ROUTES {
            assert!(consumed_by(route.consumer).all(|other| other.group == route.group), "{route:?}");
        }
    }

    #[test]
    fn a_reply_goes_back_to_the_publisher() {
        for route in &ROUTES {
            for reply in route.answered_on {
                let reply = route_of(reply).expect("a stream");
                assert_eq!((reply.publisher, reply.consumer), (route.consumer, route.publisher), "{route:?}");
            }
        }
    }

    #[test]
    fn a_partition_has_the_route_of_its_stream() {
        assert_eq!(route_of("order_completed.3"), route_of("order_completed"));
        assert_eq!(route_of("orders"), None);
    }
}
