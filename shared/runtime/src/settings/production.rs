//! Production mode refuses weak secrets, plaintext connections, verbose logs and injected faults.

use std::{collections::BTreeSet, net::SocketAddr};

use redis::ConnectionAddr;
use tokio_postgres::config::Host;

use super::{DatabaseUrl, HttpUrl, RedisUrl, Source, uses_tls};

/// 16 characters drawn from 62 are 95 bits.
const SHORTEST: usize = 16;
/// Random secrets of 16 letters and digits fail this less than once in a million.
const FEWEST_DIFFERENT: usize = 8;
/// Public secrets: the examples of the help texts.
pub const PRINTED: [&str; 2] = ["at-least-32-characters-all-random", "a long and secret one"];

/// The checks of production mode.
#[derive(Debug, Clone, Copy)]
pub struct Production {
    on: bool,
    allow_plaintext: bool,
}

impl Production {
    /// Reads the settings.
    pub fn read(source: &mut Source) -> Self {
        Self {
            on: source.value(
                "production",
                "off",
                "refuse weak secrets, plaintext over networks, verbose logs, and faults",
            ),
            allow_plaintext: source.value(
                "allow-plaintext",
                "off",
                "accept HTTP, Redis and PostgreSQL without TLS in production mode, for private networks",
            ),
        }
    }

    /// Refuses a missing (`None`), weak or public secret.
    pub fn check_secret(self, source: &mut Source, name: &str, secret: Option<&str>) {
        let problem = secret.map_or(Some("has no password, which `production` refuses"), weakness);
        if self.on {
            source.check(name, problem.is_none(), problem.unwrap_or_default());
        }
    }

    /// Refuses a setting that is `there`; `rule` is the reason.
    pub fn check_absent(self, source: &mut Source, name: &str, there: bool, rule: &str) {
        source.check(name, !self.on || !there, rule);
    }

    /// Refuses to serve plain HTTP to other machines.
    pub fn check_server(self, source: &mut Source, bind: SocketAddr, encrypted: bool) {
        let open = !encrypted && !bind.ip().is_loopback() && !self.allow_plaintext;
        let rule = "is required with `production`, unless http-bind is an address of this machine alone; \
                    set allow-plaintext=on in a private network";
        self.check_absent(source, "tls-certificate", open, rule);
    }

    /// Refuses plain HTTP to other machines.
    pub fn check_http(self, source: &mut Source, name: &str, url: &HttpUrl) {
        let rule =
            "must be https://, or an address of this machine; set allow-plaintext=on in a private network";
        let open = !url.is_encrypted() && !url.is_of_this_machine() && !self.allow_plaintext;
        self.check_absent(source, name, open, rule);
    }

    /// Refuses plaintext and weak passwords over the network.
    pub fn check_database(self, source: &mut Source, url: &DatabaseUrl) {
        let config = url.config();
        // The server knows the user of a local socket.
        if config.get_hosts().iter().all(|host| matches!(host, Host::Unix(_))) {
            return;
        }
        let rule = "must be encrypted: add ?sslmode=require, or set allow-plaintext=on in a private network";
        self.check_absent(source, "database-url", !self.allow_plaintext && !uses_tls(&config), rule);
        let password = config.get_password().map(String::from_utf8_lossy);
        self.check_secret(source, "database-url", password.as_deref());
    }

    /// Refuses plaintext and weak passwords over the network.
    pub fn check_redis(self, source: &mut Source, url: &RedisUrl) {
        let client = url.client();
        let connection = client.get_connection_info();
        let encrypted = match connection.addr() {
            ConnectionAddr::Unix(_) => return,
            ConnectionAddr::TcpTls { insecure, .. } => !insecure,
            _ => false,
        };
        let rule = "must be encrypted: write rediss://, or set allow-plaintext=on in a private network";
        self.check_absent(source, "redis-url", !self.allow_plaintext && !encrypted, rule);
        self.check_secret(source, "redis-url", connection.redis_settings().password());
    }
}

/// Whether a program would try it early: few characters, a repetition, or a row such as 0123456789.
pub fn is_predictable(secret: &str) -> bool {
    let letters: Vec<char> = secret.chars().collect();
    let length = letters.len();
    let different = letters.iter().collect::<BTreeSet<_>>().len();
    let repeats = (1..=length / 2).any(|period| letters[period..] == letters[..length - period]);
    let step = |pair: &[char]| u32::from(pair[0]).abs_diff(u32::from(pair[1])) <= 1;
    let in_a_row = letters.windows(2).filter(|pair| step(pair)).count();
    // Of random hexadecimal digits one in six is beside its neighbour.
    different < FEWEST_DIFFERENT || repeats || in_a_row * 3 > length * 2
}

fn weakness(secret: &str) -> Option<&'static str> {
    match secret.chars().count() {
        length if length < SHORTEST => Some(
            "is too short for `production`: use at least 16 characters, for example of: openssl rand -hex 24",
        ),
        _ if is_predictable(secret) || PRINTED.contains(&secret) => {
            Some("can be guessed, which `production` refuses; use, for example, one of: openssl rand -hex 24")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Common;
    use crate::settings::Value;

    const GOOD: &str = "9f2c41d07ab35e68c1d4";

    fn complaints(environment: &[(&str, &str)]) -> Vec<String> {
        let given = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut source = Source::new([], given);
        let common = Common::read(&mut source, "127.0.0.1:0", "127.0.0.1:0");
        let redis: RedisUrl = source.value("redis-url", "redis://127.0.0.1:6379/0", "");
        common.production.check_redis(&mut source, &redis);
        source.finish().err().into_iter().flat_map(|errors| errors.0).map(|error| error.to_string()).collect()
    }

    #[test]
    fn the_defaults_are_good_enough_for_a_developer_and_for_nobody_else() {
        let database = ("DATABASE_URL", "postgres://u:secret@h/d");
        assert_eq!(complaints(&[database]), [""; 0]);
        let refused = complaints(&[database, ("PRODUCTION", "on"), ("FAULTS", "on")]);
        let names: Vec<&str> = refused.iter().filter_map(|error| error.split(':').next()).collect();
        assert_eq!(
            names,
            ["faults", "database-url", "database-url", "redis-url", "redis-url"],
            "{refused:#?}"
        );
    }

    #[test]
    fn production_takes_encrypted_connections_with_real_passwords() {
        let database = format!("postgres://u:{GOOD}@h/d?sslmode=require");
        let redis = format!("rediss://u:{GOOD}@h:6379/0");
        let given =
            [("PRODUCTION", "on"), ("DATABASE_URL", database.as_str()), ("REDIS_URL", redis.as_str())];
        assert_eq!(complaints(&given), [""; 0]);
    }

    #[test]
    fn plaintext_is_accepted_only_when_told_so_and_never_without_a_password() {
        let database = format!("postgres://u:{GOOD}@h/d");
        let given = [("PRODUCTION", "on"), ("ALLOW_PLAINTEXT", "on"), ("DATABASE_URL", database.as_str())];
        let refused = complaints(&given);
        assert!(
            matches!(refused.as_slice(), [one] if one.starts_with("redis-url: has no password")),
            "{refused:#?}"
        );
    }

    #[test]
    fn verbose_logs_are_for_developers() {
        let database = format!("postgres://u:{GOOD}@h/d?sslmode=require");
        let redis = format!("rediss://u:{GOOD}@h:6379/0");
        let refused = |filter| {
            let given = [
                ("PRODUCTION", "on"),
                ("DATABASE_URL", database.as_str()),
                ("REDIS_URL", redis.as_str()),
                ("LOG_FILTER", filter),
            ];
            complaints(&given)
        };
        assert_eq!(refused("info,runtime=warn"), [""; 0]);
        for filter in ["debug", "trace", "info,runtime::stream=debug"] {
            assert!(
                matches!(refused(filter).as_slice(), [one] if one.starts_with("log-filter: ")),
                "{filter}"
            );
        }
    }

    #[test]
    fn plain_http_is_for_this_machine() {
        let database = format!("postgres://u:{GOOD}@h/d?sslmode=require");
        let refused = |url: &str, bind: &str, allow| {
            let given =
                [("PRODUCTION", "on"), ("DATABASE_URL", database.as_str()), ("ALLOW_PLAINTEXT", allow)];
            let given = given.into_iter().chain([("HTTP_BIND", bind), ("JWKS_URL", url)]);
            let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let mut source = Source::new([], given);
            let common = Common::read(&mut source, "127.0.0.1:0", "127.0.0.1:0");
            let jwks: HttpUrl = source.value("jwks-url", "http://127.0.0.1:8002", "");
            common.production.check_http(&mut source, "jwks-url", &jwks);
            let errors = source.finish().err().into_iter().flat_map(|errors| errors.0);
            errors.map(|error| error.name).collect::<Vec<_>>()
        };
        assert_eq!(refused("http://user:8002/k", "0.0.0.0:8000", "off"), ["tls-certificate", "jwks-url"]);
        assert_eq!(refused("http://user:8002/k", "0.0.0.0:8000", "on"), [""; 0]);
        for local in
            ["http://127.0.0.1:8002/k", "http://[::1]:8002/k", "http://localhost/k", "https://user/k"]
        {
            assert_eq!(refused(local, "127.0.0.1:8000", "off"), [""; 0], "{local}");
        }
        assert_eq!(refused("http://127.0.0.1.example.com/k", "127.0.0.1:8000", "off"), ["jwks-url"]);
    }

    #[test]
    fn tls_that_checks_no_certificate_is_no_tls() {
        let database = format!("postgres://u:{GOOD}@h/d?sslmode=require");
        let redis = format!("rediss://u:{GOOD}@h:6379/0#insecure");
        // Some builds refuse the URL itself.
        let given =
            [("PRODUCTION", "on"), ("DATABASE_URL", database.as_str()), ("REDIS_URL", redis.as_str())];
        assert!(RedisUrl::parse(&redis).is_err() || !complaints(&given).is_empty());
    }

    #[test]
    fn a_secret_that_is_short_repeats_itself_counts_or_is_printed_here_is_weak() {
        for weak in [
            "",
            "hunter2",
            "aaaaaaaaaaaaaaaaaaaa",
            "abcabcabcabcabcabcabc",
            "c0rrecthorsec0rrecthorse",
            "0123456789abcdef",
            "zyxwvutsrqponmlk",
            PRINTED[0],
            PRINTED[1],
        ] {
            assert!(weakness(weak).is_some(), "{weak}");
        }
        assert_eq!(weakness(GOOD), None);
    }
}
