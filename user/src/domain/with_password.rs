use std::time::Duration;

/// The result of a call that needs the password of its account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WithPassword<T> {
    Right(T),
    Wrong,
    /// The account is gone or disabled.
    NoAccount,
    /// See [`super::Admission::Blocked`].
    Blocked(Duration),
}

impl<T> WithPassword<T> {
    /// The same refusal of another call.
    pub fn refused<U>(self) -> WithPassword<U> {
        match self {
            Self::Right(_) | Self::Wrong => WithPassword::Wrong,
            Self::NoAccount => WithPassword::NoAccount,
            Self::Blocked(time) => WithPassword::Blocked(time),
        }
    }
}
