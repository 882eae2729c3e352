//! The three services in production mode, and the data folder that deploy/secrets/generate makes for `shopctl`.

use std::{collections::BTreeMap, fs, process::Stdio};

use serde_json::json;
use servers::ports::free_port;
use tempfile::TempDir;
use testing::eventually;
use tokio::{
    process::{Child, Command},
    sync::Mutex,
};

use crate::{PASSWORD, SERVICES, SOON, Servers, migrate, program, said};

/// Of 32 characters at least.
const CLIENT_SECRET: &str = "5b0c71f2e9d84a6386d1a7f0c2e4b9583d6f";

/// 32 bytes.
const KEY_ENCRYPTION_KEY: &str = "9f2c41d07ab35e68c1d4b6a7000102030405060708090a0b0c0d0e0f10111213";

pub struct Site<'a> {
    servers: &'a Servers,
    addresses: BTreeMap<&'static str, String>,
    running: Mutex<BTreeMap<&'static str, Child>>,
    /// `SHOPCTL_DATA_DIR`
    data: TempDir,
}

impl<'a> Site<'a> {
    pub async fn start(servers: &'a Servers) -> Self {
        let address = |service| (service, format!("127.0.0.1:{}", free_port().expect("a port")));
        let data = tempfile::tempdir().expect("a folder");
        let site = Self { servers, addresses: SERVICES.map(address).into(), running: Mutex::default(), data };
        site.write_state();
        // Started first: they wait for the tables.
        for service in SERVICES {
            let child = site.service(service).stdout(Stdio::null()).spawn().expect("it runs");
            site.running.lock().await.insert(service, child);
        }
        migrate(servers).await;
        for service in SERVICES {
            eventually("it is healthy", SOON, async || site.healthy(service).await).await;
        }
        site
    }

    pub fn url(&self, service: &str) -> String {
        format!("https://{}", self.addresses[service])
    }

    fn service(&self, service: &str) -> Command {
        let mut command = program(service, &self.servers.authority);
        let (certificate, key) = self.servers.authority.issue();
        command
            .env("TLS_CERTIFICATE", certificate)
            .env("TLS_KEY", key)
            .env("PRODUCTION", "on")
            .env("MIGRATE_ON_START", "off")
            .env("METRICS_BIND", "127.0.0.1:0")
            .env("HTTP_BIND", &self.addresses[service])
            .env("DATABASE_URL", self.servers.database_url(&format!("orderflow_{service}"), service));
        if service == "user" {
            command
                .env("SERVICE_CLIENTS", format!("payment:{CLIENT_SECRET}"))
                .env("KEY_ENCRYPTION_KEY", KEY_ENCRYPTION_KEY)
                .env("ADMIN_EMAIL", "admin@example.com")
                .env("ADMIN_PASSWORD", PASSWORD);
        } else {
            command
                .env("REDIS_URL", self.servers.redis_url(service))
                .env("JWKS_URL", format!("{}/.well-known/jwks.json", self.url("user")));
        }
        if service == "payment" {
            command
                .env("INVENTORY_URL", self.url("inventory"))
                .env("TOKEN_URL", format!("{}/oauth/token", self.url("user")))
                .env("CLIENT_SECRET", CLIENT_SECRET);
        }
        command
    }

    fn write_state(&self) {
        let database = |service| self.servers.database_url("orderflow_operator", service);
        let login = |email: &str| json!({"email": email, "password": PASSWORD});
        let state = json!({
            "credentials": {
                "admin": login("admin@example.com"),
                "user": login("user@example.com"),
                "client_secret": "-",
            },
            "running": {
                "pid": 0,
                "user_url": self.url("user"),
                "inventory_url": self.url("inventory"),
                "payment_url": self.url("payment"),
                "user_database_url": database("user"),
                "inventory_database_url": database("inventory"),
                "payment_database_url": database("payment"),
                "redis_url": self.servers.redis_url("operator"),
            },
        });
        fs::write(self.data.path().join("stack.json"), state.to_string()).expect("it is written");
    }

    pub fn shopctl(&self) -> Command {
        let mut command = program("shopctl", &self.servers.authority);
        command.env("SHOPCTL_DATA_DIR", self.data.path());
        command
    }

    pub async fn healthy(&self, service: &str) -> Result<(), String> {
        let output = self.service(service).arg("healthcheck").output().await.expect("it runs");
        if output.status.success() { Ok(()) } else { Err(said(&output)) }
    }

    pub async fn stop(&self, service: &str) {
        let child = self.running.lock().await.remove(service);
        child.expect("it runs").kill().await.expect("it ends");
    }
}
