//! One service process: started, ready, ended.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use servers::account::{DeathSignal, Launcher};
use servers::child::Child;
use servers::ports;
use tokio::time::{sleep, timeout};

use super::output::{Listening, Output, Sink};
use super::{ServiceId, StackError};

/// A first start also migrates its database, and a debug build on a busy machine is slow.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Longer than the services' own `shutdown-timeout` of 20 s.
const END_WITHIN: Duration = Duration::from_secs(30);
/// A killed predecessor gives its port up within this time.
const FREE_WITHIN: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(25);

/// How a service is started, and started again after it ended.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Where its REST API shall listen.
    pub http: SocketAddr,
    /// Where its metrics shall be.
    pub metrics: SocketAddr,
    /// Its settings as environment variables, the two addresses excepted.
    pub env: Vec<(String, String)>,
}

/// A service process, running or ended. Dropping it kills the process.
#[derive(Debug)]
pub struct Service {
    id: ServiceId,
    plan: Plan,
    addresses: Listening,
    child: Child,
    output: Output,
}

impl Service {
    /// Starts the program and waits until it listens and `/readyz` says 200.
    ///
    /// # Errors
    /// [`StackError::PortTaken`], [`StackError::NotRun`], or [`StackError::Ended`] and
    /// [`StackError::NotReady`] with its last lines.
    pub async fn start(id: ServiceId, program: &Path, plan: Plan, sink: Sink) -> Result<Self, StackError> {
        for address in [plan.http, plan.metrics] {
            check_free(id, address).await?;
        }
        let (child, output) = launch(id, program, &plan, sink)?;
        let addresses = ready(id, &child, &output).await?;
        // A port 0 is settled by the first start: whoever knows the service by its address finds it there
        // again.
        let plan = Plan { http: addresses.http, metrics: addresses.metrics, ..plan };
        Ok(Self { id, plan, addresses, child, output })
    }

    /// Which service and instance this is.
    #[must_use]
    pub fn id(&self) -> ServiceId {
        self.id
    }

    /// Where its REST API listens.
    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.addresses.http
    }

    /// Where its metrics are.
    #[must_use]
    pub fn metrics_addr(&self) -> SocketAddr {
        self.addresses.metrics
    }

    /// `http://127.0.0.1:8001`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addresses.http)
    }

    /// Its process id. After the end it may belong to somebody else.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    /// What it wrote.
    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Sends any signal: `SIGSTOP` makes a zombie consumer of it, `SIGCONT` wakes that.
    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// SIGKILL, and waits for the end.
    pub async fn kill9(&self) {
        self.child.signal(Signal::SIGKILL);
        self.child.exited().await;
    }

    /// SIGTERM, and waits for the end.
    ///
    /// # Errors
    /// [`StackError::NotEnded`] when it took more than 30 s; it is killed then.
    pub async fn terminate(&self) -> Result<ExitStatus, StackError> {
        if let Some(status) = self.child.end(Signal::SIGTERM, END_WITHIN).await {
            return Ok(status);
        }
        self.kill9().await;
        Err(StackError::NotEnded { service: self.id, within: END_WITHIN, tail: self.output.tail() })
    }

    /// How it ended, or `None` while it runs.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.exit_status()
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }
}

async fn check_free(service: ServiceId, address: SocketAddr) -> Result<(), StackError> {
    // Port 0 is any free one.
    if address.port() == 0 {
        return Ok(());
    }
    let free = ports::wait_until_free(address.port(), FREE_WITHIN).await;
    free.map_err(|holder| StackError::PortTaken { service, address, holder })
}

fn launch(id: ServiceId, program: &Path, plan: &Plan, sink: Sink) -> Result<(Child, Output), StackError> {
    let mut command = Launcher::as_ourselves().command(program, DeathSignal::Kill);
    command.env("HTTP_BIND", plan.http.to_string()).env("METRICS_BIND", plan.metrics.to_string());
    command.env("MIMALLOC_PURGE_DELAY", id.kind.purge_delay().to_string());
    command.envs(plan.env.iter().map(|(name, value)| (name, value)));
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let (child, pipes) =
        Child::spawn(command).map_err(|source| StackError::NotRun { service: id, source })?;
    Ok((child, Output::read(id, pipes, sink)))
}

async fn ready(service: ServiceId, child: &Child, output: &Output) -> Result<Listening, StackError> {
    let in_time = timeout(READY_WITHIN, async {
        let addresses = output.listening().await;
        until_ready(addresses.http).await;
        addresses
    });
    tokio::select! {
        status = child.exited() => {
            output.drained().await;
            Err(StackError::Ended { service, status, tail: output.tail() })
        }
        outcome = in_time => match outcome {
            Ok(addresses) => Ok(addresses),
            Err(_) => Err(not_ready(service, output).await),
        },
    }
}

async fn until_ready(http: SocketAddr) {
    let url = format!("http://{http}/readyz");
    let asked = || async { Some(reqwest::get(&url).await.ok()?.status()) };
    while asked().await != Some(reqwest::StatusCode::OK) {
        sleep(POLL).await;
    }
}

async fn not_ready(service: ServiceId, output: &Output) -> StackError {
    let missing = match timeout(Duration::ZERO, output.listening()).await {
        Err(_) => "it did not log where it listens".to_owned(),
        Ok(addresses) => readiness(addresses.http).await,
    };
    StackError::NotReady { service, within: READY_WITHIN, missing, tail: output.tail() }
}

/// `/readyz` names what is not ready.
async fn readiness(http: SocketAddr) -> String {
    let answer = async { reqwest::get(format!("http://{http}/readyz")).await?.text().await };
    match timeout(Duration::from_secs(2), answer).await {
        Ok(Ok(text)) => format!("/readyz: {text}"),
        Ok(Err(error)) => format!("/readyz: {error}"),
        Err(_) => "/readyz does not answer".to_owned(),
    }
}
