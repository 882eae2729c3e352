//! OAuth clients and their tokens.

use std::{rc::Rc, time::Duration};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use runtime::{
    db::{Connection, Database, DbError},
    drains_at_once,
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
};
use uuid::Uuid;

use super::AccountsError;
use crate::{
    domain::{Client, ClientId, Scopes},
    store::clients::{self, FoundClient},
    tokens::{AccessToken, ClientSecret, Issuer, subject_of},
};

/// Handlers run concurrently.
pub struct Clients {
    parts: Rc<ClientsParts>,
    life: Life,
}

#[derive(Clone)]
pub struct ClientsParts {
    pub database: Database,
    /// Limit of retries after an unknown outcome: `commit-deadline`.
    pub deadline: Duration,
    pub issuer: Issuer,
}

/// `id` is `None` for a text that is no name of a client.
pub struct ClientCredentials {
    pub id: Option<ClientId>,
    pub secret: ClientSecret,
}

/// Without `scopes` the token has all that the client may have.
#[derive(Message)]
#[rtype(result = "Result<ClientGrant, AccountsError>")]
pub struct IssueClientToken {
    pub credentials: ClientCredentials,
    pub scopes: Option<Scopes>,
}

#[derive(Clone, PartialEq, Eq)]
pub enum ClientGrant {
    Granted {
        token: AccessToken,
        scopes: Scopes,
    },
    /// Unknown, revoked, or the wrong secret.
    InvalidClient,
    /// The client may not have one of the scopes.
    InvalidScope,
}

/// Revokes a token of the client, and the older ones. `None` is no valid token.
#[derive(Message)]
#[rtype(result = "Result<TokenRevocation, AccountsError>")]
pub struct RevokeClientToken {
    pub credentials: ClientCredentials,
    pub token: Option<ValidToken>,
}

pub struct ValidToken {
    pub subject: Uuid,
    /// Unix time in milliseconds.
    pub issued_at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRevocation {
    /// Also without a valid token: it is good for nothing.
    Revoked,
    /// See [`ClientGrant::InvalidClient`].
    InvalidClient,
    /// The token is not of this client.
    Foreign,
}

/// Lists clients by name, after `after`.
#[derive(Message)]
#[rtype(result = "Result<Vec<Client>, AccountsError>")]
pub struct ListClients {
    pub after: Option<ClientId>,
    pub limit: usize,
}

/// `None` if there is one of this name. A revoked one begins anew.
#[derive(Message)]
#[rtype(result = "Result<Option<NewSecret>, AccountsError>")]
pub struct CreateClient {
    pub id: ClientId,
    pub scopes: Scopes,
}

/// The old secret ends at once. Tokens go on. `None` if there is no such client, or it is revoked.
#[derive(Message)]
#[rtype(result = "Result<Option<NewSecret>, AccountsError>")]
pub struct RotateClientSecret(pub ClientId);

/// Shown once.
pub struct NewSecret {
    pub client: Client,
    pub secret: ClientSecret,
}

/// Ends the client and its tokens. False if there is none of this name.
#[derive(Message)]
#[rtype(result = "Result<bool, AccountsError>")]
pub struct RevokeClient(pub ClientId);

impl Clients {
    pub fn start(supervisor: &SupervisorHandle, parts: ClientsParts) -> Supervised<Self> {
        let make = move |life| Self { parts: Rc::new(parts.clone()), life };
        supervisor.supervise("clients", "clients", RestartPolicy::default(), make)
    }
}

impl Actor for Clients {
    type Context = Context<Self>;
}

impl Handler<IssueClientToken> for Clients {
    type Result = ResponseFuture<Result<ClientGrant, AccountsError>>;

    fn handle(&mut self, message: IssueClientToken, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let grant = parts.issue(message).await;
            metrics::counter!("orderflow_client_tokens_total", "outcome" => outcome(&grant)).increment(1);
            grant
        })
    }
}

impl Handler<RevokeClientToken> for Clients {
    type Result = ResponseFuture<Result<TokenRevocation, AccountsError>>;

    fn handle(&mut self, message: RevokeClientToken, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { parts.revoke_token(message).await })
    }
}

impl Handler<ListClients> for Clients {
    type Result = ResponseFuture<Result<Vec<Client>, AccountsError>>;

    fn handle(&mut self, ListClients { after, limit }: ListClients, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let after = after.as_ref().map_or("", ClientId::as_str);
            Ok(parts.until_known(async |connection| clients::list(connection, after, limit).await).await?)
        })
    }
}

impl Handler<CreateClient> for Clients {
    type Result = ResponseFuture<Result<Option<NewSecret>, AccountsError>>;

    fn handle(&mut self, message: CreateClient, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { parts.create(message).await })
    }
}

impl Handler<RotateClientSecret> for Clients {
    type Result = ResponseFuture<Result<Option<NewSecret>, AccountsError>>;

    fn handle(&mut self, message: RotateClientSecret, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { parts.rotate(message).await })
    }
}

impl Handler<RevokeClient> for Clients {
    type Result = ResponseFuture<Result<bool, AccountsError>>;

    fn handle(&mut self, RevokeClient(id): RevokeClient, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let revoke = async |connection: &_| clients::revoke(connection, &id).await;
            Ok(parts.until_known(revoke).await?)
        })
    }
}

impl ClientsParts {
    async fn issue(&self, message: IssueClientToken) -> Result<ClientGrant, AccountsError> {
        let IssueClientToken { credentials, scopes } = message;
        let Some(FoundClient { client, issued_at, .. }) = self.authenticated(credentials).await? else {
            return Ok(ClientGrant::InvalidClient);
        };
        let scopes = scopes.unwrap_or_else(|| client.scopes.clone());
        if scopes.is_empty() || !scopes.is_within(&client.scopes) {
            return Ok(ClientGrant::InvalidScope);
        }
        let token = self.issuer.for_service(client.subject, &scopes.to_string(), issued_at)?;
        Ok(ClientGrant::Granted { token, scopes })
    }

    async fn revoke_token(&self, message: RevokeClientToken) -> Result<TokenRevocation, AccountsError> {
        let RevokeClientToken { credentials, token } = message;
        let Some(FoundClient { client, .. }) = self.authenticated(credentials).await? else {
            return Ok(TokenRevocation::InvalidClient);
        };
        let Some(ValidToken { subject, issued_at }) = token else { return Ok(TokenRevocation::Revoked) };
        if subject != client.subject {
            return Ok(TokenRevocation::Foreign);
        }
        // The first moment whose tokens go on.
        let before = issued_at.saturating_add(1);
        let revoke = async |connection: &_| clients::revoke_tokens(connection, subject, before).await;
        self.until_known(revoke).await?;
        Ok(TokenRevocation::Revoked)
    }

    /// The client, unless it is unknown, revoked or has another secret. All of these take the same time.
    async fn authenticated(
        &self,
        credentials: ClientCredentials,
    ) -> Result<Option<FoundClient>, AccountsError> {
        let ClientCredentials { id, secret } = credentials;
        let id = id.as_ref().map_or("", ClientId::as_str);
        let found = self.until_known(async |connection| clients::find(connection, id).await).await?;
        // No secret has this hash.
        let nothing = [0; 32];
        let is_right = secret.has(found.as_ref().map_or(&nothing[..], |found| &found.secret_hash));
        Ok(found.filter(|found| is_right && found.client.revoked_at.is_none()))
    }

    async fn create(&self, message: CreateClient) -> Result<Option<NewSecret>, AccountsError> {
        let CreateClient { id, scopes } = message;
        let secret = ClientSecret::generate()?;
        let new = clients::NewClient { subject: subject_of(&id), id, secret_hash: secret.hash(), scopes };
        let created = self.until_known(async |connection| clients::insert(connection, &new).await).await?;
        Ok(created.map(|client| NewSecret { client, secret }))
    }

    async fn rotate(
        &self,
        RotateClientSecret(id): RotateClientSecret,
    ) -> Result<Option<NewSecret>, AccountsError> {
        let secret = ClientSecret::generate()?;
        let hash = secret.hash();
        let rotate = async |connection: &_| clients::rotate(connection, &id, &hash).await;
        let rotated = self.until_known(rotate).await?;
        Ok(rotated.map(|client| NewSecret { client, secret }))
    }

    async fn until_known<T>(
        &self,
        statement: impl AsyncFn(&Connection) -> Result<T, DbError>,
    ) -> Result<T, DbError> {
        self.database.until_known(self.deadline, statement).await
    }
}

/// The labels of `orderflow_client_tokens_total`.
pub const GRANTS: [&str; 4] = ["granted", "invalid-client", "invalid-scope", "failed"];

fn outcome(grant: &Result<ClientGrant, AccountsError>) -> &'static str {
    match grant {
        Ok(ClientGrant::Granted { .. }) => "granted",
        Ok(ClientGrant::InvalidClient) => "invalid-client",
        Ok(ClientGrant::InvalidScope) => "invalid-scope",
        Err(_) => "failed",
    }
}

drains_at_once!(Clients);
