use std::process::ExitCode;

use runtime::process;
use user::{
    admin_account,
    settings::{COMMANDS, Task},
    startup,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ABOUT: &str = "user: accounts, roles and tokens of Orderflow.\n
  user serve           the service (the default)
  user migrate         migrates the schema, with the database-url of its owner
  user healthcheck     exits with 0 when the service on this host is ready
  user create-admin    creates an account of the role ADMIN, with the password in ADMIN_PASSWORD
  user reset-admin     gives an ADMIN the password in ADMIN_PASSWORD, enables it, and ends its sessions";

fn main() -> ExitCode {
    match process::read_settings(env!("CARGO_PKG_NAME"), ABOUT, &COMMANDS, Task::read) {
        Ok(Task::Service(task)) => {
            process::run(env!("CARGO_PKG_NAME"), task, startup::migrations, startup::serve)
        }
        Ok(Task::CreateAdmin(settings)) => admin_account::create(&settings),
        Ok(Task::ResetAdmin(settings)) => admin_account::reset(&settings),
        Err(code) => code,
    }
}
