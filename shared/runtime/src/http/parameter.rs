//! Readers of single values, for `#[serde(deserialize_with = …)]`. They say what is right in plain words.

use std::fmt;

use jiff::Timestamp;
use serde::{
    Deserialize, Deserializer,
    de::{self, Error, Visitor},
};

pub(super) const A_TIME: &str = "a time such as 2026-11-30T12:00:00Z";

/// A whole number in a JSON body. Its bounds are those of the rule only: the domain checks them, together
/// with the other fields. Larger numbers than `i64` has become its largest.
pub fn whole_number<'de, const MIN: i64, const MAX: i64, D: Deserializer<'de>>(
    value: D,
) -> Result<i64, D::Error> {
    value.deserialize_i64(WholeNumber::<MIN, MAX>)
}

struct WholeNumber<const MIN: i64, const MAX: i64>;

impl<const MIN: i64, const MAX: i64> Visitor<'_> for WholeNumber<MIN, MAX> {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from {MIN} to {MAX}")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<i64, E> {
        Ok(value)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<i64, E> {
        Ok(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// A query parameter that is a whole number from `MIN` to `MAX`.
pub fn number<'de, const MIN: i64, const MAX: i64, T: TryFrom<i64>, D: Deserializer<'de>>(
    text: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(text)?;
    let number = text.parse().ok().filter(|number| (MIN..=MAX).contains(number));
    let number = number.and_then(|number| T::try_from(number).ok());
    number.map(Some).ok_or_else(|| Error::custom(format_args!("must be a whole number from {MIN} to {MAX}")))
}

/// A query parameter that is a time (RFC 3339).
pub fn time<'de, D: Deserializer<'de>>(text: D) -> Result<Option<Timestamp>, D::Error> {
    let text = String::deserialize(text)?;
    text.parse().map(Some).map_err(|_| Error::custom(format_args!("must be {A_TIME}")))
}
