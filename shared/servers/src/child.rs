//! A child process that is reaped as soon as it ends, can be awaited, and ends with us.
//!
//! One thread per child starts it, waits for it and publishes how it ended. It has to be the same thread: the
//! kernel sends the parent-death signal when the *thread* that forked ends, and a runtime's worker or a
//! test's thread may end long before the process does. A thread also needs no runtime, so a server may
//! outlive the one it was started in.

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

/// A running or ended child process. Dropping it kills it.
#[derive(Debug)]
pub struct Child {
    pid: Pid,
    exit: Arc<Exit>,
    ended: watch::Receiver<bool>,
}

/// The pipes of a child whose command asked for them.
#[derive(Debug)]
pub struct Pipes {
    /// Its standard output, when piped.
    pub stdout: Option<ChildStdout>,
    /// Its standard error, when piped.
    pub stderr: Option<ChildStderr>,
}

#[derive(Debug, Default)]
struct Exit {
    status: Mutex<Option<ExitStatus>>,
    changed: Condvar,
}

impl Exit {
    /// Nothing here can panic while it holds the lock, so a poisoned one still holds the truth.
    fn lock(&self) -> MutexGuard<'_, Option<ExitStatus>> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Child {
    /// Starts `command` from a thread of its own, which stays until the child has ended.
    ///
    /// # Errors
    /// What the system said when the program could not be started.
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

    /// Its process id. After the end it may belong to somebody else.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.pid.as_raw()
    }

    /// How it ended, or `None` while it runs.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        *self.exit.lock()
    }

    /// Sends `signal`, unless the child has ended. A child is reaped under the same lock, so the id cannot
    /// have gone to another process.
    pub fn signal(&self, signal: Signal) {
        let status = self.exit.lock();
        if status.is_none() {
            // Fails only for a process that is gone, which is what every caller wants in the end.
            let _ = kill(self.pid, signal);
        }
    }

    /// Waits until it has ended.
    pub async fn exited(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        loop {
            if let Some(status) = self.exit_status() {
                return status;
            }
            // An error means that the sender is gone, which is after the status was set.
            let _ = ended.changed().await;
        }
    }

    /// Sends `signal` and waits at most `within` for the end.
    pub async fn end(&self, signal: Signal, within: Duration) -> Option<ExitStatus> {
        self.signal(signal);
        tokio::time::timeout(within, self.exited()).await.ok()
    }

    /// [`Child::end`] for `Drop`, where nothing can be awaited: blocks the thread for at most `within`.
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

/// Waits first without reaping, then reaps under the lock that [`Child::signal`] takes.
fn reap(pid: Pid, process: &mut Process, exit: &Exit) {
    while waitid(Id::Pid(pid), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(nix::errno::Errno::EINTR) {
    }
    let mut status = exit.lock();
    // `wait` fails only when somebody else in this process reaped the child: it is gone, how it ended is
    // lost.
    *status = Some(process.wait().unwrap_or_else(|_| ExitStatus::from_raw(Signal::SIGKILL as i32)));
    exit.changed.notify_all();
}
