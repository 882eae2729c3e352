/// A broken rule, as shown to the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("must be 1 to 64 characters of A-Z, 0-9, `.`, `_` and `-`, beginning with a letter or a digit")]
    Sku,
    #[error("must have 1 to 255 characters, not all of them blank, and no control characters")]
    Name,
    #[error("must have at most 2000 characters, and no control characters except tabs and line breaks")]
    Description,
    #[error("must have 1 to 255 characters, not all of them blank, and no control characters")]
    Prefix,
    #[error("must be a whole number from 1 to 1000000000000, in minor units")]
    Price,
    #[error("must be the ISO 4217 code of a currency in use, such as EUR")]
    Currency,
    #[error("must be a whole number from 0 to 2147483647")]
    Stock,
    #[error("must be a whole number from -2147483647 to 2147483647, except 0")]
    Delta,
    #[error("must have 1 to 255 characters, not all of them blank, and no control characters")]
    Reason,
}

/// One visible line of 1 to 255 characters.
pub(super) fn is_label(text: &str) -> bool {
    let length = text.chars().count();
    (1..=255).contains(&length) && !text.trim().is_empty() && !text.chars().any(char::is_control)
}
