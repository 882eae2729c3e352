//! The unprivileged account of a server, and the command that starts it there.
//!
//! PostgreSQL refuses to run as root. `setpriv` sets account and parent-death signal between fork and exec,
//! which from Rust needs `unsafe`.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::unistd::{Gid, Uid, User};

use super::ServerError;

/// Sent by the kernel when the parent dies, even by SIGKILL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeathSignal {
    /// Orderly: Redis writes its append-only file.
    Term,
    /// Immediate: frees the ports, for a program without data.
    Kill,
    /// Immediate for PostgreSQL: the next start replays the write-ahead log.
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

/// An unprivileged account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
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

/// Builds commands with account, death signal and process group.
#[derive(Debug, Clone)]
pub struct Launcher {
    account: Option<Account>,
}

impl Launcher {
    /// Takes `postgres` or `nobody` instead of root.
    ///
    /// # Errors
    /// [`ServerError::NoAccount`].
    pub fn for_servers() -> Result<Self, ServerError> {
        let account = if Uid::effective().is_root() { Some(Account::unprivileged()?) } else { None };
        Ok(Self { account })
    }

    /// Keeps the current account.
    #[must_use]
    pub fn as_ourselves() -> Self {
        Self { account: None }
    }

    /// A command in its own process group: Ctrl-C reaches the parent alone.
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

    /// Clears the environment: variables such as `PGPORT` would configure the server.
    pub(super) fn server_command(&self, program: &Path, death: DeathSignal, folder: &Path) -> Command {
        let mut command = self.command(program, death);
        command.env_clear().env("PATH", super::programs::search_path()).env("LC_ALL", "C").env("TZ", "UTC");
        command.current_dir(folder);
        command
    }

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

    /// Makes a file that of the account.
    pub(super) fn give(&self, file: &Path) -> Result<(), ServerError> {
        let Some(account) = &self.account else { return Ok(()) };
        chown(file, Some(account.uid.as_raw()), Some(account.gid.as_raw()))
            .map_err(ServerError::io("change the owner of", file))
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

/// `/var/lib/orderflow` for root, whose home is closed to the servers; else in the user's home.
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

/// A temporary folder that the account of the servers can enter.
pub fn scratch_dir() -> Result<tempfile::TempDir, ServerError> {
    let dir = tempfile::Builder::new()
        .prefix("orderflow-")
        .tempdir()
        .map_err(ServerError::io("create a folder in", &std::env::temp_dir()))?;
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711))
        .map_err(ServerError::io("open the way into", dir.path()))?;
    Ok(dir)
}

/// Names the package of `setpriv`, which runs first.
pub(super) fn not_started(source: io::Error) -> ServerError {
    if source.kind() == io::ErrorKind::NotFound {
        return ServerError::NotInstalled {
            program: "setpriv",
            hint: "it is part of the Debian package util-linux",
        };
    }
    ServerError::Io { what: "start a process".to_owned(), source }
}
