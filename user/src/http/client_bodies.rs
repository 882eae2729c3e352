use jiff::Timestamp;
use runtime::auth::Scope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{domain::Client, tokens::ClientSecret};

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewClient)]
pub(super) struct CreateClientBody {
    #[schema(
        required,
        nullable = false,
        min_length = 1,
        max_length = 64,
        pattern = "^[a-z0-9-]+$",
        example = "reports"
    )]
    pub client_id: Option<String>,
    /// The most that the client may request.
    #[schema(required, nullable = false, min_items = 1)]
    pub scopes: Option<Vec<Scope>>,
}

/// An OAuth client.
#[derive(Serialize, ToSchema)]
#[schema(as = Client)]
pub(super) struct ClientBody {
    pub client_id: String,
    scopes: Vec<Scope>,
    created_at: Timestamp,
    /// The last change of its secret.
    #[schema(required)]
    rotated_at: Option<Timestamp>,
    /// It gets no tokens since.
    #[schema(required)]
    revoked_at: Option<Timestamp>,
}

impl From<Client> for ClientBody {
    fn from(client: Client) -> Self {
        let Client { id, subject: _, scopes, created_at, rotated_at, revoked_at } = client;
        let scopes = scopes.iter().collect();
        Self { client_id: id.to_string(), scopes, created_at, rotated_at, revoked_at }
    }
}

/// An OAuth client with its secret, which no other answer has.
#[derive(Serialize, ToSchema)]
#[schema(as = ClientWithSecret)]
pub(super) struct ClientSecretBody {
    #[serde(flatten)]
    client: ClientBody,
    client_secret: String,
}

impl ClientSecretBody {
    pub fn new(client: Client, secret: &ClientSecret) -> Self {
        Self { client: client.into(), client_secret: secret.expose().to_owned() }
    }
}
