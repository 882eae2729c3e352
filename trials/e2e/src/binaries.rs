use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The folder of the programs, built first because `cargo test -p e2e` alone would run stale ones.
pub fn service_binaries() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(build)
}

fn build() -> PathBuf {
    // target/debug/deps/it-0123456789abcdef
    let test = std::env::current_exe().expect("this program");
    let profile_folder = test.ancestors().nth(2).expect("target/debug").to_path_buf();
    let target = profile_folder.parent().expect("target");
    let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(name) => name,
    };
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Build scripts would take these for a changed environment.
    for (name, _) in std::env::vars()
        .filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        cargo.env_remove(name);
    }
    // The selection of scripts/test, which has built the programs already.
    cargo.args(["build", "--quiet", "--workspace", "--bins", "--all-features", "--profile", profile]);
    cargo.arg("--target-dir").arg(target).current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    assert!(cargo.status().expect("cargo runs").success(), "the programs do not build");
    profile_folder
}
