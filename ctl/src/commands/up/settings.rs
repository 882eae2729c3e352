use std::collections::BTreeMap;
use std::path::PathBuf;

use servers::Durability;
use servers::account::default_data_dir;

use super::args::Args;
use super::ports::Ports;
use crate::context::Global;
use crate::exit::WrongUse;
use crate::stack::{Env, ExternalServers, Kind, ServerChoice, Sink, StackOptions};
use crate::state::Credentials;
use crate::terminal::Output;

const EXTERNAL: [&str; 4] =
    ["USER_DATABASE_URL", "INVENTORY_DATABASE_URL", "PAYMENT_DATABASE_URL", "REDIS_URL"];

/// Checked before the first process.
#[derive(Debug)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub fresh: bool,
    pub instances: u8,
    pub no_demo: bool,
    pub output: Output,
    /// Suggested commands repeat the option.
    pub given_data_dir: Option<PathBuf>,
    pub ports: Ports,
    servers: ServerChoice,
}

impl Settings {
    pub fn read(args: &Args, global: &Global) -> anyhow::Result<Self> {
        let data_dir = std::path::absolute(global.data_dir.clone().unwrap_or_else(default_data_dir))?;
        let external = external(|name| std::env::var(name).ok())?;
        if external.is_some() && args.fresh {
            return Err(WrongUse::new(format_args!(
                "--fresh deletes the data of private servers only; for private servers, unset {}",
                EXTERNAL.join(", ")
            ))
            .into());
        }
        let private = ServerChoice::Private {
            data_dir: data_dir.clone(),
            durability: Durability::PowerLoss,
            postgres: Vec::new(),
        };
        Ok(Self {
            data_dir,
            fresh: args.fresh,
            instances: args.instances,
            no_demo: args.no_demo,
            output: Output::new(global.json),
            given_data_dir: global.data_dir.clone(),
            ports: Ports::read(args)?,
            servers: external.map_or(private, ServerChoice::External),
        })
    }

    pub fn stack_options(&self, credentials: Credentials, sink: Sink) -> StackOptions {
        StackOptions {
            servers: self.servers.clone(),
            network: self.ports.network(),
            credentials,
            env: faults(std::env::var_os("FAULTS").is_some()),
            binaries: None,
            sink,
        }
    }
}

/// On unless the environment says something: whoever reaches this stack may break it, and watch.
fn faults(is_set: bool) -> BTreeMap<Kind, Env> {
    let on = || vec![("FAULTS".to_owned(), "on".to_owned())];
    Kind::ALL.into_iter().filter(|_| !is_set).map(|kind| (kind, on())).collect()
}

/// Requires all variables, or none.
fn external(variable: impl Fn(&str) -> Option<String>) -> Result<Option<ExternalServers>, WrongUse> {
    let given = EXTERNAL.map(|name| variable(name).filter(|value| !value.is_empty()));
    match given {
        [None, None, None, None] => Ok(None),
        [Some(user_database), Some(inventory_database), Some(payment_database), Some(redis)] => {
            Ok(Some(ExternalServers { user_database, inventory_database, payment_database, redis }))
        }
        given => {
            let missing =
                EXTERNAL.iter().zip(&given).filter(|(_, value)| value.is_none()).map(|(name, _)| *name);
            let missing: Vec<&str> = missing.collect();
            Err(WrongUse::new(format_args!(
                "external servers need all of {}; not set: {}",
                EXTERNAL.join(", "),
                missing.join(", ")
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_of_the_addresses_of_own_servers_are_an_error_that_names_the_others() {
        let only_redis = |name: &str| (name == "REDIS_URL").then(|| "redis://r".to_owned());
        let error = external(only_redis).expect_err("three are missing").to_string();
        assert!(
            error.ends_with("not set: USER_DATABASE_URL, INVENTORY_DATABASE_URL, PAYMENT_DATABASE_URL"),
            "{error}"
        );
    }

    #[test]
    fn all_of_them_are_used_and_none_of_them_mean_private_servers() {
        let all = external(|name| Some(name.to_lowercase())).expect("all").expect("external");
        assert_eq!((all.user_database.as_str(), all.redis.as_str()), ("user_database_url", "redis_url"));
        assert_eq!(external(|_| None).expect("none"), None);
        assert_eq!(external(|_| Some(String::new())).expect("empty counts as unset"), None);
    }
}
