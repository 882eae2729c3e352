use std::collections::BTreeMap;
use std::path::PathBuf;

use servers::Durability;

use super::error::StackError;
use super::kind::Kind;
use super::output::Sink;
use super::servers::ServerChoice;
use super::wiring::Network;
use crate::state::Credentials;

/// Environment variables for one service.
pub type Env = Vec<(String, String)>;

/// How to run a stack.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Private servers, or running ones.
    pub servers: ServerChoice,
    /// Where the first instance of each service listens.
    pub network: Network,
    /// The first ADMIN and the secret of `payment`.
    pub credentials: Credentials,
    /// Settings of every instance of a service; they win over the stack's own.
    pub env: BTreeMap<Kind, Env>,
    /// Where the services' programs are, if not beside the running one.
    pub binaries: Option<PathBuf>,
    /// Where the services' log lines go.
    pub sink: Sink,
}

impl StackOptions {
    /// What a test wants: private servers in `data_dir` that survive `kill -9`, free ports, random
    /// credentials, no output.
    ///
    /// # Errors
    /// [`StackError::NoPort`].
    pub fn private(data_dir: impl Into<PathBuf>) -> Result<Self, StackError> {
        Ok(Self {
            servers: ServerChoice::Private {
                data_dir: data_dir.into(),
                durability: Durability::ProcessCrash,
                postgres: Vec::new(),
            },
            network: Network::free()?,
            credentials: Credentials::random(),
            env: BTreeMap::new(),
            binaries: None,
            sink: Sink::none(),
        })
    }

    /// Adds a setting for every instance of `kind`.
    #[must_use]
    pub fn with_env(mut self, kind: Kind, name: &str, value: &str) -> Self {
        self.env.entry(kind).or_default().push((name.to_owned(), value.to_owned()));
        self
    }
}
