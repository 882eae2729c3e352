//! The load generator wrk, which takes a tenth of the processor time of others.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;
use uuid::Uuid;

use super::BenchError;
use super::program::Program;
use servers::affinity::Cores;

const WRK: Program = Program { name: "wrk", package: "wrk" };
const SCRIPTS: [(&str, &str); 4] = [
    ("fixture.lua", include_str!("lua/fixture.lua")),
    ("orders.lua", include_str!("lua/orders.lua")),
    ("paced.lua", include_str!("lua/paced.lua")),
    ("products.lua", include_str!("lua/products.lua")),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// POST /orders
    Order,
    /// The same with `Prefer: wait=30`.
    AwaitedOrder,
    /// GET /products/{sku}
    Product,
    /// An open loop with this interval. Each key ends with the microsecond of its POST.
    OrderEvery(Duration),
}

#[derive(Debug, Clone, Copy)]
pub struct Load {
    pub request: Request,
    /// The most requests in flight.
    pub connections: u16,
    pub time: Duration,
    /// `None`: the generator shares all cores.
    pub apart: Option<Cores>,
}

impl Load {
    pub fn orders(time: Duration, connections: u16) -> Self {
        Self { request: Request::Order, connections, time, apart: None }
    }
}

#[derive(Debug, Clone, Default)]
pub struct Fixture {
    pub tokens: Vec<String>,
    /// Ordered equally often.
    pub skus: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub struct WrkResult {
    /// An open loop includes requests without a response.
    pub sent: u64,
    pub requests: u64,
    /// Responses other than 2xx and 3xx.
    pub refused: u64,
    /// Failed connections and timeouts.
    pub broken: u64,
    micros: u64,
    p50: u64,
    p95: u64,
    p99: u64,
}

impl WrkResult {
    /// Responses with 2xx or 3xx.
    pub fn good(&self) -> u64 {
        self.requests - self.refused
    }

    pub fn per_second(&self) -> f64 {
        self.good() as f64 / self.seconds()
    }

    pub fn seconds(&self) -> f64 {
        self.micros as f64 / 1e6
    }

    /// p50, p95 and p99.
    pub fn milliseconds(&self) -> [f64; 3] {
        [self.p50, self.p95, self.p99].map(|micros| micros as f64 / 1e3)
    }
}

/// Writes the scripts into `folder`. The connections are divided among `urls`.
pub async fn run(
    folder: &Path,
    urls: &[String],
    fixture: &Fixture,
    load: Load,
) -> Result<WrkResult, BenchError> {
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).map_err(BenchError::io("write a script for wrk"))
    };
    SCRIPTS.iter().try_for_each(|(name, text)| write(name, text))?;
    write("fixture.txt", &fixture.text())?;
    let mut command =
        load.apart.map_or_else(|| Command::new(WRK.name), |cores| cores.load(Path::new(WRK.name)));
    command.args([
        "-t",
        &urls.len().to_string(),
        "-c",
        &load.connections.to_string(),
        "-d",
        &format!("{}s", load.time.as_secs()),
    ]);
    command
        .args(["--timeout", "10s", "--latency", "-s"])
        .arg(folder.join(load.request.script()))
        .args(urls.first());
    command.env("FIXTURE", folder.join("fixture.txt")).env("RUN", Uuid::new_v4().to_string());
    command.env("ADDRESSES", urls.join(" ").replace("http://", ""));
    command.envs(load.request.setting());
    let printed = WRK.output(command).await?;
    parse(&printed).ok_or_else(|| WRK.no_result(printed))
}

fn parse(printed: &str) -> Option<WrkResult> {
    let line = printed.lines().find_map(|line| line.strip_prefix("RESULT "))?;
    serde_json::from_str(line).ok()
}

impl Request {
    fn script(self) -> &'static str {
        match self {
            Self::Order | Self::AwaitedOrder => "orders.lua",
            Self::OrderEvery(_) => "paced.lua",
            Self::Product => "products.lua",
        }
    }

    /// Read by the script.
    fn setting(self) -> Option<(&'static str, String)> {
        match self {
            Self::Order | Self::Product => None,
            Self::AwaitedOrder => Some(("PREFER", "wait=30".to_owned())),
            Self::OrderEvery(gap) => Some(("GAP_MICROS", (gap.as_secs_f64() * 1e6).to_string())),
        }
    }
}

impl Fixture {
    fn text(&self) -> String {
        let bodies = self
            .skus
            .iter()
            .map(|sku| serde_json::json!({"items": [{"sku": sku, "quantity": 1}]}).to_string());
        [self.tokens.join("\n"), bodies.collect::<Vec<_>>().join("\n")].join("\n\n") + "\n"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: &str = "Running 2s test @ http://127.0.0.1:8001
  1 threads and 64 connections
RESULT {\"sent\":1264,\"requests\":1200,\"refused\":200,\"broken\":1,\"micros\":2000000,\"p50\":1500,\"p95\":2500,\"p99\":9000}
";

    #[test]
    fn what_wrk_prints_is_read_and_refusals_do_not_count_as_accepted() {
        let outcome = parse(SAID).expect("a result");
        assert_eq!((outcome.sent, outcome.good(), outcome.broken), (1264, 1000, 1));
        assert!((outcome.per_second() - 500.0).abs() < 1e-9);
        assert!((outcome.milliseconds()[2] - 9.0).abs() < 1e-9);
        assert_eq!(parse("unable to connect"), None);
    }

    #[test]
    fn the_fixture_has_two_parts_as_the_scripts_read_them() {
        let list = |items: &[&str]| items.iter().map(|item| (*item).to_owned()).collect::<Vec<_>>();
        let text = Fixture { tokens: list(&["a", "b"]), skus: list(&["S"]) }.text();
        assert_eq!(text, "a\nb\n\n{\"items\":[{\"quantity\":1,\"sku\":\"S\"}]}\n");
    }
}
