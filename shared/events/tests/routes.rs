//! Checks the copies of the routes outside of Rust.

use std::{collections::BTreeSet, path::Path};

use events::ROUTES;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn redis_lets_the_services_use_every_stream_and_no_other() {
    let rules = read("deploy/secrets/generate");
    let line = rules.lines().find_map(|line| line.trim().strip_prefix("streams='")).expect("streams='…'");
    let allowed: BTreeSet<&str> = line.trim_end_matches('\'').split(' ').collect();
    let expected: Vec<String> = ROUTES.iter().map(|route| format!("~{}*", route.stream)).collect();
    assert_eq!(allowed, expected.iter().map(String::as_str).collect(), "in deploy/secrets/generate");
}

#[test]
fn the_table_of_streams_in_docs_events_shows_the_routes() {
    let page = read("docs/events.md");
    for route in &ROUTES {
        let ends = format!("| {} | {} | `{}` |", route.publisher, route.consumer, route.group);
        let row = |line: &str| line.starts_with(&format!("| `{}` |", route.stream)) && line.ends_with(&ends);
        assert!(page.lines().any(row), "docs/events.md has no row of {} that ends with {ends}", route.stream);
    }
}
