//! A TCP proxy between one service instance and PostgreSQL or Redis: the network of that instance.
//!
//! ```text
//!   service ──> 127.0.0.1:port ──> requests ──(Frontend: is this the write?)──> server
//!           <── delay queue <──── answers  <──────────────────────────────────
//! ```
//!
//! Guarantees: in [`Mode::Pass`] every byte passes in order. The proxy keeps its port for as long as it
//! lives, also while it refuses. [`Proxy::landed`] counts real effects on connections.

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
    /// Bound without listening: reserves the port while the proxy refuses.
    _port: TcpSocket,
    _listener: JoinSet<()>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and passes everything to `upstream`. Requires a tokio runtime.
    ///
    /// # Errors
    /// The error of binding a port.
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

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes the mode of open and new connections, within milliseconds.
    pub fn set(&self, mode: Mode) {
        self.network.state.send_modify(|state| {
            state.resets += u64::from(matches!(mode, Mode::Refuse | Mode::Reset));
            state.mode = if mode == Mode::Reset { Mode::Pass } else { mode };
        });
    }

    /// Silences the existing connections: no byte, FIN or RST until a mode resets them. New connections work.
    /// A firewall that has dropped their state behaves like this.
    pub fn silence(&self) {
        self.network.state.send_modify(|state| state.silences += 1);
    }

    /// Sends new connections to another server. Existing ones stay.
    pub fn divert(&self, upstream: SocketAddr) {
        self.network.state.send_modify(|state| state.upstream = upstream);
    }

    /// The present mode. One-shot modes turn into `Pass`.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.network.mode()
    }

    /// The number of effects since the start: connections reset or silenced, pieces and connections held
    /// back, answers delayed or lost. Refused connections are invisible to the proxy and are not counted.
    #[must_use]
    pub fn landed(&self) -> u64 {
        self.network.landed.load(Ordering::Relaxed)
    }
}
