use std::process::ExitCode;

use shared::process;
use user::{create_admin, settings::Task, startup};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ABOUT: &str = "user: accounts, roles and tokens of Orderflow.\n
  user serve           the service (the default)
  user create-admin    create an account of the role ADMIN; its password comes from ADMIN_PASSWORD";

fn main() -> ExitCode {
    match process::read_settings(ABOUT, &["serve", "create-admin"], Task::read) {
        Ok((_, Task::Serve(settings))) => process::run(&settings.common.log.clone(), startup::serve(*settings)),
        Ok((_, Task::CreateAdmin(settings))) => create_admin::run(&settings),
        Err(code) => code,
    }
}
