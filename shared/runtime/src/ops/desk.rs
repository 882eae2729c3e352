use super::Operations;
use crate::supervisor::{Roster, Supervised};

/// The data of the `/ops` handlers.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) service: &'static str,
    pub(super) operations: Supervised<Operations>,
    pub(super) roster: Roster,
    pub(super) faults: bool,
}
