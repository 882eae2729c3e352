use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use servers::account::default_data_dir;
use servers::{Durability, ports};

use super::args::Args;
use crate::context::Global;
use crate::stack::{Addresses, ExternalServers, Kind, Network, ServerChoice, Sink, StackError, StackOptions};
use crate::state::Credentials;

/// Time for a killed stack to free its ports.
const FREE_WITHIN: Duration = Duration::from_secs(2);
const EXTERNAL: [&str; 4] =
    ["USER_DATABASE_URL", "INVENTORY_DATABASE_URL", "PAYMENT_DATABASE_URL", "REDIS_URL"];

/// Checked before the first process.
#[derive(Debug)]
pub struct Settings {
    pub data_dir: PathBuf,
    pub fresh: bool,
    pub instances: u8,
    pub no_demo: bool,
    pub json: bool,
    /// Suggested commands repeat the option.
    pub given_data_dir: Option<PathBuf>,
    servers: ServerChoice,
    network: Network,
}

impl Settings {
    pub async fn read(args: &Args, global: &Global) -> anyhow::Result<Self> {
        let data_dir = std::path::absolute(global.data_dir.clone().unwrap_or_else(default_data_dir))?;
        let external = external(|name| std::env::var(name).ok())?;
        anyhow::ensure!(
            external.is_none() || !args.fresh,
            "--fresh deletes the data of private servers only; for private servers, unset {}",
            EXTERNAL.join(", ")
        );
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
            json: global.json,
            given_data_dir: global.data_dir.clone(),
            servers: external.map_or(private, ServerChoice::External),
            network: network(args).await?,
        })
    }

    pub fn stack_options(&self, credentials: Credentials, sink: Sink) -> StackOptions {
        StackOptions {
            servers: self.servers.clone(),
            network: self.network,
            credentials,
            env: BTreeMap::new(),
            binaries: None,
            sink,
        }
    }
}

/// Requires all variables, or none.
fn external(variable: impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<ExternalServers>> {
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
            anyhow::bail!(
                "external servers need all of {}; not set: {}",
                EXTERNAL.join(", "),
                missing.join(", ")
            )
        }
    }
}

async fn network(args: &Args) -> anyhow::Result<Network> {
    Ok(Network {
        user: addresses(Kind::User, args.user_port).await?,
        inventory: addresses(Kind::Inventory, args.inventory_port).await?,
        payment: addresses(Kind::Payment, args.payment_port).await?,
    })
}

/// Replaces a taken metrics port: 9100 is the node exporter's on many machines.
async fn addresses(kind: Kind, port: u16) -> anyhow::Result<Addresses> {
    let mut addresses = Addresses::documented(kind, Some(port));
    if let Err(holder) = ports::wait_until_free(port, FREE_WITHIN).await {
        anyhow::bail!("port {port} for {kind} is {holder}; choose another with --{kind}-port");
    }
    if ports::who_holds(addresses.metrics.port()).is_some() {
        addresses.metrics.set_port(ports::free_port().map_err(StackError::NoPort)?);
    }
    Ok(addresses)
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

    #[tokio::test]
    async fn a_taken_port_is_named_with_its_holder_and_the_flag_to_move() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let error = addresses(Kind::Inventory, port).await.expect_err("taken").to_string();
        let pid = std::process::id();
        assert!(error.contains(&format!("(pid {pid}); choose another with --inventory-port")), "{error}");
    }
}
