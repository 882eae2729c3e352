use std::{net::IpAddr, rc::Rc};

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use runtime::{
    auth::Role,
    drains_at_once,
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
};
use uuid::Uuid;

use super::{AccountRepository, AccountsError};
use crate::{
    domain::{Account, AccountChange, Change, Deletion, Email, Password, Registration},
    store::{accounts, deletions::Deleter},
};

/// Handlers run concurrently: a registration that waits for its hash delays no other message.
pub struct Accounts {
    repository: Rc<AccountRepository>,
    life: Life,
}

#[derive(Message)]
#[rtype(result = "Result<Registration, AccountsError>")]
pub struct Register {
    pub source: IpAddr,
    pub email: Email,
    pub password: Password,
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
#[rtype(result = "Result<AccountChange, AccountsError>")]
pub struct ChangeAccount {
    pub actor: Uuid,
    pub id: Uuid,
    pub change: Change,
}

/// `actor`: the requesting account.
#[derive(Message)]
#[rtype(result = "Result<Deletion, AccountsError>")]
pub struct DeleteAccount {
    pub actor: Uuid,
    pub id: Uuid,
}

/// Whether an account is an enabled ADMIN now.
#[derive(Message)]
#[rtype(result = "Result<bool, AccountsError>")]
pub struct IsAdmin(pub Uuid);

impl Accounts {
    pub fn start(supervisor: &SupervisorHandle, repository: AccountRepository) -> Supervised<Self> {
        let make = move |life| Self { repository: Rc::new(repository.clone()), life };
        supervisor.supervise("accounts", "accounts", RestartPolicy::default(), make)
    }
}

impl Actor for Accounts {
    type Context = Context<Self>;
}

impl Handler<Register> for Accounts {
    type Result = ResponseFuture<Result<Registration, AccountsError>>;

    fn handle(
        &mut self,
        Register { source, email, password }: Register,
        _: &mut Self::Context,
    ) -> Self::Result {
        let repository = Rc::clone(&self.repository);
        Box::pin(async move {
            let registration = repository.create(source, email, password, Role::User).await?;
            if let Registration::Created(account) = &registration {
                metrics::counter!("orderflow_registrations_total").increment(1);
                tracing::info!(account = %account.id, "account registered");
            }
            Ok(registration)
        })
    }
}

impl Handler<FindAccount> for Accounts {
    type Result = ResponseFuture<Result<Option<Account>, AccountsError>>;

    fn handle(&mut self, FindAccount(id): FindAccount, _: &mut Self::Context) -> Self::Result {
        let repository = Rc::clone(&self.repository);
        Box::pin(async move {
            Ok(repository.until_known(async |connection| accounts::find(connection, id).await).await?)
        })
    }
}

impl Handler<ListAccounts> for Accounts {
    type Result = ResponseFuture<Result<Vec<Account>, AccountsError>>;

    fn handle(&mut self, ListAccounts { after, limit }: ListAccounts, _: &mut Self::Context) -> Self::Result {
        let repository = Rc::clone(&self.repository);
        let after = after.unwrap_or(Uuid::nil());
        Box::pin(async move {
            Ok(repository
                .until_known(async |connection| accounts::list(connection, after, limit).await)
                .await?)
        })
    }
}

impl Handler<ChangeAccount> for Accounts {
    type Result = ResponseFuture<Result<AccountChange, AccountsError>>;

    fn handle(&mut self, message: ChangeAccount, _: &mut Self::Context) -> Self::Result {
        let ChangeAccount { actor, id, change } = message;
        let repository = Rc::clone(&self.repository);
        Box::pin(async move {
            let change = async |connection: &_| accounts::change(connection, actor, id, change).await;
            Ok(repository.until_known(change).await?)
        })
    }
}

impl Handler<DeleteAccount> for Accounts {
    type Result = ResponseFuture<Result<Deletion, AccountsError>>;

    fn handle(&mut self, DeleteAccount { actor, id }: DeleteAccount, _: &mut Self::Context) -> Self::Result {
        let repository = Rc::clone(&self.repository);
        Box::pin(async move { Ok(repository.delete(id, Deleter::Admin(actor)).await?) })
    }
}

impl Handler<IsAdmin> for Accounts {
    type Result = ResponseFuture<Result<bool, AccountsError>>;

    fn handle(&mut self, IsAdmin(id): IsAdmin, _: &mut Self::Context) -> Self::Result {
        let repository = Rc::clone(&self.repository);
        Box::pin(async move {
            Ok(repository.until_known(async |connection| accounts::is_admin(connection, id).await).await?)
        })
    }
}

drains_at_once!(Accounts);
