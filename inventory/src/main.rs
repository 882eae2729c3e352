use std::process::ExitCode;

use inventory::{settings::Settings, startup};
use runtime::process::{self, COMMANDS, Task};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ABOUT: &str =
    "inventory: products and stock of Orderflow; reserves the stock of paid orders or requests their refund";

fn main() -> ExitCode {
    match process::read_settings(env!("CARGO_PKG_NAME"), ABOUT, &COMMANDS, |source| {
        Task::read(source, Settings::read)
    }) {
        Ok(task) => process::run(env!("CARGO_PKG_NAME"), task, startup::migrations, startup::serve),
        Err(exit_code) => exit_code,
    }
}
