//! Runs the whole stack on this machine until Ctrl-C.
//!
//! ```text
//! settings (flags, environment) ─> folder (locked) ─> ports ─> servers ─> services ─> accounts, products, orders
//!    └───── errors before the first process ───────────┘                                                └─> logs
//! ```

mod args;
mod console;
mod folder;
mod follow;
mod ports;
mod settings;
mod summary;

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use serde_json::{Value, json};

use crate::api::{Api, Endpoints};
use crate::commands::{demo, seed};
use crate::context::Global;
use crate::exit::Exit;
use crate::interrupt::Interrupt;
use crate::stack::{Ended, Kind, Service, Stack, StackError, StackOptions};
use crate::state::{Running, StackState};
use crate::terminal::{Output, Progress};
pub use args::Args;
use console::Console;
use folder::DataFolder;
use follow::Follow;
use settings::Settings;

/// Restarts killed parts, and leaves no process.
pub async fn run(args: Args, global: Global) -> anyhow::Result<Exit> {
    let mut interrupt = Interrupt::listen()?;
    let settings = Settings::read(&args, &global)?;
    let folder = DataFolder::open(&settings.data_dir)?;
    settings.ports.check_free().await?;
    let mut progress = settings.output.progress();
    let (options, mut state, follow) = prepare(&settings, &folder).await?;
    progress.step("PostgreSQL and Redis");
    let mut stack = tokio::select! {
        stack = Stack::start(options) => stack?,
        () = interrupt.received() => return Ok(Exit::Failure),
    };
    let outcome = tokio::select! {
        outcome = live(&mut stack, &mut state, &settings, &mut progress, &follow) => outcome,
        () = interrupt.received() => Ok(()),
    };
    tokio::select! {
        stopped = stop(&mut stack, &mut state, &folder, &mut progress) => outcome.and(stopped)?,
        // Dropping the stack kills the remaining processes.
        () = interrupt.received() => return Ok(Exit::Failure),
    }
    Ok(Exit::Success)
}

/// Runs before the first process.
async fn prepare(
    settings: &Settings,
    folder: &DataFolder,
) -> anyhow::Result<(StackOptions, StackState, Follow)> {
    if settings.fresh {
        folder.clear().await?;
    }
    let state = folder.state()?;
    let follow = Follow::new(settings.output);
    let options = settings.stack_options(state.credentials.clone(), follow.sink());
    Ok((options, state, follow))
}

async fn live(
    stack: &mut Stack,
    state: &mut StackState,
    settings: &Settings,
    progress: &mut Progress,
    follow: &Follow,
) -> anyhow::Result<()> {
    start_services(stack, settings, progress).await?;
    let mut console = start_console(stack, settings, progress).await?;
    let running = running(stack, console.as_ref())?;
    state.running = Some(running.clone());
    state.write(&settings.data_dir)?;
    let orders = show(state, &running, settings, progress).await?;
    progress.done();
    let result = json!({
        "running": running,
        "services": stack.services().map(service).collect::<Vec<_>>(),
        "credentials": state.credentials,
        "orders": orders,
    });
    settings.output.print(&result, |_| summary::render(stack, state, settings))?;
    follow.begin();
    tokio::select! {
        outcome = supervise(stack, follow, settings.output) => outcome,
        () = keep(console.as_mut(), settings.output) => Ok(()),
    }
}

async fn start_console(
    stack: &Stack,
    settings: &Settings,
    progress: &mut Progress,
) -> anyhow::Result<Option<Console>> {
    let Some(port) = settings.ports.console() else { return Ok(None) };
    progress.step("console");
    let console = Console::start(stack, port, &settings.data_dir).await?;
    if console.is_none() {
        settings
            .output
            .note("The console was not built, and is left out. Build it: cargo build --bin console");
    }
    Ok(console)
}

/// Never returns.
async fn keep(console: Option<&mut Console>, output: Output) {
    match console {
        Some(console) => console.keep(output).await,
        None => std::future::pending().await,
    }
}

fn service(service: &Service) -> Value {
    json!({"id": service.id().to_string(), "url": service.url(), "metrics_url": service.metrics_url()})
}

async fn start_services(
    stack: &mut Stack,
    settings: &Settings,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    for kind in Kind::ALL {
        progress.step(format!("{kind} (migrations, then ready)"));
        stack.start_service(kind).await?;
    }
    for _ in 1..settings.instances {
        for kind in [Kind::Inventory, Kind::Payment] {
            progress.step(format!("another {kind}"));
            stack.start_service(kind).await?;
        }
    }
    Ok(())
}

/// Fails when a part ends by itself.
async fn supervise(stack: &mut Stack, follow: &Follow, output: Output) -> anyhow::Result<()> {
    loop {
        let (ended, status) = stack.any_ended().await;
        if status.signal().is_none() {
            follow.end();
            return Err(ended_by_itself(stack, ended, status));
        }
        output.note(format_args!("{ended} was killed ({status}); restarting"));
        stack.revive(ended).await?;
        output.note(format_args!("{ended} restarted"));
    }
}

/// A restart would end the same way.
fn ended_by_itself(stack: &Stack, ended: Ended, status: ExitStatus) -> anyhow::Error {
    let tail = match ended {
        Ended::Service(id) => stack.service(id).map(|service| service.output().tail()).unwrap_or_default(),
        Ended::Server(_) => "(its log is in the data folder)".to_owned(),
    };
    anyhow::anyhow!("{ended} ended by itself ({status}); its last lines:\n{tail}")
}

async fn show(
    state: &StackState,
    running: &Running,
    settings: &Settings,
    progress: &mut Progress,
) -> anyhow::Result<Vec<demo::Shown>> {
    progress.step("accounts: ADMIN and USER");
    let api = Api::new(Endpoints {
        user: running.user_url.clone(),
        inventory: running.inventory_url.clone(),
        payment: running.payment_url.clone(),
    })?;
    let admin = api.with_token(api.log_in(&state.credentials.admin).await?.access_token);
    demo::ensure_user(&api, &state.credentials.user).await?;
    if settings.no_demo {
        return Ok(Vec::new());
    }
    progress.step("demo products");
    seed::create_missing(&admin).await?;
    let user = api.with_token(api.log_in(&state.credentials.user).await?.access_token);
    demo::place_all(&user, progress, settings.output).await
}

fn running(stack: &Stack, console: Option<&Console>) -> Result<Running, StackError> {
    let url = |kind| stack.first(kind).map(|service| service.url());
    Ok(Running {
        pid: std::process::id(),
        user_url: url(Kind::User)?,
        inventory_url: url(Kind::Inventory)?,
        payment_url: url(Kind::Payment)?,
        console_url: console.map(|console| console.url().to_owned()),
        user_database_url: stack.database_url(Kind::User),
        inventory_database_url: stack.database_url(Kind::Inventory),
        payment_database_url: stack.database_url(Kind::Payment),
        redis_url: stack.redis_url(),
    })
}

async fn stop(
    stack: &mut Stack,
    state: &mut StackState,
    folder: &DataFolder,
    progress: &mut Progress,
) -> anyhow::Result<()> {
    progress.step("stopping: payment, inventory, user, then the servers");
    let stopped = stack.stop_all().await;
    progress.done();
    state.running = None;
    folder.write(state)?;
    Ok(stopped?)
}
