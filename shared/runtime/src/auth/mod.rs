//! Tokens, verified locally with the public keys of the user service or of another identity provider.

mod claims;
mod extract;
mod fingerprint;
mod key_document;
mod keys;
mod rules;
mod scope;
mod settings;
mod token_error;
mod token_watch;
mod verifier;

pub use claims::{Claims, Role};
pub use extract::{AdminCheck, AdminOnly, Allows, AnyAccount, Token, UserOnly};
pub use key_document::{KeyDocument, VerifyingKey, revocation_name};
pub use keys::{KeySet, KeySetError};
pub use scope::Scope;
pub use settings::{RoleClaim, TokenAlgorithms, TokenSettings, TokenTypes, jwks_interval};
pub use token_error::TokenError;
pub use token_watch::TokenWatch;
pub use verifier::Verifier;

/// The `typ` of an access token (RFC 9068).
pub const TOKEN_TYPE: &str = "at+jwt";
