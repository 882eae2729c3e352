use super::{Life, RestartPolicy};

/// How to make a child, and how often.
pub struct ChildSpec<A> {
    /// What it is, as a metric label: `consumer`, `relay`.
    pub kind: &'static str,
    /// Which one it is: `order_completed.0`.
    pub name: String,
    pub policy: RestartPolicy,
    /// Makes a fresh actor. The actor tells its [`Life`] the reason of its end before it stops.
    pub factory: Box<dyn FnMut(Life) -> A + Send>,
}
