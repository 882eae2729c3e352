//! Seeded bugs: the mistakes this design exists to prevent, put back one at a time to see that the checker
//! notices.
//!
//! They exist in builds with the feature `seeded-bugs` only, and one is alive when `SEEDED_BUG=NAME` says so.

use std::borrow::Cow;

/// All of them, as `../docs/reliability.md` explains them.
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

/// A statement; where the bug `name` is alive, with `right` replaced by `wrong` in it.
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

/// Refuses a `SEEDED_BUG` that this build does not have.
///
/// # Errors
/// What is wrong, and what could be asked for.
pub fn check_environment() -> Result<(), String> {
    match std::env::var("SEEDED_BUG") {
        Err(_) => Ok(()),
        Ok(_) if !cfg!(feature = "seeded-bugs") => {
            Err("SEEDED_BUG: this build has no bugs to seed: build with --features seeded-bugs".to_owned())
        }
        Ok(name) if !ALL.contains(&name.as_str()) => {
            Err(format!("SEEDED_BUG: `{name}` is none of {}", ALL.join(", ")))
        }
        Ok(name) => {
            tracing::error!(bug = name, "this process is broken on purpose");
            Ok(())
        }
    }
}
