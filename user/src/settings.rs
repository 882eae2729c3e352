use std::time::Duration;

use runtime::{
    auth::{TokenSettings, jwks_interval},
    db::DatabaseSettings,
    limits::Policy,
    process::{self, Common},
    settings::{HttpUrl, PRINTED, Production, Secret, Source, Value},
};

use crate::{
    domain::{AttemptLimits, Email, KeySchedule, Password},
    tokens::{KeyEncryption, ServiceClients, TokenRules},
};

/// A stolen token works for this long where revocations do not arrive.
const LONGEST_IN_PRODUCTION: Duration = Duration::from_secs(60 * 60);
const LONGEST_TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
const SHORTEST_NOTICE: Duration = Duration::from_secs(60);
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

/// Calls by source that all instances count together.
#[derive(Debug, Clone)]
pub struct SourceLimits {
    pub logins: Policy,
    pub registrations: Policy,
    pub refreshes: Policy,
    pub token_requests: Policy,
    /// By client instead of source.
    pub client_token_requests: Policy,
}

#[derive(Debug, Clone)]
pub struct NewAdmin {
    pub email: Email,
    pub password: Password,
}

#[derive(Debug, Clone)]
pub struct AdminSettings {
    pub database: DatabaseSettings,
    pub admin: NewAdmin,
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

impl AdminSettings {
    fn read(source: &mut Source) -> Self {
        let email: Email = source.required("email", "admin@example.com", "e-mail of the ADMIN");
        let password: Password = source.required(
            "admin-password",
            "a long and secret one",
            "new password of the ADMIN; set ADMIN_PASSWORD rather than the flag",
        );
        if let Err(weak) = Password::unless_weak(password.clone(), &email) {
            source.check("admin-password", false, &weak.to_string());
        }
        let production = Production::read(source);
        production.check_secret(source, "admin-password", Some(password.expose()));
        let database = DatabaseSettings::read(source);
        production.check_database(source, &database.url);
        Self { database, admin: NewAdmin { email, password } }
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
            access_token_ttl: access_token_ttl(source, production),
            refresh_token_ttl: source.value(
                "refresh-token-ttl",
                "336h",
                "life of a refresh token; each refresh begins a new one",
            ),
            jwks_interval: jwks_interval(source),
            key_encryption: key_encryption(source, production),
            signing_key_notice: signing_key_notice(source, production),
            attempt_limits: attempt_limits(source),
            source_limits: source_limits(source),
            token_issuer: source.value("token-issuer", "orderflow-user", "`iss` of the tokens"),
            token_audience: source.value("token-audience", "orderflow", "`aud` of the tokens"),
            public_url: source.value(
                "public-url",
                "http://127.0.0.1:8002",
                "URL of this service for its clients, shown at /.well-known/oauth-authorization-server",
            ),
            service_clients: service_clients(source, production),
            first_admin: first_admin(source, production),
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

fn access_token_ttl(source: &mut Source, production: Production) -> Duration {
    let ttl: Duration = source.value("access-token-ttl", "10m", "life of an access token");
    let allowed = (Duration::from_secs(1)..=LONGEST_TOKEN_LIFE).contains(&ttl);
    source.check("access-token-ttl", allowed, &format!("must be between 1s and 24h, got {ttl:?}"));
    let rule = "must be at most 1h with `production`: refresh tokens continue a session";
    production.check_absent(source, "access-token-ttl", ttl > LONGEST_IN_PRODUCTION, rule);
    ttl
}

/// Without a key a dump of the database is enough to sign tokens.
fn key_encryption(source: &mut Source, production: Production) -> KeyEncryption {
    let encryption = KeyEncryption {
        current: source.value(
            "key-encryption-key",
            "",
            "32 bytes, in hexadecimal or base64, that encrypt the signing keys",
        ),
        old: source.value(
            "old-key-encryption-key",
            "",
            "the key-encryption-key before; at the start its signing keys are encrypted with the new one",
        ),
    };
    let missing = encryption.current.is_none();
    let rule = "is required with `production`, for example of: openssl rand -hex 32";
    production.check_absent(source, "key-encryption-key", missing, rule);
    let rule = "is missing: old-key-encryption-key is given";
    source.check("key-encryption-key", !missing || encryption.old.is_none(), rule);
    encryption
}

/// A minute: one look of another instance of `user` (25 s at most), one of a verifier, and its fetch.
fn signing_key_notice(source: &mut Source, production: Production) -> Duration {
    let notice: Duration = source.value(
        "signing-key-notice",
        "1m",
        "time from the publication of a new signing key to its first signature",
    );
    let allowed = notice <= LONGEST_TOKEN_LIFE;
    source.check("signing-key-notice", allowed, &format!("must be at most 24h, got {notice:?}"));
    let rule = "must be at least 1m with `production`: every verifier has to know the key by then";
    production.check_absent(source, "signing-key-notice", notice < SHORTEST_NOTICE, rule);
    notice
}

/// Ten guesses find nothing in a password that is not weak. A person who forgot it waits half a minute then.
fn attempt_limits(source: &mut Source) -> AttemptLimits {
    let attempts: u16 = source.within(
        "login-attempts",
        "10",
        1..=1000,
        "wrong passwords of one e-mail before further logins are refused for a while",
    );
    AttemptLimits {
        attempts: attempts.into(),
        block: source.value("login-block", "30s", "first such while; doubles with each wrong password"),
        longest_block: source.value("longest-login-block", "1h", "longest such while"),
    }
}

/// Two a second are thousands of people behind one address, and 2 % of the passwords that two cores can hash.
fn source_limits(source: &mut Source) -> SourceLimits {
    let mut limit = |name, setting, default, about| {
        Policy::a_minute(name, source.within(setting, default, 1..=1_000_000, about))
    };
    SourceLimits {
        logins: limit(
            "logins",
            "logins-per-source",
            "120",
            "logins and password changes from one address, or /64 network of IPv6, in a minute",
        ),
        registrations: limit(
            "registrations",
            "registrations-per-source",
            "60",
            "registrations from one address in a minute",
        ),
        refreshes: limit(
            "refreshes",
            "refreshes-per-source",
            "600",
            "refreshes and logouts from one address in a minute",
        ),
        token_requests: limit(
            "token-requests",
            "token-requests-per-source",
            "120",
            "token requests of services from one address in a minute",
        ),
        client_token_requests: limit(
            "client-token-requests",
            "token-requests-per-client",
            "60",
            "token requests of one service in a minute",
        ),
    }
}

/// Refuses secrets printed in the help.
fn service_clients(source: &mut Source, production: Production) -> ServiceClients {
    let clients: ServiceClients = source
        .optional(
            "service-clients",
            "OAuth clients created at start unless they exist, with the scope products:read: \
             name:secret,name:secret",
        )
        .unwrap_or_default();
    let printed = PRINTED.iter().any(|secret| clients.contains_secret(secret));
    production.check_absent(
        source,
        "service-clients",
        printed,
        "a client has a secret that the help of this program prints",
    );
    let rule = "a client has a secret that can be guessed; use, for example, one of: openssl rand -hex 32";
    production.check_absent(source, "service-clients", clients.has_predictable_secret(), rule);
    clients
}

/// Both or neither. Empty variables, as in Compose files, count as absent.
fn first_admin(source: &mut Source, production: Production) -> Option<NewAdmin> {
    let email: Option<String> =
        source.optional("admin-email", "e-mail of an ADMIN to create at start, unless the account exists");
    let password: Option<Secret> =
        source.optional("admin-password", "password of the ADMIN created at start");
    let email = email.filter(|email| !email.is_empty());
    let password = password.filter(|password| !password.expose().is_empty());
    source.check("admin-email", email.is_some() || password.is_none(), "is missing: admin-password is given");
    source.check("admin-password", password.is_some() || email.is_none(), "is missing: admin-email is given");
    if let Some(password) = &password {
        production.check_secret(source, "admin-password", Some(password.expose()));
    }
    let email = email.and_then(|text| checked(source, "admin-email", &text));
    let password = password.and_then(|text| checked(source, "admin-password", text.expose()));
    new_admin(source, email?, password?)
}

/// The password of an ADMIN may not be weak.
fn new_admin(source: &mut Source, email: Email, password: Password) -> Option<NewAdmin> {
    match password.unless_weak(&email) {
        Ok(password) => Some(NewAdmin { email, password }),
        Err(weak) => {
            source.check("admin-password", false, &weak.to_string());
            None
        }
    }
}

fn checked<T: Value>(source: &mut Source, name: &str, text: &str) -> Option<T> {
    T::parse(text).map_err(|problem| source.check(name, false, &problem)).ok()
}

impl Value for Email {
    fn parse(text: &str) -> Result<Self, String> {
        Email::parse(text).map_err(|error| error.to_string())
    }
}

impl Value for Password {
    fn parse(text: &str) -> Result<Self, String> {
        Password::parse(text).map_err(|error| error.to_string())
    }
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
