//! Classification of Redis errors: actors survive every one.

use redis::{RedisError, Value};

/// Error codes after which a new connection may succeed.
const SPENT: [&str; 8] =
    ["READONLY", "NOAUTH", "WRONGPASS", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "MOVED", "ASK"];

/// Error codes of the command itself: every retry fails.
const OF_THE_COMMAND: [&str; 2] = ["ERR", "NOSCRIPT"];

#[derive(Debug, Clone, thiserror::Error)]
pub enum BrokerError {
    /// The connection is unusable; the command may have been executed.
    #[error("Redis is not available: {0}")]
    Unavailable(String),
    /// The command was not executed; a refusal can last until an operator repairs the server.
    #[error("Redis refused: {0}")]
    Refused(RedisError),
}

impl From<RedisError> for BrokerError {
    fn from(error: RedisError) -> Self {
        match error.code() {
            Some(code) if !SPENT.contains(&code) => Self::Refused(error),
            // No code: a broken connection or an unreadable response.
            _ => Self::Unavailable(error.to_string()),
        }
    }
}

impl BrokerError {
    pub(super) fn late(within: std::time::Duration) -> Self {
        Self::Unavailable(format!("no answer within {within:?}"))
    }

    /// The stream or its group is gone: FLUSHALL, DEL or XGROUP DESTROY.
    pub fn is_group_lost(&self) -> bool {
        self.has_code(&["NOGROUP", "UNBLOCKED"])
    }

    /// Redis will always refuse this command.
    pub fn is_final(&self) -> bool {
        self.has_code(&OF_THE_COMMAND)
    }

    pub(super) fn has_code(&self, codes: &[&str]) -> bool {
        matches!(self, Self::Refused(error) if error.code().is_some_and(|code| codes.contains(&code)))
    }
}

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
