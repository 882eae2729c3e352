//! Exit codes tell a script whether a retry helps.

mod class;
mod parse;
mod report;

use std::process::ExitCode;

use class::READER_GONE;
pub use class::{NoCredentials, WrongUse};
pub use parse::parse;
use report::Report;

use crate::terminal::{Colour, Paint, say};

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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Exit code 0.
    Success,
    /// Exit code 1; standard output names the failure.
    Failure,
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
