use std::process::Stdio;

use ctl::{
    api::http_client,
    stack::{Kind, Stack},
};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{Metrics, SOON, service_binaries};

/// `shopctl verify --watch` beside a stack.
pub struct Verifier {
    /// `http://127.0.0.1:41234`
    pub url: String,
    program: Child,
}

impl Verifier {
    /// With `arguments` after `--watch`.
    pub async fn start(stack: &Stack, arguments: &[&str]) -> Self {
        let mut command = Command::new(service_binaries().join("shopctl"));
        command
            .args(["verify", "--watch", "--bind", "127.0.0.1:0", "--data-dir", "/nowhere"])
            .args(arguments);
        for kind in Kind::ALL {
            command.arg(format!("--{kind}-database-url")).arg(stack.database_url(kind));
        }
        command.arg("--redis-url").arg(stack.redis_url());
        let mut program = command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("it starts");
        let mut lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
        let line = lines.next_line().await.expect("readable").expect("its address, before it ends");
        let (_, url) = line.split_once("the verifier is at ").expect("its address");
        Self { url: url.trim_end_matches("/invariants").to_owned(), program }
    }

    /// The answer of `/invariants`.
    pub async fn verdicts(&self) -> Value {
        serde_json::from_str(&self.page("/invariants").await.1).expect("JSON")
    }

    pub async fn metrics(&self) -> Metrics {
        Metrics::new(self.page("/metrics").await.1)
    }

    /// Status and body.
    pub async fn page(&self, path: &str) -> (u16, String) {
        let http = http_client().timeout(SOON).build().expect("a client");
        let answer = http.get(format!("{}{path}", self.url)).send().await.expect("an answer");
        (answer.status().as_u16(), answer.text().await.expect("text"))
    }

    /// For a signal.
    pub fn pid(&self) -> u32 {
        self.program.id().expect("it runs")
    }

    /// The exit code, once it has ended.
    pub async fn ended(mut self) -> Option<i32> {
        let status = tokio::time::timeout(SOON, self.program.wait()).await.expect("it ends");
        status.expect("a status").code()
    }
}

/// The ids of the invariants with this verdict.
pub fn with_verdict(verdicts: &Value, verdict: &str) -> Vec<String> {
    let all = verdicts["invariants"].as_array().expect("a list");
    let chosen = all.iter().filter(|invariant| invariant["verdict"] == verdict);
    chosen.map(|invariant| invariant["id"].as_str().expect("an id").to_owned()).collect()
}
