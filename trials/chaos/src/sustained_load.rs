use std::path::PathBuf;
use std::time::Duration;

use super::schedule::Choice;

/// How faults with a load of their own last, and what they leave.
#[derive(Debug, Clone)]
pub struct SustainedLoad {
    /// How long.
    pub time: Duration,
    /// Orders a second.
    pub rate: f64,
    /// Where figures over time are drawn.
    pub picture: Option<PathBuf>,
}

impl SustainedLoad {
    /// Unless told. Named: long enough for an event to be published again many times (profile `fast`), for
    /// more orders than a stream may hold unread, and for an actor to be given up that counts refusals as its
    /// own faults (20 of them, 2 s apart in the end). In a mix: twice as long as anything may take to be
    /// noticed. At a rate that a debug build on two cores keeps up with.
    #[must_use]
    pub fn usual(choice: &Choice) -> Self {
        let seconds = if *choice == Choice::Random { 10 } else { 33 };
        Self { time: Duration::from_secs(seconds), rate: 150.0, picture: None }
    }
}
