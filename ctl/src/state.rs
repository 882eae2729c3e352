//! `stack.json` in the data folder: what `shopctl up` knows and the other commands want to.
//!
//! The credentials stay when the stack stops, because the accounts stay in its database; the addresses go.
//! Mode 0600: there are passwords in it.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

const FILE: &str = "stack.json";

/// What is in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackState {
    /// The accounts and secrets of this data folder.
    pub credentials: Credentials,
    /// The stack that runs on it now. Still there after a stack was killed.
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
    /// What `payment` shows to get a SERVICE token.
    pub service_client_secret: String,
}

/// An account's e-mail and password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// Its e-mail.
    pub email: String,
    /// Its password.
    pub password: String,
}

impl Credentials {
    /// Passwords nobody has seen yet.
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

/// 24 letters and digits: 142 bits, and nothing a shell or a URL would mind.
#[must_use]
pub fn random_secret() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    // `ThreadRng` is a cryptographic generator seeded by the operating system.
    (0..24).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect()
}

/// Why the file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It cannot be read or written.
    #[error("cannot use {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not what `shopctl up` writes.
    #[error("{} is not a stack's state; `shopctl up --fresh` writes a new one", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

impl StackState {
    /// Reads the file of a data folder; `None` when there is none.
    ///
    /// # Errors
    /// [`StateError`] when there is one that cannot be used.
    pub fn read(data_dir: &Path) -> Result<Option<Self>, StateError> {
        let path = data_dir.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StateError::Io { path, source }),
        };
        serde_json::from_slice(&text).map(Some).map_err(|source| StateError::Malformed { path, source })
    }

    /// Writes it whole or not at all, readable by its owner alone.
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
        // A leftover would keep the mode it has.
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
