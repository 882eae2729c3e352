use ctl::stack::{ExternalServers, Kind, ServerChoice, ServiceId, Stack, StackOptions};
use reqwest::Method;
use serde_json::{Value, json};
use servers::{Redis, account::scratch_dir};
use tempfile::TempDir;
use testing::{TestDatabase, TestRedis};
use tokio_postgres::NoTls;

use super::{Client, Metrics, SOON, client::send, eventually, key, service_binaries};

const QUICK_STREAMS: [(&str, &str); 4] = [
    ("CLAIM_IDLE", "2s"),
    ("CLAIM_INTERVAL", "200ms"),
    ("RESEND_AFTER", "1s"),
    ("OUTBOX_SWEEP_INTERVAL", "200ms"),
];
const QUICK_PAYMENT: [(&str, &str); 4] = [
    ("PROVIDER_LATENCY", "1ms"),
    ("PROVIDER_TIMEOUT", "3s"),
    ("RECONCILE_AFTER", "1s"),
    ("RECONCILE_INTERVAL", "200ms"),
];
const QUICK_KEYS: (&str, &str) = ("JWKS_INTERVAL", "200ms");
/// A busy machine may stop any process for seconds, which is no failure.
const PATIENT: [(&str, &str); 4] = [
    ("DATABASE_CONNECT_TIMEOUT", "10s"),
    ("DATABASE_STATEMENT_TIMEOUT", "10s"),
    ("COMMIT_DEADLINE", "10s"),
    ("REQUEST_TIMEOUT", "20s"),
];
const PATIENT_STREAMS: (&str, &str) = ("REDIS_TIMEOUT", "10s");
const PATIENT_THROTTLE: (&str, &str) = ("LATE_AFTER", "1h");
/// The defaults, for tests of what happens after them; a connection has longer.
const LIMITS: [(&str, &str); 4] = [
    ("DATABASE_CONNECT_TIMEOUT", "4s"),
    ("DATABASE_STATEMENT_TIMEOUT", "3s"),
    ("COMMIT_DEADLINE", "2s"),
    ("REQUEST_TIMEOUT", "5s"),
];

pub struct Shop {
    // Fields drop in order: the services before their servers.
    pub stack: Stack,
    servers: Servers,
    pub admin: Client,
    pub user: Client,
}

enum Servers {
    /// A database each on the PostgreSQL of this test process, and a Redis.
    Shared { redis: Box<TestRedis>, _databases: [TestDatabase; 3] },
    /// A PostgreSQL which the test may stop.
    Private(#[expect(dead_code, reason = "removed when dropped")] TempDir),
}

impl Shop {
    pub async fn open() -> Self {
        Self::open_with(|options| options).await
    }

    pub async fn open_with(change: impl FnOnce(StackOptions) -> StackOptions) -> Self {
        let (redis, user, inventory, payment) = tokio::join!(
            TestRedis::start(),
            TestDatabase::create(),
            TestDatabase::create(),
            TestDatabase::create()
        );
        let external = ExternalServers {
            user_database: user.url().to_owned(),
            inventory_database: inventory.url().to_owned(),
            payment_database: payment.url().to_owned(),
            redis: redis.url(),
        };
        let servers = Servers::Shared { redis: Box::new(redis), _databases: [user, inventory, payment] };
        Self::start(ServerChoice::External(external), servers, change).await
    }

    pub async fn open_on_private_servers() -> Self {
        Self::open_on_private_servers_with(|options| options).await
    }

    pub async fn open_on_private_servers_with(change: impl FnOnce(StackOptions) -> StackOptions) -> Self {
        let folder = scratch_dir().expect("a folder");
        let choice = StackOptions::private(folder.path()).expect("ports").servers;
        Self::start(choice, Servers::Private(folder), change).await
    }

    async fn start(
        choice: ServerChoice,
        servers: Servers,
        change: impl FnOnce(StackOptions) -> StackOptions,
    ) -> Self {
        let mut options = StackOptions::private("").expect("ports");
        options.servers = choice;
        options.binaries = Some(service_binaries().to_path_buf());
        for kind in Kind::ALL {
            options = with_settings(options, kind, &PATIENT);
            options = with_settings(options, kind, &[QUICK_KEYS]);
        }
        for kind in [Kind::Inventory, Kind::Payment] {
            options = with_settings(options, kind, &QUICK_STREAMS);
            options = with_settings(options, kind, &[PATIENT_STREAMS]);
        }
        options = with_settings(options, Kind::Payment, &QUICK_PAYMENT);
        options = with_settings(options, Kind::Payment, &[PATIENT_THROTTLE]);
        let mut stack = Stack::start(change(options)).await.expect("servers");
        stack.start_services().await.unwrap_or_else(|error| panic!("{error}"));
        let url = |kind| stack.first(kind).expect("it runs").url();
        let anonymous = Client::new([url(Kind::User), url(Kind::Inventory), url(Kind::Payment)]);
        let login = stack.credentials().admin.clone();
        let admin = anonymous.log_in(&login.email, &login.password).await;
        let user = register(&anonymous, "user@example.com").await;
        Self { stack, servers, admin, user }
    }

    pub async fn another_user(&self) -> Client {
        register(&self.user.anonymous(), &format!("{}@example.com", key())).await
    }

    /// Waits until payment can price a product of 10.00 EUR without inventory.
    pub async fn product(&self, sku: &str, stock: u32) {
        let product = json!({"sku": sku, "name": format!("A {sku}"), "price": {"amount": 1000, "currency": "EUR"}, "stock": stock});
        self.admin.post(Kind::Inventory, "/products", &product).await.expect(201);
        let arrived = async || {
            let count = self
                .number(Kind::Payment, &format!("SELECT count(*) FROM catalogue WHERE sku = '{sku}'"))
                .await;
            (count == 1).then_some(())
        };
        eventually("the product is in payment's catalogue", SOON, arrived).await;
    }

    /// Takes the product off sale.
    pub async fn remove(&self, sku: &str) {
        let request = self.admin.request(Method::DELETE, Kind::Inventory, &format!("/products/{sku}"));
        send(request).await.expect("an answer").expect(204);
    }

    /// Returns the product.
    pub async fn reprice(&self, sku: &str, amount: i64) -> Value {
        let etag =
            self.admin.get(Kind::Inventory, &format!("/products/{sku}")).await.header("etag").to_owned();
        let body = json!({"name": format!("A {sku}"), "price": {"amount": amount, "currency": "EUR"}});
        let request = self.admin.request(Method::PUT, Kind::Inventory, &format!("/products/{sku}"));
        send(request.header("If-Match", etag).json(&body)).await.expect("an answer").expect(200)
    }

    pub async fn available(&self, sku: &str) -> i64 {
        self.admin.get(Kind::Inventory, &format!("/products/{sku}")).await.expect(200)["available"]
            .as_i64()
            .expect("a number")
    }

    /// Stock on hand plus sold units is the initial stock; the ledger sums up to the stock on hand.
    pub async fn assert_stock_adds_up(&self, sku: &str, initial: i64) {
        let on_hand = self
            .number(Kind::Inventory, &format!("SELECT on_hand::bigint FROM products WHERE sku = '{sku}'"))
            .await;
        let ledger = self
            .number(
                Kind::Inventory,
                &format!("SELECT sum(delta)::bigint FROM stock_ledger WHERE sku = '{sku}'"),
            )
            .await;
        let sold = "SELECT coalesce(sum((item->>'quantity')::bigint), 0)::bigint FROM orders, json_array_elements(items) item
                    WHERE status = 'confirmed' AND item->>'sku' =";
        let sold = self.number(Kind::Payment, &format!("{sold} '{sku}'")).await;
        assert_eq!(
            (on_hand + sold, ledger),
            (initial, on_hand),
            "on hand {on_hand}, sold {sold}, ledger {ledger}"
        );
    }

    pub async fn assert_money_adds_up(&self) {
        let count = async |sql: &str| self.number(Kind::Payment, sql).await;
        let paid =
            count("SELECT count(*) FROM orders WHERE status IN ('completed', 'confirmed', 'refunded')").await;
        let refunded = count("SELECT count(*) FROM orders WHERE status = 'refunded'").await;
        assert_eq!(
            count("SELECT count(*) FROM provider.charges").await,
            paid,
            "one charge for each paid order"
        );
        assert_eq!(
            count("SELECT count(*) FROM provider.refunds").await,
            refunded,
            "one refund for each refunded order"
        );
    }

    /// Waits until all streams are acknowledged and all events confirmed.
    pub async fn quiet(&self) {
        let look = async || {
            let mut open = Vec::new();
            for kind in [Kind::Inventory, Kind::Payment] {
                let streams = self.admin.get(kind, "/ops/streams").await.expect(200);
                let busy = |stream: &&Value| stream["pending"] != 0 || stream["unread"] != 0;
                open.extend(streams["streams"].as_array().expect("streams").iter().filter(busy).cloned());
            }
            let outbox = self.admin.get(Kind::Payment, "/ops/outbox").await.expect(200);
            open.extend((outbox["unconfirmed"] != 0).then_some(outbox));
            if open.is_empty() { Ok(()) } else { Err(open) }
        };
        eventually("all streams are read and all events confirmed", SOON, look).await;
    }

    pub async fn number(&self, kind: Kind, sql: &str) -> i64 {
        let (client, connection) =
            tokio_postgres::connect(&self.stack.database_url(kind), NoTls).await.expect("a connection");
        let ask = async move { client.query_one(sql, &[]).await.map(|row| row.get(0)) };
        let (answer, _) = tokio::join!(ask, connection);
        answer.unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    pub async fn execute(&self, kind: Kind, sql: &str) {
        let (client, connection) =
            tokio_postgres::connect(&self.stack.database_url(kind), NoTls).await.expect("a connection");
        let execute = async move { client.batch_execute(sql).await };
        let (answer, _) = tokio::join!(execute, connection);
        answer.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    pub fn redis(&mut self) -> &mut Redis {
        match &mut self.servers {
            Servers::Shared { redis, .. } => redis,
            Servers::Private(_) => self.stack.redis().expect("private servers"),
        }
    }

    pub async fn redis_command<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        match &self.servers {
            Servers::Shared { redis, .. } => redis.command(words).await,
            Servers::Private(_) => panic!("not needed so far"),
        }
    }

    pub async fn pending(&self, kind: Kind) -> u64 {
        let mut pending = 0;
        for route in events::consumed_by(kind.name()) {
            let summary: Vec<redis::Value> =
                self.redis_command(&["XPENDING", route.stream, route.group]).await;
            pending += redis::from_redis_value::<u64>(summary[0].clone()).expect("a number");
        }
        pending
    }

    pub async fn metrics(&self, id: ServiceId) -> Metrics {
        let address = self.stack.service(id).expect("it was started").metrics_addr();
        let answer = reqwest::get(format!("http://{address}/metrics")).await.expect("an answer");
        Metrics::new(answer.text().await.expect("text"))
    }
}

impl Drop for Shop {
    #[allow(clippy::print_stderr, reason = "a test that failed shows it")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            for service in self.stack.services() {
                eprintln!("---- the last lines of {} ----\n{}", service.id(), service.output().tail());
            }
        }
    }
}

pub fn with_settings(options: StackOptions, kind: Kind, settings: &[(&str, &str)]) -> StackOptions {
    settings.iter().fold(options, |options, (name, value)| options.with_env(kind, name, value))
}

/// With the limits of the product, instead of those for a busy machine.
pub fn with_limits(options: StackOptions) -> StackOptions {
    Kind::ALL.into_iter().fold(options, |options, kind| with_settings(options, kind, &LIMITS))
}

pub fn first(kind: Kind) -> ServiceId {
    ServiceId { kind, instance: 1 }
}

async fn register(anonymous: &Client, email: &str) -> Client {
    let password = "correct horse battery staple";
    anonymous
        .post(Kind::User, "/auth/register", &json!({"email": email, "password": password}))
        .await
        .expect(201);
    anonymous.log_in(email, password).await
}
