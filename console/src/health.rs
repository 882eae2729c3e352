//! Whether the console of this host answers, for containers without a shell.

use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use actix_web::HttpResponse;
use reqwest::{Client, redirect::Policy};

use crate::{settings::Settings, tls::trust};

/// Shorter than the health check in deploy/ (3 s).
const WITHIN: Duration = Duration::from_secs(2);

/// `GET /healthz`. It asks no service: a console without services has a page that says so.
pub async fn answer() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=utf-8").body("ok\n")
}

/// The command `healthcheck`.
pub async fn check(settings: &Settings) -> io::Result<()> {
    let scheme = if settings.tls_certificate_file.is_some() { "https" } else { "http" };
    let url = format!("{scheme}://{}{}/healthz", reachable(settings.bind), settings.base_path);
    let client = Client::builder().tls_backend_preconfigured(trust()).no_proxy().redirect(Policy::none());
    let client = client.timeout(WITHIN).build().map_err(io::Error::other)?;
    let answer = client.get(url).send().await.map_err(io::Error::other)?;
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("the console answers {}", answer.status())))
    }
}

/// Replaces the unspecified address by loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}
