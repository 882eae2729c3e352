use runtime::{limits::Policy, settings::Source};

use crate::domain::AttemptLimits;

/// Calls by source that all instances count together.
#[derive(Debug, Clone)]
pub struct SourceLimits {
    pub logins: Policy,
    pub registrations: Policy,
    pub refreshes: Policy,
    pub token_requests: Policy,
    /// By client instead of source.
    pub client_token_requests: Policy,
}

/// Ten guesses find nothing in a password that is not weak. A person who forgot it waits half a minute then.
pub(super) fn attempt_limits(source: &mut Source) -> AttemptLimits {
    let attempts: u16 = source.within(
        "login-attempts",
        "10",
        1..=1000,
        "wrong passwords of one e-mail before further logins are refused for a while",
    );
    AttemptLimits {
        attempts: attempts.into(),
        block: source.value("login-block", "30s", "first such while; doubles with each wrong password"),
        longest_block: source.value("longest-login-block", "1h", "longest such while"),
    }
}

/// Two a second are thousands of people behind one address, and 2 % of the passwords that two cores can hash.
pub(super) fn source_limits(source: &mut Source) -> SourceLimits {
    let mut limit = |name, setting, default, about| {
        Policy::a_minute(name, source.within(setting, default, 1..=1_000_000, about))
    };
    SourceLimits {
        logins: limit(
            "logins",
            "logins-per-source",
            "120",
            "logins and password changes from one address, or /64 network of IPv6, in a minute",
        ),
        registrations: limit(
            "registrations",
            "registrations-per-source",
            "60",
            "registrations from one address in a minute",
        ),
        refreshes: limit(
            "refreshes",
            "refreshes-per-source",
            "600",
            "refreshes and logouts from one address in a minute",
        ),
        token_requests: limit(
            "token-requests",
            "token-requests-per-source",
            "120",
            "token requests of services from one address in a minute",
        ),
        client_token_requests: limit(
            "client-token-requests",
            "token-requests-per-client",
            "60",
            "token requests of one service in a minute",
        ),
    }
}
