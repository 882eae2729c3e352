use std::time::Duration;

use crate::recovery::PendingRecovery;

/// Evidence must come within this time; orders are sent meanwhile.
pub const EVIDENCE_WITHIN: Duration = Duration::from_secs(20);
/// A request that takes longer is a breach: the services give up after 5 s, and the answer needs a moment.
pub const NO_REQUEST_OVER: Duration = Duration::from_millis(5500);

/// A fault that landed.
pub struct InjectedFault {
    /// How it is known.
    pub evidence: String,
    /// Until all is well again.
    pub recovering: PendingRecovery,
}
