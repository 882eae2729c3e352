//! What the answers of Redis mean: the one place that judges them.
//!
//! | answer | judged | who acts |
//! | --- | --- | --- |
//! | none in time, a broken connection, or a word in [`SPENT`] | [`BrokerError::Unavailable`] | the connection is thrown away; the caller waits and tries again |
//! | any other refusal, of whatever code | [`BrokerError::Refused`] | the connection stays; the caller waits and tries again, or does its work without Redis |
//!
//! No answer is a fault of an actor, and none ends a process. A refusal lasts until an operator mends the
//! server (`OOM`, `NOREPLICAS`, `MISCONF`, `NOPERM`, `WRONGTYPE`), and may last for hours.

use redis::{RedisError, Value};

/// Refusals that say something about the connection: a new one may reach the new primary, log in with the new
/// password, or find the server awake.
const SPENT: [&str; 8] =
    ["READONLY", "NOAUTH", "WRONGPASS", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "MOVED", "ASK"];

/// Refusals of the command itself: the same words will never be accepted.
const OF_THE_COMMAND: [&str; 2] = ["ERR", "NOSCRIPT"];

/// Redis did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BrokerError {
    /// It cannot be reached, did not answer in time, or this connection is of no use any more. A command may
    /// have been executed.
    #[error("Redis is not available: {0}")]
    Unavailable(String),
    /// It answered with a refusal: this command was not executed.
    #[error("Redis refused: {0}")]
    Refused(RedisError),
}

impl From<RedisError> for BrokerError {
    fn from(error: RedisError) -> Self {
        match error.code() {
            Some(code) if !SPENT.contains(&code) => Self::Refused(error),
            // Without a code it is no refusal: the connection broke, or what it says cannot be understood.
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl BrokerError {
    pub(super) fn late(within: std::time::Duration) -> Self {
        Self::Unavailable(format!("no answer within {within:?}"))
    }

    /// Whether the stream or its group is gone: FLUSHALL, DEL or XGROUP DESTROY happened.
    pub fn is_group_lost(&self) -> bool {
        self.has_code(&["NOGROUP", "UNBLOCKED"])
    }

    /// Whether trying again cannot help, because Redis will never accept this very command.
    pub fn is_final(&self) -> bool {
        self.has_code(&OF_THE_COMMAND)
    }

    /// Whether Redis refused with one of these codes.
    pub(super) fn has_code(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Refused(error) if error.code().is_some_and(|code| codes.contains(&code)))
    }
}

/// The first answer of a pipeline that says that the connection is of no use any more.
pub(super) fn spent(answers: &[Value]) -> Option<BrokerError> {
    answers.iter().find_map(|answer| match answer {
        Value::ServerError(error) if SPENT.contains(&error.code()) => {
            Some(RedisError::from(error.clone()).into())
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(reply: &str) -> BrokerError {
        let value = redis::parse_redis_value(reply.as_bytes()).expect("RESP2");
        value.extract_error().expect_err("a refusal").into()
    }

    #[test]
    fn a_word_about_the_connection_costs_the_connection_and_every_other_refusal_leaves_it() {
        for spent in SPENT {
            assert!(
                matches!(answered(&format!("-{spent} whatever follows\r\n")), BrokerError::Unavailable(_)),
                "{spent}"
            );
        }
        for refused in [
            "OOM",
            "NOREPLICAS",
            "MISCONF",
            "NOPERM",
            "WRONGTYPE",
            "BUSY",
            "TRYAGAIN",
            "CROSSSLOT",
            "ERR",
            "SOMETHINGNEW",
        ] {
            assert!(
                matches!(answered(&format!("-{refused} whatever follows\r\n")), BrokerError::Refused(_)),
                "{refused}"
            );
        }
    }

    #[test]
    fn only_a_refusal_of_the_command_itself_is_final() {
        assert!(answered("-ERR too many results to unpack\r\n").is_final());
        assert!(!answered("-OOM command not allowed\r\n").is_final());
        assert!(!answered("-READONLY you can't write\r\n").is_final());
    }

    #[test]
    fn a_word_about_the_connection_is_found_in_the_middle_of_a_pipeline() {
        let answers = [":1\r\n", "-READONLY no\r\n", ":1\r\n"]
            .map(|reply| redis::parse_redis_value(reply.as_bytes()).expect("RESP2"));
        assert!(spent(&answers).is_some());
        assert!(spent(&answers[..1]).is_none());
    }
}
