use std::time::Duration;

use actix::Message;
use futures_util::future::LocalBoxFuture;

/// Finish the work and stop. The reply precedes the end.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// A part that can finish its work.
pub trait Drainable {
    /// Ends for good; false if `limit` came first.
    fn drain(&self, limit: Duration) -> LocalBoxFuture<'_, bool>;
}

/// Implements [`Drain`] as an immediate stop, for an actor with a field `life`.
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
