use std::process::{Output, Stdio};

use ctl::stack::{Kind, Stack, StackOptions, find_binary};
use servers::account::scratch_dir;
use tokio::process::Command;

use e2e::service_binaries;

const README: &str = include_str!("../../../README.md");
const CONFIGURATION: &str = include_str!("../../../docs/configuration.md");

#[tokio::test]
async fn the_tour_in_the_readme_works_as_written() {
    let folder = scratch_dir().expect("a folder");
    let mut options = StackOptions::private(folder.path()).expect("free ports");
    options.binaries = Some(service_binaries().to_path_buf());
    let mut stack = Stack::start(options).await.expect("servers");
    stack.start_services().await.expect("services");

    // jq, where it is there, lays the answers out.
    let said = run(&tour(&stack), &stack).await.replace(char::is_whitespace, "");

    for expected in [
        r#""role":"USER""#,
        r#""version":3,"status":"confirmed""#,
        "idempotency-replayed:true",
        r#""status":"refunded""#,
        r#""available":1"#,
    ] {
        assert!(said.contains(expected), "the tour never said {expected}:\n{said}");
    }
    stack.stop_all().await.expect("a clean end");
}

#[tokio::test]
async fn the_table_of_settings_names_every_setting_of_every_service() {
    let mut settings = Vec::new();
    for kind in Kind::ALL {
        for setting in settings_of(kind).await {
            enter(&mut settings, setting, kind.name());
        }
    }
    let expected = table(&settings);
    let found = between(CONFIGURATION, "<!-- settings:begin -->", "<!-- settings:end -->");
    assert!(
        found.trim() == expected.trim(),
        "the table in docs/configuration.md is not what --help says. It should be:\n\n{expected}"
    );
}

fn between(text: &'static str, begin: &str, end: &str) -> &'static str {
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("the page has no {begin}"));
    rest.split_once(end).unwrap_or_else(|| panic!("the page has no {end}")).0
}

/// The `sh` blocks, with the addresses of `stack`.
fn tour(stack: &Stack) -> String {
    let blocks = between(README, "<!-- tour:begin -->", "<!-- tour:end -->").split("```sh\n").skip(1);
    let script: String = blocks.filter_map(|block| block.split_once("```")).map(|(code, _)| code).collect();
    Kind::ALL.into_iter().fold(script, |script, kind| {
        let written = format!("http://127.0.0.1:{}", kind.http_port());
        assert!(script.contains(&written), "the tour never names {written}");
        script.replace(&written, &stack.first(kind).expect("it runs").url())
    })
}

/// The environment holds the ADMIN's login, as in the README.
async fn run(script: &str, stack: &Stack) -> String {
    let admin = &stack.credentials().admin;
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", script]).stdin(Stdio::null());
    command.env("ADMIN_EMAIL", &admin.email).env("ADMIN_PASSWORD", &admin.password);
    succeeded("the tour", &command.output().await.expect("bash"))
}

fn succeeded(what: &str, output: &Output) -> String {
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what} failed ({}):\n{stdout}\n{stderr}", output.status);
    stdout.into_owned()
}

/// One line of `--help`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Setting {
    name: String,
    default: String,
    about: String,
}

impl Setting {
    /// `  --http-workers   HTTP worker threads (default 2)`
    fn parse(line: &str) -> Option<Self> {
        let (name, rest) = line.trim_start().strip_prefix("--")?.split_once(' ')?;
        let (about, default) = rest.trim().strip_suffix(')')?.rsplit_once(" (")?;
        let default =
            default.strip_prefix("default ").map_or_else(|| default.to_owned(), |value| format!("`{value}`"));
        Some(Self { name: name.to_owned(), default, about: about.replace('|', "\\|") })
    }
}

async fn settings_of(kind: Kind) -> Vec<Setting> {
    let program = find_binary(kind, Some(service_binaries())).expect("it was built");
    let help = succeeded("--help", &Command::new(program).arg("--help").output().await.expect("it runs"));
    let settings: Vec<Setting> = help.lines().filter_map(Setting::parse).collect();
    let named = help.lines().filter(|line| line.trim_start().starts_with("--")).count();
    assert!(named > 0 && settings.len() == named, "cannot read the help of {kind}:\n{help}");
    settings
}

/// A setting, and the services that have it.
type Row = (Setting, Vec<&'static str>);

/// One row for all services that agree on default and meaning.
fn enter(rows: &mut Vec<Row>, setting: Setting, service: &'static str) {
    if let Some((_, services)) = rows.iter_mut().find(|(known, _)| *known == setting) {
        return services.push(service);
    }
    let after_its_like = rows.iter().rposition(|(known, _)| known.name == setting.name).map(|at| at + 1);
    rows.insert(after_its_like.unwrap_or(rows.len()), (setting, vec![service]));
}

fn table(rows: &[Row]) -> String {
    let row = |(Setting { name, default, about }, services): &Row| {
        let services = if services.len() == Kind::ALL.len() { "all".to_owned() } else { services.join(", ") };
        format!("| `{name}` | {default} | {about} | {services} |\n")
    };
    let heading = "| name | default | meaning | service |\n| --- | --- | --- | --- |\n";
    heading.to_owned() + &rows.iter().map(row).collect::<String>()
}
