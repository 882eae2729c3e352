/// Checks for state T.
pub fn stopped(pid: i32) -> Result<(), String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| error.to_string())?;
    // The state follows the closing bracket of the program name, which may contain anything.
    match stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()) {
        Some('T') => Ok(()),
        state => Err(format!("process {pid} is in state {state:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_not_standing_still() {
        let pid = i32::try_from(std::process::id()).expect("a pid");
        assert!(stopped(pid).is_err_and(|state| !state.contains("None")));
    }
}
