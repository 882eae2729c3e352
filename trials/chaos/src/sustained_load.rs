use std::path::PathBuf;
use std::time::Duration;

use super::schedule::Choice;

#[derive(Debug, Clone)]
pub struct SustainedLoad {
    pub time: Duration,
    /// Orders a second.
    pub rate: f64,
    pub picture: Option<PathBuf>,
}

impl SustainedLoad {
    /// A rate within reach of a debug build on two cores. A named fault outlasts the retries of a
    /// publication, the unread entries of a stream, and an actor's restart limit (20, 2 s apart in the end).
    /// A mix lasts twice the longest time of detection.
    #[must_use]
    pub fn usual(choice: &Choice) -> Self {
        let seconds = if *choice == Choice::Random { 10 } else { 33 };
        Self { time: Duration::from_secs(seconds), rate: 150.0, picture: None }
    }
}
