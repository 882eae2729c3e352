//! The account a server runs as, and the command that starts it as that account.
//!
//! PostgreSQL refuses to run as root, and Redis needs no privileges. `setpriv` (util-linux, part of every
//! Debian) changes the account and sets the parent-death signal between fork and exec. The same from Rust
//! needs `unsafe`.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User};

use super::ServerError;

/// The signal that the kernel sends a server whose parent died, even by SIGKILL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeathSignal {
    /// An orderly end: Redis writes its append-only file.
    Term,
    /// An immediate end, for a program that loses no data by it and whose ports must be free for the next
    /// start.
    Kill,
    /// The immediate shutdown of PostgreSQL: without a checkpoint, the next start replays the write-ahead
    /// log.
    Quit,
}

impl DeathSignal {
    fn name(self) -> &'static str {
        match self {
            Self::Term => "TERM",
            Self::Kill => "KILL",
            Self::Quit => "QUIT",
        }
    }
}

/// An unprivileged account of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The name, for messages.
    pub name: String,
    uid: Uid,
    gid: Gid,
}

impl Account {
    fn unprivileged() -> Result<Self, ServerError> {
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| User::from_name(name).ok().flatten())
            .map(|user| Self { name: user.name, uid: user.uid, gid: user.gid })
            .ok_or(ServerError::NoAccount)
    }
}

/// Builds the commands that start child processes, each with its account, its death signal and its own
/// process group.
#[derive(Debug, Clone)]
pub struct Launcher {
    account: Option<Account>,
}

impl Launcher {
    /// A launcher for servers: keeps the current account, or takes `postgres`/`nobody` instead of root.
    ///
    /// # Errors
    /// [`ServerError::NoAccount`] for root without either account.
    pub fn for_servers() -> Result<Self, ServerError> {
        let account = if Uid::effective().is_root() { Some(Account::unprivileged()?) } else { None };
        Ok(Self { account })
    }

    /// A launcher for programs of this project, which keep the current account.
    #[must_use]
    pub fn as_ourselves() -> Self {
        Self { account: None }
    }

    /// A command for `program`, without standard input, in its own process group. Ctrl-C in a terminal then
    /// reaches only the parent, which stops its children in the right order.
    #[must_use]
    pub fn command(&self, program: impl AsRef<OsStr>, death: DeathSignal) -> Command {
        use std::os::unix::process::CommandExt;

        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", death.name()]);
        if let Some(account) = &self.account {
            command.arg(format!("--reuid={}", account.uid));
            command.arg(format!("--regid={}", account.gid));
            command.arg("--clear-groups");
        }
        command.arg("--").arg(program).stdin(Stdio::null()).process_group(0);
        command
    }

    /// [`Launcher::command`] with a fixed environment. Variables such as `PGPORT` would configure the server,
    /// and messages would be translated.
    pub(super) fn server_command(&self, program: &Path, death: DeathSignal, folder: &Path) -> Command {
        let mut command = self.command(program, death);
        command.env_clear().env("PATH", super::programs::search_path()).env("LC_ALL", "C").env("TZ", "UTC");
        command.current_dir(folder);
        command
    }

    /// Creates `folder` for the account of the servers alone, and checks that the account can write to it.
    pub(super) fn prepare_folder(&self, folder: &Path) -> Result<(), ServerError> {
        fs::create_dir_all(folder).map_err(ServerError::io("create", folder))?;
        if let Some(account) = &self.account {
            chown(folder, Some(account.uid.as_raw()), Some(account.gid.as_raw()))
                .map_err(ServerError::io("change the owner of", folder))?;
            self.prove_reachable(account, folder)?;
        }
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
            .map_err(ServerError::io("close to others", folder))
    }

    fn prove_reachable(&self, account: &Account, folder: &Path) -> Result<(), ServerError> {
        let status = self
            .command("test", DeathSignal::Term)
            .arg("-w")
            .arg(folder)
            .stderr(Stdio::null())
            .status()
            .map_err(not_started)?;
        if status.success() {
            return Ok(());
        }
        Err(ServerError::Unreachable { account: account.name.clone(), folder: folder.to_path_buf() })
    }
}

/// The default folder for the data of a stack: `/var/lib/orderflow` for root, whose home is closed to the
/// account of the servers. Other accounts use `$XDG_DATA_HOME/orderflow` or `~/.local/share/orderflow`.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    if Uid::effective().is_root() {
        return PathBuf::from("/var/lib/orderflow");
    }
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .unwrap_or_else(std::env::temp_dir)
        .join("orderflow")
}

/// A temporary folder with sub-folders that the account of the servers can reach. Dropping the value removes
/// it.
///
/// # Errors
/// The temporary folder of the system is not writable.
pub fn scratch_dir() -> Result<tempfile::TempDir, ServerError> {
    let dir = tempfile::Builder::new()
        .prefix("orderflow-")
        .tempdir()
        .map_err(ServerError::io("create a folder in", &std::env::temp_dir()))?;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711))
        .map_err(ServerError::io("open the way into", dir.path()))?;
    Ok(dir)
}

/// The error of a command that could not be started. Names the missing package: the program that runs first
/// is `setpriv`.
pub(super) fn not_started(source: io::Error) -> ServerError {
    if source.kind() == io::ErrorKind::NotFound {
        return ServerError::NotInstalled {
            program: "setpriv",
            hint: "it is part of the Debian package util-linux",
        };
    }
    ServerError::Io { what: "start a process".to_owned(), source }
}
