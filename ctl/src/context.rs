//! What every command starts from: where the services are, who we are, how to print.

use std::path::PathBuf;

use serde::Serialize;
use shared::local::account::default_data_dir;

use crate::api::{Api, ApiError, Endpoints};
use crate::cli::{Global, Role};
use crate::exit::NoCredentials;
use crate::stack::Kind;
use crate::state::{Login, Running, StackState, StateError};
use crate::terminal::Paint;

/// Built once from the global options and the state file.
#[derive(Debug)]
pub struct Context {
    /// Whether standard output is for a machine.
    pub json: bool,
    /// The folder of the stack's data and state.
    pub data_dir: PathBuf,
    /// What `shopctl up` left there.
    pub state: Option<StackState>,
    /// Colours of standard output.
    pub paint: Paint,
    endpoints: Endpoints,
    token: Option<String>,
}

impl Context {
    /// Reads the state file; what the options say wins.
    ///
    /// # Errors
    /// [`StateError`] when there is a state file that cannot be used.
    pub fn new(global: Global) -> Result<Self, StateError> {
        let data_dir = global.data_dir.clone().unwrap_or_else(default_data_dir);
        let state = StackState::read(&data_dir)?;
        let endpoints = endpoints(&global, state.as_ref().and_then(|state| state.running.as_ref()));
        let paint = if global.json { Paint::PLAIN } else { Paint::for_stdout() };
        Ok(Self { json: global.json, data_dir, state, paint, endpoints, token: global.token })
    }

    /// A client without a token.
    ///
    /// # Errors
    /// [`ApiError::Client`].
    pub fn api(&self) -> Result<Api, ApiError> {
        Api::new(self.endpoints.clone())
    }

    /// A client with `--token`, or logged in as an account of the stack.
    ///
    /// # Errors
    /// [`NoCredentials`], or the [`ApiError`] of the login.
    pub async fn api_as(&self, role: Role) -> anyhow::Result<Api> {
        let api = self.api()?;
        if let Some(token) = &self.token {
            return Ok(api.with_token(token));
        }
        let tokens = api.log_in(self.login(role)?).await?;
        Ok(api.with_token(tokens.access_token))
    }

    /// An account of the stack.
    ///
    /// # Errors
    /// [`NoCredentials`] when there is no state file.
    pub fn login(&self, role: Role) -> Result<&Login, NoCredentials> {
        let credentials = &self.state.as_ref().ok_or(NoCredentials)?.credentials;
        Ok(match role {
            Role::Admin => &credentials.admin,
            Role::User => &credentials.user,
        })
    }

    /// Prints `value` as JSON, or what `readable` makes of it.
    ///
    /// # Errors
    /// When the value cannot be written as JSON.
    pub fn print<T: Serialize>(&self, value: &T, readable: impl FnOnce(&T) -> String) -> serde_json::Result<()> {
        let text = if self.json { serde_json::to_string(value)? } else { readable(value) };
        println!("{text}");
        Ok(())
    }
}

fn endpoints(global: &Global, running: Option<&Running>) -> Endpoints {
    let default = |kind: Kind| format!("http://127.0.0.1:{}", kind.http_port());
    let choose = |option: &Option<String>, running: Option<&String>, kind| {
        option.clone().or_else(|| running.cloned()).unwrap_or_else(|| default(kind))
    };
    Endpoints {
        user: choose(&global.user_url, running.map(|running| &running.user_url), Kind::User),
        inventory: choose(&global.inventory_url, running.map(|running| &running.inventory_url), Kind::Inventory),
        payment: choose(&global.payment_url, running.map(|running| &running.payment_url), Kind::Payment),
    }
}
