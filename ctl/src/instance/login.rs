use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;

use crate::api::{Api, ApiError};
use crate::state::Login;

/// Below half of the token's life of ten minutes.
const FRESH: Duration = Duration::from_secs(240);

#[derive(Debug, Clone)]
pub struct LoggedIn {
    api: Api,
    login: Login,
    token: Arc<Mutex<Option<(String, Instant)>>>,
}

impl LoggedIn {
    #[must_use]
    pub fn new(api: Api, login: Login) -> Self {
        Self { api, login, token: Arc::default() }
    }

    /// Returns the old token while `user` is away.
    pub async fn token(&self) -> Result<String, ApiError> {
        let mut kept = self.token.lock().await;
        if let Some((token, since)) = &*kept
            && since.elapsed() < FRESH
        {
            return Ok(token.clone());
        }
        match (self.api.log_in(&self.login).await, &*kept) {
            (Ok(tokens), _) => Ok(kept.insert((tokens.access_token, Instant::now())).0.clone()),
            (Err(_), Some((token, _))) => Ok(token.clone()),
            (Err(error), None) => Err(error),
        }
    }
}
