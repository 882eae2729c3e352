//! The messages of serde and of the types it reads, as rules in plain words.
//!
//! Guarantee: no other text reaches a client. What is not recognised gets a general rule.

/// The rule behind `message`, an error of data.
pub(super) fn of_data(message: &str) -> String {
    let message = without_position(message);
    let (what, expected) = message.rsplit_once(", expected ").unwrap_or((message, ""));
    match what.split_once(": ").unwrap_or((what, "")) {
        ("invalid type" | "invalid value", found) => {
            format!("must be {}, got {}", wanted(expected), got(found))
        }
        (what, _) if what.starts_with("missing field") => "is required".to_owned(),
        (what, _) if what.starts_with("duplicate field") => "must be given once".to_owned(),
        (what, _) if what.starts_with("unknown field") => match names(expected).as_str() {
            "" => "is unknown; no field is known here".to_owned(),
            known => format!("is unknown; known are {known}"),
        },
        (what, _) if what.starts_with("unknown variant") => format!("must be one of {}", names(expected)),
        (what, _) if what.starts_with("must be ") => message.to_owned(), // by `number` or `time`
        _ if message.contains("UUID") => "must be a UUID".to_owned(),
        _ if message.contains("number out of range") => "must be a smaller number".to_owned(),
        _ if ["unicode", "surrogate", "escape"].iter().any(|word| message.contains(word)) => {
            "must be Unicode text".to_owned()
        }
        _ => "has a wrong form; the documentation at /docs/ shows the right one".to_owned(),
    }
}

/// Without " at line 1 column 17".
fn without_position(message: &str) -> &str {
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match message.rsplit_once(" at line ") {
        Some((what, position)) if position.split(" column ").all(is_number) => what,
        _ => message,
    }
}

/// What a type of Rust expects.
fn wanted(expected: &str) -> &str {
    match expected {
        "a string" | "a borrowed string" | "a character" => "a string",
        "a boolean" => "true or false",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a sequence" => "an array",
        "a map" | "a JSON object" => "an object",
        "a timestamp string" => super::parameter::A_TIME,
        expected if expected.contains("UUID") => "a UUID",
        expected if expected.starts_with("struct ") => "an object",
        expected if expected.starts_with("a whole number") => expected, // by `number`
        _ => "of another form",
    }
}

/// Texts stay with the client.
fn got(found: &str) -> &str {
    let value = || found.split('`').nth(1).unwrap_or("another value");
    match found.split(' ').next() {
        Some("null" | "unit") => "null",
        Some("boolean" | "integer" | "floating") => value(),
        Some("string" | "character") => "a string",
        Some("sequence") => "an array",
        Some("map") => "an object",
        _ => "another value",
    }
}

/// The names between the backticks of "one of `a`, `b`".
fn names(expected: &str) -> String {
    expected.split('`').skip(1).step_by(2).collect::<Vec<_>>().join(", ")
}

/// The rule behind an error about the text of a query parameter.
pub(super) fn of_text(message: &str, given: &str) -> String {
    let is_number = given.strip_prefix('-').unwrap_or(given).bytes().all(|byte| byte.is_ascii_digit());
    match message {
        "invalid digit found in string" if is_number => format!("must not be negative, got {given}"),
        "invalid digit found in string" | "cannot parse integer from empty string" => {
            format!("must be a whole number, got `{given}`")
        }
        "number too large to fit in target type" => format!("must be a smaller number, got {given}"),
        "number too small to fit in target type" => format!("must be a larger number, got {given}"),
        "provided string was not `true` or `false`" => format!("must be true or false, got `{given}`"),
        _ => match of_data(message) {
            rule if rule.starts_with("must be ")
                && !rule.contains(", got ")
                && rule != "must be given once" =>
            {
                format!("{rule}, got `{given}`")
            }
            rule => rule,
        },
    }
}
