//! The inventory service: products, stock, and the stock of every paid order taken exactly as often as it is there.

use std::process::ExitCode;

use inventory::{settings::Settings, startup};
use shared::process;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ABOUT: &str = "inventory: products and stock of Orderflow. Takes the stock of paid orders, or asks for their refund.";

fn main() -> ExitCode {
    let (_command, settings) = match process::read_settings(ABOUT, &["serve"], Settings::read) {
        Ok(read) => read,
        Err(code) => return code,
    };
    process::run(&settings.common.log.clone(), startup::serve(settings))
}
