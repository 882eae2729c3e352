use std::time::Duration;

/// For a debug build on two busy cores.
pub const SOON: Duration = Duration::from_secs(60);
