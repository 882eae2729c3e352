//! Processes of this machine, read from `/proc`.

use std::fs;

/// The id of this process.
#[must_use]
pub fn own() -> i32 {
    // Linux ids are at most 2^22.
    i32::try_from(std::process::id()).unwrap_or(0)
}

/// A process and its children.
#[must_use]
pub fn family(of: i32) -> Vec<i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    ids.filter(|id| *id == of || parent(*id) == Some(of)).collect()
}

/// Resident memory in bytes: `VmRSS` of `/proc/PID/status`, there in KiB.
#[must_use]
pub fn resident(process: i32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok()).unwrap_or(0) << 10
}

/// The second field after the bracketed program name in `/proc/PID/stat`.
fn parent(of: i32) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{of}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_in_its_parents_family_and_uses_memory() {
        let parent = parent(own()).expect("a parent");
        assert!(family(parent).contains(&own()) && family(parent).contains(&parent));
        assert!(resident(own()) > 1 << 20);
    }
}
