use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// The protocol of the connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// RESP. Every command counts as a write.
    Redis,
    /// Version 3 without TLS. Inside TLS no write is recognised.
    Postgres,
}

/// The treatment of the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All bytes pass.
    Pass,
    /// Connections are reset, and new ones are refused.
    Refuse,
    /// All connections are reset once, then `Pass`.
    Reset,
    /// All bytes are held, the end of a connection included. New connections are accepted and hang. A change
    /// of the mode resets the held ones.
    BlackHole,
    /// Every piece of an answer is delayed by this time, in order.
    Delay(Duration),
    /// The next write is executed and its answer is lost: the connection is reset instead. The mode is `Pass`
    /// from the moment the write is chosen, and [`landed`](super::Proxy::landed) rises when its answer is
    /// lost. For PostgreSQL a write is a statement with INSERT, UPDATE or DELETE in a transaction of its own.
    /// For Redis it is the next command of any kind.
    DropCommitReply,
    /// The next request of any kind is executed and its answer is lost.
    DropNextReply,
}

/// The state that all connections share.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) protocol: Protocol,
    pub(super) state: watch::Sender<State>,
    pub(super) landed: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub(super) mode: Mode,
    /// The server of new connections.
    pub(super) upstream: SocketAddr,
    /// A rise resets every connection of that moment.
    pub(super) resets: u64,
    /// A rise silences every connection of that moment.
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

    /// Chooses the request whose answer is lost: exactly one of concurrent ones.
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

    /// In a black hole, waits for its end and returns true. Otherwise returns false at once.
    pub(super) async fn held_back(&self) -> bool {
        if self.mode() != Mode::BlackHole {
            return false;
        }
        self.hit();
        _ = self.state.subscribe().wait_for(|state| state.mode != Mode::BlackHole).await;
        true
    }
}
