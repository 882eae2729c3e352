use std::fmt::Display;
use std::io::IsTerminal;

/// Supported by every terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Colour {
    /// Error, declined order.
    Red,
    /// Success, confirmed order.
    Green,
    /// Warning, refunded order.
    Yellow,
    /// `inventory`
    Blue,
    /// `payment`
    Magenta,
    /// `user`
    Cyan,
    /// Details.
    Dim,
    /// Titles.
    Bold,
}

/// Colours text, or returns it unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    pub const PLAIN: Self = Self(false);

    /// Colours on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
    #[must_use]
    pub fn for_stdout() -> Self {
        Self(std::io::stdout().is_terminal() && allowed(std::env::var_os("NO_COLOR").as_deref()))
    }

    /// The same for standard error.
    #[must_use]
    pub fn for_stderr() -> Self {
        Self(std::io::stderr().is_terminal() && allowed(std::env::var_os("NO_COLOR").as_deref()))
    }

    #[must_use]
    pub fn is_on(self) -> bool {
        self.0
    }

    #[must_use]
    pub fn paint(self, colour: Colour, text: impl Display) -> String {
        if self.0 { format!("\u{1b}[{}m{text}\u{1b}[0m", code(colour)) } else { text.to_string() }
    }

    #[must_use]
    pub fn status(self, status: &str) -> String {
        let colour = match status {
            "confirmed" => Colour::Green,
            "refunded" => Colour::Yellow,
            "declined" => Colour::Red,
            _ => Colour::Bold,
        };
        self.paint(colour, status)
    }
}

/// Any value but an empty one forbids colours.
fn allowed(no_color: Option<&std::ffi::OsStr>) -> bool {
    no_color.is_none_or(std::ffi::OsStr::is_empty)
}

fn code(colour: Colour) -> u8 {
    match colour {
        Colour::Bold => 1,
        Colour::Dim => 2,
        Colour::Red => 31,
        Colour::Green => 32,
        Colour::Yellow => 33,
        Colour::Blue => 34,
        Colour::Magenta => 35,
        Colour::Cyan => 36,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_carries_no_escape_codes() {
        assert_eq!(Paint::PLAIN.status("confirmed"), "confirmed");
        assert_eq!(Paint(true).status("confirmed"), "\u{1b}[32mconfirmed\u{1b}[0m");
    }

    #[test]
    fn an_empty_no_color_does_not_count() {
        assert!(allowed(None) && allowed(Some("".as_ref())));
        assert!(!allowed(Some("1".as_ref())));
    }
}
