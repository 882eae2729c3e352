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
/// It writes its append-only file out before it ends.
const STOP: Duration = Duration::from_secs(10);
const VACANT_WITHIN: Duration = Duration::from_secs(8);
/// Longer than any answer on loopback, short enough to try again.
const ANSWER: Duration = Duration::from_secs(1);

/// How to run a private Redis.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// Holds the append-only file and the log; created when missing, kept after the end.
    pub data_dir: PathBuf,
    /// The TCP port on 127.0.0.1; a free one when `None`.
    pub port: Option<u16>,
}

impl RedisOptions {
    /// On a free port.
    #[must_use]
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), port: None }
    }
}

/// A private Redis server. Dropping it stops it (blocking the thread meanwhile) and keeps its data.
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
    /// Starts the server and waits until it has read its data and answers.
    ///
    /// # Errors
    /// Any [`ServerError`]; a failed start carries the log's last lines.
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

    /// The address of its database 0.
    #[must_use]
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// The TCP port on 127.0.0.1. It stays the same over restarts.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, or `None` when it was stopped or killed.
    #[must_use]
    pub fn pid(&self) -> Option<i32> {
        self.child.as_ref().map(Child::pid)
    }

    /// How it ended by itself, or by somebody else's doing; `None` while it runs, and after `stop` or `kill`.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.as_ref()?.exit_status()
    }

    /// Ends the server with SIGTERM, with SIGKILL if that takes too long. `None` when it did not run.
    pub async fn stop(&mut self) -> Option<ExitStatus> {
        let child = self.child.take()?;
        match child.end(Signal::SIGTERM, STOP).await {
            Some(status) => Some(status),
            None => child.end(Signal::SIGKILL, STOP).await,
        }
    }

    /// Kills it with SIGKILL. For tests.
    pub async fn kill(&mut self) {
        if let Some(child) = self.child.take() {
            child.end(Signal::SIGKILL, STOP).await;
        }
    }

    /// Starts it again on the same port and data; a running one is stopped first.
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

    /// Streams are delivery, never truth, so a second of them may be lost with the power (`everysec`); but
    /// Redis must refuse writes rather than evict a stream when memory is full. What is rewritten of the
    /// append-only file is read again at the next start at most: not worth doing every 64 MB, nor compressing
    /// (almost a quarter of Redis' time under load).
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

/// Whether the Redis on `port` is process `pid` (on a freshly chosen port it may be somebody else's) and has
/// its data.
async fn answers(port: u16, pid: i32) -> bool {
    let answer = tokio::time::timeout(ANSWER, ask(port)).await;
    matches!(answer, Ok(Ok(text)) if text.contains(&format!("process_id:{pid}\r\n")) && text.contains("+PONG"))
}

/// Two inline commands: while Redis reads its data, `PING` is refused and `INFO` is not.
async fn ask(port: u16) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(b"PING\r\nINFO server\r\nQUIT\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
