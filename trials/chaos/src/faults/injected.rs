use std::time::Duration;

use crate::recovery::PendingRecovery;

/// The deadline of the evidence. Orders are sent while it is awaited.
pub const EVIDENCE_WITHIN: Duration = Duration::from_secs(20);
/// The longest request: the services' limit of 5 s, and time for the response.
pub const NO_REQUEST_OVER: Duration = Duration::from_millis(5500);

/// A fault that was injected and has left evidence.
pub struct InjectedFault {
    /// The evidence.
    pub evidence: String,
    /// The measurement of the recovery.
    pub recovering: PendingRecovery,
}
