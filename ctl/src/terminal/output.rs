use serde::Serialize;

use super::Paint;

/// Standard output of a program: text for people, or JSON for machines.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// Prints JSON only.
    pub json: bool,
    /// Colours of the text.
    pub paint: Paint,
}

impl Output {
    /// Text has colours if standard output is a terminal.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json, paint: if json { Paint::PLAIN } else { Paint::for_stdout() } }
    }

    /// Prints `value` as JSON, or as the text of `readable`.
    ///
    /// # Errors
    /// The value cannot be written as JSON.
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
