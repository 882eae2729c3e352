use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;
use runtime::auth::Scope;
use uuid::Uuid;

const LONGEST_ID: usize = 64;

/// The name of an OAuth client.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must have 1 to {LONGEST_ID} characters of a-z, 0-9 and -")]
pub struct ClientIdError;

impl ClientId {
    pub fn parse(text: &str) -> Result<Self, ClientIdError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let is_id = (1..=LONGEST_ID).contains(&text.len()) && text.bytes().all(allowed);
        if is_id { Ok(Self(text.to_owned())) } else { Err(ClientIdError) }
    }

    /// The database checked it.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A set of permissions. Its text is the claim `scope`: names separated by spaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// `None` for an unknown name.
    pub fn parse(text: &str) -> Option<Self> {
        text.split(' ').filter(|name| !name.is_empty()).map(Scope::parse).collect::<Option<_>>().map(Self)
    }

    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn is_within(&self, allowed: &Self) -> bool {
        self.0.is_subset(&allowed.0)
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

/// A program that gets tokens of the role SERVICE for its id and secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub id: ClientId,
    /// `sub` of its tokens.
    pub subject: Uuid,
    /// The largest set it may request.
    pub scopes: Scopes,
    pub created_at: Timestamp,
    /// The last change of its secret.
    pub rotated_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_name_of_small_letters_digits_and_dashes() {
        for id in ["payment", "a", "reports-2", &"x".repeat(64)] {
            assert_eq!(ClientId::parse(id).unwrap().as_str(), id);
        }
        for wrong in ["", "Payment", "pay ment", "pay/ment", "pay\0", "zahlung-ä", &"x".repeat(65)] {
            assert_eq!(ClientId::parse(wrong), Err(ClientIdError), "{wrong}");
        }
    }

    #[test]
    fn scopes_are_a_set_of_known_names() {
        let scopes = Scopes::parse("stock:write products:read  stock:write").unwrap();
        assert_eq!(scopes.to_string(), "products:read stock:write");
        assert!(Scopes::parse("products:read").unwrap().is_within(&scopes));
        assert!(!Scopes::parse("orders:read").unwrap().is_within(&scopes));
        assert_eq!(Scopes::parse("products:read everything"), None);
    }
}
