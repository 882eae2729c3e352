//! A child process that is reaped as soon as it ends, can be awaited, and ends with its parent.
//!
//! One thread per child starts it, waits for it and publishes its exit status. The same thread must do all
//! three: the kernel sends the parent-death signal when the *thread* that forked ends. A worker of a runtime
//! or the thread of a test may end long before the process. A thread needs no runtime, and a server may
//! outlive the runtime that started it.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child as Process, ChildStderr, ChildStdout, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::sync::watch;

/// A running or ended child process. Dropping the value kills the process.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    exit: Arc<Exit>,
    ended: watch::Receiver<bool>,
}

/// The pipes of a child whose command asked for pipes.
#[derive(Debug)]
pub struct Pipes {
    /// Standard output, if piped.
    pub stdout: Option<ChildStdout>,
    /// Standard error, if piped.
    pub stderr: Option<ChildStderr>,
}

#[derive(Debug, Default)]
struct Exit {
    status: Mutex<Option<ExitStatus>>,
    changed: Condvar,
}

impl Exit {
    /// Ignores poisoning: no code panics while it holds the lock.
    fn lock(&self) -> MutexGuard<'_, Option<ExitStatus>> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Child {
    /// Starts `command` from a dedicated thread, which stays until the child has ended.
    ///
    /// # Errors
    /// The error of the operating system, if the program cannot be started.
    pub fn spawn(command: Command) -> io::Result<(Self, Pipes)> {
        let exit = Arc::new(Exit::default());
        let (started_in, started) = mpsc::sync_channel(1);
        let (ended_in, ended) = watch::channel(false);
        let for_thread = Arc::clone(&exit);
        thread::Builder::new()
            .name("child".to_owned())
            .spawn(move || run(command, &started_in, &for_thread, &ended_in))?;
        let (pid, pipes) = started.recv().map_err(io::Error::other)??;
        Ok((Self { pid, exit, ended }, pipes))
    }

    /// The process id. After the end of the process the system may reuse it.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// The exit status, or `None` while the process runs.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.lock()
    }

    /// Sends `signal`, unless the child has ended. The child is reaped under the same lock, which keeps the
    /// process id from being reused before the signal.
    pub fn signal(&self, signal: Signal) {
        let status = self.exit.lock();
        if status.is_none() {
            // Fails only if the process has ended.
            let _ = kill(self.pid, signal);
        }
    }

    /// Waits for the end of the process.
    pub async fn exited(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        loop {
            if let Some(status) = self.exit_status() {
                return status;
            }
            // An error means that the sender was dropped, after it set the status.
            let _ = ended.changed().await;
        }
    }

    /// Sends `signal` and waits at most `within` for the exit status.
    pub async fn end(&self, signal: Signal, within: Duration) -> Option<ExitStatus> {
        self.signal(signal);
        tokio::time::timeout(within, self.exited()).await.ok()
    }

    /// [`Child::end`] for `Drop`, which cannot await: blocks the thread for at most `within`.
    pub fn end_blocking(&self, signal: Signal, within: Duration) -> Option<ExitStatus> {
        self.signal(signal);
        let running = |status: &mut Option<ExitStatus>| status.is_none();
        let waited = self.exit.changed.wait_timeout_while(self.exit.lock(), within, running);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end_blocking(Signal::SIGKILL, Duration::from_secs(5));
    }
}

type Started = mpsc::SyncSender<io::Result<(Pid, Pipes)>>;

fn run(mut command: Command, started: &Started, exit: &Exit, ended: &watch::Sender<bool>) {
    match command.spawn().and_then(with_pid) {
        Ok((pid, mut process)) => {
            let pipes = Pipes { stdout: process.stdout.take(), stderr: process.stderr.take() };
            let _ = started.send(Ok((pid, pipes)));
            reap(pid, &mut process, exit);
            let _ = ended.send(true);
        }
        Err(error) => {
            let _ = started.send(Err(error));
        }
    }
}

fn with_pid(process: Process) -> io::Result<(Pid, Process)> {
    let pid = i32::try_from(process.id()).map_err(io::Error::other)?;
    Ok((Pid::from_raw(pid), process))
}

/// Waits without reaping, then reaps under the lock that [`Child::signal`] takes.
fn reap(pid: Pid, process: &mut Process, exit: &Exit) {
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(nix::errno::Errno::EINTR) {
    }
    let mut status = exit.lock();
    // `wait` fails only if other code of this process reaped the child and took the exit status.
    *status = Some(process.wait().unwrap_or_else(|_| ExitStatus::from_raw(Signal::SIGKILL as i32)));
    exit.changed.notify_all();
}
