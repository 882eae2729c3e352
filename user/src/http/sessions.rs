use std::{convert::Infallible, net::IpAddr};

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{Data, Path},
};
use runtime::{
    auth::{AnyAccount, Token},
    http::{AuditNotes, FieldError, JsonBody, Problem},
};
use uuid::Uuid;

use super::{
    Addresses,
    admitted::{Admitted, Logins, Refreshes},
    bodies::{
        LoginBody, LogoutBody, PasswordBody, RefreshBody, SessionBody, SessionTokensBody, SessionsBody,
    },
    errors::{FieldErrors, blocked, unauthorized},
};
use crate::{
    actors::{
        ChangePassword, EndSession, ListSessions, LogIn, LogOut, Login, PasswordChange, Refresh, Refreshed,
        Tokens,
    },
    domain::{Email, Password},
    tokens::RefreshToken,
};

/// Exchanges an e-mail and its password for an access token and a refresh token. The answer to an unknown e-mail
/// equals that to a wrong password.
#[utoipa::path(post, path = "/auth/login", tag = "auth", operation_id = "logIn", request_body = LoginBody,
    responses(
        (status = 200, description = "The tokens of a new session.", body = SessionTokensBody),
        (status = 401, description = "invalid-credentials"),
        (status = 403, description = "account-disabled"),
        (status = 429, description = "too-many-attempts, too-many-requests")))]
pub(super) async fn log_in(
    admitted: Admitted<Logins>,
    addresses: Data<Addresses>,
    notes: AuditNotes,
    body: JsonBody<LoginBody>,
) -> Result<HttpResponse, Problem> {
    let message = credentials(body.value, admitted.source)?;
    match addresses.sessions.send(message).await?? {
        Login::Granted(tokens) => Ok(granted(&notes, tokens)),
        Login::InvalidCredentials(account) => {
            account.into_iter().for_each(|account| notes.subject(account));
            Err(unauthorized("invalid-credentials", "The e-mail or the password is wrong."))
        }
        Login::Disabled(account) => {
            notes.subject(account);
            Err(Problem::new(
                StatusCode::FORBIDDEN,
                "account-disabled",
                "This account is disabled. Ask an ADMIN to enable it.",
            ))
        }
        Login::Blocked(time) => Err(blocked(time)),
    }
}

fn granted(notes: &AuditNotes, tokens: Tokens) -> HttpResponse {
    notes.caller(tokens.account, Some(tokens.role.as_str()), Some(tokens.session));
    notes.subject(tokens.account);
    HttpResponse::Ok().json(SessionTokensBody::from(tokens))
}

/// Malformed values fail as wrong credentials.
fn credentials(body: LoginBody, source: IpAddr) -> Result<LogIn, Problem> {
    let mut errors = FieldErrors::default();
    let email = errors.check("/email", body.email, |email| Ok::<_, Infallible>(Email::parse(&email).ok()));
    let password = errors
        .check("/password", body.password, |password| Ok::<_, Infallible>(Password::presented(&password)));
    email
        .zip(password)
        .map(|(email, password)| LogIn { source, email, password })
        .ok_or_else(|| errors.into_problem())
}

/// Exchanges a refresh token for the next one and an access token with the current role. A token works once:
/// showing it again ends its session.
#[utoipa::path(post, path = "/auth/refresh", tag = "auth", operation_id = "refreshSession",
    request_body = RefreshBody,
    responses(
        (status = 200, description = "The next tokens of the session.", body = SessionTokensBody),
        (status = 401, description = "invalid-refresh-token"),
        (status = 429)))]
pub(super) async fn refresh(
    _: Admitted<Refreshes>,
    addresses: Data<Addresses>,
    notes: AuditNotes,
    body: JsonBody<RefreshBody>,
) -> Result<HttpResponse, Problem> {
    let shown = RefreshToken::shown(body.value.refresh_token);
    match addresses.sessions.send(Refresh(shown)).await?? {
        Refreshed::Granted(tokens) => return Ok(granted(&notes, tokens)),
        Refreshed::Reused(account) => {
            notes.subject(account);
            notes.detail("reused", true);
        }
        Refreshed::Invalid => {}
    }
    Err(unauthorized(
        "invalid-refresh-token",
        "The refresh token is unknown, used or expired, or its session has ended. Log in again.",
    ))
}

/// Ends the session of a refresh token, or all sessions of its account. An unknown token is answered alike.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", operation_id = "logOut", request_body = LogoutBody,
    responses((status = 204, description = "The session has ended."), (status = 429)))]
pub(super) async fn log_out(
    _: Admitted<Refreshes>,
    addresses: Data<Addresses>,
    notes: AuditNotes,
    body: JsonBody<LogoutBody>,
) -> Result<HttpResponse, Problem> {
    let LogoutBody { refresh_token, all } = body.value;
    notes.detail("all", all);
    let ended = addresses.sessions.send(LogOut { token: RefreshToken::shown(refresh_token), all }).await??;
    if let Some(account) = ended {
        notes.caller(account, None, None);
        notes.subject(account);
    }
    Ok(HttpResponse::NoContent().finish())
}

/// Changes the password of the own account, and ends all its sessions.
#[utoipa::path(post, path = "/auth/password", tag = "auth", operation_id = "changeOwnPassword",
    request_body = PasswordBody, security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"])),
    responses(
        (status = 204, description = "The password is changed."),
        (status = 403, description = "wrong-password"),
        (status = 404, description = "The account is gone or disabled."),
        (status = 429, description = "too-many-attempts, too-many-requests")))]
pub(super) async fn change_password(
    token: Token<AnyAccount>,
    Admitted { source, .. }: Admitted<Logins>,
    addresses: Data<Addresses>,
    body: JsonBody<PasswordBody>,
) -> Result<HttpResponse, Problem> {
    let mut errors = FieldErrors::default();
    let PasswordBody { old_password, new_password } = body.value;
    let old =
        errors.check("/old_password", old_password, |text| Ok::<_, Infallible>(Password::presented(&text)));
    let new = errors.check("/new_password", new_password, |text| Password::parse(&text));
    let Some((old, new)) = old.zip(new) else { return Err(errors.into_problem()) };
    match addresses.sessions.send(ChangePassword { source, account: token.sub, old, new }).await?? {
        PasswordChange::Changed => Ok(HttpResponse::NoContent().finish()),
        PasswordChange::WrongPassword => {
            Err(Problem::new(StatusCode::FORBIDDEN, "wrong-password", "The old password is wrong."))
        }
        PasswordChange::Weak(why) => {
            Err(Problem::invalid(vec![FieldError::new("/new_password", why.to_string())]))
        }
        PasswordChange::NoAccount => Err(Problem::absent("account")),
        PasswordChange::Blocked(time) => Err(blocked(time)),
    }
}

/// Lists the sessions of the own account, last used first.
#[utoipa::path(get, path = "/auth/sessions", tag = "auth", operation_id = "listSessions",
    security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"])),
    responses((status = 200, description = "The sessions.", body = SessionsBody)))]
pub(super) async fn list_sessions(
    token: Token<AnyAccount>,
    addresses: Data<Addresses>,
) -> Result<HttpResponse, Problem> {
    let sessions = addresses.sessions.send(ListSessions(token.sub)).await??;
    Ok(HttpResponse::Ok().json(SessionsBody { data: sessions.into_iter().map(SessionBody::from).collect() }))
}

/// Ends a session of the own account.
#[utoipa::path(delete, path = "/auth/sessions/{id}", tag = "auth", operation_id = "endSession",
    params(("id" = Uuid, Path, description = "The session.")),
    security(("bearer" = ["USER"]), ("bearer" = ["ADMIN"])),
    responses((status = 204, description = "It has ended."), (status = 404)))]
pub(super) async fn end_session(
    token: Token<AnyAccount>,
    addresses: Data<Addresses>,
    id: Path<Uuid>,
) -> Result<HttpResponse, Problem> {
    match addresses.sessions.send(EndSession { account: token.sub, id: id.into_inner() }).await?? {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(Problem::absent("session")),
    }
}
