//! `Admitted<Logins>` as a handler argument admits only callers within that limit, before anything is hashed.
//!
//! ```text
//!   request ──> this instance: memory ──> all instances: one row in PostgreSQL ──> handler
//!                      └> 429                            └> 429; 503 without PostgreSQL
//! ```
//!
//! A flood ends in memory: what one source costs PostgreSQL is bounded by the quota of each instance.

use std::{marker::PhantomData, net::IpAddr};

use actix_web::{FromRequest, HttpRequest, dev::Payload, web::Data};
use futures_util::future::LocalBoxFuture;
use runtime::{
    http::{Problem, RequestContext},
    limits::{Policy, RateLimit},
    supervisor::Supervised,
};

use crate::actors::{CountCall, RateLimits};

/// One limit, counted twice.
#[derive(Clone)]
pub struct Limit {
    here: RateLimit<String>,
    everywhere: Supervised<RateLimits>,
}

#[derive(Clone)]
pub struct Limits {
    pub logins: Limit,
    pub registrations: Limit,
    pub refreshes: Limit,
    pub token_requests: Limit,
    pub client_token_requests: Limit,
}

impl Limit {
    pub fn new(policy: Policy, everywhere: &Supervised<RateLimits>) -> Self {
        Self { here: RateLimit::new(policy), everywhere: everywhere.clone() }
    }

    /// Counts one call of `key`.
    pub(super) async fn admit(&self, key: String) -> Result<(), Problem> {
        self.here.admit(key.clone())?;
        let counted = self.everywhere.send(CountCall { policy: self.here.policy(), key }).await??;
        counted.map_err(Problem::from)
    }
}

/// A limit by source.
pub(super) trait BySource: 'static {
    fn limit(limits: &Limits) -> &Limit;
}

/// Logins, and other calls that check a password.
pub(super) struct Logins;
pub(super) struct Registrations;
/// Refreshes and logouts.
pub(super) struct Refreshes;
/// Of OAuth clients, and their revocations.
pub(super) struct TokenRequests;

impl BySource for Logins {
    fn limit(limits: &Limits) -> &Limit {
        &limits.logins
    }
}

impl BySource for Registrations {
    fn limit(limits: &Limits) -> &Limit {
        &limits.registrations
    }
}

impl BySource for Refreshes {
    fn limit(limits: &Limits) -> &Limit {
        &limits.refreshes
    }
}

impl BySource for TokenRequests {
    fn limit(limits: &Limits) -> &Limit {
        &limits.token_requests
    }
}

/// A counted call.
pub(super) struct Admitted<L> {
    pub source: IpAddr,
    limit: PhantomData<L>,
}

impl<L: BySource> FromRequest for Admitted<L> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let limits = request.app_data::<Data<Limits>>().cloned();
        let source = RequestContext::of(request).client.source();
        Box::pin(async move {
            let limits = limits.ok_or_else(Problem::internal)?;
            L::limit(&limits).admit(source.to_string()).await?;
            Ok(Self { source, limit: PhantomData })
        })
    }
}
