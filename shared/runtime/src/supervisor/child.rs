use std::{
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::Poll,
    time::Instant,
};

use actix::{Actor, ActorContext, AsyncContext, Context};
use tokio::sync::watch;

use super::{
    ChildSpec, ExitReason, Life, State, handle::ChildChannels, policy::RestartHistory, status::restarts,
};
use crate::{
    recovery::{self, Recovery},
    shutdown::Shutdown,
};

/// Runs and replaces the child until it retires or exceeds its fault limit.
pub(super) async fn keep_alive<A: Actor<Context = Context<A>>>(
    mut spec: ChildSpec<A>,
    mut channels: ChildChannels<A>,
    shutdown: Shutdown,
) {
    let mut history = RestartHistory::new(spec.policy);
    loop {
        let started = Instant::now();
        let reason = live(&mut spec, &channels).await;
        channels.address.send_replace(None);
        channels.status.record_exit(&reason);
        if *channels.retiring.borrow() {
            break;
        }
        let lived = started.elapsed();
        report(&spec, &reason, history.is_new_reason(&reason, lived));
        if reason.is_fault() && !history.allows_fault(Instant::now()) {
            shutdown.fail(format!(
                "{} {} failed more than {} times in {:?}; last: {reason}",
                spec.kind, spec.name, spec.policy.most_faults, spec.policy.period
            ));
            break;
        }
        channels.status.enter(State::Waiting);
        if retired_within(&mut channels.retiring, history.next_delay(lived)).await {
            break;
        }
        channels.status.count_restart();
    }
    channels.status.enter(State::Ended);
}

async fn live<A: Actor<Context = Context<A>>>(
    spec: &mut ChildSpec<A>,
    channels: &ChildChannels<A>,
) -> ExitReason {
    let life = Life::new(channels.status.clone());
    let actor = match catch_unwind(AssertUnwindSafe(|| (spec.factory)(life.clone()))) {
        Ok(actor) => actor,
        Err(panic) => return ExitReason::from_panic(&*panic),
    };
    let mut context = Context::new();
    // Unbounded: clones of an address pass the default bound of 16 anyway, at the cost of allocations.
    // Admission and consumer reads bound the work.
    context.set_mailbox_capacity(0);
    let address = context.address();
    let mut running = context.into_future(actor);
    channels.address.send_replace(Some(address));
    channels.status.enter(State::Running);
    let end = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| Pin::new(&mut running).poll(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(None),
        Err(panic) => Poll::Ready(Some(ExitReason::from_panic(&*panic))),
    });
    let panicked = end.await;
    if panicked.is_some() {
        // Dropping a live context would poll it, and so its mailbox, once more.
        running.ctx().terminate();
    }
    panicked.or_else(|| life.take_end()).unwrap_or(ExitReason::Stopped)
}

fn report<A>(spec: &ChildSpec<A>, reason: &ExitReason, is_new_reason: bool) {
    restarts(spec.kind, reason.label()).increment(1);
    let ended =
        Recovery::ActorEnded { actor: spec.kind, name: spec.name.clone(), reason: reason.to_string() };
    recovery::record(ended);
    if is_new_reason {
        tracing::warn!(actor = spec.kind, name = %spec.name, %reason, "actor ended; starting a fresh one");
    } else {
        tracing::debug!(actor = spec.kind, name = %spec.name, %reason, "actor ended, as before");
    }
}

async fn retired_within(retiring: &mut watch::Receiver<bool>, delay: std::time::Duration) -> bool {
    // A dropped sender counts too: every handle is gone.
    tokio::time::timeout(delay, retiring.wait_for(|retired| *retired)).await.is_ok()
}
