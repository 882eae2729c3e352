//! The layers: an allow-list of imports between modules, as in ARCHITECTURE.md.

mod imports;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use imports::{Crate, Segments};

/// Crates whose use is restricted: runtimes, servers, frameworks.
const WATCHED: [&str; 12] = [
    "actix",
    "actix_rt",
    "actix_web",
    "deadpool",
    "deadpool_postgres",
    "events",
    "redis",
    "refinery",
    "reqwest",
    "rustls",
    "tokio",
    "tokio_postgres",
];

/// The modules of its own crate and of `runtime`, and the watched crates, that a module may use.
struct Row {
    module: &'static str,
    own: &'static str,
    runtime: &'static str,
    crates: &'static str,
}

const fn row(module: &'static str, own: &'static str, runtime: &'static str, crates: &'static str) -> Row {
    Row { module, own, runtime, crates }
}

/// The composition root may use everything.
const SERVICE: [Row; 9] = [
    row("domain", "", "auth", ""),
    row("settings", "domain tokens", "auth db limits process settings stream", ""),
    row("tokens", "domain", "auth settings", ""),
    row("store", "domain", "auth db inbox limits outbox", "events tokio_postgres"),
    row("provider", "domain settings store", "db", "tokio"),
    row("product_source", "domain settings", "telemetry tls", "events reqwest tokio"),
    row(
        "actors",
        "domain product_source provider settings store tokens",
        "auth db failpoint inbox limits outbox shutdown stream supervisor telemetry",
        "actix actix_rt events tokio",
    ),
    row("consumers", "actors domain", "stream supervisor", "events"),
    row("http", "actors domain tokens", "auth http limits supervisor", "actix_web"),
];
const COMPOSITION: [&str; 4] = ["startup", "start_error", "preparation", "admin_account"];

/// Lower modules first.
const RUNTIME: [Row; 18] = [
    row("failpoint", "", "", ""),
    row("recovery", "", "", ""),
    row("limits", "", "", ""),
    row("shutdown", "", "", "tokio"),
    row("settings", "", "", "redis reqwest tokio_postgres"),
    row("tls", "settings", "", "reqwest rustls"),
    row("telemetry", "settings tls", "", "events reqwest"),
    row("supervisor", "recovery shutdown", "", "actix actix_rt tokio"),
    row(
        "db",
        "failpoint recovery settings supervisor telemetry tls",
        "",
        "actix actix_rt deadpool deadpool_postgres refinery tokio tokio_postgres",
    ),
    row(
        "stream",
        "failpoint recovery settings supervisor telemetry tls",
        "",
        "actix events redis rustls tokio",
    ),
    row("inbox", "db", "", "events"),
    row("outbox", "db recovery stream supervisor", "", "actix events redis tokio"),
    row("audit", "db settings supervisor", "", "actix_rt deadpool_postgres tokio"),
    row("process", "audit db failpoint settings shutdown telemetry tls", "", "actix_rt refinery rustls"),
    row(
        "http",
        "audit db failpoint limits process recovery settings shutdown telemetry",
        "",
        "actix_rt actix_web events rustls tokio",
    ),
    row("auth", "audit http settings telemetry tls", "", "actix_web events reqwest tokio"),
    row(
        "ops",
        "audit auth db failpoint http outbox recovery stream supervisor telemetry",
        "",
        "actix actix_web tokio",
    ),
    row("openapi", "http ops", "", "actix_web"),
];

const CRATES: [&str; 14] = [
    "shared/build-info",
    "shared/events",
    "shared/runtime",
    "shared/servers",
    "shared/testing",
    "user",
    "inventory",
    "payment",
    "ctl",
    "console",
    "trials/chaos",
    "trials/bench",
    "trials/saga",
    "trials/e2e",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

fn forbidden(folder: &str, code: &Crate, rows: &[Row], free: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (module, contents) in &code.modules {
        let Some(layer) = module.first().filter(|layer| !free.contains(&layer.as_str())) else { continue };
        let Some(row) = rows.iter().find(|row| row.module == layer) else {
            found.push(format!("{folder}: `{layer}` has no row in this test"));
            continue;
        };
        let mut refuse = |what: String| {
            found.push(format!("{folder}/src/{}.rs: {layer} may not use {what}", module.join("/")));
        };
        for target in code.imports(module) {
            let target = target.first().map_or("", String::as_str);
            if !target.is_empty() && target != layer && !words(row.own).any(|word| word == target) {
                refuse(format!("`{target}`"));
            }
        }
        for path in &contents.paths {
            let name = path[0].as_str();
            let part = path[1].as_str();
            let is_macro = ["drains_at_once", "down", "schema_of_names"].contains(&part);
            if name == "runtime" && !is_macro && !words(row.runtime).any(|word| word == part) {
                refuse(format!("`runtime::{part}`"));
            }
            if WATCHED.contains(&name) && !words(row.crates).any(|word| word == name) {
                refuse(format!("the crate `{name}`"));
            }
        }
    }
    found.dedup();
    found
}

#[test]
fn no_module_of_a_service_imports_more_than_its_layer_may() {
    let services = ["user", "inventory", "payment"];
    let found: Vec<String> = services
        .iter()
        .flat_map(|service| forbidden(service, &Crate::read(&root().join(service)), &SERVICE, &COMPOSITION))
        .collect();
    assert!(found.is_empty(), "move the code, or change the row and say why:\n{}", found.join("\n"));
}

#[test]
fn no_module_of_the_runtime_imports_upwards() {
    let runtime = Crate::read(&root().join("shared/runtime"));
    let found = forbidden("shared/runtime", &runtime, &RUNTIME, &["service"]);
    assert!(found.is_empty(), "move the code, or change the row and say why:\n{}", found.join("\n"));
}

#[test]
fn the_architecture_shows_these_rows() {
    let page = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let code = |text: &str| words(text).map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
    let service = SERVICE.iter().map(|row| {
        format!("| `{}` | {} | {} | {} |", row.module, code(row.own), code(row.runtime), code(row.crates))
    });
    let runtime =
        RUNTIME.iter().map(|row| format!("| `{}` | {} | {} |", row.module, code(row.own), code(row.crates)));
    let missing: Vec<String> = service
        .chain(runtime)
        .map(|row| row.replace("|  |", "| |").replace("|  |", "| |"))
        .filter(|row| !page.contains(row))
        .collect();
    assert!(missing.is_empty(), "ARCHITECTURE.md lacks these rows:\n{}", missing.join("\n"));
}

#[test]
fn no_import_runs_in_a_circle() {
    let circles: Vec<String> = CRATES
        .iter()
        .flat_map(|folder| {
            circles(&Crate::read(&root().join(folder))).into_iter().map(move |c| format!("{folder}: {c}"))
        })
        .collect();
    assert!(
        circles.is_empty(),
        "{} circles; move what both sides use into a file of its own:\n{}",
        circles.len(),
        circles.join("\n")
    );
}

/// Files that import each other, with the imports among them.
fn circles(code: &Crate) -> Vec<String> {
    let imports: BTreeMap<&Segments, BTreeSet<Segments>> =
        code.modules.keys().map(|module| (module, code.imports(module))).collect();
    let reached: BTreeMap<&Segments, BTreeSet<&Segments>> =
        imports.keys().map(|module| (*module, reachable(&imports, module))).collect();
    let mut seen = BTreeSet::new();
    let mut circles = Vec::new();
    for module in imports.keys().filter(|module| reached[**module].contains(**module)) {
        if !seen.insert(*module) {
            continue;
        }
        let members: Vec<&Segments> =
            reached[*module].iter().copied().filter(|other| reached[*other].contains(*module)).collect();
        seen.extend(members.iter().copied());
        let among = |from: &Segments| {
            let targets = imports[from].iter().filter(|target| members.contains(target));
            format!(
                "{} -> {}",
                from.join("::"),
                targets.map(|target| target.join("::")).collect::<Vec<_>>().join(", ")
            )
        };
        circles.push(members.iter().map(|member| among(member)).collect::<Vec<_>>().join("; "));
    }
    circles
}

fn reachable<'a>(
    imports: &'a BTreeMap<&'a Segments, BTreeSet<Segments>>,
    from: &Segments,
) -> BTreeSet<&'a Segments> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&Segments> = imports[from].iter().collect();
    while let Some(module) = open.pop() {
        if reached.insert(module) {
            open.extend(&imports[module]);
        }
    }
    reached
}

#[test]
fn the_test_sees_a_circle_through_a_re_export_and_an_import_across_layers() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |file: &str, text: &str| {
        let path = folder.path().join("src").join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, text).expect("written");
    };
    write("lib.rs", "mod domain; mod store; pub use store::Row;");
    write("domain/mod.rs", "mod cart; pub use cart::Cart;");
    write("domain/cart.rs", "pub struct Cart(pub crate::Row); fn f() { tokio::spawn(async {}); }");
    write("store/mod.rs", "use crate::domain::Cart; pub struct Row(Option<Box<Cart>>);");
    let code = Crate::read(folder.path());
    assert_eq!(circles(&code), ["domain::cart -> store; store -> domain::cart"]);
    let found = forbidden("x", &code, &[row("domain", "", "", ""), row("store", "domain", "", "")], &[]);
    assert_eq!(
        found,
        [
            "x/src/domain/cart.rs: domain may not use `store`",
            "x/src/domain/cart.rs: domain may not use the crate `tokio`"
        ]
    );
}
