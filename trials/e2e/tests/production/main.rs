//! Production mode: TLS to both servers, accounts without the right to change tables.

use std::{
    process::{Output, Stdio},
    time::Duration,
};

use servers::ports::free_port;
use testing::eventually;
use tokio::process::{Child, Command};

mod encrypted;

use e2e::service_binaries;
use encrypted::{Authority, Servers};

const PASSWORD: &str = "9f2c41d07ab35e68c1d4b6a7";
const SOON: Duration = Duration::from_secs(30);

#[tokio::test]
async fn services_in_production_mode_work_over_tls_without_the_right_to_change_tables() {
    let servers = Servers::start().await;
    let user = address();
    let inventory = address();
    let settings =
        [("REDIS_URL", servers.redis_url()), ("JWKS_URL", format!("http://{user}/.well-known/jwks.json"))];
    for service in ["user", "inventory"] {
        servers.create_database(service).await;
    }
    // Started first: they wait for the tables.
    let _user = serve("user", &servers, &user, &[]);
    let mut running = serve("inventory", &servers, &inventory, &settings);
    for service in ["user", "inventory"] {
        let owner = servers.database_url(&format!("{service}_owner"), service);
        succeeded(program(service, &servers.authority).arg("migrate").env("DATABASE_URL", owner)).await;
    }

    eventually("inventory is healthy", SOON, async || {
        healthy("inventory", &servers, &inventory, &settings).await
    })
    .await;
    eventually("inventory made its consumer group", SOON, async || {
        servers.groups_of("order_completed").await
    })
    .await;
    assert!(!servers.may_create_tables("inventory").await, "the role that serves may create tables");

    running.kill().await.expect("it ends");
    assert!(
        healthy("inventory", &servers, &inventory, &settings).await.is_err(),
        "an absent service is unhealthy"
    );
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let servers = Servers::start().await;
    let stranger = Authority::new();
    let plain = servers.plain_database_url();
    let encrypted = servers.database_url("postgres", "postgres");
    for (database, redis) in [(&encrypted, servers.plain_redis_url()), (&plain, servers.redis_url())] {
        let mut verify = program("shopctl", &stranger);
        verify.args(["verify", "--data-dir", "/nowhere", "--redis-url", &redis]);
        for service in ["user", "inventory", "payment"] {
            verify.arg(format!("--{service}-database-url")).arg(database);
        }
        let refused = verify.output().await.expect("it runs");
        assert!(!refused.status.success() && said(&refused).contains("certificate"), "{}", said(&refused));
    }
}

fn address() -> String {
    format!("127.0.0.1:{}", free_port().expect("a port"))
}

fn program(name: &str, authority: &Authority) -> Command {
    let mut command = Command::new(service_binaries().join(name));
    command.env_clear().env("SSL_CERT_FILE", authority.file()).stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn in_production(service: &str, servers: &Servers, http: &str, settings: &[(&str, String)]) -> Command {
    let mut command = program(service, &servers.authority);
    command
        .env("PRODUCTION", "on")
        .env("MIGRATE_ON_START", "off")
        .env("METRICS_BIND", "127.0.0.1:0")
        .env("HTTP_BIND", http);
    command.env("DATABASE_URL", servers.database_url(service, service)).envs(settings.iter().cloned());
    command
}

fn serve(service: &str, servers: &Servers, http: &str, settings: &[(&str, String)]) -> Child {
    in_production(service, servers, http, settings).stdout(Stdio::null()).spawn().expect("it runs")
}

async fn healthy(
    service: &str,
    servers: &Servers,
    http: &str,
    settings: &[(&str, String)],
) -> Result<(), String> {
    let output =
        in_production(service, servers, http, settings).arg("healthcheck").output().await.expect("it runs");
    if output.status.success() { Ok(()) } else { Err(said(&output)) }
}

async fn succeeded(command: &mut Command) {
    let output = command.output().await.expect("it runs");
    assert!(output.status.success(), "{}", said(&output));
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
