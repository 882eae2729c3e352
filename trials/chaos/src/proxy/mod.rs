//! A TCP proxy between one service instance and PostgreSQL or Redis: the network of that instance, to be
//! broken at will.
//!
//! ```text
//!   service ──> 127.0.0.1:port ──> requests ──(Frontend: is this the write?)──> server
//!           <── delay queue <──── answers  <──────────────────────────────────
//! ```
//!
//! What it guarantees: in [`Mode::Pass`] every byte goes through in order; its port is its own for as long as
//! it lives, also while it refuses; [`Proxy::landed`] counts only what the mode really did to somebody.

mod connection;
mod frontend;
mod listener;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{net::TcpSocket, sync::watch, task::JoinSet};

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

/// The proxy. Dropping it ends its connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    network: Arc<Network>,
    /// Bound and never listening: nobody else gets the port while we refuse.
    _port: TcpSocket,
    _listener: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and passes everything to `upstream`. Must be called inside a tokio
    /// runtime.
    ///
    /// # Errors
    /// There is no port to be had.
    pub fn start(protocol: Protocol, upstream: SocketAddr) -> io::Result<Self> {
        let reserved = TcpSocket::new_v4()?;
        reserved.set_reuseaddr(true)?;
        reserved.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = reserved.local_addr()?;
        let state = watch::Sender::new(State { mode: Mode::Pass, upstream, resets: 0, silences: 0 });
        let network = Arc::new(Network { protocol, state, landed: AtomicU64::new(0) });
        let mut tasks = JoinSet::new();
        tasks.spawn(listener::run(listener::listen(address)?, address, Arc::clone(&network)));
        Ok(Self { port: address.port(), network, _port: reserved, _listener: tasks })
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the mode, for open connections as for new ones. It takes effect within milliseconds.
    pub fn set(&self, mode: Mode) {
        self.network.state.send_modify(|state| {
            state.resets += u64::from(matches!(mode, Mode::Refuse | Mode::Reset));
            state.mode = if mode == Mode::Reset { Mode::Pass } else { mode };
        });
    }

    /// Connections that exist go silent for good: no byte, no FIN, no RST, until a mode resets them. New ones
    /// work. So does a firewall that forgot them.
    pub fn silence(&self) {
        self.network.state.send_modify(|state| state.silences += 1);
    }

    /// New connections go to another server; those that exist stay where they are.
    pub fn divert(&self, upstream: SocketAddr) {
        self.network.state.send_modify(|state| state.upstream = upstream);
    }

    /// The mode now: the one-shot modes turn into `Pass`.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.network.mode()
    }

    /// How often somebody was hit since the start: connections reset or silenced, pieces and connections held
    /// back, answers delayed or lost. Connections refused while nothing listens are not seen, hence not
    /// counted.
    #[must_use]
    pub fn landed(&self) -> u64 {
        self.network.landed.load(Ordering::Relaxed)
    }
}

/// What all connections share.
#[derive(Debug)]
struct Network {
    protocol: Protocol,
    state: watch::Sender<State>,
    landed: AtomicU64,
}

#[derive(Debug, Clone, Copy)]
struct State {
    mode: Mode,
    /// Where new connections go.
    upstream: SocketAddr,
    /// Rises when every connection of that moment must be reset.
    resets: u64,
    /// Rises when every connection of that moment must go silent.
    silences: u64,
}

impl Network {
    fn mode(&self) -> Mode {
        self.state.borrow().mode
    }

    fn upstream(&self) -> SocketAddr {
        self.state.borrow().upstream
    }

    fn hit(&self) {
        self.landed.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether this request is the one whose answer gets lost; of two that ask, one is.
    fn choose(&self, is_write: bool) -> bool {
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
    async fn held_back(&self) -> bool {
        if self.mode() != Mode::BlackHole {
            return false;
        }
        self.hit();
        _ = self.state.subscribe().wait_for(|state| state.mode != Mode::BlackHole).await;
        true
    }
}
