//! What the `main` of every service does: settings, logs, then the service until it ends.

use std::{error::Error, future::Future, process::ExitCode};

use crate::{
    failpoint, seeded_bug,
    settings::{LogSettings, Source},
    shutdown::Cause,
    telemetry,
};

/// Exit code for settings that cannot be used: as a shell's for a wrong call.
const UNUSABLE_SETTINGS: u8 = 2;

/// The command on the line and the settings, or the exit code after everything that is wrong with them was printed.
///
/// # Errors
/// The exit code: 0 after `--help`, 2 otherwise.
pub fn read_settings<S>(about: &str, commands: &[&str], read: impl FnOnce(&mut Source) -> S) -> Result<(String, S), ExitCode> {
    let mut source = Source::from_process();
    let settings = read(&mut source);
    if source.wants_help() {
        println!("{about}\n\nCommands: {}\n\n{}", commands.join(", "), source.help_text());
        return Err(ExitCode::SUCCESS);
    }
    let command = source.command().or(commands.first().copied()).unwrap_or_default().to_owned();
    let known = commands.contains(&command.as_str());
    source.check("command", known, &format!("`{command}` is none of: {}", commands.join(", ")));
    let checks = [source.finish().map_err(|errors| errors.to_string()), failpoint::arm_from_environment(), seeded_bug::check_environment()];
    let errors: Vec<String> = checks.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() {
        return Ok((command, settings));
    }
    eprintln!("{}", errors.join("\n"));
    Err(ExitCode::from(UNUSABLE_SETTINGS))
}

/// Runs a service on an actix system until it ends, and tells how.
pub fn run<E: Error>(log: &LogSettings, service: impl Future<Output = Result<Cause, E>>) -> ExitCode {
    if let Err(error) = telemetry::install_logs(log) {
        eprintln!("log-filter: {error}");
        return ExitCode::from(UNUSABLE_SETTINGS);
    }
    match actix_rt::System::new().block_on(service) {
        Ok(cause) => cause.exit_code(),
        Err(error) => {
            tracing::error!(%error, "the service could not start");
            ExitCode::FAILURE
        }
    }
}
