//! External load generators.

use std::io;

use tokio::process::Command;

use super::BenchError;

#[derive(Debug, Clone, Copy)]
pub struct Program {
    pub name: &'static str,
    /// The Debian package.
    pub package: &'static str,
}

impl Program {
    /// Returns standard output.
    pub async fn output(self, mut command: Command) -> Result<String, BenchError> {
        let output = command.kill_on_drop(true).output().await.map_err(|error| self.not_run(error))?;
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(printed);
        }
        Err(self.no_result(printed + &String::from_utf8_lossy(&output.stderr)))
    }

    pub fn no_result(self, printed: String) -> BenchError {
        BenchError::NoResult { program: self.name, printed }
    }

    fn not_run(self, error: io::Error) -> BenchError {
        if error.kind() == io::ErrorKind::NotFound {
            return BenchError::NotInstalled { program: self.name.to_owned(), package: self.package };
        }
        BenchError::Io { what: format!("run `{}`", self.name), source: error }
    }
}
