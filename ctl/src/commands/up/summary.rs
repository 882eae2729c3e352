use std::path::{Path, PathBuf};

use super::settings::Settings;
use crate::stack::{Kind, Service, Stack};
use crate::state::{Login, StackState};
use crate::terminal::{Colour, Paint, table};

pub fn render(stack: &Stack, state: &StackState, settings: &Settings, paint: Paint) -> String {
    let shopctl = command(settings);
    let title = |text: &str| paint.paint(Colour::Bold, text);
    [
        String::new(),
        title("Orderflow is up"),
        places(stack),
        String::new(),
        title("Log in as"),
        accounts(state),
        String::new(),
        title("Log in from a shell (the README's tour starts here)"),
        exports(state),
        String::new(),
        title("Try in a second terminal"),
        commands(&shopctl),
        String::new(),
        format!("Ctrl-C stops everything. The data stays in {}.", settings.data_dir.display()),
        String::new(),
    ]
    .join("\n")
}

fn places(stack: &Stack) -> String {
    let services: Vec<Vec<String>> = stack.services().map(service).collect();
    let mut servers = vec![vec!["  Redis".to_owned(), stack.redis_url()]];
    servers.extend(Kind::ALL.map(|kind| vec![format!("  {}", kind.database()), stack.database_url(kind)]));
    format!("{}\n\n{}", table(&services), table(&servers))
}

fn service(service: &Service) -> Vec<String> {
    let url = service.url();
    let metrics = format!("metrics http://{}/metrics", service.metrics_addr());
    vec![format!("  {}", service.id()), url.clone(), format!("docs {url}/docs"), metrics]
}

fn accounts(state: &StackState) -> String {
    let row =
        |role: &str, login: &Login| vec![format!("  {role}"), login.email.clone(), login.password.clone()];
    table(&[row("ADMIN", &state.credentials.admin), row("USER", &state.credentials.user)])
}

fn exports(state: &StackState) -> String {
    let Login { email, password, .. } = &state.credentials.admin;
    format!("  export ADMIN_EMAIL='{email}' ADMIN_PASSWORD='{password}'")
}

fn commands(shopctl: &str) -> String {
    let rows = [
        ("order DEMO-MUG:2", "place an order and follow it"),
        ("order DEMO-RARE-PRINT", "sold out: the order is refunded"),
        ("streams", "show the backlog and the dead letters"),
        ("token --as admin", "print a token for curl and the pages at /docs"),
    ];
    table(&rows.map(|(command, what)| vec![format!("  {shopctl} {command}"), what.to_owned()]))
}

/// Runs this program from the current folder.
fn command(settings: &Settings) -> String {
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("shopctl"));
    let here = std::env::current_dir().unwrap_or_default();
    let program = program.strip_prefix(&here).map_or(program.as_path(), |shorter| shorter);
    let folder =
        settings.given_data_dir.as_ref().map(|_| data_dir_flag(&settings.data_dir)).unwrap_or_default();
    format!("{}{folder}", program.display())
}

fn data_dir_flag(data_dir: &Path) -> String {
    format!(" --data-dir {}", data_dir.display())
}
