use std::fmt::Display;

use crate::api::ApiError;
use crate::state::AlreadyRunning;
use crate::terminal::OutputError;

/// As of a program that SIGPIPE ended.
pub(super) const READER_GONE: u8 = 141;

#[derive(Debug, thiserror::Error)]
#[error(
    "no credentials: give --token, or use the data folder of a stack started by `shopctl up` (--data-dir)"
)]
pub struct NoCredentials;

/// A command line that can be parsed, and asks for what is impossible.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct WrongUse(String);

impl WrongUse {
    pub fn new(rule: impl Display) -> Self {
        Self(rule.to_string())
    }
}

/// The exit code, and the code for programs.
pub(super) fn class_of(error: &anyhow::Error) -> (u8, &str) {
    if error.is::<WrongUse>() {
        return (2, "wrong-use");
    }
    if error.is::<NoCredentials>() {
        return (4, "no-credentials");
    }
    if error.is::<AlreadyRunning>() {
        return (6, "already-running");
    }
    if let Some(lost) = error.downcast_ref::<OutputError>() {
        return match lost {
            OutputError::ReaderGone => (READER_GONE, "reader-gone"),
            OutputError::NotWritten(_) | OutputError::NotJson(_) => (5, "output-failed"),
        };
    }
    match error.downcast_ref::<ApiError>() {
        Some(ApiError::Unreachable { .. }) => (3, "unreachable"),
        Some(refused) => (if refused.is_unauthorised() { 4 } else { 1 }, refused.code().unwrap_or("refused")),
        None => (1, "failed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn an_unreachable_service_is_told_from_a_failure_even_with_context() {
        let unreachable = ApiError::Unreachable { url: "http://x".to_owned(), reason: "refused".to_owned() };
        let error = Err::<(), _>(unreachable).context("while seeding").expect_err("an error");
        assert_eq!(class_of(&error), (3, "unreachable"));
        assert_eq!(class_of(&anyhow::anyhow!("other")), (1, "failed"));
        assert_eq!(class_of(&NoCredentials.into()), (4, "no-credentials"));
        assert_eq!(class_of(&WrongUse::new("a rule").into()), (2, "wrong-use"));
        assert_eq!(class_of(&OutputError::ReaderGone.into()), (141, "reader-gone"));
    }
}
