use actix::{Actor, Context, Handler, Message, MessageResult};
use runtime::{
    drains_at_once,
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
};

use super::AccountsError;
use crate::tokens::{AccessToken, Issuer, ServiceClients};

/// Payment reads products that its catalogue copy lacks.
const SCOPE: &str = "products:read";

pub struct ServiceTokens {
    clients: ServiceClients,
    issuer: Issuer,
    life: Life,
}

/// `None` for an unknown client or a wrong secret.
#[derive(Message)]
#[rtype(result = "Result<Option<AccessToken>, AccountsError>")]
pub struct IssueServiceToken {
    pub client_id: String,
    pub client_secret: String,
}

impl ServiceTokens {
    pub fn start(supervisor: &SupervisorHandle, clients: ServiceClients, issuer: Issuer) -> Supervised<Self> {
        let make = move |life| Self { clients: clients.clone(), issuer: issuer.clone(), life };
        supervisor.supervise("service-tokens", "service-tokens", RestartPolicy::default(), make)
    }
}

impl Actor for ServiceTokens {
    type Context = Context<Self>;
}

impl Handler<IssueServiceToken> for ServiceTokens {
    type Result = MessageResult<IssueServiceToken>;

    fn handle(&mut self, message: IssueServiceToken, _: &mut Self::Context) -> Self::Result {
        let IssueServiceToken { client_id, client_secret } = message;
        let client = self.clients.authenticate(&client_id, &client_secret);
        let token = client.map(|id| self.issuer.for_service(id, SCOPE)).transpose();
        MessageResult(token.map_err(AccountsError::from))
    }
}

drains_at_once!(ServiceTokens);
