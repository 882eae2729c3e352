use serde::Serialize;

use super::class::class_of;
use crate::api::{ApiError, Problem};
use crate::state::AlreadyRunning;

/// An error for programs: one object, on standard error.
#[derive(Debug, Serialize)]
pub(super) struct Report<'a> {
    /// Of the problem that a service answered, or one of `shopctl`.
    code: &'a str,
    /// For people.
    message: String,
    pub exit_code: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a Problem>,
    /// The stack that runs already.
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<&'a AlreadyRunning>,
}

impl<'a> Report<'a> {
    pub(super) fn of(error: &'a anyhow::Error) -> Self {
        let (exit_code, code) = class_of(error);
        let problem = match error.downcast_ref() {
            Some(ApiError::Refused(problem)) => Some(problem.as_ref()),
            _ => None,
        };
        Self { code, message: format!("{error:#}"), exit_code, problem, stack: error.downcast_ref() }
    }

    pub(super) fn wrong_use(message: String, exit_code: u8) -> Self {
        Self { code: "wrong-use", message, exit_code, problem: None, stack: None }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| unreachable!("texts and numbers: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_problem_of_a_service_keeps_its_code_and_its_fields() {
        let problem = Problem { status: 409, code: Some("sku-taken".to_owned()), ..Problem::default() };
        let error = anyhow::Error::from(ApiError::Refused(Box::new(problem)));
        let report: serde_json::Value =
            serde_json::from_str(&Report::of(&error).to_json()).expect("one JSON object");
        assert_eq!((&report["code"], &report["exit_code"]), (&"sku-taken".into(), &1.into()));
        assert_eq!(report["problem"]["status"], 409);
    }
}
