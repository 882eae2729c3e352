use std::net::SocketAddr;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};
use std::time::Duration;

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Every command counts as a write.
    Redis,
    /// Version 3 without TLS, which would hide writes.
    Postgres,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// Resets connections as well.
    Refuse,
    /// Resets all connections once, then passes.
    Reset,
    /// Holds all bytes and ends of connections, which another mode resets. New connections hang.
    BlackHole,
    /// Delays pieces of answers, in order.
    Delay(Duration),
    /// Loses the answer of the next write, then passes; [`landed`](super::Proxy::landed) rises with the loss.
    ///
    /// For PostgreSQL, a write is an INSERT, UPDATE or DELETE in a transaction of its own.
    DropCommitReply,
    /// The same for a request of any kind.
    DropNextReply,
}

#[derive(Debug)]
pub(super) struct Network {
    pub(super) protocol: Protocol,
    pub(super) state: watch::Sender<State>,
    pub(super) landed: AtomicU64,
    /// One clone for each silent connection.
    pub(super) silent: Arc<()>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub(super) mode: Mode,
    /// For new connections.
    pub(super) upstream: SocketAddr,
    /// A rise resets the present connections.
    pub(super) resets: u64,
    /// A rise silences the present connections.
    pub(super) silences: u64,
}

impl Network {
    pub(super) fn mode(&self) -> Mode {
        self.state.borrow().mode
    }

    pub(super) fn upstream(&self) -> SocketAddr {
        self.state.borrow().upstream
    }

    pub(super) fn hit(&self) {
        self.landed.fetch_add(1, Ordering::Relaxed);
    }

    /// Chooses exactly one of concurrent requests.
    pub(super) fn choose(&self, is_write: bool) -> bool {
        self.state.send_if_modified(|state| {
            let chosen =
                state.mode == Mode::DropNextReply || (state.mode == Mode::DropCommitReply && is_write);
            if chosen {
                state.mode = Mode::Pass;
            }
            chosen
        })
    }

    /// Returns true after a black hole, false at once otherwise.
    pub(super) async fn held_back(&self) -> bool {
        if self.mode() != Mode::BlackHole {
            return false;
        }
        self.hit();
        _ = self.state.subscribe().wait_for(|state| state.mode != Mode::BlackHole).await;
        true
    }
}
