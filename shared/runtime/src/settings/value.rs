use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

/// A type of a setting.
pub trait Value: Sized {
    /// Errors complete the sentence "`http-bind`: …".
    fn parse(text: &str) -> Result<Self, String>;
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "true" | "on" => Ok(true),
            "false" | "off" => Ok(false),
            _ => Err(format!("expected on or off, got `{text}`")),
        }
    }
}

impl Value for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("expected an address with a port such as 127.0.0.1:8000, got `{text}`"))
    }
}

macro_rules! whole_number {
    ($($type:ty),*) => {$(
        impl Value for $type {
            fn parse(text: &str) -> Result<Self, String> {
                text.parse().map_err(|_| format!("expected a whole number, got `{text}`"))
            }
        }
    )*};
}
whole_number!(u16, u32, u64, usize);

impl Value for f64 {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("expected a number such as 0.1, got `{text}`"))
    }
}

/// Compose passes an unset variable as empty text.
impl<T: Value> Value for Option<T> {
    fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() { Ok(None) } else { T::parse(text).map(Some) }
    }
}

/// `250ms`, `5s`, `10m`, `24h`.
impl Value for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a time such as 250ms, 5s, 10m or 24h, got `{text}`");
        let digits = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = text[..digits].parse().map_err(|_| wrong())?;
        let milliseconds = match &text[digits..] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        number.checked_mul(milliseconds).map(Duration::from_millis).ok_or_else(wrong)
    }
}

/// Text that `Debug` redacts.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret; keep it out of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Value for Secret {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(Self::new(text))
    }
}

/// A PostgreSQL URL, whose password `Debug` hides.
#[derive(Clone)]
pub struct DatabaseUrl(tokio_postgres::Config);

impl DatabaseUrl {
    /// The configuration of a connection.
    pub fn config(&self) -> tokio_postgres::Config {
        self.0.clone()
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "postgres://[redacted]@{:?}/{}",
            self.0.get_hosts(),
            self.0.get_dbname().unwrap_or_default()
        )
    }
}

impl Value for DatabaseUrl {
    fn parse(text: &str) -> Result<Self, String> {
        // Drops the parser's message, which could quote the password.
        let wrong = "expected a URL such as postgres://user:password@host:5432/database";
        let config: tokio_postgres::Config = text.parse().map_err(|_| wrong.to_owned())?;
        if config.get_hosts().is_empty() || config.get_dbname().is_none() {
            return Err(wrong.to_owned());
        }
        Ok(Self(config))
    }
}

/// A Redis URL, whose password `Debug` hides.
#[derive(Clone)]
pub struct RedisUrl(redis::Client);

impl RedisUrl {
    /// A client for this URL.
    pub fn client(&self) -> redis::Client {
        self.0.clone()
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redis://[redacted]@{}", self.0.get_connection_info().addr())
    }
}

impl Value for RedisUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = |_| "expected a URL such as redis://user:password@host:6379/0".to_owned();
        redis::Client::open(text).map(Self).map_err(wrong)
    }
}

/// An `http://` or `https://` URL without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl(String);

impl HttpUrl {
    /// The URL as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl HttpUrl {
    /// A URL below this one; `path` begins with a slash.
    pub fn join(&self, path: &str) -> Self {
        Self(format!("{}{path}", self.0))
    }

    /// Whether it is https.
    pub fn is_encrypted(&self) -> bool {
        self.0.starts_with("https:")
    }

    /// Whether its host is loopback, so that no network sees the request.
    pub fn is_of_this_machine(&self) -> bool {
        let host = reqwest::Url::parse(&self.0).ok().and_then(|url| url.host_str().map(str::to_owned));
        let address = |host: &str| host.trim_matches(['[', ']']).parse::<IpAddr>();
        host.is_some_and(|host| host == "localhost" || address(&host).is_ok_and(|ip| ip.is_loopback()))
    }
}

impl Value for HttpUrl {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("expected a URL such as http://127.0.0.1:8000, got `{text}`");
        let url = reqwest::Url::parse(text).map_err(|_| wrong())?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(wrong());
        }
        Ok(Self(text.trim_end_matches('/').to_owned()))
    }
}

/// Whether `config` refuses a plaintext connection.
pub fn uses_tls(config: &tokio_postgres::Config) -> bool {
    config.get_ssl_mode() == tokio_postgres::config::SslMode::Require
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(Duration::parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(Duration::parse("10m"), Ok(Duration::from_secs(600)));
        for wrong in ["5", "5 s", "s", "-1s", "99999999999999999999h", ""] {
            assert!(Duration::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_password_shows_neither_in_debug_nor_in_the_error() {
        let url = DatabaseUrl::parse("postgres://u:hunter2@h:5432/d").unwrap();
        assert!(!format!("{url:?}").contains("hunter2"));
        let error = DatabaseUrl::parse("postgres://u:hunter2@:bad/d").unwrap_err();
        assert!(!error.contains("hunter2"), "{error}");
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "[redacted]");
    }
}
