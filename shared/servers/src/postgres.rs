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
use super::password::{self, Password};
use super::{ServerError, occupancy, programs, server};

/// Of every cluster.
const MAINTENANCE: &str = "postgres";
const NAME: &str = "PostgreSQL";
/// The only account.
const SUPERUSER: &str = "postgres";
/// For the checkpoint of a fast shutdown.
const FAST_STOP: Duration = Duration::from_secs(20);
/// PostgreSQL gives its backends 5 s before it kills them.
const IMMEDIATE_STOP: Duration = Duration::from_secs(8);
/// For the end of an orphaned server.
const VACANT_WITHIN: Duration = Duration::from_secs(8);

/// The failures that an acknowledged commit survives.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// A power loss: `fsync` on.
    #[default]
    PowerLoss,
    /// A kill of every process: `fsync` off. Commits reach the kernel before they are acknowledged.
    ProcessCrash,
}

/// Options of a private PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Folder of cluster and log, created if missing, kept after the end.
    pub data_dir: PathBuf,
    /// The TCP port on 127.0.0.1; a free one if `None`.
    pub port: Option<u16>,
    pub settings: Vec<(&'static str, &'static str)>,
    pub max_connections: u16,
    pub durability: Durability,
    /// For a new folder; a random one if `None`.
    pub password: Option<String>,
}

impl PostgresOptions {
    /// Durable, on a free port.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self {
            data_dir: data_dir.into(),
            port: None,
            settings: Vec::new(),
            max_connections: 100,
            durability: Durability::default(),
            password: None,
        }
    }
}

/// A private PostgreSQL. A drop blocks until its end, and keeps the data.
#[derive(Debug)]
pub struct Postgres {
    options: PostgresOptions,
    launcher: Launcher,
    bin: PathBuf,
    cluster: PathBuf,
    log: LogFile,
    port: u16,
    password: Password,
    child: Option<Child>,
}

impl Postgres {
    /// Creates a missing cluster, and waits for an answer.
    ///
    /// # Errors
    /// Any [`ServerError`], with the last lines of the log after a failed start.
    pub async fn start(options: PostgresOptions) -> Result<Self, ServerError> {
        let bin = programs::postgres_bin()?;
        let launcher = Launcher::for_servers()?;
        let folder = server::absolute(&options.data_dir)?;
        launcher.prepare_folder(&folder)?;
        let cluster = folder.join("cluster");
        if cluster.exists() && options.password.is_none() && !Password::is_in(&folder) {
            return Err(ServerError::NoPassword { folder });
        }
        let password = Password::of(&folder, options.password.as_deref(), &launcher)?;
        let log = LogFile::new(folder.join("postgres.log"));
        let mut postgres = Self { options, launcher, bin, cluster, log, port: 0, password, child: None };
        postgres.create_cluster(&folder).await?;
        postgres.start_on_some_port().await?;
        Ok(postgres)
    }

    /// The URL of `database`, with the password.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{SUPERUSER}:{}@127.0.0.1:{}/{database}", self.password(), self.port)
    }

    /// The password of the only account.
    #[must_use]
    pub fn password(&self) -> &str {
        self.password.expose()
    }

    /// The TCP port on 127.0.0.1, stable over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The id of the postmaster; `None` after `stop` or `kill`.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.child.as_ref().map(Child::pid)
    }

    /// The exit status after an end without `stop` or `kill`.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.as_ref()?.exit_status()
    }

    /// Copies `template`, which must have no connections.
    ///
    /// # Errors
    /// [`ServerError::Sql`], also for an existing database.
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> Result<(), ServerError> {
        let mut sql = format!("CREATE DATABASE {}", quoted(name));
        if let Some(template) = template {
            sql.push_str(&format!(" TEMPLATE {}", quoted(template)));
        }
        self.execute(MAINTENANCE, &sql).await.map(drop)
    }

    /// Creates a missing database.
    pub async fn ensure_database(&self, name: &str) -> Result<(), ServerError> {
        let names = self.execute(MAINTENANCE, "SELECT datname FROM pg_database").await?;
        if names.iter().any(|existing| existing == name) {
            Ok(())
        } else {
            self.create_database(name, None).await
        }
    }

    /// Drops a database and its connections.
    pub async fn drop_database(&self, name: &str) -> Result<(), ServerError> {
        self.execute(MAINTENANCE, &format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", quoted(name)))
            .await
            .map(drop)
    }

    /// Runs statements without a time limit; returns the first column.
    ///
    /// # Errors
    /// [`ServerError::Sql`].
    pub async fn execute(&self, database: &str, sql: &str) -> Result<Vec<String>, ServerError> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        let answer = async move {
            let messages = client.simple_query(sql).await?;
            Ok(messages.into_iter().filter_map(first_column).collect())
        };
        // Driven in place, without a task.
        let (answer, _) = tokio::join!(answer, connection);
        answer
    }

    /// Shuts down fast, after a time limit immediately. `None` if not running.
    pub async fn stop(&mut self) -> Option<ExitStatus> {
        let child = self.child.take()?;
        match child.end(Signal::SIGINT, FAST_STOP).await {
            Some(status) => Some(status),
            None => child.end(Signal::SIGQUIT, IMMEDIATE_STOP).await,
        }
    }

    /// Kills postmaster and backends with SIGKILL.
    pub async fn kill(&mut self) {
        let Some(child) = self.child.take() else {
            return;
        };
        // The postmaster first: it restarts after the death of a backend.
        child.signal(Signal::SIGKILL);
        for backend in occupancy::processes_in(&self.cluster) {
            let _ = kill(Pid::from_raw(backend), Signal::SIGKILL);
        }
        child.exited().await;
    }

    /// Restarts on the same port and data.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.stop().await;
        self.launch_on(self.port).await
    }

    /// Renames a complete cluster, because `initdb` may be interrupted.
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
        initdb.arg("--pgdata").arg(into).args(["--username", SUPERUSER, "--auth", "scram-sha-256"]);
        initdb.arg("--pwfile").arg(password::file(folder));
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

    /// PostgreSQL refuses to start if the pid of a killed server belongs to a zombie or another program.
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

    /// Unix sockets are off: their path is limited to 107 bytes.
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

    /// Compares the folder: another server may answer on a fresh port.
    async fn answers(&self) -> bool {
        let shown = self.execute(MAINTENANCE, "SHOW data_directory").await;
        shown.is_ok_and(|rows| rows.iter().any(|row| Path::new(row) == self.cluster))
    }
}

impl Drop for Postgres {
    /// SIGKILL would leave shared memory behind.
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
