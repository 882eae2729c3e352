//! A search for products by the beginning of their SKU or name.
//!
//! ```text
//!   SKUs that begin with it, by SKU │ names that begin with it, by name   (each product once)
//! ```

use std::fmt;

use super::{Invalid, Sku, invalid::is_label};

/// 1 to 255 characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    text: String,
    /// In capital letters; `None` if no SKU begins with it.
    sku: Option<Sku>,
}

impl Prefix {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if !is_label(text) {
            return Err(Invalid::Prefix);
        }
        Ok(Self { text: text.to_owned(), sku: Sku::parse(&text.to_ascii_uppercase()).ok() })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub fn sku(&self) -> Option<&str> {
        self.sku.as_ref().map(Sku::as_str)
    }
}

/// A place in the results of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SearchPosition {
    Sku(Sku),
    /// In small letters.
    Name(String, Sku),
}

impl SearchPosition {
    /// The inverse of `to_string`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("sku", sku) => Sku::parse(sku).ok().map(Self::Sku),
            ("name", place) => {
                let (sku, name) = place.split_once(':')?;
                let is_text = !name.contains('\0');
                Sku::parse(sku).ok().filter(|_| is_text).map(|sku| Self::Name(name.to_owned(), sku))
            }
            _ => None,
        }
    }
}

impl fmt::Display for SearchPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sku(sku) => write!(f, "sku:{sku}"),
            Self::Name(name, sku) => write!(f, "name:{sku}:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_that_of_a_sku_only_where_a_sku_may_begin_so() {
        let sku = |text: &str| Prefix::parse(text).unwrap().sku().map(ToOwned::to_owned);
        assert_eq!(sku("mug-1"), Some("MUG-1".to_owned()));
        for other in ["blue mug", "-mug", "müg", &"x".repeat(65)] {
            assert_eq!(sku(other), None, "{other}");
        }
        for wrong in ["", "  ", "a\0", &"x".repeat(256)] {
            assert_eq!(Prefix::parse(wrong), Err(Invalid::Prefix), "{wrong}");
        }
    }

    #[test]
    fn a_position_is_read_as_it_was_written() {
        let sku = || Sku::stored("MUG-1");
        for position in [SearchPosition::Sku(sku()), SearchPosition::Name("a: mug".to_owned(), sku())] {
            assert_eq!(SearchPosition::parse(&position.to_string()), Some(position));
        }
        for other in ["", "MUG", "sku:mug", "name:MUG", "name:mug:x", "name:MUG:a\0"] {
            assert_eq!(SearchPosition::parse(other), None, "{other}");
        }
    }
}
