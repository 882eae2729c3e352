//! The command `healthcheck`: a plain socket, because it runs every few seconds in a small container.

use std::{
    io::{self, Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use rustls::{ClientConnection, StreamOwned, pki_types::ServerName};

use super::print;
use crate::tls::client_config;

/// Shorter than the health check in deploy/ (3 s).
const PROBE_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) fn run(address: SocketAddr, encrypted: bool) -> ExitCode {
    match ask(reachable(address), encrypted) {
        Ok(answer) if answer.starts_with("HTTP/1.1 200") => ExitCode::SUCCESS,
        Ok(answer) => {
            print(format_args!("not ready: {}", answer.split("\r\n\r\n").last().unwrap_or_default()));
            ExitCode::FAILURE
        }
        Err(error) => {
            print(format_args!("no answer from {address}: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Replaces the unspecified address by loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

/// The certificate must be one of that address too.
fn ask(address: SocketAddr, encrypted: bool) -> io::Result<String> {
    let connection = TcpStream::connect_timeout(&address, PROBE_TIMEOUT)?;
    connection.set_read_timeout(Some(PROBE_TIMEOUT))?;
    if !encrypted {
        return exchange(connection, address);
    }
    let name = ServerName::from(address.ip());
    let client = ClientConnection::new(Arc::new(client_config()), name).map_err(io::Error::other)?;
    exchange(StreamOwned::new(client, connection), address)
}

fn exchange(mut connection: impl Read + Write, address: SocketAddr) -> io::Result<String> {
    write!(connection, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    connection.read_to_string(&mut answer)?;
    Ok(answer)
}
