use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::ServerError;

const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

/// The folder with `postgres` and `initdb`: `PG_BIN`, else in the `PATH`, else the newest of Debian's
/// packages, which are not on it.
pub fn postgres_bin() -> Result<PathBuf, ServerError> {
    std::env::var_os("PG_BIN")
        .map(PathBuf::from)
        .into_iter()
        .chain(search_folders())
        .chain(debian_versions())
        .find(|folder| folder.join("postgres").is_file() && folder.join("initdb").is_file())
        .ok_or(ServerError::NotInstalled {
            program: "postgres",
            hint: "install the Debian package postgresql, or set PG_BIN to the folder that holds postgres and initdb",
        })
}

pub fn redis_server() -> Result<PathBuf, ServerError> {
    ["redis-server", "valkey-server"]
        .into_iter()
        .flat_map(|name| search_folders().map(move |folder| folder.join(name)))
        .find(|program| program.is_file())
        .ok_or(ServerError::NotInstalled {
            program: "redis-server",
            hint: "install the Debian package redis-server, or put redis-server on the PATH",
        })
}

pub fn search_path() -> OsString {
    std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into())
}

fn search_folders() -> impl Iterator<Item = PathBuf> {
    std::env::split_paths(&search_path()).collect::<Vec<_>>().into_iter()
}

fn debian_versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(DEBIAN_POSTGRES).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> =
        entries.filter_map(|entry| Some((major(&entry.path())?, entry.path().join("bin")))).collect();
    versions.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    versions.into_iter().map(|(_, bin)| bin).collect()
}

/// As text, 9 would be newer than 15.
fn major(folder: &Path) -> Option<u32> {
    folder.file_name()?.to_str()?.split('.').next()?.parse().ok()
}
