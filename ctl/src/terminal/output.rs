use serde::Serialize;

use super::Paint;

/// Text for people, or JSON for machines.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
    pub paint: Paint,
}

impl Output {
    /// Coloured on a terminal.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, paint: if json { Paint::PLAIN } else { Paint::for_stdout() } }
    }

    pub fn print<T: Serialize>(
        &self,
        value: &T,
        readable: impl FnOnce(&T) -> String,
    ) -> serde_json::Result<()> {
        let text = if self.json { serde_json::to_string(value)? } else { readable(value) };
        println!("{text}");
        Ok(())
    }
}
