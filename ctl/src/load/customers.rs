//! Tokens are renewed early. While `user` is away, other services still verify old ones.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt, stream};
use tokio::sync::Mutex;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::backoff::Backoff;
use super::{LoadError, ServiceUrls};
use crate::api::{Api, ApiError, Endpoints, Tokens};
use crate::state::{Login, random_secret};

/// `user` limits concurrent hashes to its cores.
const REGISTERED_AT_ONCE: usize = 2;
/// While a service starts or is busy.
const RETRY_FOR: Duration = Duration::from_secs(10);
/// Limit of the specification.
const LOGIN_WITHIN: Duration = Duration::from_secs(5);
/// Pause of each customer while `user` is away.
const RETRY_LOGIN_AFTER: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct Accounts {
    apis: RwLock<Vec<Api>>,
    turn: AtomicUsize,
}

#[derive(Debug)]
pub(super) struct Customer {
    pub id: Uuid,
    login: Login,
    token: RwLock<Arc<Token>>,
    renewing: Mutex<()>,
}

#[derive(Debug)]
pub(super) struct Token {
    pub text: String,
    renew_at: Instant,
}

impl Accounts {
    pub fn new(urls: &ServiceUrls) -> Result<Self, ApiError> {
        Ok(Self { apis: RwLock::new(apis(urls)?), turn: AtomicUsize::new(0) })
    }

    pub fn replace(&self, urls: &ServiceUrls) -> Result<(), ApiError> {
        *self.apis.write().unwrap_or_else(PoisonError::into_inner) = apis(urls)?;
        Ok(())
    }

    pub async fn log_in(&self, login: &Login) -> Result<Tokens, ApiError> {
        let ask = || {
            let api = self.next();
            let login = login.clone();
            async move { api.log_in(&login).await }
        };
        retry(ask).await
    }

    pub async fn register(&self, customers: usize) -> Result<Vec<Arc<Customer>>, LoadError> {
        let all: Vec<_> = (0..customers).map(|_| self.register_one()).collect();
        stream::iter(all).buffered(REGISTERED_AT_ONCE).try_collect().await
    }

    async fn register_one(&self) -> Result<Arc<Customer>, LoadError> {
        let ask = || {
            // A new e-mail each time: the last one may be registered.
            let login =
                Login { email: format!("load-{}@example.com", Uuid::new_v4()), password: random_secret() };
            let api = self.next();
            async move { api.register(&login).await.map(|account| (login, account)) }
        };
        let (login, account) = retry(ask).await?;
        let id = account.id.parse().map_err(|_| LoadError::AccountId(account.id))?;
        let token = RwLock::new(Arc::new(Token::new(self.log_in(&login).await?)));
        Ok(Arc::new(Customer { id, login, token, renewing: Mutex::new(()) }))
    }

    fn next(&self) -> Api {
        let apis = self.apis.read().unwrap_or_else(PoisonError::into_inner);
        apis[self.turn.fetch_add(1, Ordering::Relaxed) % apis.len()].clone()
    }
}

impl Customer {
    /// One caller renews; others use the old token meanwhile.
    pub async fn token(&self, accounts: &Accounts) -> Arc<Token> {
        let token = self.current();
        if token.renew_at > Instant::now() {
            return token;
        }
        if let Ok(_one_at_a_time) = self.renewing.try_lock() {
            self.renew(accounts).await;
        }
        self.current()
    }

    /// Renews a refused token, if current.
    pub async fn refused(&self, token: &Arc<Token>, accounts: &Accounts) {
        let _one_at_a_time = self.renewing.lock().await;
        if Arc::ptr_eq(&self.current(), token) {
            self.renew(accounts).await;
        }
    }

    async fn renew(&self, accounts: &Accounts) {
        let api = accounts.next();
        let renewed = match timeout(LOGIN_WITHIN, api.log_in(&self.login)).await {
            Ok(Ok(tokens)) => Token::new(tokens),
            Ok(Err(_)) | Err(_) => {
                Token { text: self.current().text.clone(), renew_at: Instant::now() + RETRY_LOGIN_AFTER }
            }
        };
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(renewed);
    }

    fn current(&self) -> Arc<Token> {
        Arc::clone(&self.token.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Token {
    /// Renewal at 60 to 85 % of the lifetime, spread over the customers.
    fn new(tokens: Tokens) -> Self {
        let renew_in = Duration::from_secs(tokens.expires_in).mul_f64(rand::random_range(0.6..0.85));
        Self { text: tokens.access_token, renew_at: Instant::now() + renew_in }
    }
}

fn apis(urls: &ServiceUrls) -> Result<Vec<Api>, ApiError> {
    let endpoints = |user: &String| Endpoints {
        user: user.clone(),
        inventory: urls.inventory[0].clone(),
        payment: urls.payment[0].clone(),
    };
    urls.user.iter().map(|user| Api::new(endpoints(user))).collect()
}

/// Retries transient errors for 10 s.
async fn retry<T, F: Future<Output = Result<T, ApiError>>>(ask: impl Fn() -> F) -> Result<T, ApiError> {
    let deadline = Instant::now() + RETRY_FOR;
    let mut backoff = Backoff::new();
    loop {
        match ask().await {
            Err(error) if may_pass(&error) && Instant::now() < deadline => sleep(backoff.pause(None)).await,
            outcome => return outcome,
        }
    }
}

fn may_pass(error: &ApiError) -> bool {
    match error {
        ApiError::Unreachable { .. } => true,
        ApiError::Refused(problem) => problem.status == 429 || problem.status >= 500,
        ApiError::NotUnderstood { .. } | ApiError::Client(_) => false,
    }
}
