//! The password of a server: other accounts of this machine reach its port too.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::ServerError;
use super::account::Launcher;

/// The file in the folder of a server.
const FILE: &str = "password";
/// 24 of 62 letters and digits are 142 bits, and need no escapes in a URL or a configuration file.
const LENGTH: usize = 24;
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Text that `Debug` hides.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl Password {
    /// The one in `folder`, else `wanted`, else a random one; it stays in the folder.
    pub(super) fn of(folder: &Path, wanted: Option<&str>, launcher: &Launcher) -> Result<Self, ServerError> {
        let file = folder.join(FILE);
        match fs::read_to_string(&file) {
            Ok(password) => Ok(Self(password)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let password = wanted.map_or_else(random, str::to_owned);
                write(&file, &password, launcher)?;
                Ok(Self(password))
            }
            Err(error) => Err(ServerError::io("read", &file)(error)),
        }
    }

    /// Whether `folder` has one.
    pub(super) fn is_in(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

pub(super) fn file(folder: &Path) -> std::path::PathBuf {
    folder.join(FILE)
}

/// Writes a file that the account of the server alone can read.
pub(super) fn write(file: &Path, content: &str, launcher: &Launcher) -> Result<(), ServerError> {
    let unfinished = file.with_extension("new");
    // A leftover file would keep its mode.
    _ = fs::remove_file(&unfinished);
    let mut options = OpenOptions::new();
    let written = options.write(true).create_new(true).mode(0o600).open(&unfinished);
    written
        .and_then(|mut opened| opened.write_all(content.as_bytes()))
        .map_err(ServerError::io("write", &unfinished))?;
    launcher.give(&unfinished)?;
    fs::rename(&unfinished, file).map_err(ServerError::io("rename", &unfinished))
}

fn random() -> String {
    // `ThreadRng` is a cryptographic generator.
    (0..LENGTH).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect()
}

/// `url` with the port of a proxy before the same server.
#[must_use]
pub fn through_port(url: &str, port: u16) -> String {
    let (account, rest) = url.rsplit_once('@').unwrap_or((url, ""));
    let database = rest.split_once('/').map_or("", |(_, database)| database);
    format!("{account}@127.0.0.1:{port}/{database}")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_password_is_made_once_and_closed_to_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let launcher = Launcher::as_ourselves();
        let made = Password::of(folder.path(), None, &launcher).expect("a password");
        assert_eq!(Password::of(folder.path(), Some("another"), &launcher).expect("the same"), made);
        let mode = fs::metadata(file(folder.path())).expect("a file").permissions().mode();
        assert_eq!((mode & 0o777, made.expose().len()), (0o600, LENGTH));
        assert!(!format!("{made:?}").contains(made.expose()));
    }

    #[test]
    fn a_url_through_a_proxy_keeps_account_and_database() {
        assert_eq!(through_port("postgres://u:p@127.0.0.1:5432/d", 6000), "postgres://u:p@127.0.0.1:6000/d");
        assert_eq!(through_port("redis://:p@127.0.0.1:6379/0", 6000), "redis://:p@127.0.0.1:6000/0");
    }
}
