use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

use ctl::stack::Kind;

/// The timeouts of the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Short timeouts: many faults in little time
    Fast,
    /// The defaults of the services
    Production,
}

/// More time for programs that are not optimised, which the tests run beside each other.
pub const UNOPTIMISED: Duration = Duration::from_secs(if cfg!(debug_assertions) { 5 } else { 0 });

type Setting = (&'static str, &'static str);

/// The load balances by /readyz, so it gets the default notice.
const COMMON: [Setting; 2] = [("FAULTS", "on"), ("SHUTDOWN_NOTICE", "1s")];
/// Handler < statement < claim idle, as in the defaults; the services accept 2 s at least.
const FAST: [Setting; 2] = [("DATABASE_STATEMENT_TIMEOUT", "1500ms"), ("COMMIT_DEADLINE", "1s")];
/// A test can reach this backlog. A foreign group holds entries about as long as the retention.
const FAST_STREAMS: [Setting; 8] = [
    ("STREAM_BACKLOG", "2000"),
    ("FOREIGN_GROUP_RETENTION", "10s"),
    ("CLAIM_IDLE", "2s"),
    ("CLAIM_INTERVAL", "250ms"),
    ("RESEND_AFTER", "2s"),
    ("OUTBOX_SWEEP_INTERVAL", "500ms"),
    ("STREAM_BLOCK", "500ms"),
    ("REDIS_TIMEOUT", "1s"),
];
/// The simulated provider splits a batch with refused charges. The others of the batch wait meanwhile.
const FAST_PAYMENT: [Setting; 3] = [
    ("RECONCILE_AFTER", "2s"),
    ("RECONCILE_INTERVAL", "500ms"),
    ("PROVIDER_TIMEOUT", if cfg!(debug_assertions) { "3s" } else { "500ms" }),
];

impl Profile {
    #[must_use]
    pub fn settings(self, kind: Kind) -> Vec<Setting> {
        let mut settings = COMMON.to_vec();
        if self == Self::Fast {
            settings.extend(FAST);
            if kind != Kind::User {
                settings.extend(FAST_STREAMS);
            }
            if kind == Kind::Payment {
                settings.extend(FAST_PAYMENT);
            }
        }
        settings
    }

    #[must_use]
    pub fn claim_idle(self) -> Duration {
        match self {
            Self::Fast => Duration::from_secs(2),
            Self::Production => Duration::from_secs(10),
        }
    }

    /// Unread entries at which publishing stops.
    #[must_use]
    pub fn stream_backlog(self) -> u64 {
        match self {
            Self::Fast => 2000,
            Self::Production => 100_000,
        }
    }

    /// For I12, after any loss.
    #[must_use]
    pub fn catalogues_agree(self) -> Duration {
        match self {
            Self::Fast => Duration::from_secs(30),
            Self::Production => Duration::from_secs(120),
        }
    }

    /// For a statement, a lock or an idle transaction.
    #[must_use]
    pub fn statement_timeout(self) -> Duration {
        match self {
            Self::Fast => Duration::from_millis(1500),
            Self::Production => Duration::from_secs(3),
        }
    }
}
