use std::fmt;

use super::kind::ServiceId;

/// A part of the stack that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// An instance of a service.
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
