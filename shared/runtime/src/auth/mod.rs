//! Tokens, verified locally with the public keys of the user service.

mod claims;
mod extract;
mod keys;
mod scope;
mod settings;
mod verifier;

pub use claims::{Claims, Role};
pub use extract::{AdminCheck, AdminOnly, Allows, AnyAccount, Token, UserOnly};
pub use keys::{KeyDocument, KeySet, KeySetError};
pub use scope::Scope;
pub use settings::{TokenSettings, jwks_interval};
pub use verifier::{TokenError, Verifier};

/// The `typ` of an access token (RFC 9068).
pub const TOKEN_TYPE: &str = "at+jwt";
