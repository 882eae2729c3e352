//! The operations console beside the stack. The stack goes on without it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use servers::account::{DeathSignal, Launcher};
use servers::child::Child;
use tokio::time::{sleep, timeout};

use crate::stack::{Kind, Stack, find_program};
use crate::terminal::Output;

const ANSWERS_WITHIN: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(50);
/// After a console that ended by itself.
const PAUSE: Duration = Duration::from_secs(2);
const LOG: &str = "console.log";

/// A console that answers; killed when dropped.
#[derive(Debug)]
pub(super) struct Console {
    child: Child,
    program: PathBuf,
    args: Vec<String>,
    url: String,
    log: PathBuf,
}

impl Console {
    /// `None` if the program was not built.
    pub(super) async fn start(stack: &Stack, port: u16, data_dir: &Path) -> anyhow::Result<Option<Self>> {
        let Some(program) = find_program("console") else { return Ok(None) };
        let address = format!("127.0.0.1:{port}");
        let mut args = vec!["--bind".to_owned(), address.clone()];
        for kind in Kind::ALL {
            let of_kind = stack.services().filter(|service| service.id().kind == kind);
            let urls: Vec<String> = of_kind.map(|service| service.url()).collect();
            args.extend([format!("--{kind}-url"), urls.join(",")]);
        }
        let log = data_dir.join(LOG);
        let child = launch(&program, &args, &log)?;
        let console = Self { child, program, args, url: format!("http://{address}"), log };
        console.answers().await?;
        Ok(Some(console))
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Starts it again whenever it ends.
    pub(super) async fn keep(&mut self, output: Output) {
        loop {
            let status = self.child.exited().await;
            output.note(format_args!("the console ended ({status}; {}); restarting", self.log.display()));
            sleep(PAUSE).await;
            match launch(&self.program, &self.args, &self.log) {
                Ok(child) => self.child = child,
                Err(error) => output.note(format_args!("the console does not start: {error:#}")),
            }
        }
    }

    async fn answers(&self) -> anyhow::Result<()> {
        let login = format!("{}/login", self.url);
        let asked = async {
            while reqwest::get(&login).await.is_err() {
                sleep(POLL).await;
            }
        };
        let failed = |why: String| {
            let log = fs::read_to_string(&self.log).unwrap_or_default();
            anyhow::anyhow!("the console {why}; its log:\n{log}To start without it: --no-console")
        };
        tokio::select! {
            status = self.child.exited() => Err(failed(format!("ended while it started ({status})"))),
            asked = timeout(ANSWERS_WITHIN, asked) => {
                asked.map_err(|_| failed(format!("did not answer within {ANSWERS_WITHIN:?}")))
            }
        }
    }
}

fn launch(program: &Path, args: &[String], log: &Path) -> anyhow::Result<Child> {
    let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
    let mut command = Launcher::as_ourselves().command(program, DeathSignal::Kill);
    command.args(args).stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let (child, _) = Child::spawn(command).with_context(|| format!("cannot run {}", program.display()))?;
    Ok(child)
}
