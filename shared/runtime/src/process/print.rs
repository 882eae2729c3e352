use std::{
    fmt::Display,
    io::{self, Write},
    process::ExitCode,
};

/// The shell's code for a program that SIGPIPE ended.
const READER_GONE: u8 = 141;

/// Prints a line on standard output. Returns 0; 141 when its reader went away; 1 after an error, which is on
/// standard error.
pub fn print(line: impl Display) -> ExitCode {
    match io::stdout().lock().write_all(format!("{line}\n").as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::from(READER_GONE),
        Err(error) => {
            complain(format_args!("cannot write to standard output: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Prints a line on standard error. Where that fails nobody can be told.
pub fn complain(line: impl Display) {
    _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}
