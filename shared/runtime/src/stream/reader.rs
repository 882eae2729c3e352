//! The connection a consumer reads entries on.

use std::{io, sync::Arc, time::Duration};

use redis::{
    Cmd, ConnectionAddr, Value,
    io::tcp::{TcpSettings, socket2::SockRef},
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{
    BrokerError,
    entry::Entry,
    reply::{self, End},
};
use crate::tls;

/// What is read at once at least; Redis sends 64 KiB before it looks after its next client
/// (`NET_MAX_WRITES_PER_EVENT`).
const CHUNK: usize = 64 * 1024;
/// Room for replies that is kept: a hundred entries of 1 KiB, what comes at once under load. What a backlog
/// took is given back when a smaller reply says that it has ended.
const KEPT: usize = 128 * 1024;

trait Socket: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Socket for T {}

/// One question at a time, by whoever has it. After an error it is of no use: the rest of an answer may still
/// be coming.
pub(super) struct Reader {
    socket: Box<dyn Socket>,
    received: Vec<u8>,
    patience: Duration,
}

impl Reader {
    /// `patience`: how long one answer may take.
    ///
    /// # Errors
    /// Redis cannot be reached within `connect_timeout`, is not whom its certificate should name, or refuses
    /// the password.
    pub(super) async fn connect(
        client: &redis::Client,
        connect_timeout: Duration,
        patience: Duration,
    ) -> Result<Self, BrokerError> {
        let late = |_| BrokerError::Unavailable(format!("no connection within {connect_timeout:?}"));
        timeout(connect_timeout, Self::open(client, patience)).await.map_err(late)?
    }

    async fn open(client: &redis::Client, patience: Duration) -> Result<Self, BrokerError> {
        let (to, settings) =
            (client.get_connection_info().addr(), client.get_connection_info().redis_settings());
        let socket = socket(to, client.get_connection_info().tcp_settings())
            .await
            .map_err(|error| BrokerError::Unavailable(format!("{to}: {error}")))?;
        let mut reader = Self { socket, received: Vec::new(), patience };
        if let Some(password) = settings.password() {
            reader.ask(redis::cmd("AUTH").arg(settings.username()).arg(password)).await?;
        }
        if settings.db() != 0 {
            reader.ask(redis::cmd("SELECT").arg(settings.db())).await?;
        }
        Ok(reader)
    }

    /// The entries that XREADGROUP answers with.
    ///
    /// # Errors
    /// Redis refused, or did not answer in time. Entries may have been delivered to this consumer all the
    /// same.
    pub(super) async fn read(&mut self, command: &Cmd) -> Result<Vec<Entry>, BrokerError> {
        self.answer(command, reply::entries).await
    }

    async fn ask(&mut self, command: &Cmd) -> Result<Value, BrokerError> {
        self.answer(command, reply::other).await
    }

    async fn answer<T>(
        &mut self,
        command: &Cmd,
        understand: fn(&[u8]) -> Result<T, BrokerError>,
    ) -> Result<T, BrokerError> {
        let lost = |error: io::Error| BrokerError::Unavailable(error.to_string());
        let patience = self.patience;
        let exchange = async {
            self.socket.write_all(&command.get_packed_command()).await.map_err(lost)?;
            self.socket.flush().await.map_err(lost)?;
            let mut end = End::default();
            loop {
                if let Some(length) = end.find(&self.received)? {
                    let answer = understand(&self.received[..length]);
                    self.received.drain(..length);
                    if length < KEPT {
                        self.received.shrink_to(KEPT);
                    }
                    return answer;
                }
                self.received.reserve(CHUNK);
                if self.socket.read_buf(&mut self.received).await.map_err(lost)? == 0 {
                    return Err(lost(io::ErrorKind::UnexpectedEof.into()));
                }
            }
        };
        timeout(patience, exchange).await.map_err(|_| BrokerError::late(patience))?
    }
}

async fn socket(to: &ConnectionAddr, limits: &TcpSettings) -> io::Result<Box<dyn Socket>> {
    match to {
        ConnectionAddr::Tcp(host, port) => Ok(Box::new(tcp(host, *port, limits).await?)),
        ConnectionAddr::TcpTls { host, port, insecure: false, .. } => {
            let name = ServerName::try_from(host.clone()).map_err(io::Error::other)?;
            let plain = tcp(host, *port, limits).await?;
            Ok(Box::new(TlsConnector::from(Arc::new(tls::client_config())).connect(name, plain).await?))
        }
        ConnectionAddr::Unix(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        _ => Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "write redis://, rediss:// without #insecure, or redis+unix://",
        )),
    }
}

/// A connection with the limits of the shared one.
async fn tcp(host: &str, port: u16, limits: &TcpSettings) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(limits.nodelay())?;
    let socket = SockRef::from(&stream);
    limits.keepalive().map_or(Ok(()), |keepalive| socket.set_tcp_keepalive(keepalive))?;
    socket.set_tcp_user_timeout(limits.user_timeout())?;
    Ok(stream)
}
