use std::ffi::OsStr;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use ctl::{
    stack::Kind,
    state::{Login, Running, StackState, random_secret},
};
use serde_json::Value;
use servers::account::scratch_dir;
use tempfile::TempDir;
use tokio::process::Command;

use e2e::{SOON, Shop, eventually, key, service_binaries};

/// A shop, and a data folder that leads `shopctl` to it.
pub struct Stage {
    pub shop: Shop,
    folder: TempDir,
    numbers: AtomicUsize,
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Stage {
    /// With demo products and a customer. The services accept faults.
    pub async fn set() -> Self {
        let shop = Shop::open_with(|options| {
            Kind::ALL.into_iter().fold(options, |options, kind| options.with_env(kind, "FAULTS", "on"))
        })
        .await;
        let folder = scratch_dir().expect("a folder");
        state(&shop).write(folder.path()).expect("written");
        let stage = Self { shop, folder, numbers: AtomicUsize::new(1) };
        // Inventory may answer payment too late on a busy machine.
        let sold = async || {
            let said = stage.say(["demo"]).await;
            if said.code == Some(0) { Ok(()) } else { Err(said) }
        };
        eventually("the demo ends well", SOON, sold).await;
        stage
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn command<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = shopctl(arguments);
        command.env("SHOPCTL_DATA_DIR", self.folder.path());
        command
    }

    pub async fn say<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Said {
        Said::of(self.command(arguments).output().await.expect("it runs"))
    }

    /// A number that no other part of the test has.
    pub fn number(&self) -> usize {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// The id of a new account.
    pub async fn account(&self) -> String {
        let account = self.shop.another_user().await.get(Kind::User, "/auth/user").await.expect(200);
        account["id"].as_str().expect("an id").to_owned()
    }

    /// The id of a new order.
    pub async fn order(&self) -> String {
        let order = self.say(["order", "DEMO-MUG", "--json"]).await.json();
        order["order"]["id"].as_str().expect("an id").to_owned()
    }

    /// The id of a dead letter.
    pub async fn dead_letter(&self) -> String {
        let id = key();
        let entry = ["XADD", "order_completed", "*", "id", &id, "type", "shop.order.completed.v9"];
        self.shop.redis_command::<String>(&entry).await;
        let look = async || {
            let letters = self.shop.admin.all(Kind::Inventory, "/ops/dead-letters", 10).await;
            letters.first().and_then(|letter| letter["id"].as_str().map(str::to_owned))
        };
        eventually("the dead letter is there", SOON, look).await
    }
}

impl Said {
    pub fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Of a command whose standard output goes elsewhere: `output` of tokio takes it in any case.
    pub async fn with_stdout(command: &mut Command, stdout: Stdio) -> Self {
        let child = command.stdout(stdout).stderr(Stdio::piped()).kill_on_drop(true).spawn();
        Self::of(child.expect("it runs").wait_with_output().await.expect("it ends"))
    }

    #[track_caller]
    pub fn success(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }

    /// The one object on standard output.
    #[track_caller]
    pub fn json(self) -> Value {
        let said = self.success();
        serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
    }

    /// The one object on standard error.
    #[track_caller]
    pub fn error(&self) -> Value {
        serde_json::from_str(&self.stderr).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Without an environment that leads it anywhere.
pub fn shopctl<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(service_binaries().join("shopctl"));
    command.args(arguments).stdin(Stdio::null()).env("SHOPCTL_DATA_DIR", "/nowhere");
    command
}

fn state(shop: &Shop) -> StackState {
    let url = |kind| shop.stack.first(kind).expect("it runs").url();
    let running = Running {
        pid: std::process::id(),
        user_url: url(Kind::User),
        inventory_url: url(Kind::Inventory),
        payment_url: url(Kind::Payment),
        console_url: None,
        user_database_url: shop.stack.database_url(Kind::User),
        inventory_database_url: shop.stack.database_url(Kind::Inventory),
        payment_database_url: shop.stack.database_url(Kind::Payment),
        redis_url: shop.stack.redis_url(),
    };
    let mut credentials = shop.stack.credentials().clone();
    credentials.user = Login { email: "customer@example.com".to_owned(), password: random_secret() };
    StackState { credentials, running: Some(running) }
}
