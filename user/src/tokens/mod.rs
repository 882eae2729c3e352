mod issuer;
mod key_pair;
mod published_keys;
mod refresh_token;
mod service_clients;

pub use issuer::{AccessToken, IssueError, Issuer, TokenRules};
pub use key_pair::{KeyError, generate, key_set};
pub use published_keys::PublishedKeys;
pub use refresh_token::{NoRandomness, RefreshToken};
pub use service_clients::ServiceClients;
