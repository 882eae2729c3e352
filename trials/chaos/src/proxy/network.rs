use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

/// What is spoken through the proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// RESP. Commands are not told apart.
    Redis,
    /// Version 3, without TLS; inside TLS no write is recognised.
    Postgres,
}

/// What happens to the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// They go through.
    Pass,
    /// Connections are reset, and new ones are refused: nothing listens.
    Refuse,
    /// All connections are reset once; then `Pass`.
    Reset,
    /// Nothing goes through, the end of a connection included; new connections are made and hang. When the
    /// mode changes, whoever waited is reset.
    BlackHole,
    /// Every piece of an answer comes this much later, in order.
    Delay(Duration),
    /// The next write is carried out and its answer is lost: the connection is reset instead. Then `Pass`
    /// (from the moment the write is chosen; [`Proxy::landed`] rises when its answer is lost). For PostgreSQL
    /// a write is a statement with INSERT, UPDATE or DELETE, and it must be a transaction of its own; for
    /// Redis it is the next command of whatever kind.
    DropCommitReply,
    /// The same for the next request of whatever kind.
    DropNextReply,
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) protocol: Protocol,
    pub(super) state: watch::Sender<State>,
    pub(super) landed: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct State {
    pub(super) mode: Mode,
    /// Where new connections go.
    pub(super) upstream: SocketAddr,
    /// Rises when every connection of that moment must be reset.
    pub(super) resets: u64,
    /// Rises when every connection of that moment must go silent.
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

    /// Whether this request is the one whose answer gets lost; of two that ask, one is.
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

    /// In a black hole: waits for its end and says true. Otherwise false, at once.
    pub(super) async fn held_back(&self) -> bool {
        if self.mode() != Mode::BlackHole {
            return false;
        }
        self.hit();
        _ = self.state.subscribe().wait_for(|state| state.mode != Mode::BlackHole).await;
        true
    }
}
