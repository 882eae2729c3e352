//! The listener. `HttpServer` of actix-web accepts no other stream than that of tokio, so this is its small part
//! that joins actix-server and actix-http, with a [`Connection`] between them.

use std::{
    fmt,
    future::{Future, poll_fn},
    io,
    net::{IpAddr, SocketAddr, TcpListener},
    pin::pin,
    sync::Arc,
    task::Poll,
    time::Duration,
};

use actix_http::{HttpServiceBuilder, Request, Response, error::DispatchError};
use actix_rt::net::TcpStream;
use actix_server::{GracefulShutdownSignal, Server, ServerBuilder};
use actix_service::{IntoServiceFactory, Service, ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::{Error, body::MessageBody, dev::AppConfig};
use rustls::ServerConfig;

use super::{
    ClientAddress, Readiness,
    connection::Connection,
    exchange::ConnectionLimits,
    transport::{Encrypted, Transport},
};
use crate::{limits::Shares, process::Common, settings::Networks};

/// To read the last answer before a reset; the default of actix-web.
const CLOSING: Duration = Duration::from_secs(1);

/// Serves `app` in `workers` threads.
pub(super) fn serve<F, I, S, B>(
    listener: TcpListener,
    settings: &Common,
    readiness: &Readiness,
    workers: usize,
    tls: Option<Arc<ServerConfig>>,
    app: F,
) -> io::Result<Server>
where
    F: Fn() -> I + Send + Clone + 'static,
    I: IntoServiceFactory<S, Request>,
    S: ServiceFactory<Request, Config = AppConfig> + 'static,
    S::Error: Into<Error> + 'static,
    S::InitError: fmt::Debug,
    S::Response: Into<Response<B>> + 'static,
    S::Service: 'static,
    <S::Service as Service<Request>>::Future: 'static,
    B: MessageBody + 'static,
{
    let (door, readiness) = (Door::new(settings, tls), readiness.clone());
    // Signal handling of actix-server would stop every arbiter during the drain.
    let builder = ServerBuilder::default()
        .workers(workers)
        .max_concurrent_connections(settings.connections.most.div_ceil(workers))
        .disable_signals()
        // The other half is for the work that requests leave.
        .shutdown_timeout((settings.shutdown_timeout / 2).as_secs().max(1));
    let ending = builder.graceful_shutdown_signal();
    let server = builder.listen("http", listener, move || {
        let (door, ending, readiness) = (door.clone(), ending.clone(), readiness.clone());
        let limits = door.limits;
        let app = app().into_factory().map_err(|error| error.into().error_response());
        let http = HttpServiceBuilder::default()
            .graceful_shutdown_signal(move || notified(ending.clone(), readiness.clone()))
            .keep_alive(limits.keep_alive)
            .client_request_timeout(limits.head_time)
            .client_disconnect_timeout(limits.closing)
            .on_connect_ext(|connection: &Connection<Transport>, data| {
                data.insert(connection.exchange());
                if connection.io().is_encrypted() {
                    data.insert(Encrypted);
                }
            })
            .h1(map_config(app, |()| AppConfig::default()));
        let enter = move |io| {
            let door = door.clone();
            async move { door.admit(io).await }
        };
        fn_service(enter).and_then(http)
    })?;
    Ok(server.run())
}

/// actix-http asks at each poll of each connection. So `ending` itself is asked first, to be woken by it, and again
/// when the service ends.
async fn notified(ending: GracefulShutdownSignal, readiness: Readiness) {
    let mut notified = pin!(ending.notified());
    let mut is_asked = false;
    poll_fn(|cx| {
        if is_asked && !readiness.is_ending() {
            return Poll::Pending;
        }
        is_asked = true;
        notified.as_mut().poll(cx)
    })
    .await;
}

/// Who may connect; clones count together.
#[derive(Clone)]
struct Door {
    limits: ConnectionLimits,
    /// Whose connections are of many clients.
    proxies: Networks,
    by_source: Shares<IpAddr>,
    tls: Option<Arc<ServerConfig>>,
}

impl Door {
    fn new(settings: &Common, tls: Option<Arc<ServerConfig>>) -> Self {
        let connections = settings.connections;
        Self {
            limits: ConnectionLimits {
                keep_alive: connections.keep_alive,
                head_time: connections.head_timeout,
                between: connections.keep_alive + connections.head_timeout,
                head_size: connections.head_limit,
                closing: CLOSING,
            },
            proxies: settings.trusted_proxies.clone(),
            by_source: Shares::new("connections", connections.per_source),
            tls,
        }
    }

    /// An error closes the connection: reading its request would cost more.
    async fn admit(
        &self,
        io: TcpStream,
    ) -> Result<(Connection<Transport>, Option<SocketAddr>), DispatchError> {
        let peer = io.peer_addr()?;
        let source = ClientAddress::peer(peer.ip()).source();
        let share = match self.proxies.contain(peer.ip()) {
            true => None,
            false => Some(self.by_source.take(source).ok_or(DispatchError::DisconnectTimeout)?),
        };
        let io = Transport::accept(io, self.tls.as_ref(), self.limits.head_time).await?;
        let is_encrypted = io.is_encrypted();
        Ok((Connection::new(io, self.limits, is_encrypted, share), Some(peer)))
    }
}
