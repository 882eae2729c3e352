use std::path::Path;
use std::process::Stdio;

use ctl::state::{Running, StackState};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use servers::account::scratch_dir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::Said;
use super::stage::shopctl;

const FREE: [&str; 6] = ["--user-port", "0", "--inventory-port", "0", "--payment-port", "0"];

fn up(folder: &Path) -> Command {
    let mut command = shopctl(["up", "--no-demo", "--no-console"]);
    command.args(FREE).env("SHOPCTL_DATA_DIR", folder);
    command
}

fn running(folder: &Path) -> Running {
    StackState::read(folder).expect("readable").and_then(|state| state.running).expect("it is up")
}

fn interrupt(child: &Child) {
    let pid = Pid::from_raw(child.id().expect("it runs").try_into().expect("a pid"));
    kill(pid, Signal::SIGINT).expect("it runs");
}

/// The lines up to the last one of the summary.
async fn summary(child: &mut Child) -> Vec<String> {
    let mut lines = BufReader::new(child.stdout.take().expect("standard output")).lines();
    let mut summary = Vec::new();
    while let Some(line) = lines.next_line().await.expect("text") {
        let is_last = line.starts_with("Ctrl-C stops everything");
        summary.push(line);
        if is_last {
            return summary;
        }
    }
    panic!("no summary: {summary:?}")
}

#[tokio::test]
async fn a_stack_that_is_up_already_is_named_and_prints_where_its_metrics_are() {
    let folder = scratch_dir().expect("a folder");
    let mut child = up(folder.path()).stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("it runs");
    let lines = summary(&mut child).await;
    let metrics = |line: &&String| line.contains("metrics http://127.0.0.1:") && line.ends_with("/metrics");
    assert_eq!(lines.iter().filter(metrics).count(), 3, "{lines:?}");

    let running = running(folder.path());
    let second = Said::of(up(folder.path()).output().await.expect("it runs"));
    assert_eq!(second.code, Some(6), "{second:?}");
    for part in [&format!("is up already (pid {})", running.pid), &running.payment_url, "--data-dir"] {
        assert!(second.stderr.contains(part), "{part}: {second:?}");
    }
    let second = Said::of(up(folder.path()).arg("--json").output().await.expect("it runs"));
    assert_eq!(second.error()["stack"]["urls"]["user"], running.user_url.as_str());

    interrupt(&child);
    assert_eq!(child.wait().await.expect("it ends").code(), Some(0));
}

#[tokio::test]
async fn ports_that_cannot_be_used_are_named_before_anything_starts() {
    let folder = scratch_dir().expect("a folder");
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let taken = listener.local_addr().expect("its address").port().to_string();
    for (options, exit_code, expected) in [
        (["--user-metrics-port", &taken], 1, "choose another with --user-metrics-port"),
        (["--payment-metrics-port", &taken], 1, "choose another with --payment-metrics-port"),
    ] {
        let said = Said::of(up(folder.path()).args(options).output().await.expect("it runs"));
        assert_eq!(said.code, Some(exit_code), "{said:?}");
        assert!(said.stderr.contains(expected), "{said:?}");
    }
    assert!(!folder.path().join("postgres").exists());
}

#[tokio::test]
async fn a_stack_whose_summary_cannot_be_written_ends_and_says_so() {
    let folder = scratch_dir().expect("a folder");
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux");
    let said = Said::with_stdout(&mut up(folder.path()), full.into()).await;
    assert_eq!(said.code, Some(5), "{said:?}");
    assert!(
        said.stderr.ends_with("cannot write to standard output: No space left on device (os error 28)\n")
    );
}
