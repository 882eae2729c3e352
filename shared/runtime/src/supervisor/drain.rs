//! The orderly end of an actor.

use std::time::Duration;

use actix::Message;
use futures_util::future::LocalBoxFuture;

/// Finish the work in progress, then stop. The sender is answered before the actor ends.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// A part with work that can be finished within a limit.
pub trait Drainable {
    /// Finishes the work and ends for good. False: the limit came first.
    fn drain(&self, limit: Duration) -> LocalBoxFuture<'_, bool>;
}

/// Implements [`Drain`] for an actor without work in progress: it stops at once.
/// The actor has a field `life`.
#[macro_export]
macro_rules! drains_at_once {
    ($actor:ty) => {
        impl ::actix::Handler<$crate::supervisor::Drain> for $actor {
            type Result = ();

            fn handle(&mut self, _: $crate::supervisor::Drain, context: &mut Self::Context) {
                self.life.ends($crate::supervisor::ExitReason::Drained);
                ::actix::ActorContext::stop(context);
            }
        }
    };
}
