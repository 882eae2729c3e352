//! Changes of an account by its owner, who shows the password again: a token may be stolen.

use std::{net::IpAddr, rc::Rc};

use actix::{Handler, Message, ResponseFuture};
use uuid::Uuid;

use super::{AccountsError, Sessions, SessionsParts};
use crate::{
    domain::{Deletion, Email, EmailChange, Password, WithPassword},
    store::{accounts, deletions::Deleter},
};

/// Ends all sessions.
#[derive(Message)]
#[rtype(result = "Result<WithPassword<EmailChange>, AccountsError>")]
pub struct ChangeEmail {
    pub source: IpAddr,
    pub account: Uuid,
    pub password: Password,
    pub email: Email,
}

#[derive(Message)]
#[rtype(result = "Result<WithPassword<Deletion>, AccountsError>")]
pub struct DeleteOwnAccount {
    pub source: IpAddr,
    pub account: Uuid,
    pub password: Password,
}

impl Handler<ChangeEmail> for Sessions {
    type Result = ResponseFuture<Result<WithPassword<EmailChange>, AccountsError>>;

    fn handle(&mut self, message: ChangeEmail, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { parts.change_email(message).await })
    }
}

impl Handler<DeleteOwnAccount> for Sessions {
    type Result = ResponseFuture<Result<WithPassword<Deletion>, AccountsError>>;

    fn handle(&mut self, message: DeleteOwnAccount, _: &mut Self::Context) -> Self::Result {
        let parts = Rc::clone(&self.parts);
        Box::pin(async move { parts.delete_own_account(message).await })
    }
}

impl SessionsParts {
    async fn change_email(
        &self,
        ChangeEmail { source, account, password, email }: ChangeEmail,
    ) -> Result<WithPassword<EmailChange>, AccountsError> {
        let found = match self.proven(source, account, password).await? {
            WithPassword::Right(found) => found,
            refused => return Ok(refused.refused()),
        };
        let change = async |connection: &_| {
            accounts::change_email(connection, account, &found.password_hash, &email).await
        };
        // Another call may have changed the password meanwhile.
        Ok(self.repository.until_known(change).await?.map_or(WithPassword::Wrong, WithPassword::Right))
    }

    async fn delete_own_account(
        &self,
        DeleteOwnAccount { source, account, password }: DeleteOwnAccount,
    ) -> Result<WithPassword<Deletion>, AccountsError> {
        let found = match self.proven(source, account, password).await? {
            WithPassword::Right(found) => found,
            refused => return Ok(refused.refused()),
        };
        let deletion = self.repository.delete(account, Deleter::Owner(&found.password_hash)).await?;
        Ok(WithPassword::Right(deletion))
    }
}
