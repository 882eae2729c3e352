use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use runtime::auth::{Claims, Role, TOKEN_TYPE};
use uuid::{NoContext, Timestamp, Uuid};

use crate::domain::{SigningKey, Standing};

#[derive(Debug, Clone)]
pub struct TokenRules {
    pub issuer: String,
    pub audience: String,
    /// A changed role takes effect within this time.
    pub life: Duration,
}

/// Clones sign with the same key.
#[derive(Clone)]
pub struct Issuer {
    signer: Arc<RwLock<Arc<Signer>>>,
    rules: TokenRules,
}

struct Signer {
    header: Header,
    key: EncodingKey,
}

#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken {
    pub text: String,
    pub expires_in: Duration,
}

#[derive(Debug, Clone, thiserror::Error)]
#[error("a token cannot be signed: {0}")]
pub struct IssueError(#[from] jsonwebtoken::errors::Error);

impl Issuer {
    pub fn new(key: &SigningKey, rules: TokenRules) -> Self {
        Self { signer: Arc::new(RwLock::new(Arc::new(Signer::new(key)))), rules }
    }

    /// From now on.
    pub fn sign_with(&self, key: &SigningKey) {
        *self.signer.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Signer::new(key));
    }

    pub fn for_account(
        &self,
        id: Uuid,
        session: Uuid,
        standing: Standing,
    ) -> Result<AccessToken, IssueError> {
        self.issue(id, standing, None, Some(session))
    }

    /// `issued_at` in Unix milliseconds.
    pub fn for_service(&self, id: Uuid, scope: &str, issued_at: u64) -> Result<AccessToken, IssueError> {
        self.issue(id, Standing { role: Role::Service, issued_at }, Some(scope.to_owned()), None)
    }

    fn issue(
        &self,
        sub: Uuid,
        Standing { role, issued_at }: Standing,
        scope: Option<String>,
        sid: Option<Uuid>,
    ) -> Result<AccessToken, IssueError> {
        let (now, milliseconds) = (issued_at / 1000, (issued_at % 1000) as u32);
        let TokenRules { issuer, audience, life } = &self.rules;
        let claims = Claims {
            iss: issuer.clone(),
            aud: audience.clone(),
            sub,
            role,
            exp: now + life.as_secs(),
            nbf: now,
            iat: now,
            jti: Uuid::new_v7(Timestamp::from_unix(NoContext, now, milliseconds * 1_000_000)),
            sid,
            scope,
        };
        let signer = Arc::clone(&self.signer.read().unwrap_or_else(PoisonError::into_inner));
        Ok(AccessToken { text: encode(&signer.header, &claims, &signer.key)?, expires_in: *life })
    }
}

impl Signer {
    fn new(key: &SigningKey) -> Self {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TOKEN_TYPE.to_owned());
        header.kid = Some(key.kid.clone());
        Self { header, key: EncodingKey::from_ed_der(&key.pkcs8) }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use runtime::{
        auth::{KeySet, TokenSettings, Verifier},
        settings::Source,
    };

    use super::*;
    use crate::tokens::{generate, key_set};

    fn verifier(key: &SigningKey) -> Verifier {
        let settings = TokenSettings::read(&mut Source::new([], []));
        Verifier::new(KeySet::local(&key_set(std::slice::from_ref(key))), &settings)
    }

    fn issuer(key: &SigningKey) -> Issuer {
        let rules = TokenRules {
            issuer: "orderflow-user".to_owned(),
            audience: "orderflow".to_owned(),
            life: Duration::from_secs(60),
        };
        Issuer::new(key, rules)
    }

    fn now() -> u64 {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        u64::try_from(now.as_millis()).unwrap()
    }

    fn standing(role: Role) -> Standing {
        Standing { role, issued_at: now() }
    }

    #[actix_rt::test]
    async fn a_token_passes_the_verifier_of_every_service_and_says_who_and_what() {
        let key = generate().unwrap();
        let id = Uuid::now_v7();
        let claims = verifier(&key)
            .verify(&issuer(&key).for_account(id, Uuid::now_v7(), standing(Role::Admin)).unwrap().text)
            .await
            .unwrap();
        assert_eq!(
            (claims.sub, claims.role, claims.exp - claims.iat, &claims.scope),
            (id, Role::Admin, 60, &None)
        );
        let claims = verifier(&key)
            .verify(&issuer(&key).for_service(id, "products:read", now()).unwrap().text)
            .await
            .unwrap();
        assert_eq!((claims.role, claims.scope.as_deref()), (Role::Service, Some("products:read")));
    }

    #[actix_rt::test]
    async fn a_token_of_another_key_with_the_same_name_is_refused() {
        let key = generate().unwrap();
        let mut forged = generate().unwrap();
        forged.kid.clone_from(&key.kid);
        let token =
            issuer(&forged).for_account(Uuid::now_v7(), Uuid::now_v7(), standing(Role::Admin)).unwrap();
        assert!(verifier(&key).verify(&token.text).await.is_err());
    }
}
