use std::time::Duration;

use crate::settings::Source;

/// Also in the trigger of the table `audit`, which refuses to delete younger records.
const SHORTEST_RETENTION: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The settings of the audit trail.
#[derive(Debug, Clone, Copy)]
pub struct AuditSettings {
    /// A migration deletes older records.
    pub retention: Duration,
    /// Recorded refusals a second.
    pub refusals: u32,
}

impl AuditSettings {
    /// Reads the settings.
    pub fn read(source: &mut Source) -> Self {
        let retention = source.value(
            "audit-retention",
            "9600h",
            "records of the audit trail older than this are deleted by `migrate`, and by a start that migrates",
        );
        let rule = format!("must be at least 720h, got {retention:?}");
        source.check("audit-retention", retention >= SHORTEST_RETENTION, &rule);
        let refusals = source.within(
            "audit-refusals",
            "20",
            1..=10_000,
            "refused and failed requests recorded per second, half of them of one address; others are counted",
        );
        Self { retention, refusals }
    }
}
