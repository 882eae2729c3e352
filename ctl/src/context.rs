use std::path::PathBuf;

use clap::{Args, ValueEnum};
use servers::account::default_data_dir;

use crate::api::{Api, ApiError, Endpoints};
use crate::exit::NoCredentials;
use crate::stack::Kind;
use crate::state::{Login, Running, StackState, StateError};
use crate::terminal::Output;
use crate::values::service_url;

/// Options of every command.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Print JSON on standard output, and only JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Folder for the data and the state of the stack [default: /var/lib/orderflow for root, else
    /// ~/.local/share/orderflow]
    #[arg(long, global = true, env = "SHOPCTL_DATA_DIR", value_name = "DIR", hide_env_values = true)]
    pub data_dir: Option<PathBuf>,
    /// Address of the service `user`
    #[arg(
        long,
        global = true,
        env = "SHOPCTL_USER_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = service_url
    )]
    pub user_url: Option<String>,
    /// Address of the service `inventory`
    #[arg(
        long,
        global = true,
        env = "SHOPCTL_INVENTORY_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = service_url
    )]
    pub inventory_url: Option<String>,
    /// Address of the service `payment`
    #[arg(
        long,
        global = true,
        env = "SHOPCTL_PAYMENT_URL",
        value_name = "URL",
        hide_env_values = true,
        value_parser = service_url
    )]
    pub payment_url: Option<String>,
    /// Access token to use instead of logging in (see `shopctl token`)
    #[arg(long, global = true, env = "SHOPCTL_TOKEN", value_name = "JWT", hide_env_values = true)]
    pub token: Option<String>,
}

/// An account of the stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Role {
    /// The demo administrator
    Admin,
    /// The demo customer
    User,
}

/// Built from the global options and the state file.
#[derive(Debug)]
pub struct Context {
    pub output: Output,
    pub data_dir: PathBuf,
    /// Written there by `shopctl up`.
    pub state: Option<StackState>,
    endpoints: Endpoints,
    token: Option<String>,
}

impl Context {
    /// Options win over the state file.
    pub fn new(global: Global) -> Result<Self, StateError> {
        let data_dir = global.data_dir.clone().unwrap_or_else(default_data_dir);
        let state = StackState::read(&data_dir)?;
        let endpoints = endpoints(&global, state.as_ref().and_then(|state| state.running.as_ref()));
        Ok(Self { output: Output::new(global.json), data_dir, state, endpoints, token: global.token })
    }

    pub fn api(&self) -> Result<Api, ApiError> {
        Api::new(self.endpoints.clone())
    }

    /// Uses `--token`, or an account of the stack.
    pub async fn api_as(&self, role: Role) -> anyhow::Result<Api> {
        let api = self.api()?;
        if let Some(token) = &self.token {
            return Ok(api.with_token(token));
        }
        let tokens = api.log_in(self.login(role)?).await?;
        Ok(api.with_token(tokens.access_token))
    }

    /// Needs a state file.
    pub fn login(&self, role: Role) -> Result<&Login, NoCredentials> {
        let credentials = &self.state.as_ref().ok_or(NoCredentials)?.credentials;
        Ok(match role {
            Role::Admin => &credentials.admin,
            Role::User => &credentials.user,
        })
    }
}

fn endpoints(global: &Global, running: Option<&Running>) -> Endpoints {
    let default = |kind: Kind| format!("http://127.0.0.1:{}", kind.http_port());
    let choose = |option: &Option<String>, running: Option<&String>, kind| {
        option.clone().or_else(|| running.cloned()).unwrap_or_else(|| default(kind))
    };
    Endpoints {
        user: choose(&global.user_url, running.map(|running| &running.user_url), Kind::User),
        inventory: choose(
            &global.inventory_url,
            running.map(|running| &running.inventory_url),
            Kind::Inventory,
        ),
        payment: choose(&global.payment_url, running.map(|running| &running.payment_url), Kind::Payment),
    }
}
