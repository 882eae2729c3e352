//! Production mode: TLS to both servers, accounts without the right to change tables.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use tokio::process::Command;

mod encrypted;
mod proxy;
mod site;

use e2e::{eventually, service_binaries};
use encrypted::{Authority, Servers};
use serde_json::Value;
use servers::ports::free_port;
use site::Site;

const PASSWORD: &str = "9f2c41d07ab35e68c1d4b6a7";
const SERVICES: [&str; 3] = ["user", "inventory", "payment"];
const SOON: Duration = Duration::from_secs(60);

#[tokio::test]
async fn services_in_production_mode_work_over_tls_with_the_rights_that_deploy_gives() {
    let servers = Servers::start().await;
    let shop = Site::start(&servers).await;

    // Inventory may answer payment too late on a busy machine.
    let sold = async || {
        let output = shop.shopctl().arg("demo").output().await.expect("it runs");
        if output.status.success() { Ok(()) } else { Err(said(&output)) }
    };
    eventually("the demo ends well", SOON, sold).await;
    succeeded(shop.shopctl().arg("verify")).await;
    the_verifier_judges_all(&shop).await;

    let url = format!("{}/readyz", shop.url("user"));
    let plain = url.replace("https://", "http://");
    assert_eq!(asked(&servers, &[&url]).await, "200");
    assert_eq!(asked(&servers, &["--tls-max", "1.2", &url]).await, "200");
    assert_eq!(asked(&servers, &["--tls-max", "1.1", &url]).await, "000");
    assert_eq!(asked(&servers, &[&plain]).await, "000");
    let https_only = asked(&servers, &["--write-out", "%header{strict-transport-security}", &url]).await;
    assert!(https_only.starts_with("max-age="), "{https_only}");

    shop.stop("inventory").await;
    let gone = shop.healthy("inventory").await;
    assert!(gone.is_err(), "an absent service is unhealthy");
}

/// With the rights of the operator, and healthy by its own check.
async fn the_verifier_judges_all(shop: &Site<'_>) {
    let bind = format!("127.0.0.1:{}", free_port().expect("a port"));
    let verify = || {
        let mut command = shop.shopctl();
        command.arg("verify").env("SHOPCTL_VERIFY_BIND", &bind);
        command
    };
    let unhealthy = verify().arg("--healthcheck").output().await.expect("it runs");
    assert!(!unhealthy.status.success(), "nobody looks yet");
    let mut watch = verify();
    watch.args(["--watch", "--interval", "600ms"]).stdout(Stdio::null());
    let _watch = watch.spawn().expect("it runs");
    let judged = async || {
        let answer =
            reqwest::get(format!("http://{bind}/invariants")).await.map_err(|error| error.to_string())?;
        let page: Value = answer.json().await.map_err(|error| error.to_string())?;
        let all = page["invariants"].as_array().into_iter().flatten();
        let well = all.filter(|invariant| invariant["verdict"] == "ok").count();
        if well == 10 { Ok(()) } else { Err(page.to_string()) }
    };
    eventually("it judges all that it can", SOON, judged).await;
    let healthy = async || {
        let output = verify().arg("--healthcheck").output().await.expect("it runs");
        if output.status.success() { Ok(()) } else { Err(said(&output)) }
    };
    eventually("it is healthy", SOON, healthy).await;
}

#[tokio::test]
async fn a_role_of_postgresql_may_do_what_it_needs_and_no_more() {
    let servers = Servers::start().await;
    migrate(&servers).await;
    let readable = "SELECT table_name || '.' || column_name FROM information_schema.columns
                    WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1";
    let shown = servers.ask("orderflow_operator", "user", readable).await;
    assert_eq!(shown.as_deref(), Ok("accounts.id audit.actor audit.subject"));
    for table in ["accounts", "audit", "signing_keys", "refresh_tokens"] {
        refused(&servers, "orderflow_operator", "user", &format!("SELECT * FROM {table}")).await;
    }
    for service in SERVICES {
        let role = format!("orderflow_{service}");
        let owner = format!("{role}_owner");
        servers.ask(&owner, service, "CREATE TABLE later (secret text)").await.expect("the owner may");
        refused(&servers, "orderflow_operator", service, "SELECT * FROM later").await;
        for sql in [
            "DELETE FROM refinery_schema_history",
            "UPDATE refinery_schema_history SET version = 0",
            "INSERT INTO refinery_schema_history (version) VALUES (99)",
            "CREATE TABLE somebodys (id int)",
            "CREATE TEMPORARY TABLE somebodys (id int)",
            "DROP TABLE later",
            "TRUNCATE later",
            "UPDATE audit SET actor = 'somebody'",
            "DELETE FROM audit",
            "TRUNCATE audit",
        ] {
            refused(&servers, &role, service, sql).await;
        }
        let record = "INSERT INTO audit (id, at, action, outcome, status, request_id, details)
                      VALUES (gen_random_uuid(), now(), 'TEST', 'done', 0, '', '{}')";
        servers.ask(&role, service, record).await.expect("it writes the audit trail");
        assert_eq!(servers.ask(&role, service, "SELECT action FROM audit").await.as_deref(), Ok("TEST"));
        for other in SERVICES.iter().filter(|other| **other != service) {
            refused(&servers, &role, other, "SELECT 1").await;
        }
    }
    refused(&servers, "orderflow_inventory", "inventory", "DELETE FROM stock_ledger").await;
    refused(&servers, "orderflow_payment", "payment", "UPDATE provider.charges SET amount = 1").await;
}

#[tokio::test]
async fn a_user_of_redis_may_do_what_it_needs_and_no_more() {
    let servers = Servers::start().await;
    for user in ["inventory", "payment", "operator", "health"] {
        servers.command(user, &["PING"]).await.expect("everybody may");
        for words in [
            vec!["CONFIG", "GET", "*"],
            vec!["KEYS", "*"],
            vec!["FLUSHALL"],
            vec!["DEBUG", "SLEEP", "0"],
            vec!["ACL", "LIST"],
            vec!["SHUTDOWN"],
            vec!["DEL", "order_completed"],
            vec!["GET", "somebody:else"],
            vec!["XADD", "somebody_else", "*", "event", "{}"],
            vec!["EVAL", "return redis.call('GET', 'somebody:else')", "0"],
        ] {
            let answer = servers.command(user, &words).await;
            let denials = ["NoPerm", "ermission", "not allowed", "can't access"];
            let refused =
                answer.as_ref().is_err_and(|error| denials.iter().any(|words| error.contains(words)));
            assert!(refused, "{user} {words:?}: {answer:?}");
        }
    }
    let add = ["XADD", "order_completed", "*", "event", "{}"];
    servers.command("payment", &add).await.expect("a stream of its own");
    servers.command("operator", &add).await.expect_err("it only reads");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let servers = Servers::start().await;
    let stranger = Authority::new();
    let plain = servers.plain_database_url();
    let encrypted = servers.database_url("orderflow_operator", "user");
    for (database, redis) in
        [(&encrypted, servers.plain_redis_url()), (&plain, servers.redis_url("operator"))]
    {
        let mut verify = program("shopctl", &stranger);
        verify.args(["verify", "--data-dir", "/nowhere", "--redis-url", &redis]);
        for service in ["user", "inventory", "payment"] {
            verify.arg(format!("--{service}-database-url")).arg(database);
        }
        let refused = verify.output().await.expect("it runs");
        assert!(!refused.status.success() && said(&refused).contains("certificate"), "{}", said(&refused));
    }
}

fn program(name: &str, authority: &Authority) -> Command {
    let mut command = Command::new(service_binaries().join(name));
    command.env_clear().env("SSL_CERT_FILE", authority.file()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

async fn migrate(servers: &Servers) {
    for service in SERVICES {
        let owner = servers.database_url(&format!("orderflow_{service}_owner"), service);
        let mut migrate = program(service, &servers.authority);
        succeeded(migrate.arg("migrate").env("PRODUCTION", "on").env("DATABASE_URL", owner)).await;
    }
    servers.give_rights();
}

async fn refused(servers: &Servers, role: &str, service: &str, sql: &str) {
    let answer = servers.ask(role, service, sql).await;
    let denied = answer.as_ref().is_err_and(|error| error.contains("42501"));
    assert!(denied, "{role} in {service}: {sql}: {answer:?}");
}

/// The status that curl gets; 000 without an answer.
async fn asked(servers: &Servers, arguments: &[&str]) -> String {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}", "--cacert"]);
    let output = curl.arg(servers.authority.file()).args(arguments).output().await.expect("curl");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn succeeded(command: &mut Command) {
    let output = command.output().await.expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
