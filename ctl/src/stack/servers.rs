use std::path::PathBuf;
use std::process::ExitStatus;

use servers::{Durability, Postgres, PostgresOptions, Redis, RedisOptions};

use super::{Ended, Kind, StackError};

#[derive(Debug, Clone)]
pub enum ServerChoice {
    /// Data below `data_dir`.
    Private {
        /// Holds `postgres/` and `redis/`; created if missing.
        data_dir: PathBuf,
        durability: Durability,
        postgres: Vec<(&'static str, &'static str)>,
    },
    /// External servers, neither started nor stopped by the stack.
    External(ExternalServers),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalServers {
    pub user_database: String,
    pub inventory_database: String,
    pub payment_database: String,
    pub redis: String,
}

#[derive(Debug)]
pub enum Servers {
    Private { postgres: Box<Postgres>, redis: Box<Redis> },
    External(ExternalServers),
}

impl Servers {
    pub async fn start(choice: ServerChoice) -> Result<Self, StackError> {
        match choice {
            ServerChoice::External(servers) => Ok(Self::External(servers)),
            ServerChoice::Private { data_dir, durability, postgres } => {
                let mut options = PostgresOptions::new(data_dir.join("postgres"));
                options.durability = durability;
                options.settings = postgres;
                // Connections of three services, two instances each in a test, and the test itself.
                options.max_connections = 200;
                let (postgres, redis) = tokio::join!(
                    Postgres::start(options),
                    Redis::start(RedisOptions::new(data_dir.join("redis")))
                );
                let servers = Self::Private { postgres: Box::new(postgres?), redis: Box::new(redis?) };
                servers.ensure_databases().await?;
                Ok(servers)
            }
        }
    }

    async fn ensure_databases(&self) -> Result<(), StackError> {
        if let Self::Private { postgres, .. } = self {
            for kind in Kind::ALL {
                postgres.ensure_database(&kind.database()).await?;
            }
        }
        Ok(())
    }

    pub fn database_url(&self, kind: Kind) -> String {
        match self {
            Self::Private { postgres, .. } => postgres.url(&kind.database()),
            Self::External(servers) => servers.database(kind).to_owned(),
        }
    }

    pub fn redis_url(&self) -> String {
        match self {
            Self::Private { redis, .. } => redis.url(),
            Self::External(servers) => servers.redis.clone(),
        }
    }

    /// A private server that ended by itself.
    pub fn ended(&self) -> Option<(Ended, ExitStatus)> {
        let Self::Private { postgres, redis } = self else { return None };
        let postgres = postgres.exit_status().map(|status| (Ended::Server("PostgreSQL"), status));
        postgres.or_else(|| Some((Ended::Server("Redis"), redis.exit_status()?)))
    }

    /// Restarts ended private servers.
    pub async fn revive(&mut self) -> Result<(), StackError> {
        let Self::Private { postgres, redis } = self else { return Ok(()) };
        if postgres.exit_status().is_some() {
            postgres.restart().await?;
        }
        if redis.exit_status().is_some() {
            redis.restart().await?;
        }
        Ok(())
    }

    pub async fn stop(&mut self) {
        if let Self::Private { postgres, redis } = self {
            tokio::join!(postgres.stop(), redis.stop());
        }
    }
}

impl ExternalServers {
    fn database(&self, kind: Kind) -> &str {
        match kind {
            Kind::User => &self.user_database,
            Kind::Inventory => &self.inventory_database,
            Kind::Payment => &self.payment_database,
        }
    }
}
