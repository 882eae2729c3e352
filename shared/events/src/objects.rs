//! JSON in which a struct is an object at every depth.
//!
//! serde reads an array for a struct as well, field by field in their order: `["MUG", 3]` for
//! `{"sku": "MUG", "quantity": 3}`. [`Objects`] wraps a deserializer, and with it every value inside:
//!
//! ```text
//!   deserialize_struct ──> Object: admits a map only ──> Nested: wraps the values of maps, lists and options
//! ```
//!
//! The wrappers are resolved at compile time and copy nothing.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor},
};

/// As `serde_json::from_str`.
pub fn from_str<'de, T: Deserialize<'de>>(text: &'de str) -> serde_json::Result<T> {
    whole(serde_json::Deserializer::from_str(text))
}

/// As `serde_json::from_slice`.
pub fn from_slice<'de, T: Deserialize<'de>>(text: &'de [u8]) -> serde_json::Result<T> {
    whole(serde_json::Deserializer::from_slice(text))
}

fn whole<'de, R: serde_json::de::Read<'de>, T: Deserialize<'de>>(
    mut json: serde_json::Deserializer<R>,
) -> serde_json::Result<T> {
    let value = T::deserialize(Objects(&mut json))?;
    json.end()?;
    Ok(value)
}

/// A deserializer that reads a struct from a map only. For self-describing formats.
#[derive(Debug)]
pub struct Objects<D>(pub D);

/// Forwards methods that differ only in the name, with the visitor wrapped.
macro_rules! forward {
    ($($method:ident($($argument:ident: $kind:ty),*))*) => {
        $(fn $method<V: Visitor<'de>>(self, $($argument: $kind,)* visitor: V) -> Result<V::Value, D::Error> {
            self.0.$method($($argument,)* Nested(visitor))
        })*
    };
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Objects<D> {
    type Error = D::Error;

    forward! {
        deserialize_any() deserialize_bool()
        deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64() deserialize_i128()
        deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64() deserialize_u128()
        deserialize_f32() deserialize_f64() deserialize_char() deserialize_str() deserialize_string()
        deserialize_bytes() deserialize_byte_buf() deserialize_option() deserialize_unit()
        deserialize_unit_struct(name: &'static str) deserialize_newtype_struct(name: &'static str)
        deserialize_seq() deserialize_tuple(length: usize)
        deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_map()
        deserialize_identifier() deserialize_ignored_any()
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_struct(name, fields, Object(visitor))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        let named = |error| name_variants(error, variants);
        self.0.deserialize_enum(name, variants, Nested(visitor)).map_err(named)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// serde_json reports another value for an enum as a mistake in the syntax, without the names.
fn name_variants<E: Error>(error: E, variants: &'static [&'static str]) -> E {
    let message = error.to_string();
    let is_unnamed = ["expected value", "key must be a string"].iter().any(|text| message.starts_with(text));
    if is_unnamed { E::unknown_variant("another value", variants) } else { error }
}

/// The visitor of a struct. All other values get the error of the format.
struct Object<V>(V);

impl<'de, V: Visitor<'de>> Visitor<'de> for Object<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Nested(map))
    }
}

/// A visitor, seed or accessor whose inner values are read by [`Objects`].
struct Nested<T>(T);

macro_rules! visit {
    ($($method:ident($kind:ty))*) => {
        $(fn $method<E: Error>(self, value: $kind) -> Result<V::Value, E> {
            self.0.$method(value)
        })*
    };
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Nested<V> {
    type Value = V::Value;

    visit! {
        visit_bool(bool)
        visit_i8(i8) visit_i16(i16) visit_i32(i32) visit_i64(i64) visit_i128(i128)
        visit_u8(u8) visit_u16(u16) visit_u32(u32) visit_u64(u64) visit_u128(u128)
        visit_f32(f32) visit_f64(f64) visit_char(char)
        visit_str(&str) visit_borrowed_str(&'de str) visit_string(String)
        visit_bytes(&[u8]) visit_borrowed_bytes(&'de [u8]) visit_byte_buf(Vec<u8>)
    }

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_none()
    }

    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.0.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_some(Objects(value))
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, value: D) -> Result<V::Value, D::Error> {
        self.0.visit_newtype_struct(Objects(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<V::Value, A::Error> {
        self.0.visit_seq(Nested(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.0.visit_map(Nested(map))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, value: A) -> Result<V::Value, A::Error> {
        self.0.visit_enum(Nested(value))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Nested<S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<S::Value, D::Error> {
        self.0.deserialize(Objects(value))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Nested<A> {
    type Error = A::Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_element_seed(Nested(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Nested<A> {
    type Error = A::Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        self.0.next_key_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.0.next_value_seed(Nested(seed))
    }

    fn size_hint(&self) -> Option<usize> {
        self.0.size_hint()
    }
}

impl<'de, A: EnumAccess<'de>> EnumAccess<'de> for Nested<A> {
    type Error = A::Error;
    type Variant = Nested<A::Variant>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        self.0.variant_seed(seed).map(|(value, variant)| (value, Nested(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Nested<A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.0.unit_variant()
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.0.newtype_variant_seed(Nested(seed))
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.0.tuple_variant(length, Nested(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.0.struct_variant(fields, Object(visitor))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Item {
        sku: String,
        quantity: u32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Shape {
        Item { item: Item },
        Items(Vec<Item>),
    }

    #[derive(Debug, Deserialize)]
    struct Raw<'a> {
        #[serde(borrow)]
        data: &'a RawValue,
    }

    fn item() -> Item {
        Item { sku: "A".to_owned(), quantity: 2 }
    }

    #[test]
    fn a_struct_is_an_object_at_every_depth() {
        const OBJECT: &str = r#"{"sku": "A", "quantity": 2}"#;
        const ARRAY: &str = r#"["A", 2]"#;
        fn of<T: for<'de> Deserialize<'de> + PartialEq + fmt::Debug>(around: &str, expected: T) {
            let read = |item: &str| from_str::<T>(&around.replace('_', item));
            assert_eq!(read(OBJECT).ok(), Some(expected), "{around}");
            let error = read(ARRAY).unwrap_err().to_string();
            assert!(error.starts_with("invalid type: sequence, expected a JSON object"), "{around}: {error}");
        }
        of("_", item());
        of("[_]", vec![item()]);
        of(" [ [_] ]", ([item()],));
        of(r#"{"a": _}"#, BTreeMap::from([("a".to_owned(), Some(item()))]));
        of(r#"{"Item": {"item": _}}"#, Shape::Item { item: item() });
        of(r#"{"Items": [_]}"#, Shape::Items(vec![item()]));
        assert!(from_str::<Shape>(r#"{"Item": [{"sku": "A", "quantity": 2}]}"#).is_err());
    }

    #[test]
    fn another_value_for_an_enum_is_answered_with_its_names() {
        for wrong in ["null", "7", "[]", "{}", "\"Other\""] {
            let error = from_str::<Shape>(wrong).unwrap_err().to_string();
            assert!(
                error.starts_with("unknown variant") && error.contains("`Item` or `Items`"),
                "{wrong}: {error}"
            );
        }
    }

    #[test]
    fn what_is_no_struct_is_read_as_ever() {
        assert_eq!(from_slice::<(u8, String)>(br#"[1, "\u0041"]"#).ok(), Some((1, "A".to_owned())));
        assert_eq!(from_str::<Raw>(r#"{"data": [1, 2]}"#).map(|raw| raw.data.get()).ok(), Some("[1, 2]"));
        let value: serde_json::Value = from_slice(br#"{"a": [1, -2, 0.5, null, true]}"#).expect("JSON");
        assert_eq!(value, serde_json::json!({"a": [1, -2, 0.5, null, true]}));
    }

    #[test]
    fn a_repeated_field_and_a_second_value_are_errors() {
        assert!(from_str::<Item>(r#"{"sku": "A", "sku": "B", "quantity": 2}"#).is_err());
        assert!(from_str::<Item>(r#"{"sku": "A", "quantity": 2} {}"#).is_err());
    }
}
