use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::stage::shopctl;
use super::{Said, Stage};
use e2e::service_binaries;

async fn say(line: &str) -> Said {
    Said::of(shopctl(line.split(' ')).output().await.expect("it runs"))
}

#[tokio::test]
async fn with_json_an_error_is_one_object_with_a_code() {
    let stage = Stage::set().await;
    let absent = stage.say(["products", "show", "NOPE", "--json"]).await;
    let error = absent.error();
    assert_eq!((absent.code, &error["code"], &error["exit_code"]), (Some(1), &"not-found".into(), &1.into()));
    assert_eq!(error["problem"]["status"], 404, "{error}");

    for (line, exit_code, code) in [
        ("streams --json", 4, "no-credentials"),
        ("streams --json --token t --inventory-url http://127.0.0.1:1", 3, "unreachable"),
        ("streams --json --nonsense", 2, "wrong-use"),
        ("--json", 2, "wrong-use"),
        ("load --json --rate 0", 2, "wrong-use"),
        ("verify --json", 2, "wrong-use"),
        ("up --json --user-port 7000 --payment-port 7000", 2, "wrong-use"),
    ] {
        let said = say(line).await;
        let error = said.error();
        assert_eq!((said.code, &error["code"]), (Some(exit_code), &code.into()), "{line}: {error}");
        assert!(error["message"].as_str().is_some_and(|message| !message.is_empty()), "{line}: {error}");
        assert!(said.stdout.is_empty(), "{line}: {said:?}");
    }
}

#[tokio::test]
async fn wrong_use_exits_with_2_and_names_the_option_the_rule_and_an_example() {
    for (line, option, rule) in [
        ("streams --payment-url foo", "--payment-url", "such as http://127.0.0.1:8001"),
        ("streams --inventory-url localhost:8000", "--inventory-url", "such as http://127.0.0.1:8001"),
        ("verify --redis-url foo", "--redis-url", "such as redis://"),
        ("verify --user-database-url foo", "--user-database-url", "such as postgres://"),
        ("load --payment-urls http://a,b", "--payment-urls", "such as http://127.0.0.1:8001"),
        ("load --rate 0", "--rate", "above 0"),
        ("load --patience soon", "--patience", "such as 30s"),
        ("order DEMO-MUG --timeout 0", "--timeout", "such as 30s"),
        ("watch 0198c0de-0000-7000-8000-000000000000 --timeout x", "--timeout", "such as 30s"),
        ("audit --since yesterday", "--since", "such as 2026-11-30T08:00:00Z"),
        ("products create A --name A --price 4.50", "--price", "such as 4.50EUR"),
        ("admin create nope", "<EMAIL>", "such as ada@example.com"),
        ("token --email nope --password x", "--email", "such as ada@example.com"),
        ("up --user-port 65000", "--user-metrics-port", "65000"),
    ] {
        let said = say(line).await;
        assert_eq!(said.code, Some(2), "{line}: {said:?}");
        assert!(said.stderr.contains(option) && said.stderr.contains(rule), "{line}: {}", said.stderr);
    }
}

#[tokio::test]
async fn an_address_with_a_password_is_not_repeated() {
    let said = say("verify --payment-database-url postgres://me:hunter2@host:port/d").await;
    assert!(said.code == Some(2) && !said.stderr.contains("hunter2"), "{said:?}");
}

#[tokio::test]
async fn a_weak_password_of_an_admin_is_told_without_the_flags_of_the_service() {
    let mut child = shopctl(["admin", "create", "boss@example.com", "--password-stdin"])
        .env("USER_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut input = child.stdin.take().expect("standard input");
    input.write_all(b"short\n").await.expect("it reads");
    drop(input);
    let said = Said::of(child.wait_with_output().await.expect("it ends"));
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("the password: ") && !said.stderr.contains("--http-bind"), "{said:?}");
}

#[tokio::test]
async fn a_number_alone_is_in_seconds_everywhere() {
    let stage = Stage::set().await;
    stage.say(["order", "DEMO-MUG", "--timeout", "60"]).await.success();
    stage.say(["load", "--orders", "5", "--patience", "60"]).await.success();
}

#[tokio::test]
async fn every_program_names_its_version_and_its_commit() {
    for program in ["shopctl", "chaos", "bench", "user", "inventory", "payment"] {
        let output = Command::new(service_binaries().join(program)).arg("--version").output().await;
        let said = Said::of(output.expect("it runs")).success().stdout;
        assert_eq!(said, format!("{program} {}\n", ctl::VERSION));
    }
    assert!(ctl::VERSION.starts_with(concat!(env!("CARGO_PKG_VERSION"), " (")), "{}", ctl::VERSION);
}
