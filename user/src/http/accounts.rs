use std::net::IpAddr;

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};
use runtime::{
    auth::{AdminOnly, AnyAccount, Role, Token},
    http::{AuditNotes, FieldError, JsonBody, Page, PageQuery, Problem, Query},
};
use uuid::Uuid;

use super::{
    Addresses,
    admitted::{Admitted, Registrations},
    bodies::{AccountBody, AccountChangeBody, AccountRole, RegisterBody},
    errors::{FieldErrors, deletion, email_taken, last_admin, not_admin},
};
use crate::{
    actors::{ChangeAccount, DeleteAccount, FindAccount, ListAccounts, Register},
    domain::{AccountChange, Change, Email, Password, Registration},
};

/// Creates an account of the role USER. A `role` in the body is refused.
#[utoipa::path(post, path = "/auth/register", tag = "auth", operation_id = "register",
    request_body = RegisterBody,
    responses(
        (status = 201, description = "The account.", body = AccountBody),
        (status = 409, description = "email-taken"),
        (status = 429)))]
pub(super) async fn register(
    admitted: Admitted<Registrations>,
    addresses: Data<Addresses>,
    notes: AuditNotes,
    body: JsonBody<RegisterBody>,
) -> Result<HttpResponse, Problem> {
    let message = checked(&body.value, admitted.source)?;
    match addresses.accounts.send(message).await?? {
        Registration::Created(account) => {
            notes.caller(account.id, Some(account.role.as_str()), None);
            notes.subject(account.id);
            Ok(HttpResponse::Created().json(AccountBody::from(account)))
        }
        Registration::EmailTaken => Err(email_taken()),
    }
}

fn checked(body: &RegisterBody, source: IpAddr) -> Result<Register, Problem> {
    let mut errors = FieldErrors::default();
    let email = errors.check("/email", body.email.as_deref(), Email::parse);
    let password = errors.check("/password", body.password.as_deref(), Password::parse);
    let strong = email.as_ref().zip(password).and_then(|(email, password)| {
        errors.check("/password", Some(password), |password| password.unless_weak(email))
    });
    email
        .zip(strong)
        .map(|(email, password)| Register { source, email, password })
        .ok_or_else(|| errors.into_problem())
}

/// Shows the account of the token.
#[utoipa::path(get, path = "/auth/user", tag = "auth", operation_id = "getOwnAccount",
    security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"])),
    responses((status = 200, description = "The account.", body = AccountBody), (status = 404)))]
pub(super) async fn show_own_account(
    token: Token<AnyAccount>,
    addresses: Data<Addresses>,
) -> Result<HttpResponse, Problem> {
    match addresses.accounts.send(FindAccount(token.sub)).await?? {
        Some(account) => Ok(HttpResponse::Ok().json(AccountBody::from(account))),
        None => Err(Problem::absent("account")),
    }
}

/// Lists all accounts, oldest first.
#[utoipa::path(get, path = "/users", tag = "users", operation_id = "listAccounts", params(PageQuery),
    security(("bearer" = ["ADMIN"])),
    responses((status = 200, description = "A page of accounts.", body = Page<AccountBody>)))]
pub(super) async fn list_accounts(
    _: Token<AdminOnly>,
    addresses: Data<Addresses>,
    page: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    let limit = page.limit()?;
    let after = page.after(|key| key.parse().ok())?;
    let found = addresses.accounts.send(ListAccounts { after, limit: limit + 1 }).await??;
    let page = Page::cut(found, limit, |account| account.id.to_string());
    let data = page.data.into_iter().map(AccountBody::from).collect();
    Ok(HttpResponse::Ok().json(Page { data, has_more: page.has_more, next_cursor: page.next_cursor }))
}

/// Changes the role of an account, or disables or enables it. Access tokens issued before are refused within a
/// minute everywhere. This call checks the current role of the requesting account in the database.
#[utoipa::path(patch, path = "/users/{id}", tag = "users", operation_id = "changeAccount",
    params(("id" = Uuid, Path, description = "The account.")), request_body = AccountChangeBody,
    security(("bearer" = ["ADMIN"])),
    responses(
        (status = 200, description = "The account.", body = AccountBody),
        (status = 404),
        (status = 409, description = "last-admin")))]
pub(super) async fn change_account(
    token: Token<AdminOnly>,
    addresses: Data<Addresses>,
    notes: AuditNotes,
    id: Path<Uuid>,
    body: JsonBody<AccountChangeBody>,
) -> Result<HttpResponse, Problem> {
    let AccountChangeBody { role, disabled } = body.value;
    let role = role.map(|role| match role {
        AccountRole::User => Role::User,
        AccountRole::Admin => Role::Admin,
    });
    if role.is_none() && disabled.is_none() {
        return Err(Problem::invalid(vec![FieldError::new("", "must have `role` or `disabled`")]));
    }
    role.into_iter().for_each(|role| notes.detail("role", role.as_str()));
    disabled.into_iter().for_each(|disabled| notes.detail("disabled", disabled));
    let message = ChangeAccount { actor: token.sub, id: id.into_inner(), change: Change { role, disabled } };
    match addresses.accounts.send(message).await?? {
        AccountChange::Changed(account) => Ok(HttpResponse::Ok().json(AccountBody::from(account))),
        AccountChange::Absent => Err(Problem::absent("account")),
        AccountChange::NotAdmin => Err(not_admin()),
        AccountChange::LastAdmin => Err(last_admin()),
    }
}

/// Deletes an account with its sessions. Its orders stay, under the id of the account. Its access tokens are refused
/// within a minute everywhere, and its e-mail can be registered again.
#[utoipa::path(delete, path = "/users/{id}", tag = "users", operation_id = "deleteAccount",
    params(("id" = Uuid, Path, description = "The account.")), security(("bearer" = ["ADMIN"])),
    responses(
        (status = 204, description = "It is gone."),
        (status = 404),
        (status = 409, description = "last-admin")))]
pub(super) async fn delete_account(
    token: Token<AdminOnly>,
    addresses: Data<Addresses>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    let message = DeleteAccount { actor: token.sub, id: id.into_inner() };
    deletion(addresses.accounts.send(message).await??)
}
