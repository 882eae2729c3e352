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
