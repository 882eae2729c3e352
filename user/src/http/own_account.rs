//! `PATCH` and `DELETE /auth/user`.

use std::convert::Infallible;

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use runtime::{
    auth::{AnyAccount, Token},
    http::{JsonBody, Problem},
};

use super::{
    Addresses,
    admitted::{Admitted, Logins},
    bodies::{AccountBody, DeletionBody, EmailBody},
    errors::{FieldErrors, blocked, deletion, email_taken},
};
use crate::{
    actors::{ChangeEmail, DeleteOwnAccount},
    domain::{Email, EmailChange, Password, WithPassword},
};

/// Changes the e-mail of the own account, and ends all its sessions.
#[utoipa::path(patch, path = "/auth/user", tag = "auth", operation_id = "changeOwnEmail",
    request_body = EmailBody, security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"])),
    responses(
        (status = 200, description = "The account.", body = AccountBody),
        (status = 403, description = "wrong-password"),
        (status = 404, description = "The account is gone or disabled."),
        (status = 409, description = "email-taken"),
        (status = 429, description = "too-many-attempts, too-many-requests")))]
pub(super) async fn change_email(
    token: Token<AnyAccount>,
    Admitted { source, .. }: Admitted<Logins>,
    addresses: Data<Addresses>,
    body: JsonBody<EmailBody>,
) -> Result<HttpResponse, Problem> {
    let mut errors = FieldErrors::default();
    let EmailBody { email, password } = body.value;
    let email = errors.check("/email", email.as_deref(), Email::parse);
    let password = shown(&mut errors, password);
    let Some((email, password)) = email.zip(password) else { return Err(errors.into_problem()) };
    let message = ChangeEmail { source, account: token.sub, password, email };
    match right(addresses.sessions.send(message).await??)? {
        EmailChange::Changed(account) => Ok(HttpResponse::Ok().json(AccountBody::from(account))),
        EmailChange::EmailTaken => Err(email_taken()),
    }
}

/// Deletes the own account with its sessions. Its orders stay, under the id of the account.
#[utoipa::path(delete, path = "/auth/user", tag = "auth", operation_id = "deleteOwnAccount",
    request_body = DeletionBody, security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"])),
    responses(
        (status = 204, description = "It is gone."),
        (status = 403, description = "wrong-password"),
        (status = 404, description = "The account is gone or disabled."),
        (status = 409, description = "last-admin"),
        (status = 429, description = "too-many-attempts, too-many-requests")))]
pub(super) async fn delete_own_account(
    token: Token<AnyAccount>,
    Admitted { source, .. }: Admitted<Logins>,
    addresses: Data<Addresses>,
    body: JsonBody<DeletionBody>,
) -> Result<HttpResponse, Problem> {
    let mut errors = FieldErrors::default();
    let Some(password) = shown(&mut errors, body.value.password) else { return Err(errors.into_problem()) };
    let message = DeleteOwnAccount { source, account: token.sub, password };
    deletion(right(addresses.sessions.send(message).await??)?)
}

fn shown(errors: &mut FieldErrors, password: Option<String>) -> Option<Password> {
    errors.check("/password", password, |text| Ok::<_, Infallible>(Password::presented(&text)))
}

fn right<T>(outcome: WithPassword<T>) -> Result<T, Problem> {
    match outcome {
        WithPassword::Right(done) => Ok(done),
        WithPassword::Wrong => {
            Err(Problem::new(StatusCode::FORBIDDEN, "wrong-password", "The password is wrong."))
        }
        WithPassword::NoAccount => Err(Problem::absent("account")),
        WithPassword::Blocked(time) => Err(blocked(time)),
    }
}
