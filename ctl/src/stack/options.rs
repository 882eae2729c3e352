use std::collections::BTreeMap;
use std::path::PathBuf;

use servers::Durability;

use super::error::StackError;
use super::kind::Kind;
use super::output::Sink;
use super::servers::ServerChoice;
use super::wiring::Network;
use crate::state::Credentials;

pub type Env = Vec<(String, String)>;

#[derive(Debug, Clone)]
pub struct StackOptions {
    pub servers: ServerChoice,
    /// Addresses of the first instances.
    pub network: Network,
    pub credentials: Credentials,
    /// Settings of all instances of a service; they win over those of the stack.
    pub env: BTreeMap<Kind, Env>,
    /// Default: beside the running program.
    pub binaries: Option<PathBuf>,
    pub sink: Sink,
}

impl StackOptions {
    /// For tests: private servers that survive `kill -9`, free ports, random credentials, no output.
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
