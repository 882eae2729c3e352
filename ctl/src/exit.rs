//! Exit codes tell a script whether a retry helps.

use std::process::ExitCode;

use crate::api::ApiError;
use crate::terminal::{Colour, Paint};

pub const HELP: &str = "\
Exit codes:
  0  success; an order was confirmed
  1  failure; an order was refunded, declined or took too long
  2  invalid command line
  3  a service does not answer
  4  no token, or a token without permission";

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

#[must_use]
pub fn conclude(outcome: &anyhow::Result<Exit>) -> ExitCode {
    if let Err(error) = outcome {
        eprintln!("{} {error:#}", Paint::for_stderr().paint(Colour::Red, "error:"));
    }
    code(outcome)
}

fn code(outcome: &anyhow::Result<Exit>) -> ExitCode {
    let code = match outcome {
        Ok(Exit::Success) => 0,
        Ok(Exit::Failure) => 1,
        Err(error) => code_of(error),
    };
    ExitCode::from(code)
}

fn code_of(error: &anyhow::Error) -> u8 {
    if error.is::<NoCredentials>() {
        return 4;
    }
    match error.downcast_ref::<ApiError>() {
        Some(ApiError::Unreachable { .. }) => 3,
        Some(refused) if refused.is_unauthorised() => 4,
        _ => 1,
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
        assert_eq!(code_of(&error), 3);
        assert_eq!(code_of(&anyhow::anyhow!("other")), 1);
        assert_eq!(code_of(&NoCredentials.into()), 4);
    }
}
