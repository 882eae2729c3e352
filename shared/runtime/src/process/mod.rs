//! The `main` of every service.

mod connections;
mod healthcheck;
mod print;
mod settings;
mod task;

use std::{error::Error, future::Future, process::ExitCode, time::Duration};

use refinery::Runner;

use crate::{audit, db, failpoint, settings::Source, shutdown::Cause, telemetry};

pub use connections::ConnectionSettings;
pub use print::{complain, print};
pub use settings::Common;
pub use task::{MigrateSettings, Task};

/// The shell's code for misuse.
const UNUSABLE_SETTINGS: u8 = 2;

/// Spent after everything else is down.
const LAST_SPANS_TIMEOUT: Duration = Duration::from_secs(2);

/// The first is the default.
pub const COMMANDS: [&str; 3] = ["serve", "migrate", "healthcheck"];

/// Reads the settings; prints all mistakes, the help, or the version of `program`.
///
/// # Errors
/// The exit code: 2 for mistakes; after help and version that of [`print()`].
pub fn read_settings<S>(
    program: &str,
    about: &str,
    commands: &[&str],
    read: impl FnOnce(&mut Source) -> S,
) -> Result<S, ExitCode> {
    let mut source = Source::from_process();
    let settings = read(&mut source);
    if source.wants_version() {
        return Err(print(format_args!("{program} {}", build_info::DESCRIPTION)));
    }
    if source.wants_help() {
        let commands = commands.join(", ");
        return Err(print(format_args!("{about}\n\nCommands: {commands}\n\n{}", source.help_text())));
    }
    let command = source.command().or(commands.first().copied()).unwrap_or_default().to_owned();
    let known = commands.contains(&command.as_str());
    source.check("command", known, &format!("`{command}` is none of: {}", commands.join(", ")));
    let checks = [source.finish().map_err(|errors| errors.to_string()), failpoint::arm_from_environment()];
    let errors: Vec<String> = checks.into_iter().filter_map(Result::err).collect();
    if errors.is_empty() {
        return Ok(settings);
    }
    complain(errors.join("\n"));
    Err(ExitCode::from(UNUSABLE_SETTINGS))
}

/// Runs `task`; `service` is its name in traces. Returns 0 after a signal, a migration or a good health
/// check, otherwise 1.
pub fn run<S, F, E>(
    service: &'static str,
    task: Task<S>,
    migrations: fn() -> Runner,
    serve: impl FnOnce(S) -> F,
) -> ExitCode
where
    S: AsRef<Common>,
    F: Future<Output = Result<Cause, E>>,
    E: Error,
{
    match task {
        Task::Serve(settings) => {
            let Common { log, traces, .. } = settings.as_ref().as_ref().clone();
            telemetry::install_metrics(); // before anything counts
            telemetry::install_logs(log.format, &log.filter);
            let spans = telemetry::export_spans(service, &traces);
            let code = run_system(async { serve(*settings).await.map(|cause| cause.exit_code()) });
            if let Some(spans) = spans {
                spans.flush(LAST_SPANS_TIMEOUT);
            }
            code
        }
        Task::Migrate(settings) => {
            telemetry::install_logs(settings.log.format, &settings.log.filter);
            run_system(async {
                db::prepare_within(&settings.database, db::STARTUP_TIMEOUT, migrations).await?;
                audit::forget_old(&settings.database, settings.audit.retention).await;
                Ok::<_, db::MigrationError>(ExitCode::SUCCESS)
            })
        }
        Task::Healthcheck { address, encrypted } => healthcheck::run(address, encrypted),
    }
}

fn run_system<E: Error>(work: impl Future<Output = Result<ExitCode, E>>) -> ExitCode {
    match actix_rt::System::new().block_on(work) {
        Ok(code) => code,
        Err(error) => {
            tracing::error!(%error, "the process cannot start");
            ExitCode::FAILURE
        }
    }
}
