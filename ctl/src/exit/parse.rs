use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use super::report::Report;
use super::{Exit, conclude};
use crate::terminal::{Paint, say, write};

/// clap's code.
const WRONG_USE: u8 = 2;

/// Reads the command line.
///
/// # Errors
/// The exit code, after help, version or a mistake is printed.
pub fn parse<C: Parser>() -> Result<C, ExitCode> {
    C::try_parse().map_err(|error| if error.use_stderr() { refuse(&error) } else { show(&error) })
}

fn show(error: &clap::Error) -> ExitCode {
    let text = rendered(error, Paint::for_stdout());
    conclude(&write(&text).map(|()| Exit::Success).map_err(Into::into), wants_json())
}

fn refuse(error: &clap::Error) -> ExitCode {
    if wants_json() {
        say(Report::wrong_use(message(error), WRONG_USE).to_json());
    } else {
        say(rendered(error, Paint::for_stderr()).trim_end());
    }
    ExitCode::from(WRONG_USE)
}

fn rendered(error: &clap::Error, paint: Paint) -> String {
    let text = error.render();
    if paint.is_on() { text.ansi().to_string() } else { text.to_string() }
}

/// Without usage and tips.
fn message(error: &clap::Error) -> String {
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing; --help lists the commands".to_owned();
    }
    let text = error.to_string();
    let first = text.split("\n\n").next().unwrap_or_default();
    first.trim_start_matches("error: ").trim().to_owned()
}

/// The command line could not be read.
fn wants_json() -> bool {
    std::env::args_os().skip(1).take_while(|argument| argument != "--").any(|argument| argument == "--json")
}
