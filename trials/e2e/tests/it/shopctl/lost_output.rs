//! A full disk, and a reader that went away.

use std::fs::File;
use std::process::Stdio;

use tokio::process::Command;

use super::stage::shopctl;
use super::{Said, Stage, commands};
use e2e::service_binaries;

#[derive(Debug, Clone, Copy)]
enum Lost {
    DiskFull,
    ReaderGone,
}

impl Lost {
    fn stdout(self) -> Stdio {
        match self {
            Self::DiskFull => full_disk(),
            Self::ReaderGone => {
                let (reader, writer) = std::io::pipe().expect("a pipe");
                drop(reader);
                writer.into()
            }
        }
    }

    async fn say(self, mut command: Command) -> Said {
        Said::with_stdout(&mut command, self.stdout()).await
    }

    /// One line, or none; steps on standard error come before it.
    #[track_caller]
    fn assert(self, what: &str, said: &Said) {
        let errors: Vec<&str> = said.stderr.lines().filter(|line| !line.ends_with(" ...")).collect();
        match self {
            Self::DiskFull => {
                assert_eq!(said.code, Some(5), "{what}: {said:?}");
                let [error] = errors[..] else { panic!("{what}: {said:?}") };
                assert!(error.starts_with("error: cannot write to standard output: No space"), "{error}");
            }
            Self::ReaderGone => assert_eq!((said.code, errors.len()), (Some(141), 0), "{what}: {said:?}"),
        }
    }
}

fn full_disk() -> Stdio {
    File::options().write(true).open("/dev/full").expect("Linux").into()
}

#[tokio::test]
async fn every_command_says_a_full_disk_in_one_line_and_ends_quietly_when_its_reader_goes() {
    let stage = Stage::set().await;
    for lost in [Lost::DiskFull, Lost::ReaderGone] {
        for command in commands::all(&stage).await {
            let command = commands::settled(&stage, &command).await;
            let mut said = lost.say(stage.command(&command)).await;
            // Says what happens meanwhile.
            said.stderr =
                said.stderr.lines().filter(|line| !is_note(line)).map(|line| format!("{line}\n")).collect();
            lost.assert(&command.join(" "), &said);
        }
    }
}

fn is_note(line: &str) -> bool {
    line.contains("panicked with a batch in hand and was replaced") || line.contains(" sent, ")
}

#[tokio::test]
async fn help_and_version_of_every_program_do_the_same() {
    for lost in [Lost::DiskFull, Lost::ReaderGone] {
        for arguments in ["--help", "--version", "load --help", "help admin create"] {
            lost.assert(arguments, &lost.say(shopctl(arguments.split(' '))).await);
        }
        for (program, arguments) in [("chaos", "--help"), ("chaos", "--list"), ("bench", "--version")] {
            let mut command = Command::new(service_binaries().join(program));
            command.arg(arguments);
            lost.assert(program, &lost.say(command).await);
        }
        for (program, arguments) in [("user", "--help"), ("inventory", "--version"), ("payment", "--help")] {
            let mut command = Command::new(service_binaries().join(program));
            command.arg(arguments);
            let said = lost.say(command).await;
            let code = if matches!(lost, Lost::DiskFull) { 1 } else { 141 };
            let lines = if matches!(lost, Lost::DiskFull) { 1 } else { 0 };
            assert_eq!((said.code, said.stderr.lines().count()), (Some(code), lines), "{program}: {said:?}");
        }
    }
}

#[tokio::test]
async fn a_standard_error_that_is_full_changes_nothing_else() {
    let mut command = shopctl(["streams"]);
    assert_eq!(command.stderr(full_disk()).status().await.expect("it runs").code(), Some(4));
    let mut command = shopctl(["--nonsense"]);
    assert_eq!(command.stderr(full_disk()).status().await.expect("it runs").code(), Some(2));
}
