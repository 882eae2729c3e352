//! `shopctl verify --watch` beside a run, with its defaults, as a real system has it.

use std::collections::BTreeMap;
use std::fs::File;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::ChaosError;
use super::arena::Arena;
use super::progress::Progress;

/// Within it, a broken invariant is shown.
pub const RED_WITHIN: Duration = Duration::from_secs(60);
const STARTED_WITHIN: Duration = Duration::from_secs(20);
const READ_EVERY: Duration = Duration::from_millis(500);
const BROKEN: &str = "orderflow_invariant_broken{invariant=\"";

type Reds = Arc<Mutex<BTreeMap<String, Instant>>>;

/// Dropping ends the process.
pub struct InvariantWatch {
    _process: Child,
    _reading: JoinSet<()>,
    reds: Reds,
    progress: Progress,
}

#[derive(Deserialize)]
struct Started {
    invariants: String,
}

impl InvariantWatch {
    pub async fn begin(arena: &Arena) -> Result<Self, ChaosError> {
        let this = std::env::current_exe().map_err(ChaosError::io("find this program"))?;
        let log = arena.folder.path().join("logs/verifier.log");
        let log = File::create(log).map_err(ChaosError::io("write the log of the verifier"))?;
        let sources = arena.sources();
        let mut process = Command::new(this.with_file_name("shopctl"))
            .args(["verify", "--watch", "--json", "--bind", "127.0.0.1:0"])
            .env("SHOPCTL_USER_DATABASE_URL", &sources.user_database)
            .env("SHOPCTL_INVENTORY_DATABASE_URL", &sources.inventory_database)
            .env("SHOPCTL_PAYMENT_DATABASE_URL", &sources.payment_database)
            .env("SHOPCTL_REDIS_URL", &sources.redis)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(ChaosError::io("run `shopctl verify --watch`"))?;
        let metrics = metrics_url(&mut process).await?;
        let reds = Reds::default();
        let mut reading = JoinSet::new();
        reading.spawn(read(arena.http.clone(), metrics, Arc::clone(&reds)));
        Ok(Self { _process: process, _reading: reading, reds, progress: arena.progress.clone() })
    }

    /// Waits for the first broken invariant, until [`RED_WITHIN`] after the faults. Names all, with their time
    /// after the first order.
    pub async fn end(self, orders_began: Instant, faults_ended: Instant) -> Vec<String> {
        self.progress.line("waiting for the verdict of the watch");
        while self.reds().is_empty() && faults_ended.elapsed() < RED_WITHIN {
            sleep(READ_EVERY).await;
        }
        let name = |(invariant, at): (&String, &Instant)| {
            let after = at.duration_since(orders_began).as_secs_f64();
            format!("the watch found: {invariant}, {after:.0} s after the first order")
        };
        self.reds().iter().map(name).collect()
    }

    fn reds(&self) -> BTreeMap<String, Instant> {
        self.reds.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn metrics_url(process: &mut Child) -> Result<String, ChaosError> {
    let mut lines = process.stdout.take().map(|stdout| BufReader::new(stdout).lines());
    let line = match &mut lines {
        Some(lines) => timeout(STARTED_WITHIN, lines.next_line()).await,
        None => Ok(Ok(None)),
    };
    let line = line.ok().and_then(Result::ok).flatten().unwrap_or_default();
    let started: Started = serde_json::from_str(&line)
        .map_err(|_| ChaosError::Verify("`shopctl verify --watch` did not start".to_owned()))?;
    Ok(started.invariants.replace("/invariants", "/metrics"))
}

/// Notes when each invariant was first broken; a later verdict changes nothing.
async fn read(http: reqwest::Client, url: String, reds: Reds) {
    loop {
        let text = match http.get(&url).send().await {
            Ok(answer) => answer.text().await.unwrap_or_default(),
            Err(_) => String::new(),
        };
        for invariant in broken(&text) {
            let mut reds = reds.lock().unwrap_or_else(PoisonError::into_inner);
            reds.entry(invariant.to_owned()).or_insert_with(Instant::now);
        }
        sleep(READ_EVERY).await;
    }
}

fn broken(metrics: &str) -> impl Iterator<Item = &str> {
    metrics.lines().filter_map(|line| line.strip_prefix(BROKEN)?.strip_suffix("\"} 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_broken_is_named() {
        let metrics = "# TYPE orderflow_invariant_broken gauge\n\
             orderflow_invariant_broken{invariant=\"I1\"} 0\n\
             orderflow_invariant_broken{invariant=\"I7\"} 1\n\
             orderflow_invariant_findings{invariant=\"I7\"} 1\n";
        assert_eq!(broken(metrics).collect::<Vec<_>>(), ["I7"]);
    }
}
