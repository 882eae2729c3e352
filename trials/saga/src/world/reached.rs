//! The situations that schedules reach.

/// A situation of the random phase. A test asserts that each is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    Confirmed,
    Refunded,
    Declined,
    KeyReplayed,
    KeyReused,
    GuardRefused,
    InboxRefused,
    DuplicateAnswered,
    DuplicateApplied,
    PendingGone,
    LookedUp,
    CommitReplyLost,
    CommitLingered,
    ProviderReplyLost,
    PublishedTwice,
    Resent,
    Recharged,
    Claimed,
    GroupRecreated,
    DeadLetter,
    Crashed,
    Frozen,
    RedisReset,
    RedisWentBack,
    EntryDropped,
    LostRace,
    EndLookedUp,
    Restocked,
}

impl Reached {
    pub const COUNT: usize = Self::ALL.len();

    /// In the order of the declaration.
    pub const ALL: [Self; 28] = [
        Self::Confirmed,
        Self::Refunded,
        Self::Declined,
        Self::KeyReplayed,
        Self::KeyReused,
        Self::GuardRefused,
        Self::InboxRefused,
        Self::DuplicateAnswered,
        Self::DuplicateApplied,
        Self::PendingGone,
        Self::LookedUp,
        Self::CommitReplyLost,
        Self::CommitLingered,
        Self::ProviderReplyLost,
        Self::PublishedTwice,
        Self::Resent,
        Self::Recharged,
        Self::Claimed,
        Self::GroupRecreated,
        Self::DeadLetter,
        Self::Crashed,
        Self::Frozen,
        Self::RedisReset,
        Self::RedisWentBack,
        Self::EntryDropped,
        Self::LostRace,
        Self::EndLookedUp,
        Self::Restocked,
    ];
}
