use std::time::Duration;

use crate::profile::UNOPTIMISED;
use crate::recovery::PendingRecovery;

/// Orders are sent while the evidence is awaited.
pub const EVIDENCE_WITHIN: Duration = Duration::from_secs(20);
/// The services' limit of 5 s, and time for the response.
pub const NO_REQUEST_OVER: Duration = Duration::from_millis(5500).saturating_add(UNOPTIMISED);

pub struct InjectedFault {
    pub evidence: String,
    pub recovering: PendingRecovery,
}
