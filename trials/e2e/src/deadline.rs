use std::time::Duration;

/// The deadline of every condition a test waits for, for a debug build on two busy cores.
pub const SOON: Duration = Duration::from_secs(60);
