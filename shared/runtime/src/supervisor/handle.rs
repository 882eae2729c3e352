use std::{fmt, sync::Arc, time::Duration};

use actix::{Actor, Addr, Context, Handler, Message, dev::ToEnvelope};
use futures_util::future::LocalBoxFuture;
use tokio::sync::watch;

use super::{ChildStatus, Drain, Drainable, State};

/// The actor is being replaced or has ended; the message may have been handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the actor is being replaced")]
pub struct Unavailable;

/// The supervisor's ends of a child's channels.
pub(super) struct ChildChannels<A: Actor> {
    pub(super) address: watch::Sender<Option<Addr<A>>>,
    pub(super) retiring: watch::Receiver<bool>,
    pub(super) status: Arc<ChildStatus>,
}

/// The handle of a child: reaches the newest actor.
pub struct Supervised<A: Actor> {
    address: watch::Receiver<Option<Addr<A>>>,
    retire: Arc<watch::Sender<bool>>,
    status: Arc<ChildStatus>,
}

pub(super) fn channels<A: Actor>(kind: &'static str, name: String) -> (ChildChannels<A>, Supervised<A>) {
    let (address_in, address) = watch::channel(None);
    let (retire, retiring) = watch::channel(false);
    let status = Arc::new(ChildStatus::new(kind, name));
    let channels = ChildChannels { address: address_in, retiring, status: Arc::clone(&status) };
    (channels, Supervised { address, retire: Arc::new(retire), status })
}

impl<A: Actor<Context = Context<A>>> Supervised<A> {
    /// Sends a message and waits for the answer; fails if the actor is down or ends first.
    pub async fn send<M>(&self, message: M) -> Result<M::Result, Unavailable>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        // Queued before the first await, as mailboxes are unbounded.
        let answer = self.address.borrow().as_ref().ok_or(Unavailable)?.send(message);
        answer.await.map_err(|_| Unavailable)
    }

    /// Sends without waiting; a queued message is lost with its actor. Fails while the actor is down.
    pub fn tell<M>(&self, message: M) -> Result<(), Unavailable>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        let address = self.address.borrow();
        #[expect(
            clippy::disallowed_methods,
            reason = "the only place: senders bound the work in flight, and notice a loss by the channel in \
                      the message or re-read from the database"
        )]
        address.as_ref().ok_or(Unavailable)?.do_send(message);
        Ok(())
    }

    /// Waits until an actor is up; fails once the child has ended for good.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        self.address.clone().wait_for(Option::is_some).await.map(|_| ()).map_err(|_| Unavailable)
    }

    /// Drains the actor without a successor; false if `limit` came first.
    pub async fn drain(&self, limit: Duration) -> bool
    where
        A: Handler<Drain>,
        A::Context: ToEnvelope<A, Drain>,
    {
        self.retire.send_replace(true);
        _ = self.tell(Drain);
        let mut state = self.status.subscribe();
        tokio::time::timeout(limit, state.wait_for(|s| *s == State::Ended)).await.is_ok()
    }
}

impl<A> Drainable for Supervised<A>
where
    A: Actor<Context = Context<A>> + Handler<Drain>,
    A::Context: ToEnvelope<A, Drain>,
{
    fn drain(&self, limit: Duration) -> LocalBoxFuture<'_, bool> {
        Box::pin(Self::drain(self, limit))
    }
}

impl<A: Actor> Supervised<A> {
    /// The status of the child.
    pub fn status(&self) -> &ChildStatus {
        &self.status
    }

    /// The shared status.
    pub fn status_handle(&self) -> Arc<ChildStatus> {
        Arc::clone(&self.status)
    }
}

impl<A: Actor> Clone for Supervised<A> {
    fn clone(&self) -> Self {
        Self {
            address: self.address.clone(),
            retire: Arc::clone(&self.retire),
            status: Arc::clone(&self.status),
        }
    }
}

impl<A: Actor> fmt::Debug for Supervised<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Supervised({} {}, {:?})", self.status.kind, self.status.name, self.status.state())
    }
}
