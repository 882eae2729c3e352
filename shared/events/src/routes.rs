use super::ROUTES;

/// A stream between two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Without partition.
    pub stream: &'static str,
    pub publisher: &'static str,
    pub consumer: &'static str,
    /// Also the name of the inbox.
    pub group: &'static str,
    /// Streams of the replies.
    pub answered_on: &'static [&'static str],
}

pub const INVENTORY_GROUP: &str = "inventory-group";
pub const PAYMENT_GROUP: &str = "payment-group";

pub fn published_by(service: &str) -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(move |route| route.publisher == service)
}

pub fn consumed_by(service: &str) -> impl Iterator<Item = &'static Route> {
    ROUTES.iter().filter(move |route| route.consumer == service)
}

/// Accepts a partition too (`order_completed.3`).
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
