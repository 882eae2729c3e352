//! `Token<UserOnly>` as a handler argument admits only requests with a valid token of that role.

use std::{future::Ready, marker::PhantomData, ops::Deref, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{StatusCode, header},
    web::Data,
};
use futures_util::future::{Either, LocalBoxFuture};
use uuid::Uuid;

use super::{Claims, Role, Scope, TokenError, Verifier};
use crate::{
    audit::Caller,
    http::{FieldError, Problem, RequestContext, name_caller},
};

/// The roles and the scope that a route admits.
pub trait Allows: 'static {
    /// Roles of accounts.
    const ROLES: &'static [Role];
    /// Admits a SERVICE with this scope. `None` admits no SERVICE.
    const SCOPE: Option<Scope> = None;
}

/// Customers and operators.
#[derive(Debug)]
pub struct AnyAccount;
/// Customers.
#[derive(Debug)]
pub struct UserOnly;
/// Operators.
#[derive(Debug)]
pub struct AdminOnly;

impl Allows for AnyAccount {
    const ROLES: &'static [Role] = &[Role::User, Role::Admin];
}
impl Allows for UserOnly {
    const ROLES: &'static [Role] = &[Role::User];
}
impl Allows for AdminOnly {
    const ROLES: &'static [Role] = &[Role::Admin];
}

/// Asks whether an account is an ADMIN now. For the service that decides about roles: elsewhere a demotion counts when
/// its revocation arrives.
#[derive(Clone)]
pub struct AdminCheck(Arc<dyn Fn(Uuid) -> Verdict + Send + Sync>);

type Verdict = LocalBoxFuture<'static, Result<bool, Problem>>;

impl AdminCheck {
    /// A check of the account id. As data of the application it precedes each call with a token of the role ADMIN.
    pub fn new(is_admin: impl Fn(Uuid) -> Verdict + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_admin))
    }

    async fn ask(&self, account: Uuid) -> Result<(), Problem> {
        if (self.0)(account).await? {
            return Ok(());
        }
        let detail = "The account of this token is not an ADMIN now. Log in again.";
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }
}

/// A verified token that `A` allows.
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
        let check = request.app_data::<Data<AdminCheck>>().cloned();
        if let Some(claims) =
            verifier.cached(token).filter(|claims| check.is_none() || claims.role != Role::Admin)
        {
            return Either::Left(std::future::ready(admit(request, claims)));
        }
        let (token, request) = (token.to_owned(), request.clone());
        Either::Right(Box::pin(async move {
            let origin = RequestContext::of(&request).origin();
            let token = admit(&request, verifier.verify_during(&origin, &token).await.map_err(refusal)?)?;
            if let Some(check) = check.filter(|_| token.role == Role::Admin) {
                check.ask(token.sub).await.inspect_err(|_| name(&request, true, &token))?;
            }
            Ok(token)
        }))
    }
}

pub(super) fn bearer(request: &HttpRequest) -> Result<&str, Problem> {
    if request.headers().get_all(header::AUTHORIZATION).nth(1).is_some() {
        return Err(Problem::invalid(vec![FieldError::new("Authorization", "must be sent once")]));
    }
    // `HeaderValue::to_str` takes as long as the cache lookup.
    let header =
        request.headers().get(header::AUTHORIZATION).and_then(|value| str::from_utf8(value.as_bytes()).ok());
    let credentials = header.and_then(|value| value.split_once(' '));
    let token =
        credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    token.map(str::trim).filter(|token| !token.is_empty()).ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "missing-token",
            "Send the access token as `Authorization: Bearer <token>`; POST /auth/login issues one.",
        )
    })
}

pub(super) fn verifier(request: &HttpRequest) -> Result<Verifier, Problem> {
    request.app_data::<Data<Verifier>>().map(|data| data.get_ref().clone()).ok_or_else(Problem::internal)
}

fn admit<A: Allows>(request: &HttpRequest, claims: Arc<Claims>) -> Result<Token<A>, Problem> {
    let admitted = check(&claims, A::ROLES, A::SCOPE);
    name(request, admitted.is_err(), &claims);
    admitted.map(|()| Token { claims, allowed: PhantomData })
}

/// For the audit trail.
fn name(request: &HttpRequest, refused: bool, claims: &Claims) {
    name_caller(request, refused, || Caller {
        id: claims.sub.to_string(),
        role: Some(claims.role.as_str()),
        session: claims.sid,
    });
}

fn check(claims: &Claims, roles: &[Role], scope: Option<Scope>) -> Result<(), Problem> {
    let allowed = match (claims.role, scope) {
        (Role::Service, Some(scope)) if !scope.is_in(claims.scope.as_deref()) => return Err(lacks(scope)),
        (Role::Service, scope) => scope.is_some(),
        (role, _) => roles.contains(&role),
    };
    if allowed {
        return Ok(());
    }
    let services = scope.map(|_| Role::Service.as_str());
    let roles: Vec<&str> = roles.iter().map(|role| role.as_str()).chain(services).collect();
    let detail = format!("This route is for {}; the role of the token is {}.", roles.join(", "), claims.role);
    Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
}

/// RFC 6750, 3.1.
fn lacks(scope: Scope) -> Problem {
    let detail = format!("The token lacks the scope {scope}. Request one with it at POST /oauth/token.");
    Problem::new(StatusCode::FORBIDDEN, "insufficient-scope", detail)
        .challenge(format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\""))
}

fn refusal(error: TokenError) -> Problem {
    let detail = error.to_string();
    let refused = |code| {
        let problem = Problem::new(StatusCode::UNAUTHORIZED, code, detail);
        problem.challenge("Bearer error=\"invalid_token\"")
    };
    match error {
        TokenError::Expired => refused("expired-token"),
        TokenError::Revoked => refused("revoked-token"),
        TokenError::Invalid(_) => refused("invalid-token"),
        TokenError::KeysUnavailable(error) => {
            tracing::warn!(%error, "a request is answered 503");
            let detail = "Tokens cannot be verified at the moment. Retry after a moment.";
            Problem::unavailable("keys-unavailable", detail)
        }
    }
}
