//! The rules for the claims of a token, and the bearer that valid claims describe.
//!
//! RFC 8725: the algorithm comes from the key, issuer and audience are required, and tokens for another use are
//! refused. RFC 9068 describes access tokens (`at+jwt`); providers that send `JWT` are told apart from their
//! ID tokens by what only those have.

use std::time::{SystemTime, UNIX_EPOCH};

use jsonwebtoken::{Algorithm, Header, Validation, decode, errors::ErrorKind};
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Claims, Role, TOKEN_TYPE, TokenError, TokenSettings, claims::stable_id, key_document::VerifyingKey,
    settings::plain_type,
};

/// Tolerated clock difference between two machines, in seconds.
pub(super) const LEEWAY: u64 = 5;

pub(super) struct Rules {
    /// One for each allowed algorithm.
    validations: Vec<Validation>,
    types: Vec<String>,
    issuer: String,
    audience: String,
    role_claim: String,
    /// In seconds.
    longest_life: u64,
}

/// The claims of RFC 7519 and 9068, and those of ID tokens.
#[derive(Deserialize)]
struct Payload {
    sub: String,
    exp: u64,
    nbf: Option<u64>,
    iat: Option<u64>,
    jti: Option<String>,
    sid: Option<String>,
    scope: Option<String>,
    /// Entra and Okta: text, or a list.
    scp: Option<Value>,
    /// Keycloak.
    typ: Option<String>,
    nonce: Option<IgnoredAny>,
    at_hash: Option<IgnoredAny>,
    c_hash: Option<IgnoredAny>,
}

impl Rules {
    pub fn new(settings: &TokenSettings) -> Self {
        let validation = |algorithm: &Algorithm| validation(*algorithm, settings);
        Self {
            validations: settings.algorithms.0.iter().map(validation).collect(),
            types: settings.types.0.clone(),
            issuer: settings.issuer.clone(),
            audience: settings.audience.clone(),
            role_claim: settings.role_claim.0.clone(),
            longest_life: settings.longest_life.as_secs(),
        }
    }

    /// Before a key is looked for.
    pub fn check_header(&self, header: &Header) -> Result<(), TokenError> {
        if self.validation(header.alg).is_none() {
            return Err(TokenError::Invalid("its algorithm is not allowed"));
        }
        let typ = header.typ.as_deref().map(plain_type);
        if !typ.is_some_and(|typ| self.types.contains(&typ)) {
            return Err(TokenError::Invalid("it is no access token: its typ is not accepted"));
        }
        // RFC 7515, 4.1.11: a verifier must refuse extensions unknown to it.
        if header.crit.is_some() {
            return Err(TokenError::Invalid("its header has critical extensions (crit)"));
        }
        Ok(())
    }

    /// Verifies signature, issuer, audience and times.
    pub fn claims(&self, token: &str, header: &Header, key: &VerifyingKey) -> Result<Claims, TokenError> {
        let validation = self.validation(key.algorithm).filter(|_| header.alg == key.algorithm);
        let validation = validation.ok_or(TokenError::Invalid("its algorithm is not that of its key"))?;
        let all = decode::<Value>(token, &key.key, validation).map_err(reason)?.claims;
        let payload = Payload::deserialize(&all).map_err(|_| INCOMPLETE)?;
        let is_rfc_9068 = header.typ.as_deref().map(plain_type).as_deref() == Some(TOKEN_TYPE);
        if is_rfc_9068 && (payload.iat.is_none() || payload.jti.is_none()) {
            return Err(INCOMPLETE);
        }
        payload.check_use()?;
        payload.check_times(self.longest_life)?;
        let role = all.pointer(&self.role_claim).and_then(highest_role).ok_or(INCOMPLETE)?;
        Ok(payload.into_claims(self, role))
    }

    fn validation(&self, algorithm: Algorithm) -> Option<&Validation> {
        self.validations.iter().find(|validation| validation.algorithms.contains(&algorithm))
    }
}

const INCOMPLETE: TokenError = TokenError::Invalid("its claims are incomplete or malformed");

impl Payload {
    /// An ID token tells a client who logged in. It is for no API.
    fn check_use(&self) -> Result<(), TokenError> {
        let is_bearer = self.typ.as_ref().is_none_or(|typ| typ.eq_ignore_ascii_case("Bearer"));
        let is_of_login = self.nonce.is_some() || self.at_hash.is_some() || self.c_hash.is_some();
        if is_bearer && !is_of_login { Ok(()) } else { Err(TokenError::Invalid("it is no access token")) }
    }

    fn check_times(&self, longest_life: u64) -> Result<(), TokenError> {
        if self.iat.is_some_and(|iat| iat > now() + LEEWAY) {
            return Err(TokenError::Invalid("it was issued in the future"));
        }
        let begins = self.iat.or(self.nbf).unwrap_or_else(now);
        if self.exp.saturating_sub(begins) > longest_life {
            return Err(TokenError::Invalid("it is valid for longer than a token may be"));
        }
        Ok(())
    }

    fn into_claims(self, rules: &Rules, role: Role) -> Claims {
        let issued = self.iat.or(self.nbf).unwrap_or_default();
        Claims {
            iss: rules.issuer.clone(),
            // A token may be for several audiences; this one is among them.
            aud: rules.audience.clone(),
            sub: stable_id(&rules.issuer, &self.sub),
            role,
            exp: self.exp,
            nbf: self.nbf.unwrap_or(issued),
            iat: issued,
            jti: self.jti.map_or(Uuid::nil(), |jti| stable_id(&rules.issuer, &jti)),
            sid: self.sid.map(|sid| stable_id(&rules.issuer, &sid)),
            scope: self.scope.or_else(|| self.scp.as_ref().map(|scopes| words(scopes).join(" "))),
        }
    }
}

/// ADMIN before SERVICE before USER; names in any case, other names count for nothing.
fn highest_role(claim: &Value) -> Option<Role> {
    let names = words(claim);
    let has = |role: &Role| names.iter().any(|name| name.eq_ignore_ascii_case(role.as_str()));
    [Role::Admin, Role::Service, Role::User].into_iter().find(has)
}

/// Of a text, or of a list of texts.
fn words(claim: &Value) -> Vec<&str> {
    let list = claim.as_array().map_or(std::slice::from_ref(claim), Vec::as_slice);
    list.iter().filter_map(Value::as_str).flat_map(str::split_whitespace).collect()
}

fn validation(algorithm: Algorithm, settings: &TokenSettings) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[&settings.issuer]);
    validation.set_audience(&[&settings.audience]);
    // By default a token without `iss` passes the check of the issuer.
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.validate_nbf = true;
    validation.leeway = LEEWAY;
    validation
}

fn reason(error: jsonwebtoken::errors::Error) -> TokenError {
    match error.kind() {
        ErrorKind::ExpiredSignature => TokenError::Expired,
        ErrorKind::ImmatureSignature => TokenError::Invalid("it is not valid yet"),
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => {
            TokenError::Invalid("its issuer or audience is another one")
        }
        ErrorKind::InvalidSignature => TokenError::Invalid("its signature is wrong"),
        _ => INCOMPLETE,
    }
}

/// Unix time in seconds.
pub(super) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_highest_of_the_known_roles_wins_in_any_case_and_other_names_count_for_nothing() {
        for (claim, role) in [
            (json!("USER"), Some(Role::User)),
            (json!(["offline_access", "user", "Admin"]), Some(Role::Admin)),
            (json!(["user", "service"]), Some(Role::Service)),
            (json!("profile user"), Some(Role::User)),
            (json!(["administrators", "USERS", 7, null, ["ADMIN"]]), None),
            (json!({"ADMIN": true}), None),
            (json!(null), None),
        ] {
            assert_eq!(highest_role(&claim), role, "{claim}");
        }
    }
}
