use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio_postgres::NoTls;

use super::account::{DeathSignal, Launcher};
use super::child::Child;
use super::log_file::LogFile;
use super::{ServerError, occupancy, programs, server};

const NAME: &str = "PostgreSQL";
/// The only account of the private server. It is reachable from loopback alone and asks for no password.
const SUPERUSER: &str = "postgres";
/// A fast shutdown writes a checkpoint first, which can take seconds after a load.
const FAST_STOP: Duration = Duration::from_secs(20);
/// PostgreSQL itself gives its backends 5 s in an immediate shutdown before it kills them.
const IMMEDIATE_STOP: Duration = Duration::from_secs(8);
/// How long a server that just lost its parent may take to leave its folder.
const VACANT_WITHIN: Duration = Duration::from_secs(8);

/// What an acknowledged commit survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// The power going out: `fsync` on. What a stack with orders and money in it runs with.
    #[default]
    PowerLoss,
    /// `kill -9` of every process, but not of the machine: `fsync` off. Commits still reach the kernel before
    /// they are acknowledged, so a test that kills servers sees the same as with `PowerLoss`, only sooner.
    ProcessCrash,
}

/// How to run a private PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Holds the cluster and the log; created when missing, kept after the end.
    pub data_dir: PathBuf,
    /// The TCP port on 127.0.0.1; a free one when `None`.
    pub port: Option<u16>,
    /// Further settings of PostgreSQL, by their names there. Default: none.
    pub settings: Vec<(&'static str, &'static str)>,
    /// PostgreSQL's `max_connections`. Default 100, as PostgreSQL's own.
    pub max_connections: u16,
    /// What a commit survives.
    pub durability: Durability,
}

impl PostgresOptions {
    /// Durable, on a free port, with PostgreSQL's own sizes.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: None,
            settings: Vec::new(),
            max_connections: 100,
            durability: Durability::default(),
        }
    }
}

/// A private PostgreSQL server. Dropping it stops it at once (blocking the thread meanwhile) and keeps its
/// data.
#[derive(Debug)]
pub struct Postgres {
    options: PostgresOptions,
    launcher: Launcher,
    bin: PathBuf,
    cluster: PathBuf,
    log: LogFile,
    port: u16,
    child: Option<Child>,
}

impl Postgres {
    /// Creates the cluster when the folder has none, starts the server and waits until it answers.
    ///
    /// # Errors
    /// Any [`ServerError`]; a failed start carries the log's last lines.
    pub async fn start(options: PostgresOptions) -> Result<Self, ServerError> {
        let bin = programs::postgres_bin()?;
        let launcher = Launcher::for_servers()?;
        let folder = server::absolute(&options.data_dir)?;
        launcher.prepare_folder(&folder)?;
        let (cluster, log) = (folder.join("cluster"), LogFile::new(folder.join("postgres.log")));
        let mut postgres = Self { options, launcher, bin, cluster, log, port: 0, child: None };
        postgres.create_cluster(&folder).await?;
        postgres.start_on_some_port().await?;
        Ok(postgres)
    }

    /// The address of `database`, for `tokio-postgres` and `psql` alike.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}@127.0.0.1:{}/{database}", self.port)
    }

    /// The TCP port on 127.0.0.1. It stays the same over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The postmaster's process id, or `None` when it was stopped or killed.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.child.as_ref().map(Child::pid)
    }

    /// How it ended by itself, or by somebody else's doing; `None` while it runs, and after `stop` or `kill`.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.as_ref()?.exit_status()
    }

    /// Creates a database, as a copy of `template` when one is named (nobody may be connected to that).
    ///
    /// # Errors
    /// [`ServerError::Sql`], also when the database exists.
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> Result<(), ServerError> {
        let mut sql = format!("CREATE DATABASE {}", quoted(name));
        if let Some(template) = template {
            sql.push_str(&format!(" TEMPLATE {}", quoted(template)));
        }
        self.execute(&sql).await.map(drop)
    }

    /// Creates a database unless it exists.
    ///
    /// # Errors
    /// [`ServerError::Sql`].
    pub async fn ensure_database(&self, name: &str) -> Result<(), ServerError> {
        let names = self.execute("SELECT datname FROM pg_database").await?;
        if names.iter().any(|existing| existing == name) {
            Ok(())
        } else {
            self.create_database(name, None).await
        }
    }

    /// Drops a database, and the connections to it, if it exists.
    ///
    /// # Errors
    /// [`ServerError::Sql`].
    pub async fn drop_database(&self, name: &str) -> Result<(), ServerError> {
        self.execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name))).await.map(drop)
    }

    /// Ends the server: a fast shutdown, an immediate one if that takes too long. `None` when it did not run.
    pub async fn stop(&mut self) -> Option<ExitStatus> {
        let child = self.child.take()?;
        match child.end(Signal::SIGINT, FAST_STOP).await {
            Some(status) => Some(status),
            None => child.end(Signal::SIGQUIT, IMMEDIATE_STOP).await,
        }
    }

    /// Kills the postmaster and its backends with SIGKILL, as a crash of everything would. For tests.
    pub async fn kill(&mut self) {
        let Some(child) = self.child.take() else {
            return;
        };
        // The postmaster first: it would answer the death of a backend with a restart of its own.
        child.signal(Signal::SIGKILL);
        for backend in occupancy::processes_in(&self.cluster) {
            let _ = kill(Pid::from_raw(backend), Signal::SIGKILL);
        }
        child.exited().await;
    }

    /// Starts it again on the same port and data; a running one is stopped first.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.stop().await;
        self.launch_on(self.port).await
    }

    /// `initdb` into a folder of another name, renamed when complete: an interrupted one is not taken for a
    /// cluster.
    async fn create_cluster(&mut self, folder: &Path) -> Result<(), ServerError> {
        if self.cluster.join("PG_VERSION").is_file() {
            return Ok(());
        }
        let unfinished = folder.join("cluster.new");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(ServerError::io("remove", &unfinished))?;
        }
        let child = server::launch(self.initdb(folder, &unfinished), &mut self.log)?;
        let status = child.exited().await;
        if !status.success() {
            return Err(server::did_not_start(NAME, format!("initdb: {status}"), &self.log));
        }
        fs::rename(&unfinished, &self.cluster).map_err(ServerError::io("rename", &unfinished))
    }

    fn initdb(&self, folder: &Path, into: &Path) -> Command {
        let mut initdb = self.launcher.server_command(&self.bin.join("initdb"), DeathSignal::Term, folder);
        initdb.arg("--pgdata").arg(into).args(["--username", SUPERUSER, "--auth", "trust"]);
        initdb.args(["--encoding", "UTF8", "--no-locale", "--data-checksums", "--no-instructions"]);
        if self.options.durability == Durability::ProcessCrash {
            initdb.arg("--no-sync");
        }
        initdb
    }

    async fn start_on_some_port(&mut self) -> Result<(), ServerError> {
        let mut candidates = server::candidates(NAME, self.options.port)?;
        while let Some(port) = candidates.pop() {
            match self.launch_on(port).await {
                Err(error) if !candidates.is_empty() && server::port_was_taken(&error, &self.log) => {}
                outcome => return outcome,
            }
        }
        Ok(())
    }

    async fn launch_on(&mut self, port: u16) -> Result<(), ServerError> {
        self.port = port;
        self.remove_stale_pid_file().await?;
        let child = server::launch(self.postgres(), &mut self.log)?;
        server::ready(NAME, &child, &self.log, || self.answers()).await?;
        self.child = Some(child);
        Ok(())
    }

    /// Nobody works in the cluster, so a pid file in it is a killed server's. PostgreSQL would refuse to
    /// start when that pid is a zombie or another program by now.
    async fn remove_stale_pid_file(&self) -> Result<(), ServerError> {
        occupancy::wait_until_vacant(&self.cluster, VACANT_WITHIN).await?;
        let stale = self.cluster.join("postmaster.pid");
        if stale.exists() {
            fs::remove_file(&stale).map_err(ServerError::io("remove", &stale))?;
        }
        Ok(())
    }

    fn postgres(&self) -> Command {
        let mut command =
            self.launcher.server_command(&self.bin.join("postgres"), DeathSignal::Quit, &self.cluster);
        command.arg("-D").arg(&self.cluster);
        for (name, value) in self.settings() {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command
    }

    /// No Unix socket: its path may hold 107 bytes, which a data folder can exceed.
    fn settings(&self) -> Vec<(&'static str, String)> {
        let mut settings = vec![
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("port", self.port.to_string()),
            ("unix_socket_directories", String::new()),
            ("max_connections", self.options.max_connections.to_string()),
            ("synchronous_commit", "on".to_owned()),
            ("timezone", "UTC".to_owned()),
        ];
        settings.extend(self.options.settings.iter().map(|(name, value)| (*name, (*value).to_owned())));
        if self.options.durability == Durability::ProcessCrash {
            settings.extend(["fsync", "full_page_writes"].map(|name| (name, "off".to_owned())));
        }
        settings
    }

    /// Asks for the data folder, because the server that answers on a freshly chosen port may be somebody
    /// else's.
    async fn answers(&self) -> bool {
        let shown = self.execute("SHOW data_directory").await;
        shown.is_ok_and(|rows| rows.iter().any(|row| Path::new(row) == self.cluster))
    }

    /// Runs one statement and returns the first column as text. Drives the connection itself: a connection
    /// handed to a task of its own would be a task nobody owns.
    async fn execute(&self, sql: &str) -> Result<Vec<String>, ServerError> {
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await?;
        let answer = async move {
            let messages = client.simple_query(sql).await?;
            Ok(messages.into_iter().filter_map(first_column).collect())
        };
        let (answer, _) = tokio::join!(answer, connection);
        answer
    }
}

impl Drop for Postgres {
    /// An immediate shutdown rather than SIGKILL, which would leave shared memory behind with nobody to clean
    /// it up.
    fn drop(&mut self) {
        if let Some(child) = &self.child {
            child.end_blocking(Signal::SIGQUIT, IMMEDIATE_STOP);
        }
    }
}

fn first_column(message: tokio_postgres::SimpleQueryMessage) -> Option<String> {
    match message {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
        _ => None,
    }
}

fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_name_cannot_leave_its_quotes() {
        assert_eq!(quoted(r#"a"; DROP DATABASE b; --"#), r#""a""; DROP DATABASE b; --""#);
    }
}
