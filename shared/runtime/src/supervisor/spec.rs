use super::{Life, RestartPolicy};

/// A child: its factory and restart policy.
pub struct ChildSpec<A> {
    /// A metric label: `consumer`, `relay`.
    pub kind: &'static str,
    /// E.g. `order_completed.0`.
    pub name: String,
    pub policy: RestartPolicy,
    pub factory: Box<dyn FnMut(Life) -> A + Send>,
}
