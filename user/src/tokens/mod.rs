mod client_secret;
mod issuer;
mod key_encryption;
mod key_pair;
mod published_keys;
mod refresh_token;
mod service_clients;

pub use client_secret::{ClientSecret, subject_of};
pub use issuer::{AccessToken, IssueError, Issuer, TokenRules};
pub use key_encryption::{KeyEncryption, KeyEncryptionKey, OpenError};
pub use key_pair::{KeyError, generate, key_set};
pub use published_keys::PublishedKeys;
pub use refresh_token::{NoRandomness, RefreshToken};
pub use service_clients::ServiceClients;

fn sha256(text: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()).as_ref());
    bytes
}
