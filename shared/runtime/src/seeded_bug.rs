//! Seeded bugs: mistakes that the design prevents, put back one at a time to test the checker.
//!
//! Builds with the feature `seeded-bugs` have them; `SEEDED_BUG=NAME` activates one.

use std::borrow::Cow;

/// The names of all bugs; `docs/reliability.md` explains them.
pub const ALL: [&str; 7] = [
    "ack-before-commit",
    "no-inbox",
    "publish-outside-transaction",
    "group-at-latest",
    "read-then-write-stock",
    "check-then-insert-idempotency",
    "no-unique-refund",
];

/// Whether this process has the bug `name`.
#[cfg(not(feature = "seeded-bugs"))]
#[inline(always)]
#[must_use]
pub fn is_alive(_name: &str) -> bool {
    false
}

/// Whether this process has the bug `name`.
#[cfg(feature = "seeded-bugs")]
#[must_use]
pub fn is_alive(name: &str) -> bool {
    debug_assert!(ALL.contains(&name), "{name} is no seeded bug");
    static ALIVE: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("SEEDED_BUG").ok());
    ALIVE.as_deref() == Some(name)
}

/// Returns `statement`, with `right` replaced by `wrong` in a process that has the bug `name`.
#[must_use]
pub fn plant(
    name: &str,
    statement: impl Into<Cow<'static, str>>,
    right: &str,
    wrong: &str,
) -> Cow<'static, str> {
    let statement = statement.into();
    if !is_alive(name) {
        return statement;
    }
    debug_assert!(statement.contains(right), "{name} has no place in: {statement}");
    statement.replace(right, wrong).into()
}

/// Refuses a `SEEDED_BUG` that this build lacks.
///
/// # Errors
/// The reason, with the known names.
pub fn check_environment() -> Result<(), String> {
    match std::env::var("SEEDED_BUG") {
        Err(_) => Ok(()),
        Ok(_) if !cfg!(feature = "seeded-bugs") => {
            Err("SEEDED_BUG: this build has no seeded bugs: build with --features seeded-bugs".to_owned())
        }
        Ok(name) if !ALL.contains(&name.as_str()) => {
            Err(format!("SEEDED_BUG: `{name}` is none of {}", ALL.join(", ")))
        }
        Ok(name) => {
            tracing::error!(bug = name, "this process has a seeded bug");
            Ok(())
        }
    }
}
