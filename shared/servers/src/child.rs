//! A child process that ends with its parent.
//!
//! One thread starts, awaits and reaps it: the kernel sends the parent-death signal when the *thread* that
//! forked ends, and threads of a runtime or a test end earlier.

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

/// A child process; dropping the value kills it.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    exit: Arc<Exit>,
    ended: watch::Receiver<bool>,
}

/// The requested pipes of a child.
#[derive(Debug)]
pub struct Pipes {
    pub stdout: Option<ChildStdout>,
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
    /// Starts `command` from a thread that lives until its end.
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

    /// The process id; the system may reuse it after the end.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// `None` while the process runs.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.lock()
    }

    /// Sends `signal` to a running child; the lock keeps its id from reuse.
    pub fn signal(&self, signal: Signal) {
        let status = self.exit.lock();
        if status.is_none() {
            let _ = kill(self.pid, signal);
        }
    }

    /// Waits for the end.
    pub async fn exited(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        loop {
            if let Some(status) = self.exit_status() {
                return status;
            }
            // A dropped sender has set the status.
            let _ = ended.changed().await;
        }
    }

    /// Sends `signal` and waits at most `within`.
    pub async fn end(&self, signal: Signal, within: Duration) -> Option<ExitStatus> {
        self.signal(signal);
        tokio::time::timeout(within, self.exited()).await.ok()
    }

    /// [`Child::end`] for `Drop`, which cannot await.
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

/// Waits without reaping, then reaps under the lock of [`Child::signal`].
fn reap(pid: Pid, process: &mut Process, exit: &Exit) {
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(nix::errno::Errno::EINTR) {
    }
    let mut status = exit.lock();
    // Fails only if other code reaped the child.
    *status = Some(process.wait().unwrap_or_else(|_| ExitStatus::from_raw(Signal::SIGKILL as i32)));
    exit.changed.notify_all();
}
