use std::fmt;

use super::kind::ServiceId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Service(ServiceId),
    /// `PostgreSQL` or `Redis`.
    Server(&'static str),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(id) => id.fmt(f),
            Self::Server(name) => f.pad(name),
        }
    }
}
