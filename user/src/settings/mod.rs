mod admin;
mod limits;
mod tokens;

use std::time::Duration;

use runtime::{
    auth::{TokenSettings, jwks_interval},
    process::{self, Common},
    settings::{HttpUrl, Production, Source},
};

pub use self::{
    admin::{AdminSettings, NewAdmin},
    limits::SourceLimits,
};
use crate::{
    domain::{AttemptLimits, KeySchedule},
    tokens::{KeyEncryption, ServiceClients, TokenRules},
};

/// Instances notice a new key at their next look, and verifiers tolerate some seconds.
const LATE_SIGNATURES: Duration = Duration::from_secs(60);

pub const COMMANDS: [&str; 5] = ["serve", "migrate", "healthcheck", "create-admin", "reset-admin"];

pub enum Task {
    Service(process::Task<Settings>),
    CreateAdmin(Box<AdminSettings>),
    ResetAdmin(Box<AdminSettings>),
}

#[derive(Debug, Clone)]
pub struct Settings {
    pub common: Common,
    pub access_token_ttl: Duration,
    pub refresh_token_ttl: Duration,
    pub jwks_interval: Duration,
    pub key_encryption: KeyEncryption,
    pub signing_key_notice: Duration,
    pub attempt_limits: AttemptLimits,
    pub source_limits: SourceLimits,
    pub token_issuer: String,
    pub token_audience: String,
    pub public_url: HttpUrl,
    pub service_clients: ServiceClients,
    pub first_admin: Option<NewAdmin>,
    pub hash_concurrency: usize,
    pub hash_queue: usize,
    pub hash_share: usize,
}

impl Task {
    pub fn read(source: &mut Source) -> Self {
        match source.command() {
            Some("create-admin") => Self::CreateAdmin(Box::new(AdminSettings::read(source))),
            Some("reset-admin") => Self::ResetAdmin(Box::new(AdminSettings::read(source))),
            _ => Self::Service(process::Task::read(source, Settings::read)),
        }
    }
}

impl AsRef<Common> for Settings {
    fn as_ref(&self) -> &Common {
        &self.common
    }
}

impl Settings {
    pub fn read(source: &mut Source) -> Self {
        let common = Common::read(source, "127.0.0.1:8002", "127.0.0.1:9102");
        let production = common.production;
        Self {
            common,
            access_token_ttl: tokens::access_token_ttl(source, production),
            refresh_token_ttl: source.value(
                "refresh-token-ttl",
                "336h",
                "life of a refresh token; each refresh begins a new one",
            ),
            jwks_interval: jwks_interval(source),
            key_encryption: tokens::key_encryption(source, production),
            signing_key_notice: tokens::signing_key_notice(source, production),
            attempt_limits: limits::attempt_limits(source),
            source_limits: limits::source_limits(source),
            token_issuer: source.value("token-issuer", "orderflow-user", "`iss` of the tokens"),
            token_audience: source.value("token-audience", "orderflow", "`aud` of the tokens"),
            public_url: public_url(source, production),
            service_clients: tokens::service_clients(source, production),
            first_admin: admin::first_admin(source, production),
            hash_concurrency: source.within(
                "hash-concurrency",
                "2",
                1..=64,
                "passwords hashed at once; each takes 19 MiB and a core",
            ),
            hash_queue: source.within(
                "hash-queue",
                "64",
                0..=10_000,
                "passwords that wait to be hashed; any further one gets 503",
            ),
            // A quarter of those at work and waiting.
            hash_share: source.within(
                "hash-queue-per-source",
                "16",
                1..=10_000,
                "passwords of one source that are hashed or wait; any further one gets 503",
            ),
        }
    }

    pub fn token_rules(&self) -> TokenRules {
        TokenRules {
            issuer: self.token_issuer.clone(),
            audience: self.token_audience.clone(),
            life: self.access_token_ttl,
        }
    }

    pub fn key_schedule(&self) -> KeySchedule {
        let verifies_for = self.access_token_ttl + LATE_SIGNATURES;
        KeySchedule { notice: self.signing_key_notice, verifies_for }
    }

    /// Verifies tokens by the rules they are issued by.
    pub fn verification(&self) -> TokenSettings {
        let defaults = TokenSettings::read(&mut Source::default());
        TokenSettings {
            issuer: self.token_issuer.clone(),
            audience: self.token_audience.clone(),
            jwks_interval: self.jwks_interval,
            ..defaults
        }
    }
}

fn public_url(source: &mut Source, production: Production) -> HttpUrl {
    let url: HttpUrl = source.value(
        "public-url",
        "http://127.0.0.1:8002",
        "URL of this service for its clients, shown at /.well-known/oauth-authorization-server",
    );
    production.check_http(source, "public-url", &url);
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(environment: &[(&str, &str)]) -> Vec<String> {
        let given = [("DATABASE_URL", "postgres://u@h/d")].iter().chain(environment);
        let mut source =
            Source::new([], given.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Settings::read(&mut source);
        source.finish().err().into_iter().flat_map(|errors| errors.0).map(|error| error.name).collect()
    }

    #[test]
    fn the_first_admin_has_an_email_and_a_password_or_is_not_given() {
        let password = ("ADMIN_PASSWORD", "long enough");
        assert!(complaints(&[]).is_empty());
        assert!(complaints(&[("ADMIN_EMAIL", ""), ("ADMIN_PASSWORD", "")]).is_empty());
        assert!(complaints(&[("ADMIN_EMAIL", "a@b.co"), password]).is_empty());
        assert_eq!(complaints(&[("ADMIN_EMAIL", "a@b.co")]), ["admin-password"]);
        assert_eq!(complaints(&[password]), ["admin-email"]);
        assert_eq!(
            complaints(&[("ADMIN_EMAIL", "ada"), ("ADMIN_PASSWORD", "short")]),
            ["admin-email", "admin-password"]
        );
    }

    #[test]
    fn a_token_lives_a_second_to_a_day() {
        for (ttl, right) in [("1s", true), ("24h", true), ("0s", false), ("999ms", false), ("25h", false)] {
            assert_eq!(complaints(&[("ACCESS_TOKEN_TTL", ttl)]).is_empty(), right, "{ttl}");
        }
    }

    #[test]
    fn production_refuses_tokens_of_more_than_an_hour() {
        let complaints = |ttl| complaints(&[("PRODUCTION", "on"), ("ACCESS_TOKEN_TTL", ttl)]);
        assert!(complaints("61m").contains(&"access-token-ttl".to_owned()));
        assert!(!complaints("1h").contains(&"access-token-ttl".to_owned()));
    }

    #[test]
    fn production_refuses_signing_keys_in_plaintext() {
        let key = ("KEY_ENCRYPTION_KEY", "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
        let name = "key-encryption-key".to_owned();
        assert!(complaints(&[("PRODUCTION", "on")]).contains(&name));
        assert!(!complaints(&[("PRODUCTION", "on"), key]).contains(&name));
        assert_eq!(complaints(&[("KEY_ENCRYPTION_KEY", "hunter2")]), [name.as_str()]);
        assert_eq!(complaints(&[("OLD_KEY_ENCRYPTION_KEY", key.1)]), [name.as_str()]);
    }

    #[test]
    fn production_refuses_client_secrets_that_repeat_themselves_or_count() {
        let secret = "5b0c71f2e9d84a6386d1a7f0c2e4b958";
        for (clients, right) in [
            (format!("payment:{secret}"), true),
            (format!("payment:{}", "a".repeat(48)), false),
            (format!("payment:{secret}, reports:{}", "correcthorsebattery".repeat(2)), false),
        ] {
            let complaints = complaints(&[("PRODUCTION", "on"), ("SERVICE_CLIENTS", clients.as_str())]);
            assert_eq!(!complaints.contains(&"service-clients".to_owned()), right, "{clients}");
        }
    }

    #[test]
    fn the_first_admin_of_production_is_created_by_its_rules() {
        let given = |password: &str| {
            let pairs = [
                ("DATABASE_URL", "postgres://u@h/d"),
                ("PRODUCTION", "on"),
                ("EMAIL", "a@b.co"),
                ("ADMIN_PASSWORD", password),
            ];
            let mut source = Source::new([], pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
            AdminSettings::read(&mut source);
            let errors = source.finish().err().into_iter().flat_map(|errors| errors.0);
            errors.map(|error| error.name).collect::<Vec<_>>()
        };
        assert_eq!(given("correct horse"), ["admin-password", "database-url", "database-url"]);
        assert_eq!(given("correct horse battery staple"), ["database-url", "database-url"]);
    }

    #[test]
    fn no_secret_shows_in_debug() {
        let pairs = [
            ("ADMIN_EMAIL", "a@b.co"),
            ("ADMIN_PASSWORD", "hunter2hunter2"),
            ("SERVICE_CLIENTS", "payment:hunter2hunter2hunter2hunter2hunter2"),
        ];
        let mut source = Source::new([], pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert!(!format!("{:?}", Settings::read(&mut source)).contains("hunter2"));
    }
}
