//! Supervision: an actor that ends, for whatever reason, is replaced by a fresh one from its factory.
//!
//! `actix::Supervisor` does not restart an actor that panicked, and restarts a stopped one with the same
//! (maybe broken) struct. Here the supervisor owns a [`ChildSpec`] per child: the factory, the
//! [`RestartPolicy`] and the name. It runs the child's context itself, under `catch_unwind`:
//!
//! ```text
//!  Supervisor (actor) ──owns──> child loop ──factory()──> actor ──ends──> ExitReason
//!                                   ^                                        │ count, log
//!                                   └───── backoff with jitter <── intensity ┤
//!                                                                            └─ over the limit: Shutdown::fail
//! ```
//!
//! * Callers hold a [`Supervised`] handle: it always reaches the newest actor, and says [`Unavailable`]
//!   between two.
//! * Messages queued in a dead actor are lost. HTTP answers 503, a consumer leaves its entry pending.
//! * A lost connection, or a server that refuses ([`ExitReason::Disconnected`]), is the environment's fault,
//!   not the code's: the actor is replaced with backoff for as long as that lasts. Panics and silent ends
//!   count towards the intensity limit; past it readiness falls and the process ends non-zero, for an
//!   orchestrator to decide.

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

/// The actor that owns the children of one arbiter.
#[derive(Debug)]
struct Supervisor {
    shutdown: Shutdown,
}

impl Actor for Supervisor {
    type Context = Context<Self>;
}

/// Start a child and keep it alive.
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
        // Not ctx.spawn: every wake-up of one child would poll all the others.
        actix_rt::spawn(child::keep_alive(message.spec, message.channels, self.shutdown.clone()));
    }
}

/// A handle to the supervisor of one arbiter; the way to give it children.
#[derive(Clone)]
pub struct SupervisorHandle {
    address: Addr<Supervisor>,
    roster: Roster,
}

/// Every supervised actor of this process, for the operations API.
#[derive(Clone, Default, Debug)]
pub struct Roster(Arc<Mutex<Vec<Arc<ChildStatus>>>>);

impl Roster {
    pub fn children(&self) -> Vec<Arc<ChildStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn enter(&self, child: Arc<ChildStatus>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(child);
    }
}

impl SupervisorHandle {
    /// Starts a supervisor on an arbiter. Its children live on the same one.
    pub fn start(arbiter: &ArbiterHandle, roster: &Roster, shutdown: Shutdown) -> Self {
        let address = Supervisor::start_in_arbiter(arbiter, move |_| Supervisor { shutdown });
        Self { address, roster: roster.clone() }
    }

    /// Starts a child; the handle is usable at once, and answers [`Unavailable`] until the actor is up.
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
            reason = "a supervisor that is gone means its arbiter stopped: the handle then says Unavailable"
        )]
        self.address.do_send(Supervise { spec, channels });
        supervised
    }
}
