//! A TCP proxy between one service instance and PostgreSQL or Redis.
//!
//! ```text
//!   service ──> 127.0.0.1:port ──> requests ──(Frontend: is this the write?)──> server
//!           <── delay queue <──── answers  <──────────────────────────────────
//! ```
//!
//! [`Mode::Pass`] keeps the order of the bytes. The proxy keeps its port, also while it refuses.

mod connection;
mod frontend;
mod listener;
mod network;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::TcpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub use network::{Mode, Protocol};
use network::{Network, State};

/// Dropping it ends its connections.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    network: Arc<Network>,
    /// Reserves the port while the proxy refuses.
    _port: TcpSocket,
    _listener: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1. Requires a tokio runtime.
    pub fn start(protocol: Protocol, upstream: SocketAddr) -> io::Result<Self> {
        let reserved = TcpSocket::new_v4()?;
        reserved.set_reuseaddr(true)?;
        reserved.bind((Ipv4Addr::LOCALHOST, 0).into())?;
        let address = reserved.local_addr()?;
        let state = watch::Sender::new(State { mode: Mode::Pass, upstream, resets: 0, silences: 0 });
        let network =
            Arc::new(Network { protocol, state, landed: AtomicU64::new(0), silent: Arc::default() });
        let mut tasks = JoinSet::new();
        tasks.spawn(listener::run(listener::listen(address)?, address, Arc::clone(&network)));
        Ok(Self { port: address.port(), network, _port: reserved, _listener: tasks })
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Affects open and new connections, within milliseconds.
    pub fn set(&self, mode: Mode) {
        self.network.state.send_modify(|state| {
            state.resets += u64::from(matches!(mode, Mode::Refuse | Mode::Reset));
            state.mode = if mode == Mode::Reset { Mode::Pass } else { mode };
        });
    }

    /// Silences existing connections for 30 s or until a mode resets them, as a firewall that has dropped their
    /// state.
    pub fn silence(&self) {
        self.network.state.send_modify(|state| state.silences += 1);
    }

    /// Counts the silenced connections that are still open at the server.
    #[must_use]
    pub fn silent(&self) -> usize {
        Arc::strong_count(&self.network.silent) - 1
    }

    /// Existing connections stay.
    pub fn divert(&self, upstream: SocketAddr) {
        self.network.state.send_modify(|state| state.upstream = upstream);
    }

    /// One-shot modes turn into `Pass`.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.network.mode()
    }

    /// Counts connections reset or silenced, pieces held back, answers delayed or lost. Refused connections
    /// are invisible.
    #[must_use]
    pub fn landed(&self) -> u64 {
        self.network.landed.load(Ordering::Relaxed)
    }
}
