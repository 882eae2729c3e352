//! `Token<UserOnly>` as a handler argument admits only requests with a valid token of that role.

use std::{future::Ready, marker::PhantomData, ops::Deref, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web::Data,
};
use futures_util::future::{Either, LocalBoxFuture};

use super::{Claims, Role, TokenError, Verifier};
use crate::http::{FieldError, Problem};

/// The roles that may call a route.
pub trait Allows: 'static {
    const ROLES: &'static [Role];
}

/// Any valid token, services included.
#[derive(Debug)]
pub struct AnyRole;
/// Customers.
#[derive(Debug)]
pub struct UserOnly;
/// Operators.
#[derive(Debug)]
pub struct AdminOnly;

impl Allows for AnyRole {
    const ROLES: &'static [Role] = &[Role::User, Role::Admin, Role::Service];
}
impl Allows for UserOnly {
    const ROLES: &'static [Role] = &[Role::User];
}
impl Allows for AdminOnly {
    const ROLES: &'static [Role] = &[Role::Admin];
}

/// A verified token whose role `A` allows.
#[derive(Debug)]
pub struct Token<A> {
    claims: Arc<Claims>,
    allowed: PhantomData<A>,
}

impl<A> Deref for Token<A> {
    type Target = Claims;

    fn deref(&self) -> &Claims {
        &self.claims
    }
}

impl<A: Allows> FromRequest for Token<A> {
    type Error = Problem;
    type Future = Either<Ready<Result<Self, Problem>>, LocalBoxFuture<'static, Result<Self, Problem>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let found = bearer(request).and_then(|token| Ok((token, verifier(request)?)));
        let (token, verifier) = match found {
            Ok(found) => found,
            Err(problem) => return Either::Left(std::future::ready(Err(problem))),
        };
        if let Some(claims) = verifier.cached(token) {
            return Either::Left(std::future::ready(admit(claims)));
        }
        let token = token.to_owned();
        Either::Right(Box::pin(async move { verifier.verify(&token).await.map_err(refusal).and_then(admit) }))
    }
}

fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    if request.headers().get_all(header::AUTHORIZATION).nth(1).is_some() {
        return Err(Problem::invalid(vec![FieldError::new("Authorization", "must be sent once")]));
    }
    // `HeaderValue::to_str` takes as long as the cache lookup.
    let header =
        request.headers().get(header::AUTHORIZATION).and_then(|value| str::from_utf8(value.as_bytes()).ok());
    let token =
        header.and_then(|value| value.strip_prefix("Bearer ").or_else(|| value.strip_prefix("bearer ")));
    token.map(str::trim).filter(|token| !token.is_empty()).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "missing-token",
            "Send the access token as `Authorization: Bearer <token>`; POST /auth/login issues one.",
        )
    })
}

fn verifier(request: &HttpRequest) -> Result<Verifier, Problem> {
    request.app_data::<Data<Verifier>>().map(|data| data.get_ref().clone()).ok_or_else(Problem::internal)
}

fn admit<A: Allows>(claims: Arc<Claims>) -> Result<Token<A>, Problem> {
    if A::ROLES.contains(&claims.role) {
        return Ok(Token { claims, allowed: PhantomData });
    }
    let roles: Vec<&str> = A::ROLES.iter().map(|role| role.as_str()).collect();
    let detail = format!("This route is for {}; the role of the token is {}.", roles.join(", "), claims.role);
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
}

fn refusal(error: TokenError) -> Problem {
    let detail = error.to_string();
    match error {
        TokenError::Expired => Problem::new(StatusCode::UNAUTHORIZED, "expired-token", detail),
        TokenError::Revoked => Problem::new(StatusCode::UNAUTHORIZED, "revoked-token", detail),
        TokenError::Invalid(_) => Problem::new(StatusCode::UNAUTHORIZED, "invalid-token", detail),
        TokenError::KeysUnavailable(error) => {
            tracing::warn!(%error, "a request is answered 503");
            let detail = "Tokens cannot be verified at the moment. Retry after a moment.";
            Problem::unavailable("keys-unavailable", detail)
        }
    }
}
