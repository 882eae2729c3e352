use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep};

/// Below the ephemeral range of Linux (32768-60999), whose ports outgoing connections take.
const RANGE: std::ops::Range<u16> = 15_000..32_000;
const ATTEMPTS: usize = 1_000;

/// The process that listens on a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Id and program; unreadable for another account.
    pub process: Option<(i32, String)>,
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some((pid, program)) => write!(f, "held by `{program}` (pid {pid})"),
            None => write!(f, "held by a process of another account"),
        }
    }
}

/// Ports of servers that may not have bound them yet.
static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// Keeps [`free_port`] from returning `port`.
pub fn reserve(port: u16) {
    GIVEN.lock().unwrap_or_else(PoisonError::into_inner).insert(port);
}

/// A free loopback port, given once, because servers bind theirs later.
pub fn free_port() -> io::Result<u16> {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    (0..ATTEMPTS)
        .map(|_| rand::random_range(RANGE))
        .find(|port| is_free(*port) && given.insert(*port))
        .ok_or_else(|| io::Error::new(io::ErrorKind::AddrInUse, "no free port on 127.0.0.1"))
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The listener on `port`, on any address.
#[must_use]
pub fn who_holds(port: u16) -> Option<Holder> {
    let mut inodes = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        inodes.extend(listening_inodes(&fs::read_to_string(table).unwrap_or_default(), port));
    }
    if inodes.is_empty() {
        return None;
    }
    let process = process_ids().find(|pid| has_socket(*pid, &inodes)).map(|pid| (pid, program(pid)));
    Some(Holder { process })
}

/// Waits until `port` is free, which a killed process may hold briefly.
///
/// # Errors
/// The holder after `within`.
pub async fn wait_until_free(port: u16, within: Duration) -> Result<(), Holder> {
    let deadline = Instant::now() + within;
    while let Some(holder) = who_holds(port) {
        if Instant::now() >= deadline {
            return Err(holder);
        }
        sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

pub(super) fn process_ids() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Second column: local address as hexadecimal `address:port`; fourth: state (`0A` is LISTEN); tenth: inode.
fn listening_inodes(table: &str, port: u16) -> Vec<u64> {
    const LISTEN: &str = "0A";
    let inode = |line: &str| {
        let columns: Vec<&str> = line.split_whitespace().collect();
        let (_, local_port) = columns.get(1)?.rsplit_once(':')?;
        let matches = u16::from_str_radix(local_port, 16) == Ok(port) && columns.get(3) == Some(&LISTEN);
        matches.then_some(())?;
        columns.get(9)?.parse().ok()
    };
    table.lines().filter_map(inode).collect()
}

fn has_socket(pid: i32, inodes: &[u64]) -> bool {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let mut links = entries.filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| link.to_str().and_then(socket_inode).is_some_and(|inode| inodes.contains(&inode)))
}

fn socket_inode(link: &str) -> Option<u64> {
    link.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}

fn program(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm"))
        .map_or_else(|_| "?".to_owned(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 31337 1 0 100 0 0 10 0
   1: 0100007F:1F40 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 31338 1 0 100 0 0 10 0
   2: 0100007F:1F41 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 31339 1 0 100 0 0 10 0";

    #[test]
    fn only_the_listening_socket_of_the_port_counts() {
        assert_eq!(listening_inodes(TABLE, 8000), [31337]);
        assert_eq!(listening_inodes(TABLE, 8001), [31339]);
        assert!(listening_inodes(TABLE, 8002).is_empty());
    }

    #[test]
    fn a_table_that_is_cut_off_is_no_panic() {
        for end in 0..TABLE.len() {
            listening_inodes(&TABLE[..end], 8000);
        }
    }

    #[test]
    fn the_holder_of_our_own_port_is_this_process() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let holder = who_holds(port).expect("we hold it");
        let (pid, _) = holder.process.expect("our own process is visible");
        assert_eq!(u32::try_from(pid), Ok(std::process::id()));
    }

    #[test]
    fn a_port_is_given_out_once() {
        let ports: BTreeSet<u16> = (0..50).map(|_| free_port().expect("a port")).collect();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|port| RANGE.contains(port)));
    }
}
