use std::rc::Rc;

use actix::{Actor, Context, Handler, Message, ResponseFuture};
use runtime::{
    drains_at_once,
    limits::{Policy, TooMany},
    supervisor::{Life, RestartPolicy, Supervised, SupervisorHandle},
};

use super::{AccountRepository, AccountsError};
use crate::store::rate_limits;

/// What all instances count together.
pub struct RateLimits {
    repository: Rc<AccountRepository>,
    life: Life,
}

/// Counts one call of `key`. An error is not an admission.
#[derive(Message)]
#[rtype(result = "Result<Result<(), TooMany>, AccountsError>")]
pub struct CountCall {
    pub policy: Policy,
    pub key: String,
}

impl RateLimits {
    pub fn start(supervisor: &SupervisorHandle, repository: AccountRepository) -> Supervised<Self> {
        let make = move |life| Self { repository: Rc::new(repository.clone()), life };
        supervisor.supervise("rate-limits", "rate-limits", RestartPolicy::default(), make)
    }
}

impl Actor for RateLimits {
    type Context = Context<Self>;
}

impl Handler<CountCall> for RateLimits {
    type Result = ResponseFuture<Result<Result<(), TooMany>, AccountsError>>;

    fn handle(&mut self, CountCall { policy, key }: CountCall, _: &mut Self::Context) -> Self::Result {
        let repository = Rc::clone(&self.repository);
        Box::pin(async move {
            let count = async |connection: &_| rate_limits::count(connection, policy, &key).await;
            let wait = repository.until_known(count).await?;
            Ok(wait.map_or(Ok(()), |wait| Err(policy.refuse(wait))))
        })
    }
}

drains_at_once!(RateLimits);
