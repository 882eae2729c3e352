use std::path::{Path, PathBuf};

use super::{Kind, StackError};

/// Searches `folder` if given, else beside the running executable and one level up (tests in
/// `target/debug/deps`).
pub fn find(kind: Kind, folder: Option<&Path>) -> Result<PathBuf, StackError> {
    let searched = folder.map_or_else(beside_us, |folder| vec![folder.to_path_buf()]);
    searched
        .iter()
        .map(|folder| folder.join(kind.name()))
        .find(|program| program.is_file())
        .ok_or(StackError::NoBinary { name: kind.name(), searched })
}

/// As [`find`], for a program that is no service. `None`: it was not built.
pub fn find_program(name: &str) -> Option<PathBuf> {
    beside_us().into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}

fn beside_us() -> Vec<PathBuf> {
    let executable = std::env::current_exe().unwrap_or_default();
    let above = executable.ancestors().skip(1).take(2);
    above.map(Path::to_path_buf).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_program_is_an_error_that_says_where_it_was_looked_for() {
        let error = find(Kind::Payment, Some(Path::new("/nowhere"))).expect_err("nothing is there");
        assert!(
            error.to_string().contains("`payment` is not beside this one (looked in /nowhere)"),
            "{error}"
        );
    }
}
