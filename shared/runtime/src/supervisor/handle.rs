//! What callers hold of a supervised actor.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};

use actix::{Actor, Addr, Context, Handler, Message, dev::ToEnvelope};
use tokio::sync::watch;

use super::ExitReason;

/// The actor is being replaced, or has ended. What was sent may or may not have been handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the actor is being replaced")]
pub struct Unavailable;

/// Finish what is in progress, then stop. Answered when the actor has taken note, not when it has ended.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Starting,
    Running,
    /// Between two lives.
    Waiting,
    /// Ended for good.
    Ended,
}

/// What the operations API shows of a child.
#[derive(Debug)]
pub struct ChildStatus {
    pub kind: &'static str,
    pub name: String,
    restarts: AtomicU32,
    queue_depth: AtomicI64,
    depth_gauge: metrics::Gauge,
    state: watch::Sender<State>,
    last_exit: Mutex<Option<ExitReason>>,
}

impl ChildStatus {
    pub fn restarts(&self) -> u32 {
        self.restarts.load(Ordering::Relaxed)
    }

    pub fn queue_depth(&self) -> i64 {
        self.queue_depth.load(Ordering::Relaxed)
    }

    pub fn state(&self) -> State {
        *self.state.borrow()
    }

    pub fn last_exit(&self) -> Option<ExitReason> {
        self.last_exit.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Called by the actor: items it has accepted and not finished.
    pub fn set_queue_depth(&self, depth: usize) {
        self.queue_depth.store(i64::try_from(depth).unwrap_or(i64::MAX), Ordering::Relaxed);
        self.depth_gauge.set(depth as f64);
    }

    pub(super) fn enter(&self, state: State) {
        self.state.send_replace(state);
    }

    pub(super) fn record_exit(&self, reason: &ExitReason) {
        *self.last_exit.lock().unwrap_or_else(PoisonError::into_inner) = Some(reason.clone());
    }

    pub(super) fn count_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }
}

/// The supervisor's end: where it publishes the newest address.
pub(super) struct Line<A: Actor> {
    pub(super) address: watch::Sender<Option<Addr<A>>>,
    pub(super) retiring: watch::Receiver<bool>,
    pub(super) status: Arc<ChildStatus>,
}

/// The callers' end: reaches the newest actor.
pub struct Supervised<A: Actor> {
    address: watch::Receiver<Option<Addr<A>>>,
    retire: Arc<watch::Sender<bool>>,
    status: Arc<ChildStatus>,
}

pub(super) fn line<A: Actor>(kind: &'static str, name: String) -> (Line<A>, Supervised<A>) {
    let (address_in, address) = watch::channel(None);
    let (retire, retiring) = watch::channel(false);
    let depth_gauge = metrics::gauge!("orderflow_actor_queue_depth", "actor" => kind, "name" => name.clone());
    let status = Arc::new(ChildStatus {
        kind,
        name,
        restarts: AtomicU32::new(0),
        queue_depth: AtomicI64::new(0),
        depth_gauge,
        state: watch::Sender::new(State::Starting),
        last_exit: Mutex::new(None),
    });
    let line = Line { address: address_in, retiring, status: Arc::clone(&status) };
    (line, Supervised { address, retire: Arc::new(retire), status })
}

impl<A: Actor<Context = Context<A>>> Supervised<A> {
    /// Sends a message to the newest actor and waits for its answer.
    ///
    /// # Errors
    /// [`Unavailable`]: there is none right now, or it ended before it answered.
    pub async fn send<M>(&self, message: M) -> Result<M::Result, Unavailable>
    where
        M: Message + Send + 'static,
        M::Result: Send,
        A: Handler<M>,
        A::Context: ToEnvelope<A, M>,
    {
        // Queued before the first await: mailboxes have no bound (`keep_alive`).
        let answer = self.address.borrow().as_ref().ok_or(Unavailable)?.send(message);
        answer.await.map_err(|_| Unavailable)
    }

    /// Sends a message whose answer travels inside it, or does not matter: a queued message is lost with its
    /// actor.
    ///
    /// # Errors
    /// [`Unavailable`]: there is no actor right now.
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
            reason = "the one place: the senders bound what is in flight and notice a loss by the reply channel in the message, or re-read from the database"
        )]
        address.as_ref().ok_or(Unavailable)?.do_send(message);
        Ok(())
    }

    /// Waits until an actor is up.
    ///
    /// # Errors
    /// [`Unavailable`]: the child has ended for good.
    pub async fn ready(&self) -> Result<(), Unavailable> {
        self.address.clone().wait_for(Option::is_some).await.map(|_| ()).map_err(|_| Unavailable)
    }

    /// Asks the actor to finish and waits for its end; it is not replaced. False: it did not end in time.
    pub async fn drain(&self, patience: Duration) -> bool
    where
        A: Handler<Drain>,
        A::Context: ToEnvelope<A, Drain>,
    {
        self.retire.send_replace(true);
        _ = self.tell(Drain);
        let mut state = self.status.state.subscribe();
        tokio::time::timeout(patience, state.wait_for(|s| *s == State::Ended)).await.is_ok()
    }
}

impl<A: Actor> Supervised<A> {
    /// Restarts, state and last exit.
    pub fn status(&self) -> &ChildStatus {
        &self.status
    }

    /// The same, shared: an actor reports its queue depth through it.
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
