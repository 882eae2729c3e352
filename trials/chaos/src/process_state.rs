/// Whether the kernel says that it stands still.
pub fn stopped(pid: i32) -> Result<(), String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|error| error.to_string())?;
    // The program's name may hold anything; the state follows its closing bracket.
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
