use super::Operations;
use crate::supervisor::{Roster, Supervised};

/// The parts that the handlers of `/ops` use.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) service: &'static str,
    pub(super) operations: Supervised<Operations>,
    pub(super) roster: Roster,
    pub(super) faults: bool,
}
