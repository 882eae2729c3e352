use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

/// Several tests of one process may need the same one.
static MAKING: Mutex<()> = Mutex::new(());

/// A Python with the packages, in a folder of the build; `check` imports them.
pub fn with(name: &str, packages: &[&str], check: &str) -> PathBuf {
    let _alone = MAKING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // target/debug/deps/it-0123456789abcdef
    let test = std::env::current_exe().expect("this program");
    let folder = test.ancestors().nth(3).expect("target").join(format!("python-{name}"));
    let python = folder.join("bin/python");
    if !succeeds(&python, &["-c", check]) {
        let made = succeeds(Path::new("python3"), &["-m", "venv", "--clear", &folder.to_string_lossy()])
            && succeeds(&python, &[&["-m", "pip", "install", "--quiet"], packages].concat());
        let packages = packages.join(" and ");
        assert!(made, "this test needs python3 with venv, and {packages} from PyPI: is there a network?");
    }
    python
}

fn succeeds(program: &Path, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).status().is_ok_and(|status| status.success())
}
