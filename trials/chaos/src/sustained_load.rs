use std::path::PathBuf;
use std::time::Duration;

use super::schedule::Choice;

/// The load of sustained faults.
#[derive(Debug, Clone)]
pub struct SustainedLoad {
    /// The duration of the load.
    pub time: Duration,
    /// Orders a second.
    pub rate: f64,
    /// The file of the picture of figures over time.
    pub picture: Option<PathBuf>,
}

impl SustainedLoad {
    /// The default load, at a rate within reach of a debug build on two cores. A named fault lasts long
    /// enough to publish an event again many times (profile `fast`), and to exceed the unread entries of a
    /// stream. An actor that counts refusals as its own faults reaches its restart limit (20, 2 s apart in
    /// the end). A mix lasts twice the longest time of detection.
    #[must_use]
    pub fn usual(choice: &Choice) -> Self {
        let seconds = if *choice == Choice::Random { 10 } else { 33 };
        Self { time: Duration::from_secs(seconds), rate: 150.0, picture: None }
    }
}
