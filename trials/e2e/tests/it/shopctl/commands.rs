//! Every command there is, in a form that succeeds.

use std::collections::BTreeSet;

use clap::CommandFactory;
use ctl::cli::Cli;
use serde_json::Value;

use super::{Said, Stage};

/// Commands that run until they are stopped have tests of their own.
const LASTING: [&str; 1] = ["up"];

/// Each is new: it can be run once.
pub async fn all(stage: &Stage) -> Vec<Vec<String>> {
    let number = stage.number();
    let sku = format!("TEST-{number}");
    let name = format!("test-{number}");
    let order = stage.order().await;
    let letter = stage.dead_letter().await;
    let account = stage.account().await;
    let admin = format!("admin-{number}@example.com");
    let pages = stage.folder().join(&name).display().to_string();
    let lines = [
        "seed".to_owned(),
        "demo".to_owned(),
        format!("admin create {admin}"),
        format!("admin reset {admin}"),
        format!("clients create {name} --scope orders:read"),
        "clients list".to_owned(),
        format!("clients rotate {name}"),
        format!("clients revoke {name}"),
        "keys list".to_owned(),
        "keys rotate".to_owned(),
        "keys retire PUBLISHED".to_owned(),
        "token".to_owned(),
        "order DEMO-MUG".to_owned(),
        format!("watch {order}"),
        "orders list".to_owned(),
        format!("orders show {order}"),
        format!("products create {sku} --name Tea --price 4.50EUR --stock 3"),
        "products list".to_owned(),
        format!("products show {sku}"),
        format!("products price {sku} 5EUR"),
        format!("stock adjust {sku} -1 --reason broken"),
        format!("stock movements {sku}"),
        format!("products delete {sku}"),
        "users list".to_owned(),
        format!("users role {account} admin"),
        format!("users disable {account}"),
        format!("users enable {account}"),
        format!("users delete {account}"),
        "streams".to_owned(),
        "dead-letters list".to_owned(),
        format!("dead-letters show {letter}"),
        "dead-letters redrive --stream order_completed --dry-run".to_owned(),
        // Before a discarded dead letter, which an entry then lacks.
        "verify".to_owned(),
        format!("dead-letters discard {letter} --reason test"),
        "audit".to_owned(),
        "load --orders 20".to_owned(),
        "rehearse --rate 20 --time 3s --panics 1".to_owned(),
        "completions bash".to_owned(),
        "man".to_owned(),
        format!("man --dir {pages}"),
    ];
    lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

/// Puts the id of the published key into its place.
pub async fn settled(stage: &Stage, command: &[String]) -> Vec<String> {
    if !command.contains(&"PUBLISHED".to_owned()) {
        return command.to_vec();
    }
    let keys = stage.say(["keys", "list", "--json"]).await.json();
    let kid = keys["data"][0]["kid"].as_str().expect("a key").to_owned();
    command.iter().map(|word| if word == "PUBLISHED" { kid.clone() } else { word.clone() }).collect()
}

fn leaves(command: &clap::Command, path: &str, found: &mut BTreeSet<String>) {
    for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
        let path = format!("{path} {}", child.get_name()).trim().to_owned();
        if child.has_subcommands() {
            leaves(child, &path, found);
        } else {
            found.insert(path);
        }
    }
}

#[tokio::test]
async fn with_json_every_command_prints_json_and_nothing_else() {
    let stage = Stage::set().await;
    let mut left = BTreeSet::new();
    leaves(&Cli::command(), "", &mut left);
    left.retain(|path| !LASTING.contains(&path.as_str()));
    for command in all(&stage).await {
        let command = settled(&stage, &command).await;
        let said = stage.say(command.iter().map(String::as_str).chain(["--json"])).await;
        assert_is_json(&command, &said);
        left.retain(|path| !command.join(" ").starts_with(path));
    }
    assert!(left.is_empty(), "no test runs {left:?}");
}

#[track_caller]
fn assert_is_json(command: &[String], said: &Said) {
    assert_eq!(said.code, Some(0), "{command:?}: {said:?}");
    for line in said.stdout.lines().chain(said.stderr.lines()) {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{command:?}: {line}");
    }
    assert!(!said.stdout.is_empty(), "{command:?}");
}

#[tokio::test]
async fn the_new_commands_manage_products_stock_orders_and_accounts() {
    let stage = Stage::set().await;
    let say = async |line: &str| stage.say(line.split(' ')).await.success().stdout;

    assert_eq!(
        say("products create TEA --name Tea --price 4.50EUR --stock 3").await,
        "created TEA at 4.50 EUR\n"
    );
    assert_eq!(say("products price TEA 1234.50EUR").await, "TEA costs 1234.50 EUR now\n");
    assert!(say("products list").await.lines().any(|line| line.starts_with("TEA ")));
    assert_eq!(say("products list --search te").await.lines().count(), 2);
    assert!(say("products show TEA").await.contains("1234.50 EUR, 3 available, version 2"));
    assert_eq!(say("stock adjust TEA -1 --reason broken").await, "2 of TEA on hand\n");
    assert!(say("stock movements TEA").await.contains("broken"));
    assert_eq!(say("products delete TEA").await, "took TEA off sale\n");
    assert_eq!(stage.say(["products", "show", "TEA"]).await.code, Some(1));

    let order = stage.order().await;
    assert!(say("orders list --status confirmed").await.contains(&order));
    assert!(!say("orders list --status refunded").await.contains(&order));
    assert!(say("orders list --sku DEMO-MUG --since 1h").await.contains(&order));
    assert!(!say("orders list --sku DEMO-LAMP").await.contains(&order));
    assert_eq!(say("orders list --until 2020-01-01").await, "no such order\n");
    let shown = say(&format!("orders show {order}")).await;
    assert!(shown.contains("1 x DEMO-MUG (Enamel mug), 12.99 EUR") && shown.contains("pending"), "{shown}");

    let account = stage.account().await;
    assert!(say(&format!("users disable {account}")).await.ends_with("is disabled USER\n"));
    assert!(say(&format!("users enable {account}")).await.ends_with("is enabled USER\n"));
    assert!(say(&format!("users role {account} admin")).await.ends_with("is enabled ADMIN\n"));
    assert!(say("users list").await.contains(&account));
    say(&format!("users delete {account}")).await;
    assert!(!say("users list").await.contains(&account));
}

#[tokio::test]
async fn tables_fit_a_terminal_of_80_columns_and_keep_their_width_elsewhere() {
    let stage = Stage::set().await;
    let program = e2e::service_binaries().join("shopctl");
    for command in ["verify", "streams", "audit", "orders list", "users list", "products list"] {
        let line = format!("stty cols 80; '{}' {command} 2>/dev/null", program.display());
        let mut terminal = tokio::process::Command::new("script");
        terminal.args(["-qec", &line, "/dev/null"]).env("SHOPCTL_DATA_DIR", stage.folder());
        terminal.stdin(std::process::Stdio::null()).env("NO_COLOR", "1");
        let said = Said::of(terminal.output().await.expect("script of bsdutils")).success();
        let longest = said.stdout.lines().map(|line| line.trim_end().chars().count()).max();
        assert!(longest.is_some_and(|columns| (1..=80).contains(&columns)), "{command}\n{}", said.stdout);
    }
    let verdict = stage.say(["verify"]).await.success().stdout;
    assert!(verdict.lines().any(|line| line.len() > 80), "{verdict}");
}
