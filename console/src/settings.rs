use std::{net::SocketAddr, path::PathBuf, time::Duration};

use clap::{Parser, Subcommand};
use reqwest::Url;

/// Stands for the id in the template of `--trace-url`.
pub const TRACE_ID: &str = "{trace_id}";

/// Shows what Orderflow does, in a browser: orders, streams, recoveries, dead letters.
///
/// Log in with an account of `user`. An ADMIN sees and does all; a USER orders and follows the own orders.
#[derive(Debug, Clone, Parser)]
#[command(name = "console", version = build_info::DESCRIPTION, max_term_width = 100)]
pub struct Settings {
    /// Address to listen on
    #[arg(long, env = "CONSOLE_BIND", value_name = "ADDRESS", default_value = "127.0.0.1:8003")]
    pub bind: SocketAddr,
    /// Address of the service `user`; several instances with commas
    #[arg(long, env = "CONSOLE_USER_URL", value_name = "URL", value_delimiter = ',')]
    #[arg(default_value = "http://127.0.0.1:8002", value_parser = service_url)]
    pub user_url: Vec<Url>,
    /// Address of the service `inventory`; several instances with commas
    #[arg(long, env = "CONSOLE_INVENTORY_URL", value_name = "URL", value_delimiter = ',')]
    #[arg(default_value = "http://127.0.0.1:8000", value_parser = service_url)]
    pub inventory_url: Vec<Url>,
    /// Address of the service `payment`; several instances with commas
    #[arg(long, env = "CONSOLE_PAYMENT_URL", value_name = "URL", value_delimiter = ',')]
    #[arg(default_value = "http://127.0.0.1:8001", value_parser = service_url)]
    pub payment_url: Vec<Url>,
    /// Address of the verifier (`shopctl verify --watch`), for the page of the invariants
    #[arg(long, env = "CONSOLE_VERIFIER_URL", value_name = "URL", value_parser = service_url)]
    pub verifier_url: Option<Url>,
    /// Address of a trace, with {trace_id} in it, to link orders with; empty: no link
    #[arg(long, env = "CONSOLE_TRACE_URL", value_name = "URL", default_value = "", value_parser = trace_url)]
    pub trace_url: String,
    /// Path under which a proxy shows the console, such as /console
    #[arg(long, env = "CONSOLE_BASE_PATH", value_name = "PATH", default_value = "", value_parser = base_path)]
    pub base_path: String,
    /// Certificate to show, and its chain, in PEM; without it the console speaks HTTP
    #[arg(long, env = "CONSOLE_TLS_CERTIFICATE_FILE", value_name = "FILE", requires = "tls_key_file")]
    pub tls_certificate_file: Option<PathBuf>,
    /// Private key of the certificate, in PEM
    #[arg(long, env = "CONSOLE_TLS_KEY_FILE", value_name = "FILE", requires = "tls_certificate_file")]
    pub tls_key_file: Option<PathBuf>,
    /// Let browsers send the cookie over TLS only; for every console that is reached over TLS
    #[arg(long, env = "CONSOLE_SECURE_COOKIE")]
    pub secure_cookie: bool,
    /// Logins at a time; the least recently used one ends first
    #[arg(long, env = "CONSOLE_SESSIONS", value_name = "COUNT", default_value_t = 1000)]
    #[arg(value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=100_000))]
    pub sessions: usize,
    /// Minutes without a request after which a login ends
    #[arg(long, env = "CONSOLE_SESSION_IDLE", value_name = "MINUTES", default_value = "720")]
    #[arg(value_parser = minutes)]
    pub session_idle: Duration,
    /// Seconds that an event may wait before the console calls its stream late
    #[arg(long, env = "CONSOLE_LATE_AFTER", value_name = "SECONDS", default_value_t = 5)]
    pub late_after: u32,
    #[command(subcommand)]
    pub command: Option<Command>,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum Command {
    /// Ask whether the console of this host answers, for containers
    Healthcheck,
}

fn service_url(text: &str) -> Result<Url, String> {
    let url: Url = text.parse().map_err(|error| format!("{error}"))?;
    let is_origin = url.path() == "/" && url.query().is_none() && url.username().is_empty();
    match url.scheme() {
        "http" | "https" if is_origin => Ok(url),
        _ => Err("must be http:// or https://, a host and a port, such as http://127.0.0.1:8002".to_owned()),
    }
}

/// Without the slash at its end, so that a link is the base and a path.
fn base_path(text: &str) -> Result<String, String> {
    let base = text.trim_end_matches('/');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_/".contains(&byte);
    let is_path = base.starts_with('/') && !base.contains("//") && base.bytes().all(is_plain);
    if base.is_empty() || is_path {
        Ok(base.to_owned())
    } else {
        Err("must begin with / and hold letters, digits, - and _ only, such as /console".to_owned())
    }
}

/// A link without a script in it.
fn trace_url(text: &str) -> Result<String, String> {
    let page = text.replace(TRACE_ID, "0af7651916cd43dd8448eb211c80319c").parse::<Url>();
    let is_page = page.is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if text.is_empty() || (is_page && text.contains(TRACE_ID)) {
        Ok(text.to_owned())
    } else {
        Err(format!("must be http:// or https://, with {TRACE_ID} in it"))
    }
}

fn minutes(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(minutes @ 1..) => Ok(Duration::from_secs(60 * u64::from(minutes))),
        _ => Err("must be a whole number of minutes, 1 at least".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Settings::command().debug_assert();
    }

    #[test]
    fn a_base_path_stays_on_this_host() {
        assert_eq!(base_path("/console/").as_deref(), Ok("/console"));
        assert_eq!(base_path("/").as_deref(), Ok(""));
        for wrong in ["console", "//evil.example", "/a//b", "/a b", "/a?b", "/../a"] {
            assert!(base_path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_link_to_a_trace_names_it_and_is_no_script() {
        for good in ["", "https://jaeger.example/trace/{trace_id}", "http://127.0.0.1:16686/t?id={trace_id}"]
        {
            assert_eq!(trace_url(good).as_deref(), Ok(good));
        }
        for wrong in ["https://jaeger.example/", "/trace/{trace_id}", "javascript:alert('{trace_id}')"] {
            assert!(trace_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_of_a_service_is_an_origin() {
        assert!(service_url("https://user:8002").is_ok());
        for wrong in ["user:8002", "ftp://user", "http://user/path", "http://name@user", "http://user?a=b"] {
            assert!(service_url(wrong).is_err(), "{wrong}");
        }
    }
}
