//! Checks the copies of the routes outside of Rust.

use std::{collections::BTreeSet, path::Path};

use events::ROUTES;

fn read(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The rules of a user in deploy/redis/users.acl.
fn rules(user: &str) -> Vec<String> {
    let rules = read("deploy/redis/users.acl");
    let line = rules.lines().find_map(|line| line.strip_prefix(&format!("user {user} on ")));
    line.expect("a user").split(' ').map(str::to_owned).collect()
}

fn keys(user: &str) -> BTreeSet<String> {
    rules(user).into_iter().filter(|rule| rule.contains('~')).collect()
}

#[test]
fn redis_lets_the_services_use_every_stream_and_no_other() {
    for service in ["inventory", "payment"] {
        let streams = ROUTES.iter().map(|route| format!("~{}*", route.stream));
        let own = [format!("marker:{service}"), "probe".to_owned(), "partitions".to_owned()];
        let expected = streams.chain(own.map(|key| format!("~orderflow:{key}"))).collect();
        assert_eq!(keys(service), expected, "{service} in deploy/redis/users.acl");
    }
    let read_only = ROUTES.iter().map(|route| format!("%R~{}*", route.stream)).collect();
    assert_eq!(keys("operator"), read_only, "operator in deploy/redis/users.acl");
}

#[test]
fn redis_gives_the_services_single_commands_and_none_that_could_harm_others() {
    for user in ["inventory", "payment", "operator"] {
        for rule in rules(user) {
            let command = rule.strip_prefix('+').unwrap_or("ping");
            let whole =
                ["config", "keys", "flush", "debug", "acl", "shutdown", "save", "replicaof", "monitor"];
            assert!(
                !command.starts_with('@') && !whole.iter().any(|bad| command.contains(bad)),
                "{user}: {rule}"
            );
        }
    }
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
