use std::path::PathBuf;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::account::{DeathSignal, Launcher};
use super::child::Child;
use super::log_file::LogFile;
use super::{ServerError, occupancy, programs, server};

const NAME: &str = "Redis";
/// Time for Redis to write its append-only file before it ends.
const STOP: Duration = Duration::from_secs(10);
const VACANT_WITHIN: Duration = Duration::from_secs(8);
/// Longer than any answer on loopback, short enough for the next attempt.
const ANSWER: Duration = Duration::from_secs(1);

/// Options of a private Redis.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// The folder of the append-only file and the log; created if missing, kept after the end.
    pub data_dir: PathBuf,
    /// The TCP port on 127.0.0.1; a free one if `None`.
    pub port: Option<u16>,
}

impl RedisOptions {
    /// Options with a free port.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), port: None }
    }
}

/// A private Redis server. Dropping the value stops the server, blocks the thread meanwhile, and keeps the
/// data.
#[derive(Debug)]
pub struct Redis {
    options: RedisOptions,
    launcher: Launcher,
    program: PathBuf,
    folder: PathBuf,
    log: LogFile,
    port: u16,
    child: Option<Child>,
}

impl Redis {
    /// Starts the server and waits until it has loaded its data and answers.
    ///
    /// # Errors
    /// Any [`ServerError`]; a failed start carries the last lines of the log.
    pub async fn start(options: RedisOptions) -> Result<Self, ServerError> {
        let program = programs::redis_server()?;
        let launcher = Launcher::for_servers()?;
        let folder = server::absolute(&options.data_dir)?;
        launcher.prepare_folder(&folder)?;
        let log = LogFile::new(folder.join("redis.log"));
        let mut redis = Self { options, launcher, program, folder, log, port: 0, child: None };
        redis.start_on_some_port().await?;
        Ok(redis)
    }

    /// The URL of database 0.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The TCP port on 127.0.0.1, the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The process id, or `None` after `stop` or `kill`.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.child.as_ref().map(Child::pid)
    }

    /// The exit status of a server that ended without `stop` or `kill`; `None` while it runs.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.as_ref()?.exit_status()
    }

    /// Ends the server with SIGTERM, after a time limit with SIGKILL. `None` if it was not running.
    pub async fn stop(&mut self) -> Option<ExitStatus> {
        let child = self.child.take()?;
        match child.end(Signal::SIGTERM, STOP).await {
            Some(status) => Some(status),
            None => child.end(Signal::SIGKILL, STOP).await,
        }
    }

    /// Kills the server with SIGKILL. For tests.
    pub async fn kill(&mut self) {
        if let Some(child) = self.child.take() {
            child.end(Signal::SIGKILL, STOP).await;
        }
    }

    /// Restarts the server on the same port and data; stops a running one first.
    ///
    /// # Errors
    /// As [`Redis::start`].
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
        server::ready(NAME, &child, &self.log, async || answers(port, pid).await).await?;
        self.child = Some(child);
        Ok(())
    }

    /// The command line of the server. `everysec`: streams are delivery and PostgreSQL is the truth, hence a
    /// power loss may cost one second. `noeviction`: a full Redis must refuse writes instead of evicting a
    /// stream. The append-only file is rewritten every 256 MB, uncompressed, because only the next start
    /// reads it. Compressing, and rewriting every 64 MB, took almost a quarter of the processor time of Redis
    /// under load.
    fn redis_server(&self) -> Command {
        let mut command = self.launcher.server_command(&self.program, DeathSignal::Term, &self.folder);
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

/// Whether process `pid` answers on `port` and has loaded its data. On a freshly chosen port another Redis
/// may answer.
async fn answers(port: u16, pid: i32) -> bool {
    let answer = tokio::time::timeout(ANSWER, ask(port)).await;
    matches!(answer, Ok(Ok(text)) if text.contains(&format!("process_id:{pid}\r\n")) && text.contains("+PONG"))
}

/// Sends two inline commands: while Redis loads its data it refuses `PING` and answers `INFO`.
async fn ask(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\nINFO server\r\nQUIT\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
