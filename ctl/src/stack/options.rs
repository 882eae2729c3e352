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

/// Options of a stack.
#[derive(Debug, Clone)]
pub struct StackOptions {
    /// Private servers, or external ones.
    pub servers: ServerChoice,
    /// The addresses of the first instance of each service.
    pub network: Network,
    /// The first ADMIN and the secret of `payment`.
    pub credentials: Credentials,
    /// Settings of all instances of a service, which win over those of the stack.
    pub env: BTreeMap<Kind, Env>,
    /// The folder of the services' programs. Default: the folder of the running program.
    pub binaries: Option<PathBuf>,
    /// The receiver of the services' log lines.
    pub sink: Sink,
}

impl StackOptions {
    /// The options of a test: private servers in `data_dir` that survive `kill -9`, free ports, random
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
