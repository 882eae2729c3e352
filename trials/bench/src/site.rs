//! The measured stack, and database copies for the yardsticks.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use redis::AsyncConnectionConfig;
use servers::Durability;
use servers::account::scratch_dir;
use tempfile::TempDir;
use tokio::time::sleep;

use super::BenchError;
use super::cores::ProcessGroups;
use super::database::Database;
use super::wrk::Fixture;
use ctl::api::{Api, Endpoints, Money, NewProduct, Product};
use ctl::stack::{Kind, ServerChoice, Service, ServiceId, Sink, Stack, StackOptions};
use ctl::state::{Login, random_secret};
use servers::processes::{family, resident};

const CUSTOMERS: usize = 16;
const PRODUCTS: usize = 100;
pub const HOT: &str = "BENCH-HOT";
/// Cents.
const PRICE: i64 = 1999;
/// The largest stock of the contract.
const PLENTY: u32 = i32::MAX as u32;
/// Outlives the load of `ten-minutes`.
const TOKEN_LIFE: &str = "1h";
/// Allows for a backlog of hundreds of thousands.
const ENDED_WITHIN: Duration = Duration::from_secs(300);
const LOOK_AGAIN: Duration = Duration::from_millis(100);
const YARDSTICKS: [(Kind, &str); 2] = [(Kind::Payment, "bench_orders"), (Kind::Inventory, "bench_stock")];

/// A dedicated server, whose checkpoints fall between loads.
const POSTGRES: [(&str, &str); 4] = [
    ("shared_buffers", "512MB"),
    ("min_wal_size", "2GB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "30min"),
];
/// Keeps a rewrite of the append-only file between measurements.
const REWRITTEN_WITHIN: Duration = Duration::from_secs(60);
/// The default of redis-rs (0.5 s) is too short for a saturated machine.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

const OPEN: &str = "SELECT count(*) FROM orders WHERE status IN ('pending', 'completed')";
/// Removes dead rows and dirty pages of the previous measurement.
const EMPTY_ORDERS: [&str; 2] =
    ["TRUNCATE orders, charges_due, inbox, outbox, provider.refunds, provider.charges", "CHECKPOINT"];
const EMPTY_STOCK: [&str; 3] = ["TRUNCATE stock_ledger, inbox, outbox", "VACUUM FULL products", "CHECKPOINT"];

pub struct Site {
    pub stack: Stack,
    folder: TempDir,
    api: Api,
    customers: Vec<Login>,
}

/// An instance that replaces the first one.
pub struct Substitute {
    id: ServiceId,
    pub url: String,
}

impl Site {
    /// `binaries` is by default the folder of this program.
    pub async fn start(binaries: Option<PathBuf>) -> Result<Self, BenchError> {
        let folder = scratch_dir()?;
        let mut stack = Stack::start(options(folder.path(), binaries)?).await?;
        stack.start_services().await?;
        copy_databases(&mut stack).await?;
        let api = Api::new(endpoints(&stack)?)?;
        let mut site = Self { stack, folder, api, customers: Vec::new() };
        site.redis(&["CONFIG", "SET", "auto-aof-rewrite-percentage", "0"]).await?;
        site.create_products().await?;
        site.register_customers().await?;
        Ok(site)
    }

    /// Holds the files of load generators.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Keeps the services' logs after the end.
    pub fn keep_folder(&mut self) {
        self.folder.disable_cleanup(true);
    }

    pub fn url(&self, kind: Kind) -> Result<String, BenchError> {
        Ok(self.stack.first(kind)?.url())
    }

    /// The running instances.
    pub fn urls(&self, kind: Kind) -> Vec<String> {
        self.running().filter(|service| service.id().kind == kind).map(Service::url).collect()
    }

    pub fn running(&self) -> impl Iterator<Item = &Service> {
        self.stack.services().filter(|service| service.exit_status().is_none())
    }

    pub fn database(&self, kind: Kind) -> Database {
        Database::at(self.stack.database_url(kind))
    }

    pub fn yardstick_url(&self, kind: Kind) -> String {
        let url = self.stack.database_url(kind);
        let (server, _) = url.rsplit_once('/').unwrap_or((&url, ""));
        let name = YARDSTICKS.iter().find(|(of, _)| *of == kind).map_or("", |(_, name)| *name);
        format!("{server}/{name}")
    }

    /// The programs of the running PostgreSQL.
    pub fn postgres_programs(&mut self) -> PathBuf {
        let program = self
            .stack
            .postgres()
            .and_then(|server| server.pid())
            .map(|id| fs::read_link(format!("/proc/{id}/exe")));
        program
            .and_then(Result::ok)
            .and_then(|program| program.parent().map(Path::to_path_buf))
            .unwrap_or_default()
    }

    pub fn process_groups(&mut self) -> ProcessGroups {
        let mut process_groups: ProcessGroups =
            self.running().map(|service| (service.id().kind.name(), vec![service.pid()])).collect();
        let redis = self.stack.redis().and_then(|server| server.pid());
        let postgres = self.stack.postgres().and_then(|server| server.pid());
        process_groups.push(("redis", redis.into_iter().collect()));
        process_groups.push(("postgres", postgres.map(family).unwrap_or_default()));
        process_groups
    }

    /// MiB of all running services.
    pub fn memory(&self) -> f64 {
        self.running().map(|service| resident(service.pid())).sum::<u64>() as f64 / f64::from(1 << 20)
    }

    /// Logs in every customer.
    pub async fn fixture(&self, skus: Vec<String>) -> Result<Fixture, BenchError> {
        let mut tokens = Vec::new();
        for customer in &self.customers {
            tokens.push(self.api.log_in(customer).await?.access_token);
        }
        Ok(Fixture { tokens, skus })
    }

    /// As a customer sees it.
    pub async fn product(&self, sku: &str) -> Result<Product, BenchError> {
        let mut api = self.api.clone();
        if let Some(customer) = self.customers.first() {
            api = api.with_token(self.api.log_in(customer).await?.access_token);
        }
        Ok(api.product(sku).await?)
    }

    /// Stops the first instance by SIGTERM.
    pub async fn end(&mut self, kind: Kind) -> Result<(), BenchError> {
        Ok(self.stack.terminate(first(kind)).await.map(drop)?)
    }

    /// Restarts the first instance.
    pub async fn begin(&mut self, kind: Kind) -> Result<(), BenchError> {
        Ok(self.stack.restart(first(kind)).await?)
    }

    /// Replaces the first instance by one with other settings.
    pub async fn replace(&mut self, kind: Kind, settings: &[(&str, &str)]) -> Result<Substitute, BenchError> {
        self.end(kind).await?;
        let id = self.stack.start_service_with(kind, settings).await?;
        Ok(Substitute { id, url: self.stack.service(id)?.url() })
    }

    /// Deletes the orders of the substitute, and restarts the first instance.
    pub async fn bring_back(&mut self, substitute: Substitute) -> Result<(), BenchError> {
        self.stack.kill9(substitute.id).await?;
        self.empty().await?;
        self.begin(substitute.id.kind).await
    }

    /// Starts another instance of each service.
    pub async fn add_instances(&mut self) -> Result<Vec<ServiceId>, BenchError> {
        let mut added = Vec::new();
        for kind in Kind::ALL {
            added.push(self.stack.start_service(kind).await?);
        }
        Ok(added)
    }

    /// Stops added instances, upstream services first.
    pub async fn remove_instances(&mut self, added: Vec<ServiceId>) -> Result<(), BenchError> {
        for id in added.into_iter().rev() {
            self.stack.terminate(id).await?;
        }
        Ok(())
    }

    pub async fn wait_until_ended(&self) -> Result<(), BenchError> {
        let began = Instant::now();
        let payment = self.database(Kind::Payment);
        loop {
            let open = payment.number(OPEN).await?;
            if open == 0 {
                return Ok(());
            }
            if began.elapsed() > ENDED_WITHIN {
                let logs = self.folder.path().display().to_string();
                return Err(BenchError::OrdersStillOpen { open, seconds: began.elapsed().as_secs(), logs });
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    /// Requires that all orders are at their end.
    pub async fn empty(&self) -> Result<(), BenchError> {
        self.database(Kind::Payment).execute(&EMPTY_ORDERS).await?;
        self.database(Kind::Inventory).execute(&EMPTY_STOCK).await?;
        self.rewrite_append_only_file().await
    }

    async fn rewrite_append_only_file(&self) -> Result<(), BenchError> {
        let began = Instant::now();
        self.redis(&["BGREWRITEAOF"]).await?;
        // A rewrite past the deadline overlaps with the next load.
        while began.elapsed() < REWRITTEN_WITHIN
            && self.redis(&["INFO", "persistence"]).await?.contains("aof_rewrite_in_progress:1")
        {
            sleep(LOOK_AGAIN).await;
        }
        Ok(())
    }

    pub async fn redis(&self, words: &[&str]) -> Result<String, BenchError> {
        let client = redis::Client::open(self.stack.redis_url())?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        let mut command = redis::Cmd::new();
        for word in words {
            command.arg(*word);
        }
        Ok(command
            .query_async(&mut client.get_multiplexed_async_connection_with_config(&config).await?)
            .await?)
    }

    async fn create_products(&mut self) -> Result<(), BenchError> {
        let admin = self.api.log_in(&self.stack.credentials().admin).await?;
        let admin = self.api.with_token(admin.access_token);
        for sku in products().iter().map(String::as_str).chain([HOT]) {
            let price = Money { amount: PRICE, currency: "EUR".to_owned() };
            admin
                .create_product(&NewProduct { sku, name: sku, description: "", price, stock: PLENTY })
                .await?;
        }
        let hot = format!(
            "INSERT INTO products (sku, name, price, currency, on_hand) VALUES ('{HOT}', '{HOT}', {PRICE}, 'EUR', {PLENTY})"
        );
        Database::at(self.yardstick_url(Kind::Inventory)).execute(&[&hot]).await
    }

    async fn register_customers(&mut self) -> Result<(), BenchError> {
        for number in 0..CUSTOMERS {
            let login = Login { email: format!("bench-{number}@example.com"), password: random_secret() };
            self.api.register(&login).await?;
            self.customers.push(login);
        }
        Ok(())
    }
}

/// Excludes the hot product.
pub fn products() -> Vec<String> {
    (1..=PRODUCTS).map(|number| format!("BENCH-{number:03}")).collect()
}

fn first(kind: Kind) -> ServiceId {
    ServiceId { kind, instance: 1 }
}

fn options(folder: &Path, binaries: Option<PathBuf>) -> Result<StackOptions, BenchError> {
    let log = File::create(folder.join("services.log")).map_err(BenchError::io("create a log"))?;
    let log = Mutex::new(log);
    let sink = Sink::new(move |service, line| {
        // A failed log must not end the run.
        _ = log.lock().map(|mut log| writeln!(log, "{service} {line}"));
    });
    let servers = ServerChoice::Private {
        data_dir: folder.to_path_buf(),
        durability: Durability::PowerLoss,
        postgres: POSTGRES.to_vec(),
    };
    let options = StackOptions { servers, binaries, sink, ..StackOptions::private(folder)? };
    Ok(options.with_env(Kind::User, "ACCESS_TOKEN_TTL", TOKEN_LIFE))
}

/// Stops each service, because a database is copied without connections.
async fn copy_databases(stack: &mut Stack) -> Result<(), BenchError> {
    for (kind, copy) in YARDSTICKS {
        stack.terminate(first(kind)).await?;
        if let Some(postgres) = stack.postgres() {
            postgres.create_database(copy, Some(&kind.database())).await?;
        }
    }
    for (kind, _) in YARDSTICKS.iter().rev() {
        stack.restart(first(*kind)).await?;
    }
    Ok(())
}

fn endpoints(stack: &Stack) -> Result<Endpoints, BenchError> {
    let url = |kind| stack.first(kind).map(Service::url);
    Ok(Endpoints { user: url(Kind::User)?, inventory: url(Kind::Inventory)?, payment: url(Kind::Payment)? })
}
