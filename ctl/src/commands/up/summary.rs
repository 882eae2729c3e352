use std::path::PathBuf;

use super::settings::Settings;
use crate::stack::{Kind, Service, Stack};
use crate::state::{Login, StackState};
use crate::terminal::{Colour, columns};

/// Narrow enough for 80 columns, but for addresses.
pub fn render(stack: &Stack, state: &StackState, settings: &Settings) -> String {
    let title = |text: &str| settings.output.paint.paint(Colour::Bold, text);
    [
        String::new(),
        title(&format!("Orderflow is up (pid {})", std::process::id())),
        services(stack),
        "  /docs below each address is a page to try the calls".to_owned(),
        String::new(),
        servers(stack),
        String::new(),
        title("Log in as"),
        accounts(state),
        String::new(),
        title("Log in from a shell (the README's tour starts here)"),
        exports(state),
        String::new(),
        title("Three things to try in a second terminal"),
        commands(&command(settings)),
        String::new(),
        title("Open in a browser"),
        console(state),
        String::new(),
        format!("Ctrl-C stops everything. The data stays in {}.", settings.data_dir.display()),
        String::new(),
    ]
    .join("\n")
}

/// The last of it, where the eye stops.
fn console(state: &StackState) -> String {
    let url = state.running.as_ref().and_then(|running| running.console_url.as_deref());
    let Some(url) = url else {
        return "  no console: it was not built, or --no-console left it out".to_owned();
    };
    let Login { email, password, .. } = &state.credentials.admin;
    format!(
        "  {url}/\n  as {email}, password {password}: see all, and break something\n  as the USER: the shop"
    )
}

fn services(stack: &Stack) -> String {
    columns(&stack.services().map(service).collect::<Vec<_>>())
}

fn service(service: &Service) -> Vec<String> {
    vec![format!("  {}", service.id()), service.url(), format!("metrics {}", service.metrics_url())]
}

fn servers(stack: &Stack) -> String {
    let mut servers = vec![vec!["  Redis".to_owned(), stack.redis_url()]];
    servers.extend(Kind::ALL.map(|kind| vec![format!("  {}", kind.database()), stack.database_url(kind)]));
    columns(&servers)
}

fn accounts(state: &StackState) -> String {
    let row =
        |role: &str, login: &Login| vec![format!("  {role}"), login.email.clone(), login.password.clone()];
    columns(&[row("ADMIN", &state.credentials.admin), row("USER", &state.credentials.user)])
}

fn exports(state: &StackState) -> String {
    let Login { email, password, .. } = &state.credentials.admin;
    format!("  export ADMIN_EMAIL='{email}'\n  export ADMIN_PASSWORD='{password}'")
}

/// In the form that a shell takes as a whole.
fn commands(shopctl: &str) -> String {
    let three = [
        ("place an order and follow it to its end", format!("{shopctl} order DEMO-MUG:2")),
        ("let customers order for 20 s, and see what became of it", format!("{shopctl} load --time 20s")),
        ("check that nothing was lost, doubled or oversold", format!("{shopctl} verify")),
    ];
    three.map(|(what, command)| format!("  # {what}\n  {command}")).join("\n")
}

/// Runs this program from the current folder.
fn command(settings: &Settings) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("shopctl"));
    let here = std::env::current_dir().unwrap_or_default();
    let program = program.strip_prefix(&here).map_or(program.as_path(), |shorter| shorter);
    let folder = settings.given_data_dir.as_ref().map(|_| settings.data_dir.display().to_string());
    let folder = folder.map(|folder| format!(" --data-dir {folder}")).unwrap_or_default();
    format!("{}{folder}", program.display())
}
