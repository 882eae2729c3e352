use std::time::Duration;

use runtime::settings::{PRINTED, Production, Source};

use crate::tokens::{KeyEncryption, ServiceClients};

/// A stolen token works for this long where revocations do not arrive.
const LONGEST_IN_PRODUCTION: Duration = Duration::from_secs(60 * 60);
const LONGEST_TOKEN_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
const SHORTEST_NOTICE: Duration = Duration::from_secs(60);

pub(super) fn access_token_ttl(source: &mut Source, production: Production) -> Duration {
    let ttl: Duration = source.value("access-token-ttl", "10m", "life of an access token");
    let allowed = (Duration::from_secs(1)..=LONGEST_TOKEN_LIFE).contains(&ttl);
    source.check("access-token-ttl", allowed, &format!("must be between 1s and 24h, got {ttl:?}"));
    let rule = "must be at most 1h with `production`: refresh tokens continue a session";
    production.check_absent(source, "access-token-ttl", ttl > LONGEST_IN_PRODUCTION, rule);
    ttl
}

/// Without a key a dump of the database is enough to sign tokens.
pub(super) fn key_encryption(source: &mut Source, production: Production) -> KeyEncryption {
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
pub(super) fn signing_key_notice(source: &mut Source, production: Production) -> Duration {
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

/// Refuses secrets printed in the help.
pub(super) fn service_clients(source: &mut Source, production: Production) -> ServiceClients {
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
