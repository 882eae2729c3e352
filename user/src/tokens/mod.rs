mod issuer;
mod key_pair;
mod service_clients;

pub use issuer::{AccessToken, IssueError, Issuer, TokenRules};
pub use key_pair::{KeyError, generate, key_set};
pub use service_clients::ServiceClients;
