use std::{sync::Arc, time::Duration};

use actix_web::rt::time::sleep;
use futures_util::{StreamExt, stream};

use super::job::{Act, End, Job, Outcome, Scope};
use crate::{
    api::{
        ApiError, Service,
        dead_letters::{self, Group},
    },
    session::{CallError, Caller},
};

/// Calls at a time.
const AT_ONCE: usize = 8;
/// How often a service that does not answer is asked again, and after what time.
const AGAIN: u32 = 10;
const PAUSE: Duration = Duration::from_secs(1);

pub async fn run(caller: Caller, job: Arc<Job>) {
    let end = match work(&caller, &job).await {
        Ok(()) if job.is_stopped() => End::Stopped,
        Ok(()) => End::Done,
        Err(CallError::SessionEnded) => End::GaveUp("your session has ended".to_owned()),
        Err(CallError::Api(error)) => End::GaveUp(error.to_string()),
    };
    job.end(end);
}

async fn work(caller: &Caller, job: &Job) -> Result<(), CallError> {
    let (group, mut left) = match &job.scope {
        Scope::Chosen(ids) => {
            act_on(caller, job, ids.clone()).await?;
            job.looked_at(ids.len() as u64);
            return Ok(());
        }
        Scope::All { group, of_oldest } => (group, *of_oldest),
    };
    let service = Service::reading(&group.stream).ok_or(ApiError::NoInstance(Service::Payment))?;
    let mut cursor = String::new();
    while left > 0 && !job.is_stopped() {
        let page = patiently(async || caller.read(dead_letters::list(service, &group.stream, &cursor)).await);
        let page = page.await?;
        let most = usize::try_from(left).unwrap_or(usize::MAX);
        let letters: Vec<_> = page.data.into_iter().take(most).collect();
        let looked = letters.len() as u64;
        let of_group = letters.into_iter().filter(|letter| Group::of(letter) == *group);
        act_on(caller, job, of_group.map(|letter| letter.id).collect()).await?;
        job.looked_at(looked);
        left -= looked;
        match page.next_cursor {
            Some(next) => cursor = next,
            None => break,
        }
    }
    Ok(())
}

/// Finishes what is under way when the job is stopped.
async fn act_on(caller: &Caller, job: &Job, ids: Vec<String>) -> Result<(), CallError> {
    let acts = ids.into_iter().filter(|_| !job.is_stopped()).map(|id: String| async move {
        let outcome = act(caller, &job.act, &id).await;
        (id, outcome)
    });
    let mut acts = stream::iter(acts).buffer_unordered(AT_ONCE);
    while let Some((id, outcome)) = acts.next().await {
        let outcome = match outcome {
            Ok(()) => Outcome::Done,
            Err(CallError::Api(error)) if error.is_status(404) => Outcome::Gone,
            Err(CallError::Api(error @ ApiError::Refused { .. })) if !error.is_passing() => {
                Outcome::Failed(error.to_string())
            }
            Err(error) => return Err(error),
        };
        job.take(id, outcome);
    }
    Ok(())
}

async fn act(caller: &Caller, act: &Act, id: &str) -> Result<(), CallError> {
    let service = dead_letters::reader(id).ok_or(ApiError::NoInstance(Service::Payment))?;
    patiently(async || match act {
        Act::Redrive => caller.act(dead_letters::redrive(service, id)).await,
        Act::Discard { reason } => caller.act(dead_letters::discard(service, id, reason)).await,
    })
    .await
}

/// A service that restarts, or has too much to do, is asked again.
async fn patiently<T>(call: impl AsyncFn() -> Result<T, CallError>) -> Result<T, CallError> {
    for _ in 0..AGAIN {
        match call().await {
            Err(CallError::Api(error)) if error.is_passing() => sleep(PAUSE).await,
            answer => return answer,
        }
    }
    call().await
}
