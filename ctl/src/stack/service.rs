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

/// Covers migrations, of a debug build, on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Above the services' `shutdown-timeout` of 20 s.
const END_WITHIN: Duration = Duration::from_secs(30);
/// Time for a killed predecessor to free its port.
const FREE_WITHIN: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(25);

#[derive(Debug, Clone)]
pub struct Plan {
    pub http: SocketAddr,
    pub metrics: SocketAddr,
    /// Without the two addresses.
    pub env: Vec<(String, String)>,
}

/// Running or ended; killed when dropped.
#[derive(Debug)]
pub struct Service {
    id: ServiceId,
    plan: Plan,
    addresses: Listening,
    child: Child,
    output: Output,
}

impl Service {
    /// Waits until `/readyz` returns 200.
    pub async fn start(id: ServiceId, program: &Path, plan: Plan, sink: Sink) -> Result<Self, StackError> {
        for address in [plan.http, plan.metrics] {
            check_free(id, address).await?;
        }
        let (child, output) = launch(id, program, &plan, sink)?;
        let addresses = ready(id, &child, &output).await?;
        // The first start replaces port 0; a restart keeps the address that others know.
        let plan = Plan { http: addresses.http, metrics: addresses.metrics, ..plan };
        Ok(Self { id, plan, addresses, child, output })
    }

    #[must_use]
    pub fn id(&self) -> ServiceId {
        self.id
    }

    #[must_use]
    pub fn http_addr(&self) -> SocketAddr {
        self.addresses.http
    }

    #[must_use]
    pub fn metrics_addr(&self) -> SocketAddr {
        self.addresses.metrics
    }

    /// `http://127.0.0.1:8001`
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addresses.http)
    }

    /// `http://127.0.0.1:9101/metrics`
    #[must_use]
    pub fn metrics_url(&self) -> String {
        format!("http://{}/metrics", self.addresses.metrics)
    }

    /// The system may reuse the id after the end.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.child.pid()
    }

    #[must_use]
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// `SIGSTOP` makes a zombie consumer until `SIGCONT`.
    pub fn signal(&self, signal: Signal) {
        self.child.signal(signal);
    }

    /// Waits for the end.
    pub async fn kill9(&self) {
        self.child.signal(Signal::SIGKILL);
        self.child.exited().await;
    }

    /// Waits for the end; kills the process after 30 s.
    pub async fn terminate(&self) -> Result<ExitStatus, StackError> {
        if let Some(status) = self.child.end(Signal::SIGTERM, END_WITHIN).await {
            return Ok(status);
        }
        self.kill9().await;
        Err(StackError::NotEnded { service: self.id, within: END_WITHIN, tail: self.output.tail() })
    }

    /// `None` while running.
    #[must_use]
    pub fn exit_status(&self) -> Option<ExitStatus> {
        self.child.exit_status()
    }

    pub(super) fn plan(&self) -> &Plan {
        &self.plan
    }
}

async fn check_free(service: ServiceId, address: SocketAddr) -> Result<(), StackError> {
    // Port 0: any free port.
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

/// The body of `/readyz` names the missing condition.
async fn readiness(http: SocketAddr) -> String {
    let answer = async { reqwest::get(format!("http://{http}/readyz")).await?.text().await };
    match timeout(Duration::from_secs(2), answer).await {
        Ok(Ok(text)) => format!("/readyz: {text}"),
        Ok(Err(error)) => format!("/readyz: {error}"),
        Err(_) => "/readyz does not answer".to_owned(),
    }
}
