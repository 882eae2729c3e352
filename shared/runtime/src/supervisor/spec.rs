use super::{Life, RestartPolicy};

/// The factory of a child, and its restart policy.
pub struct ChildSpec<A> {
    /// The kind, as a metric label: `consumer`, `relay`.
    pub kind: &'static str,
    /// The name among its kind: `order_completed.0`.
    pub name: String,
    /// Backoff and fault limit.
    pub policy: RestartPolicy,
    /// Makes a fresh actor. The actor records the reason of its end in its [`Life`] before it stops.
    pub factory: Box<dyn FnMut(Life) -> A + Send>,
}
