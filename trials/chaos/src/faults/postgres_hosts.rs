//! F21, F22: two hosts in DATABASE_URL. The first hangs, or the primary dies and its standby takes over.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use servers::account::{DeathSignal, Launcher};
use servers::{Durability, Postgres, PostgresOptions};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::injected::InjectedFault;
use super::liveness::WITHIN;
use super::postgres_sessions::works_again;
use crate::ChaosError;
use crate::arena::Arena;
use crate::proxy::Mode;
use crate::schedule::PlannedFault;
use ctl::stack::{Kind, ServiceId};
use ctl::wait;
use ctl::wait::WaitError;

/// One host takes about 2 s; each one that hangs costs its time limit, in migrations as well.
const STARTS_WITHIN: Duration = Duration::from_secs(60);
const COPIED_WITHIN: Duration = Duration::from_secs(60);
const IN_STEP_WITHIN: Duration = Duration::from_secs(30);
/// As in `stack::servers`.
const CONNECTIONS: u16 = 200;

pub async fn hung_host(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let id = planned.target;
    let hung = Hung::start().await?;
    let usual = arena.database_through_proxy(id)?;
    let both = two_hosts(&usual, &format!("127.0.0.1:{}", hung.port), true);
    let began = Instant::now();
    let started = timeout(STARTS_WITHIN, arena.stack.restart_with(id, &[("DATABASE_URL", &both)])).await;
    let wrong = match started {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("not ready within {STARTS_WITHIN:?}")),
    };
    arena
        .measured
        .push(format!("postgres-hung-host: {id} was ready after {:.1} s", began.elapsed().as_secs_f64()));
    arena
        .findings
        .extend(wrong.as_ref().map(|wrong| format!("{id} does not start beside a host that hangs: {wrong}")));
    let started = wrong.is_none();
    arena.invariants.progress.note("a start beside a host that hangs", wrong);
    if started {
        works_again(arena, "beside a host that hangs").await;
    }
    let hits = hung.hits();
    arena.stack.restart_with(id, &[("DATABASE_URL", &usual)]).await?;
    match hits {
        0 => Err(ChaosError::NotLanded("the host that hangs got no connection".to_owned())),
        _ => Ok(InjectedFault {
            evidence: format!("{id} asked a host that hangs {hits} times"),
            recovering: arena.begin_recovery(planned.limit()),
        }),
    }
}

/// A server that accepts connections and stays silent.
struct Hung {
    port: u16,
    hits: tokio::sync::watch::Receiver<u32>,
    _listener: JoinSet<()>,
}

impl Hung {
    async fn start() -> Result<Self, ChaosError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(ChaosError::io("listen"))?;
        let port = listener.local_addr().map_err(ChaosError::io("listen"))?.port();
        let (counted, hits) = tokio::sync::watch::channel(0);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut clients = Vec::new();
            while let Ok((client, _)) = listener.accept().await {
                clients.push(client);
                counted.send_modify(|count| *count += 1);
            }
        });
        Ok(Self { port, hits, _listener: tasks })
    }

    fn hits(&self) -> u32 {
        *self.hits.borrow()
    }
}

/// Adds a host before or after the own one; connections use the host that takes writes.
fn two_hosts(url: &str, other: &str, first: bool) -> String {
    let Some((account, rest)) = url.rsplit_once('@') else { return url.to_owned() };
    let (own, database) = rest.split_once('/').unwrap_or((rest, ""));
    let hosts = if first { format!("{other},{own}") } else { format!("{own},{other}") };
    format!("{account}@{hosts}/{database}?target_session_attrs=read-write")
}

/// Kills the host as well, so that connections hang.
pub async fn failover(arena: &mut Arena, planned: &PlannedFault) -> Result<InjectedFault, ChaosError> {
    let standby = standby(arena, planned.number).await?;
    let port = standby.port();
    let ids: Vec<ServiceId> = Kind::ALL.into_iter().flat_map(|kind| arena.ids(kind)).collect();
    for id in &ids {
        let url = two_hosts(&own_url(arena, *id)?, &format!("127.0.0.1:{port}"), false);
        arena.stack.restart_with(*id, &[("DATABASE_URL", &url)]).await?;
    }
    works_again(arena, "with two hosts").await;
    let pid = arena
        .postgres_server()?
        .pid()
        .ok_or_else(|| ChaosError::NotLanded("PostgreSQL was not running".to_owned()))?;
    arena.postgres_server()?.kill().await;
    arena.network.lanes().for_each(|lane| lane.postgres.set(Mode::BlackHole));
    sleep(planned.hold()).await;
    promote(&standby).await?;
    arena.follow_postgres(standby);
    let recovering = arena.begin_recovery(planned.limit());
    let writes = arena.database(Kind::Payment);
    wait::until("the new primary takes writes", WITHIN, async || writes.takes_writes().await).await?;
    works_again(arena, "the host of the old primary is gone").await;
    for lane in arena.network.lanes() {
        lane.postgres.divert(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
        lane.postgres.set(Mode::Pass);
    }
    // The second host bypasses the proxies, so later network faults would miss.
    for id in ids {
        let url = own_url(arena, id)?;
        arena.stack.restart_with(id, &[("DATABASE_URL", &url)]).await?;
    }
    Ok(InjectedFault {
        evidence: format!(
            "the primary (pid {pid}) was killed with its host, the standby on port {port} promoted"
        ),
        recovering,
    })
}

fn own_url(arena: &Arena, id: ServiceId) -> Result<String, ChaosError> {
    if id.kind == Kind::User {
        Ok(arena.stack.database_url(id.kind))
    } else {
        arena.database_through_proxy(id)
    }
}

/// Starts a synchronous standby.
async fn standby(arena: &mut Arena, number: usize) -> Result<Postgres, ChaosError> {
    // Inside the folder of the servers' account.
    let folder = arena.folder.path().join("postgres").join(format!("standby-{number}"));
    let server = arena.postgres_server()?;
    let (primary, pid, password) = (server.port(), server.pid(), server.password().to_owned());
    copy(&programs(pid)?, primary, &password, &folder).await?;
    let mut options = PostgresOptions::new(&folder);
    // That of the copied cluster.
    options.password = Some(password);
    (options.max_connections, options.durability) = (CONNECTIONS, Durability::ProcessCrash);
    let standby = Postgres::start(options).await?;
    let database = arena.database(Kind::Payment);
    database.execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
    database.execute("SELECT pg_reload_conf()").await?;
    let in_step = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    wait::until("the standby is synchronous", IN_STEP_WITHIN, async || {
        match database.number(in_step, &[]).await {
            Ok(1) => Ok(()),
            Ok(other) => Err(format!("{other} are")),
            Err(error) => Err(error.to_string()),
        }
    })
    .await?;
    Ok(standby)
}

fn programs(pid: Option<i32>) -> Result<PathBuf, ChaosError> {
    let program = std::fs::read_link(format!("/proc/{}/exe", pid.unwrap_or_default()))
        .map_err(ChaosError::io("find PostgreSQL's programs"))?;
    Ok(program.parent().map(Path::to_path_buf).unwrap_or_default())
}

/// The account of the servers creates the folder.
async fn copy(programs: &Path, primary: u16, password: &str, folder: &Path) -> Result<(), ChaosError> {
    let mut command = Launcher::for_servers()?.command(programs.join("pg_basebackup"), DeathSignal::Term);
    command.env("PGPASSWORD", password);
    command.args([
        "--host",
        "127.0.0.1",
        "--port",
        &primary.to_string(),
        "--username",
        "postgres",
        "--checkpoint",
        "fast",
        "--no-sync",
    ]);
    command.args(["--wal-method", "stream", "--write-recovery-conf", "--pgdata"]).arg(folder.join("cluster"));
    let copied = timeout(COPIED_WITHIN, Command::from(command).kill_on_drop(true).output()).await;
    let output = copied.map_err(|_| {
        ChaosError::from(WaitError { what: "a copy of the primary".to_owned(), within: COPIED_WITHIN })
    })?;
    let output = output.map_err(ChaosError::io("run pg_basebackup"))?;
    if output.status.success() {
        Ok(())
    } else {
        Err(ChaosError::NotLanded(String::from_utf8_lossy(&output.stderr).into_owned()))
    }
}

async fn promote(standby: &Postgres) -> Result<(), ChaosError> {
    let database = crate::direct::Database::at(standby.url("postgres"));
    database.number("SELECT pg_promote()::int::bigint", &[]).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_host_stands_where_it_is_wanted() {
        let url = "postgres://postgres@127.0.0.1:5432/payment";
        let last =
            "postgres://postgres@127.0.0.1:5432,127.0.0.1:6000/payment?target_session_attrs=read-write";
        assert_eq!(two_hosts(url, "127.0.0.1:6000", false), last);
        assert!(
            two_hosts(url, "127.0.0.1:6000", true)
                .starts_with("postgres://postgres@127.0.0.1:6000,127.0.0.1:5432/")
        );
    }
}
