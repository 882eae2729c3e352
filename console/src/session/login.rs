use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use actix_web::rt;

use super::{CallError, random_id};
use crate::api::{
    Api, Credentials,
    accounts::Account,
    login::{self, Tokens},
};

/// One login.
pub struct Session {
    /// Proves that a form comes from a page of this session.
    pub csrf: String,
    account: Mutex<Account>,
    notice: Mutex<Option<Notice>>,
    /// Held while they are renewed: a refresh token works once.
    tokens: tokio::sync::Mutex<Held>,
}

/// What the next page tells.
#[derive(Debug, Clone)]
pub struct Notice(pub String);

struct Held {
    tokens: Tokens,
    /// Three quarters of the life of the access token.
    renew_at: Instant,
    expires_at: Instant,
}

impl From<Tokens> for Held {
    fn from(tokens: Tokens) -> Self {
        let life = Duration::from_secs(tokens.expires_in);
        let now = Instant::now();
        Self { tokens, renew_at: now + life * 3 / 4, expires_at: now + life }
    }
}

impl Session {
    pub fn new(account: Account, tokens: Tokens) -> Self {
        Self {
            csrf: random_id(),
            account: Mutex::new(account),
            notice: Mutex::default(),
            tokens: tokio::sync::Mutex::new(tokens.into()),
        }
    }

    pub fn account(&self) -> Account {
        self.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn tell(&self, notice: impl Into<String>) {
        *self.notice.lock().unwrap_or_else(PoisonError::into_inner) = Some(Notice(notice.into()));
    }

    /// Each notice is shown once.
    pub fn take_notice(&self) -> Option<Notice> {
        self.notice.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// An access token; another one than `refused`.
    pub async fn access_token(
        self: &Arc<Self>,
        api: &Api,
        refused: Option<&str>,
    ) -> Result<String, CallError> {
        {
            let held = self.tokens.lock().await;
            if !held.is_due(refused) {
                return Ok(held.tokens.access_token.clone());
            }
        }
        let session = Arc::clone(self);
        let api = api.clone();
        let refused = refused.map(str::to_owned);
        // A task: a browser that goes away may not cut off the answer with the next refresh token.
        let renewal = rt::spawn(async move { session.renew(&api, refused.as_deref()).await });
        renewal.await.unwrap_or(Err(CallError::SessionEnded))
    }

    /// Ends the session at `user`.
    pub async fn log_out(&self, api: &Api, of: &Credentials) -> Result<(), CallError> {
        let held = self.tokens.lock().await;
        api.send(&login::log_out(&held.tokens.refresh_token), of).await?;
        Ok(())
    }

    async fn renew(&self, api: &Api, refused: Option<&str>) -> Result<String, CallError> {
        let mut held = self.tokens.lock().await;
        if !held.is_due(refused) {
            return Ok(held.tokens.access_token.clone()); // another request was faster
        }
        let call = login::refresh(&held.tokens.refresh_token);
        match api.read(&call, &Credentials::default()).await {
            Ok(tokens) => *held = tokens.into(),
            Err(error) if error.is_status(401) => return Err(CallError::SessionEnded),
            Err(_) if refused.is_none() && Instant::now() < held.expires_at => {}
            Err(error) => return Err(error.into()),
        }
        let token = held.tokens.access_token.clone();
        drop(held);
        self.look_up_account(api, &token).await;
        Ok(token)
    }

    /// The role may have changed. A failure leaves the last one: the services judge each call themselves.
    async fn look_up_account(&self, api: &Api, token: &str) {
        let of = Credentials { token: Some(token.to_owned()), ..Credentials::default() };
        if let Ok(account) = api.read(&login::own_account(), &of).await {
            *self.account.lock().unwrap_or_else(PoisonError::into_inner) = account;
        }
    }
}

impl Held {
    fn is_due(&self, refused: Option<&str>) -> bool {
        refused == Some(self.tokens.access_token.as_str()) || self.renew_at <= Instant::now()
    }
}

#[cfg(test)]
impl Session {
    pub(super) fn example() -> Self {
        let account = r#"{"id": "1", "email": "ada@example.com", "role": "ADMIN", "disabled": false,
                          "created_at": "2026-01-01T00:00:00Z"}"#;
        let tokens = Tokens {
            access_token: "access".to_owned(),
            expires_in: 600,
            refresh_token: "refresh".to_owned(),
        };
        Self::new(serde_json::from_str(account).expect("an account"), tokens)
    }
}
