use super::exposition::Sample;

/// A part of the way of an order that has a pace of its own, and the metrics that tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `POST /orders`, until its answer.
    Post,
    /// The charge at the provider, and the transaction that records it.
    Charge,
    /// The batches of inventory.
    Stock,
    /// The transaction that ends orders.
    End,
    /// From the event to its acknowledgement.
    Stream(&'static str),
}

impl Part {
    pub const ALL: [Self; 8] = [
        Self::Post,
        Self::Charge,
        Self::Stream("order_completed"),
        Self::Stock,
        Self::Stream("stock_reserved"),
        Self::Stream("refund_order"),
        Self::End,
        Self::Stream("product_changed"),
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Charge => "charge",
            Self::Stock => "stock",
            Self::End => "end",
            Self::Stream(stream) => stream,
        }
    }

    /// Whether something can wait here.
    pub fn has_queue(self) -> bool {
        self != Self::Post
    }

    pub fn counts(self, sample: &Sample<'_>) -> bool {
        let is_order = |statuses: &[&str]| {
            sample.name == "orderflow_orders_total"
                && statuses.iter().any(|status| sample.is("status", status))
        };
        match self {
            Self::Post => is_order(&["pending"]),
            Self::Charge => is_order(&["completed", "declined"]),
            Self::Stock => sample.name == "orderflow_reservations_total",
            Self::End => is_order(&["confirmed", "refunded"]),
            Self::Stream(stream) => sample.name == "orderflow_stream_messages_total" && is_of(sample, stream),
        }
    }

    /// Whether it is a bucket of the histogram of this part.
    pub fn times(self, sample: &Sample<'_>) -> bool {
        match self {
            Self::Post => {
                sample.name == "orderflow_http_request_duration_seconds_bucket"
                    && sample.is("route", "/orders")
                    && sample.is("method", "POST")
            }
            Self::Charge => is_commit(sample, "settle-charges"),
            Self::End => is_commit(sample, "apply-outcomes"),
            Self::Stock => {
                sample.name == "orderflow_stream_processing_duration_seconds_bucket"
                    && is_of(sample, "order_completed")
            }
            Self::Stream(stream) => {
                sample.name == "orderflow_stream_end_to_end_seconds_bucket" && is_of(sample, stream)
            }
        }
    }

    pub fn queues(self, sample: &Sample<'_>) -> bool {
        let is_queue = |actor| sample.name == "orderflow_actor_queue_depth" && sample.is("actor", actor);
        match self {
            Self::Charge => is_queue("cashier"),
            Self::Stock => is_queue("desk"),
            Self::Post | Self::End | Self::Stream(_) => false,
        }
    }

    pub fn parks(self, sample: &Sample<'_>) -> bool {
        match self {
            Self::Charge => sample.name == "orderflow_charges_retried",
            Self::End => sample.name == "orderflow_refunds_waiting",
            Self::Post | Self::Stock | Self::Stream(_) => false,
        }
    }

    pub fn ages(self, sample: &Sample<'_>) -> bool {
        match self {
            Self::Charge => sample.name == "orderflow_charges_retried_oldest_seconds",
            Self::End => sample.name == "orderflow_refunds_waiting_oldest_seconds",
            Self::Post | Self::Stock | Self::Stream(_) => false,
        }
    }
}

/// Any partition of `stream`.
fn is_of(sample: &Sample<'_>, stream: &str) -> bool {
    let route = sample.label("stream").and_then(events::route_of);
    route.is_some_and(|route| route.stream == stream)
}

fn is_commit(sample: &Sample<'_>, writer: &str) -> bool {
    sample.name == "orderflow_group_commit_duration_seconds_bucket" && sample.is("writer", writer)
}
