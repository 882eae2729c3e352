//! A fresh actor replaces one that ends.
//!
//! `actix::Supervisor` leaves a panicked actor dead. Here a loop per child runs the context under
//! `catch_unwind`:
//!
//! ```text
//!  Supervisor (actor) ──owns──> child loop ──factory()──> actor ──ends──> ExitReason
//!                                   ^                                        │ count, log
//!                                   └───── backoff with jitter <── limit ────┤
//!                                                                            └─ exceeded: Shutdown::fail
//! ```
//!
//! * A [`Supervised`] handle reaches the newest actor, and returns [`Unavailable`] between two.
//! * Messages in the queue of a dead actor are lost.
//! * [`ExitReason::Disconnected`] is exempt from the fault limit, past which the process ends non-zero.

mod child;
mod drain;
mod exit;
mod handle;
mod life;
mod policy;
mod spec;
mod status;

use std::sync::{Arc, Mutex, PoisonError};

use actix::{Actor, Addr, ArbiterHandle, Context, Handler, Message};

pub use drain::{Drain, Drainable};
pub use exit::ExitReason;
pub use handle::{Supervised, Unavailable};
pub use life::Life;
pub use policy::RestartPolicy;
pub use spec::ChildSpec;
pub use status::{ChildStatus, State};

use crate::shutdown::Shutdown;

/// Owns the children of one arbiter.
#[derive(Debug)]
struct Supervisor {
    shutdown: Shutdown,
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

struct Supervise<A: Actor> {
    spec: ChildSpec<A>,
    channels: handle::ChildChannels<A>,
}

impl<A: Actor> Message for Supervise<A> {
    type Result = ();
}

impl<A: Actor<Context = Context<A>>> Handler<Supervise<A>> for Supervisor {
    type Result = ();

    fn handle(&mut self, message: Supervise<A>, _: &mut Self::Context) {
        // `ctx.spawn` would poll all children at every wake-up of one.
        actix_rt::spawn(child::keep_alive(message.spec, message.channels, self.shutdown.clone()));
    }
}

/// Starts children on one arbiter.
#[derive(Clone)]
pub struct SupervisorHandle {
    address: Addr<Supervisor>,
    roster: Roster,
}

/// Every supervised actor of this process.
#[derive(Clone, Default, Debug)]
pub struct Roster(Arc<Mutex<Vec<Arc<ChildStatus>>>>);

impl Roster {
    /// All children, in order of start.
    pub fn children(&self) -> Vec<Arc<ChildStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn enter(&self, child: Arc<ChildStatus>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(child);
    }
}

impl SupervisorHandle {
    /// Starts a supervisor on an arbiter.
    pub fn start(arbiter: &ArbiterHandle, roster: &Roster, shutdown: Shutdown) -> Self {
        let address = Supervisor::start_in_arbiter(arbiter, move |_| Supervisor { shutdown });
        Self { address, roster: roster.clone() }
    }

    /// Starts a child. The handle returns [`Unavailable`] until the actor is up.
    pub fn supervise<A>(
        &self,
        kind: &'static str,
        name: impl Into<String>,
        policy: RestartPolicy,
        factory: impl FnMut(Life) -> A + Send + 'static,
    ) -> Supervised<A>
    where
        A: Actor<Context = Context<A>>,
    {
        let name = name.into();
        let (channels, supervised) = handle::channels(kind, name.clone());
        self.roster.enter(supervised.status_handle());
        let spec = ChildSpec { kind, name, policy, factory: Box::new(factory) };
        #[expect(
            clippy::disallowed_methods,
            reason = "a supervisor that is gone means its arbiter stopped: the handle then returns Unavailable"
        )]
        self.address.do_send(Supervise { spec, channels });
        supervised
    }
}
