use std::process::ExitCode;

use payment::{settings::Settings, startup};
use shared::process;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ABOUT: &str = "payment: takes orders, charges and refunds them, and follows them to their end";

fn main() -> ExitCode {
    let (_command, settings) = match process::read_settings(ABOUT, &["serve"], Settings::read) {
        Ok(read) => read,
        Err(exit_code) => return exit_code,
    };
    process::run(&settings.common.log.clone(), startup::serve(settings))
}
