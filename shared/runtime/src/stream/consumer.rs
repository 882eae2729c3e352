use std::{
    cell::Cell,
    rc::Rc,
    sync::{Arc, Mutex, PoisonError},
};

use actix::{Actor, ActorContext, ActorFutureExt, AsyncContext, Context, Handler, WrapFuture};

use super::{ConsumerSpec, EventHandler, consumer_state::ConsumerState, session::Session};
use crate::supervisor::{Drain, ExitReason, Life};

/// The actor that reads one partition for one group.
pub struct Consumer<H: EventHandler> {
    spec: ConsumerSpec,
    handler: Option<H>,
    state: Arc<Mutex<ConsumerState>>,
    stopping: Rc<Cell<bool>>,
    life: Life,
}

impl<H: EventHandler> Consumer<H> {
    pub(super) fn new(spec: ConsumerSpec, handler: H, state: Arc<Mutex<ConsumerState>>, life: Life) -> Self {
        if let Some(ExitReason::Panicked(panic)) = life.previous_end() {
            state.lock().unwrap_or_else(PoisonError::into_inner).blame(&format!("panicked: {panic}"));
        }
        Self { spec, handler: Some(handler), state, stopping: Rc::default(), life }
    }
}

impl<H: EventHandler> Actor for Consumer<H> {
    type Context = Context<Self>;

    fn started(&mut self, context: &mut Self::Context) {
        let Some(handler) = self.handler.take() else { return context.stop() };
        let spec = self.spec.clone();
        let state = Arc::clone(&self.state);
        let stopping = Rc::clone(&self.stopping);
        let session = async move { Session::open(spec, handler, state, stopping).await?.run().await };
        context.spawn(session.into_actor(self).map(|result, actor, context| {
            actor.life.ends(match result {
                Ok(()) => ExitReason::Drained,
                // The next life reconnects.
                Err(error) => ExitReason::Disconnected(error.to_string()),
            });
            context.stop();
        }));
    }
}

impl<H: EventHandler> Handler<Drain> for Consumer<H> {
    type Result = ();

    /// A blocked read ends after at most `stream-block`.
    fn handle(&mut self, _: Drain, _: &mut Self::Context) {
        self.stopping.set(true);
    }
}
