//! Finds the commit of the sources: in `ORDERFLOW_COMMIT`, where Git is missing, or else in Git.

use std::path::Path;
use std::process::Command;

const VARIABLE: &str = "ORDERFLOW_COMMIT";
const DIGITS: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed={VARIABLE}");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let commit = given().or_else(|| checked_out(&root)).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=BUILD_COMMIT={commit}");
    println!("cargo::rustc-env=BUILD_RUSTC={}", compiler().unwrap_or_else(|| "unknown".to_owned()));
}

/// Such as `1.95.0`. Cargo names the compiler, and runs this again for another one.
fn compiler() -> Option<String> {
    let output = Command::new(std::env::var_os("RUSTC")?).arg("--version").output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    said.split_whitespace().nth(1).map(str::to_owned)
}

fn given() -> Option<String> {
    let commit = std::env::var(VARIABLE).ok()?;
    let is_commit = commit.len() >= DIGITS && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| commit[..DIGITS].to_owned())
}

/// An optimised build looks again after every commit. Another build would compile nearly all crates anew for
/// that: it looks again when another branch is checked out, and ends its answer with `+`.
fn checked_out(root: &Path) -> Option<String> {
    // The sources may lie in a folder of another repository.
    root.join(".git").exists().then_some(())?;
    let commit = git(root, &["rev-parse", &format!("--short={DIGITS}"), "HEAD"])?;
    let optimised = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let watched = if optimised { ["HEAD", "logs/HEAD"].as_slice() } else { &["HEAD"] };
    for name in watched {
        let path = root.join(git(root, &["rev-parse", "--git-path", name])?);
        // Cargo would run this again and again for a missing file.
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    Some(if optimised { commit } else { commit + "+" })
}

/// `None` without Git, and where it refuses.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !said.is_empty()).then_some(said)
}
