//! `stack.json`, left by `shopctl up` for other commands. Credentials outlive the stack, as its accounts do.
//! Mode 0600: the file holds passwords.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const FILE: &str = "stack.json";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackState {
    pub credentials: Credentials,
    /// The entry stays after a kill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The process of `shopctl up`.
    pub pid: u32,
    pub user_url: String,
    pub inventory_url: String,
    pub payment_url: String,
    /// `None` without a console.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub console_url: Option<String>,
    pub user_database_url: String,
    pub inventory_database_url: String,
    pub payment_database_url: String,
    pub redis_url: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    pub admin: Login,
    pub user: Login,
    /// Of the OAuth client `payment`. Files of older versions lack it.
    #[serde(default = "client_secret")]
    pub client_secret: String,
    /// Encrypts the signing keys in the database of `user`.
    #[serde(default = "random_key")]
    pub key_encryption_key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    pub email: String,
    pub password: String,
}

impl Credentials {
    #[must_use]
    pub fn random() -> Self {
        let login = |email: &str| Login { email: email.to_owned(), password: random_secret() };
        Self {
            admin: login("admin@example.com"),
            user: login("user@example.com"),
            client_secret: client_secret(),
            key_encryption_key: random_key(),
        }
    }
}

/// Twice as long as needed, and longer than `user` demands.
fn client_secret() -> String {
    random_secret() + &random_secret()
}

/// 24 letters and digits: 142 bits, safe in a shell and in a URL.
#[must_use]
pub fn random_secret() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // `ThreadRng` is a cryptographic generator.
    (0..24).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect()
}

/// 32 bytes in hexadecimal.
fn random_key() -> String {
    rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("cannot use {}", path.display())]
    Io {
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Not written by `shopctl up`.
    #[error("{} is not the state file of a stack; `shopctl up --fresh` deletes the data and writes a new one", path.display())]
    Malformed {
        path: PathBuf,
        /// Error of the parser.
        source: serde_json::Error,
    },
}

/// Another `shopctl up` holds the data folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlreadyRunning {
    pub pid: Option<u32>,
    pub data_dir: PathBuf,
    /// By service; empty while it starts.
    pub urls: BTreeMap<&'static str, String>,
}

impl std::error::Error for AlreadyRunning {}

impl fmt::Display for AlreadyRunning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pid = self.pid.map_or_else(String::new, |pid| format!(" (pid {pid})"));
        let state = if self.urls.is_empty() { "is starting already" } else { "is up already" };
        writeln!(f, "the stack on {} {state}{pid}", self.data_dir.display())?;
        for (service, url) in &self.urls {
            writeln!(f, "  {service:<9}  {url}")?;
        }
        if let Some(pid) = self.pid {
            writeln!(f, "To stop it: kill {pid}")?;
        }
        write!(
            f,
            "For a second one: --data-dir, --user-port, --inventory-port, --payment-port \
             and --console-port"
        )
    }
}

impl StackState {
    /// Returns `None` for a missing file.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, StateError> {
        let path = data_dir.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { path, source }),
        };
        serde_json::from_slice(&text).map(Some).map_err(|source| StateError::Malformed { path, source })
    }

    /// Writes the file atomically, readable by its owner only.
    pub fn write(&self, data_dir: &Path) -> Result<(), StateError> {
        let path = data_dir.join(FILE);
        let unfinished = data_dir.join(format!("{FILE}.new"));
        let written = self.write_to(&unfinished).and_then(|()| fs::rename(&unfinished, &path));
        written.map_err(|source| StateError::Io { path, source })
    }

    fn write_to(&self, path: &Path) -> io::Result<()> {
        // A leftover file would keep its mode.
        fs::remove_file(path)
            .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)?;
        serde_json::to_writer_pretty(&mut file, self)?;
        file.write_all(b"\n")?;
        file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn running() -> Running {
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        Running {
            pid: 4711,
            user_url: url(8002),
            inventory_url: url(8000),
            payment_url: url(8001),
            console_url: Some(url(8003)),
            user_database_url: "postgres://user".to_owned(),
            inventory_database_url: "postgres://inventory".to_owned(),
            payment_database_url: "postgres://payment".to_owned(),
            redis_url: "redis://127.0.0.1:6379/0".to_owned(),
        }
    }

    #[test]
    fn what_was_written_is_read_back_and_is_closed_to_others() {
        let dir = servers::account::scratch_dir().expect("a folder");
        let state = StackState { credentials: Credentials::random(), running: Some(running()) };
        state.write(dir.path()).expect("written");
        state.write(dir.path()).expect("written over");
        assert_eq!(StackState::read(dir.path()).expect("readable"), Some(state));
        let mode = fs::metadata(dir.path().join(FILE)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_folder_without_a_state_has_none_and_a_broken_one_is_named() {
        let dir = servers::account::scratch_dir().expect("a folder");
        assert_eq!(StackState::read(dir.path()).expect("no error"), None);
        fs::write(dir.path().join(FILE), "{").expect("written");
        let error = StackState::read(dir.path()).expect_err("half a file").to_string();
        assert!(error.contains("stack.json") && error.contains("--fresh"), "{error}");
    }

    #[test]
    fn two_stacks_never_share_a_password() {
        let one = Credentials::random();
        let other = Credentials::random();
        assert_ne!(one.admin.password, other.admin.password);
        assert_ne!(one.admin.password, one.user.password);
        assert_eq!((one.user.password.len(), one.client_secret.len()), (24, 48));
    }
}
