use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::account::{DeathSignal, Launcher};
use super::child::Child;
use super::log_file::LogFile;
use super::password::{self, Password};
use super::{ServerError, occupancy, programs, server};

const NAME: &str = "Redis";
/// Time to write the append-only file.
const STOP: Duration = Duration::from_secs(10);
const VACANT_WITHIN: Duration = Duration::from_secs(8);
/// Longer than an answer on loopback.
const ANSWER: Duration = Duration::from_secs(1);

/// Options of a private Redis.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// Folder of append-only file and log, created if missing, kept after the end.
    pub data_dir: PathBuf,
    /// The TCP port on 127.0.0.1; a free one if `None`.
    pub port: Option<u16>,
    /// For a new folder; a random one if `None`.
    pub password: Option<String>,
}

impl RedisOptions {
    /// Options with a free port.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), port: None, password: None }
    }
}

/// A private Redis. A drop blocks until its end, and keeps the data.
#[derive(Debug)]
pub struct Redis {
    options: RedisOptions,
    launcher: Launcher,
    program: PathBuf,
    folder: PathBuf,
    log: LogFile,
    port: u16,
    password: Password,
    child: Option<Child>,
}

impl Redis {
    /// Starts the server, and waits until its data is loaded.
    ///
    /// # Errors
    /// Any [`ServerError`], with the last lines of the log after a failed start.
    pub async fn start(options: RedisOptions) -> Result<Self, ServerError> {
        let program = programs::redis_server()?;
        let launcher = Launcher::for_servers()?;
        let folder = server::absolute(&options.data_dir)?;
        launcher.prepare_folder(&folder)?;
        let password = Password::of(&folder, options.password.as_deref(), &launcher)?;
        let log = LogFile::new(folder.join("redis.log"));
        let mut redis = Self { options, launcher, program, folder, log, port: 0, password, child: None };
        redis.write_configuration()?;
        redis.start_on_some_port().await?;
        Ok(redis)
    }

    /// The URL of database 0, with the password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://:{}@127.0.0.1:{}/0", self.password(), self.port)
    }

    /// The password of everybody.
    #[must_use]
    pub fn password(&self) -> &str {
        self.password.expose()
    }

    /// The TCP port on 127.0.0.1, stable over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id; `None` after `stop` or `kill`.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.child.as_ref().map(Child::pid)
    }

    /// The exit status after an end without `stop` or `kill`.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.as_ref()?.exit_status()
    }

    /// Sends SIGTERM, after a time limit SIGKILL. `None` if not running.
    pub async fn stop(&mut self) -> Option<ExitStatus> {
        let child = self.child.take()?;
        match child.end(Signal::SIGTERM, STOP).await {
            Some(status) => Some(status),
            None => child.end(Signal::SIGKILL, STOP).await,
        }
    }

    /// Kills the server with SIGKILL.
    pub async fn kill(&mut self) {
        if let Some(child) = self.child.take() {
            child.end(Signal::SIGKILL, STOP).await;
        }
    }

    /// Restarts on the same port and data.
    pub async fn restart(&mut self) -> Result<(), ServerError> {
        self.stop().await;
        self.launch_on(self.port).await
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
        occupancy::wait_until_vacant(&self.folder, VACANT_WITHIN).await?;
        let child = server::launch(self.redis_server(), &mut self.log)?;
        let pid = child.pid();
        server::ready(NAME, &child, &self.log, async || answers(port, pid, self.password()).await).await?;
        self.child = Some(child);
        Ok(())
    }

    /// A file, because everybody can read the arguments of a process. Replicas of the chaos tests share the password.
    fn write_configuration(&self) -> Result<(), ServerError> {
        let password = self.password();
        let text = format!("requirepass {password}\nmasterauth {password}\n");
        password::write(&self.configuration(), &text, &self.launcher)
    }

    fn configuration(&self) -> PathBuf {
        self.folder.join("redis.conf")
    }

    /// `everysec`: a power loss may cost one second, since PostgreSQL is the truth. `noeviction`: a full
    /// Redis must refuse writes. Compressing the append-only file and rewriting it every 64 MB took almost a
    /// quarter of Redis's processor time under load.
    fn redis_server(&self) -> Command {
        let mut command = self.launcher.server_command(&self.program, DeathSignal::Term, &self.folder);
        command.arg(self.configuration());
        command.args(["--bind", "127.0.0.1", "--port", &self.port.to_string(), "--daemonize", "no"]);
        command.arg("--dir").arg(&self.folder);
        command.args(["--appendonly", "yes", "--appendfsync", "everysec", "--save", ""]);
        command.args(["--auto-aof-rewrite-min-size", "256mb", "--rdbcompression", "no"]);
        command.args(["--maxmemory-policy", "noeviction", "--logfile", ""]);
        command
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(child) = &self.child {
            child.end_blocking(Signal::SIGTERM, STOP);
        }
    }
}

/// Compares the process id: another Redis may answer on a fresh port.
async fn answers(port: u16, pid: i32, password: &str) -> bool {
    let answer = tokio::time::timeout(ANSWER, ask(port, password)).await;
    matches!(answer, Ok(Ok(text)) if text.contains(&format!("process_id:{pid}\r\n")) && text.contains("+PONG"))
}

/// While Redis loads its data it refuses `PING` and answers `INFO`.
async fn ask(port: u16, password: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    let questions = format!("AUTH {password}\r\nPING\r\nINFO server\r\nQUIT\r\n");
    stream.write_all(questions.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
