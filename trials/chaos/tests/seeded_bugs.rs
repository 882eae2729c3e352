//! `scripts/chaos/seeded-bugs` can apply each patch to the present code.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn patches() -> BTreeSet<String> {
    let files = fs::read_dir(root().join("trials/chaos/seeded-bugs")).expect("the folder");
    let names = files.map(|file| file.expect("a file").file_name().to_string_lossy().into_owned());
    names.filter_map(|name| name.strip_suffix(".patch").map(str::to_owned)).collect()
}

#[test]
fn every_seeded_bug_applies_to_the_present_code() {
    for name in patches() {
        let patch = format!("trials/chaos/seeded-bugs/{name}.patch");
        let output = Command::new("git").args(["apply", "--check", &patch]).current_dir(root()).output();
        let output = output.expect("git runs");
        assert!(output.status.success(), "{patch}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn the_script_has_a_fault_for_every_seeded_bug() {
    let script = fs::read_to_string(root().join("scripts/chaos/seeded-bugs")).expect("the script");
    let table =
        script.split("<<'TABLE'\n").nth(1).and_then(|rest| rest.split("TABLE").next()).expect("a table");
    let listed: BTreeSet<String> =
        table.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect();
    assert_eq!(listed, patches());
}
