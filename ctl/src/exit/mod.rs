//! Exit codes tell a script whether a retry helps.

mod parse;
mod report;

use std::fmt::Display;
use std::process::ExitCode;

use crate::api::ApiError;
use crate::state::AlreadyRunning;
use crate::terminal::{Colour, OutputError, Paint, say};

pub use parse::parse;
use report::Report;

pub const HELP: &str = "\
Exit codes:
  0    success; an order was confirmed
  1    failure; an order was refunded, declined or took too long
  2    wrong use: an unknown option, or a value that breaks its rule
  3    a service or a server does not answer
  4    no token, or a token without permission
  5    standard output cannot be written, as on a full disk
  6    the stack runs already (`shopctl up`)
  141  the reader of standard output went away, as in `shopctl ... | head -1`

With --json an error is one object on standard error, with `code`, `message` and `exit_code`.";

/// As of a program that SIGPIPE ended.
const READER_GONE: u8 = 141;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Exit code 0.
    Success,
    /// Exit code 1; standard output names the failure.
    Failure,
}

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

/// Prints the error, as JSON for machines.
#[must_use]
pub fn conclude(outcome: &anyhow::Result<Exit>, json: bool) -> ExitCode {
    let code = match outcome {
        Ok(Exit::Success) => 0,
        Ok(Exit::Failure) => 1,
        Err(error) => {
            let report = Report::of(error);
            complain(error, &report, json);
            report.exit_code
        }
    };
    ExitCode::from(code)
}

fn complain(error: &anyhow::Error, report: &Report<'_>, json: bool) {
    match report.exit_code {
        READER_GONE => {}
        _ if json => say(report.to_json()),
        _ => say(format_args!("{} {error:#}", Paint::for_stderr().paint(Colour::Red, "error:"))),
    }
}

/// The exit code, and the code for programs.
fn class_of(error: &anyhow::Error) -> (u8, &str) {
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
