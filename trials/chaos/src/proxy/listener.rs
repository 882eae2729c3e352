//! A closed listener refuses connections like a server that is down: with ECONNREFUSED.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

use super::connection;
use super::network::{Mode, Network};

/// As in tokio's listener.
const BACKLOG: u32 = 1024;
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// The socket that reserves the port never listens, and both allow reuse of the address.
pub(super) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

pub(super) async fn run(listener: TcpListener, address: SocketAddr, network: Arc<Network>) {
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    let mut state = network.state.subscribe();
    loop {
        listener = match state.borrow_and_update().mode {
            Mode::Refuse => None,
            _ => listener.or_else(|| listen(address).ok()),
        };
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            client = next(listener.as_ref()) => if let Some(client) = client {
                connections.spawn(connection::serve(client, Arc::clone(&network)));
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn next(listener: Option<&TcpListener>) -> Option<TcpStream> {
    if let Some(listener) = listener
        && let Ok((client, _)) = listener.accept().await
    {
        return Some(client);
    }
    sleep(LOOK_AGAIN).await;
    None
}
