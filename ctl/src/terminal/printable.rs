/// One line without control characters, which could move the cursor or colour of a terminal: `\n`, `\u{1b}`.
#[must_use]
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() { shown.extend(letter.escape_default()) } else { shown.push(letter) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_letters_stay() {
        assert_eq!(printable("a\r\n\u{1b}[31mrot\u{9b}1m ü\t"), "a\\r\\n\\u{1b}[31mrot\\u{9b}1m ü\\t");
    }
}
