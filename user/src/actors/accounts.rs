use std::rc::Rc;

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use runtime::{
    auth::Role,
    db::Failure,
    drains_at_once,
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
};
use uuid::Uuid;

use super::{AccountRepository, AccountsError};
use crate::{
    domain::{Account, Email, Password, Registration, RoleChange},
    store::accounts,
    tokens::{AccessToken, Issuer},
};

/// Handlers run concurrently: a login that waits for its hash delays no other message.
pub struct Accounts {
    parts: Rc<AccountsParts>,
    life: Life,
}

#[derive(Clone)]
pub struct AccountsParts {
    pub repository: AccountRepository,
    pub issuer: Issuer,
}

#[derive(Message)]
#[rtype(result = "Result<Registration, AccountsError>")]
pub struct Register {
    pub email: Email,
    pub password: Password,
}

/// `email` is `None` for a text that is no e-mail address.
#[derive(Message)]
#[rtype(result = "Result<Login, AccountsError>")]
pub struct LogIn {
    pub email: Option<Email>,
    pub password: Password,
}

#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    Granted(AccessToken),
    /// Also for an unknown e-mail.
    InvalidCredentials,
}

#[derive(Message)]
#[rtype(result = "Result<Option<Account>, AccountsError>")]
pub struct FindAccount(pub Uuid);

/// Lists accounts by id, after `after`.
#[derive(Message)]
#[rtype(result = "Result<Vec<Account>, AccountsError>")]
pub struct ListAccounts {
    pub after: Option<Uuid>,
    pub limit: usize,
}

/// `actor`: the requesting account.
#[derive(Message)]
#[rtype(result = "Result<RoleChange, AccountsError>")]
pub struct ChangeRole {
    pub actor: Uuid,
    pub id: Uuid,
    pub role: Role,
}

impl Accounts {
    pub fn start(supervisor: &SupervisorHandle, parts: AccountsParts) -> Supervised<Self> {
        let make = move |life| Self { parts: Rc::new(parts.clone()), life };
        supervisor.supervise("accounts", "accounts", RestartPolicy::default(), make)
    }
}

impl Actor for Accounts {
    type Context = Context<Self>;
}

impl Handler<Register> for Accounts {
    type Result = ResponseFuture<Result<Registration, AccountsError>>;

    fn handle(&mut self, Register { email, password }: Register, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let registration = parts.repository.create(email, password, Role::User).await?;
            if let Registration::Created(account) = &registration {
                metrics::counter!("orderflow_registrations_total").increment(1);
                tracing::info!(account = %account.id, "account registered");
            }
            Ok(registration)
        })
    }
}

impl Handler<LogIn> for Accounts {
    type Result = ResponseFuture<Result<Login, AccountsError>>;

    fn handle(&mut self, message: LogIn, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let login = parts.log_in(message).await;
            metrics::counter!("orderflow_logins_total", "outcome" => outcome(&login)).increment(1);
            login
        })
    }
}

impl AccountsParts {
    async fn log_in(&self, LogIn { email, password }: LogIn) -> Result<Login, AccountsError> {
        match self.repository.authenticate(email, password).await? {
            Some(account) => Ok(Login::Granted(self.issuer.for_account(account.id, account.role)?)),
            None => Ok(Login::InvalidCredentials),
        }
    }
}

fn outcome(login: &Result<Login, AccountsError>) -> &'static str {
    match login {
        Ok(Login::Granted(_)) => "granted",
        Ok(Login::InvalidCredentials) => "invalid-credentials",
        Err(AccountsError::Busy) => "busy",
        Err(AccountsError::Database(Failure::Unavailable(_))) => "unavailable",
        Err(_) => "failed",
    }
}

impl Handler<FindAccount> for Accounts {
    type Result = ResponseFuture<Result<Option<Account>, AccountsError>>;

    fn handle(&mut self, FindAccount(id): FindAccount, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            Ok(parts.repository.until_known(async |connection| accounts::find(connection, id).await).await?)
        })
    }
}

impl Handler<ListAccounts> for Accounts {
    type Result = ResponseFuture<Result<Vec<Account>, AccountsError>>;

    fn handle(&mut self, ListAccounts { after, limit }: ListAccounts, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        let after = after.unwrap_or(Uuid::nil());
        Box::pin(async move {
            Ok(parts
                .repository
                .until_known(async |connection| accounts::list(connection, after, limit).await)
                .await?)
        })
    }
}

impl Handler<ChangeRole> for Accounts {
    type Result = ResponseFuture<Result<RoleChange, AccountsError>>;

    fn handle(&mut self, ChangeRole { actor, id, role }: ChangeRole, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move {
            let change = async |connection: &_| accounts::change_role(connection, actor, id, role).await;
            Ok(parts.repository.until_known(change).await?)
        })
    }
}

drains_at_once!(Accounts);
