//! `stack.json` in the data folder: the addresses and credentials that `shopctl up` leaves for other
//! commands.
//!
//! The credentials outlive the stack, because the accounts stay in its database; the addresses are removed.
//! Mode 0600: the file holds passwords.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const FILE: &str = "stack.json";

/// The content of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackState {
    /// The accounts and secrets of this data folder.
    pub credentials: Credentials,
    /// The running stack. The entry stays after a kill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running: Option<Running>,
}

/// A running stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// The process of `shopctl up`.
    pub pid: u32,
    /// `http://127.0.0.1:8002`
    pub user_url: String,
    /// `http://127.0.0.1:8000`
    pub inventory_url: String,
    /// `http://127.0.0.1:8001`
    pub payment_url: String,
    /// The database of `user`, for `shopctl admin create`.
    pub user_database_url: String,
    /// The database of `inventory`.
    pub inventory_database_url: String,
    /// The database of `payment`.
    pub payment_database_url: String,
    /// Redis.
    pub redis_url: String,
}

/// The accounts and secrets of a stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    /// The first ADMIN.
    pub admin: Login,
    /// A USER to place orders with.
    pub user: Login,
    /// The secret with which `payment` gets a SERVICE token.
    pub service_client_secret: String,
}

/// The e-mail and the password of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The e-mail.
    pub email: String,
    /// The password.
    pub password: String,
}

impl Credentials {
    /// New random passwords.
    #[must_use]
    pub fn random() -> Self {
        let login = |email: &str| Login { email: email.to_owned(), password: random_secret() };
        Self {
            admin: login("admin@example.com"),
            user: login("user@example.com"),
            service_client_secret: random_secret(),
        }
    }
}

/// A random secret of 24 letters and digits: 142 bits, safe in a shell and in a URL.
#[must_use]
pub fn random_secret() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // `ThreadRng` is a cryptographic generator seeded by the operating system.
    (0..24).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect()
}

/// The reason why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file has another format than `shopctl up` writes.
    #[error("{} is not the state file of a stack; `shopctl up --fresh` deletes the data and writes a new one", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The error of the parser.
        source: serde_json::Error,
    },
}

impl StackState {
    /// Reads the file of a data folder; `None` if it is missing.
    ///
    /// # Errors
    /// [`StateError`] for a file that cannot be used.
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
    ///
    /// # Errors
    /// [`StateError::Io`].
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
        assert_eq!(one.service_client_secret.len(), 24);
    }
}
