//! Clients that take their time, over raw sockets: no client library sends such things.

use std::time::Duration;

use ctl::stack::{Kind, StackOptions};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use e2e::{SOON, Shop, eventually, with_settings};

const LOGIN: &str = "POST /auth/login HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n";
const HEALTH: &str = "GET /health HTTP/1.1\r\nhost: shop\r\n\r\n";

fn impatient(options: StackOptions) -> StackOptions {
    let short = [("HEAD_TIMEOUT", "3s"), ("KEEP_ALIVE", "8s"), ("BODY_TIMEOUT", "3s")];
    with_settings(options, Kind::User, &short)
}

struct Wire(TcpStream);

impl Wire {
    async fn to(shop: &Shop) -> Self {
        let address = shop.stack.first(Kind::User).expect("it runs").http_addr();
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    async fn send(mut self, text: &str) -> Self {
        self.0.write_all(text.as_bytes()).await.expect("sent");
        self
    }

    /// Reads one answer without a body's end being the connection's.
    async fn read_until(&mut self, end: &str) -> String {
        let mut text = String::new();
        while !text.contains(end) {
            let mut part = [0; 4096];
            let read = timeout(SOON, self.0.read(&mut part)).await.expect("in time").expect("read");
            assert!(read > 0, "closed after {text:?}");
            text.push_str(&String::from_utf8_lossy(&part[..read]));
        }
        text
    }

    /// All answers until the service closes, which it must.
    async fn until_closed(self) -> String {
        self.drip_until_closed("").await
    }

    /// Sends `piece` again and again meanwhile.
    async fn drip_until_closed(self, piece: &str) -> String {
        let (mut from, mut to) = self.0.into_split();
        let read = async {
            let mut heard = Vec::new();
            let mut part = [0; 4096];
            // A reset ends the connection too.
            while let Ok(read @ 1..) = from.read(&mut part).await {
                heard.extend_from_slice(&part[..read]);
            }
            String::from_utf8_lossy(&heard).into_owned()
        };
        let drip = async {
            while to.write_all(piece.as_bytes()).await.is_ok() {
                sleep(Duration::from_millis(50)).await;
            }
            std::future::pending::<()>().await
        };
        tokio::select! {
            heard = timeout(SOON, read) => heard.expect("the service closes the connection"),
            () = drip => unreachable!(),
        }
    }
}

/// The last of the answers is this problem.
#[track_caller]
fn assert_problem(answers: &str, status: u16, code: &str) {
    let last = answers.rfind("HTTP/1.1 ").map(|start| &answers[start..]).unwrap_or_default();
    let (head, body) = last.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {answers:?}"));
    let problem: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answers:?}"));
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answers}");
    assert!(head.contains("\r\ncontent-type: application/problem+json"), "{head}");
    assert!(head.contains("\r\nconnection: close"), "{head}");
    assert_eq!((problem["status"].as_u64(), problem["code"].as_str()), (Some(status.into()), Some(code)));
    let id = problem["request_id"].as_str().expect("an id");
    assert!(!id.is_empty() && head.contains(&format!("\r\nx-request-id: {id}")), "{head}");
}

#[tokio::test]
async fn a_head_that_does_not_end_is_answered_408_and_the_connection_is_closed() {
    let shop = Shop::open_with(impatient).await;
    let half = "GET /health HTTP/1.1\r\nhost: sh";
    assert_problem(&Wire::to(&shop).await.send(half).await.until_closed().await, 408, "head-timeout");
    let dripping = Wire::to(&shop).await.send(half).await.drip_until_closed("o").await;
    assert_problem(&dripping, 408, "head-timeout");
}

#[tokio::test]
async fn so_is_the_second_head_of_a_connection() {
    let shop = Shop::open_with(impatient).await;
    let mut wire = Wire::to(&shop).await.send(HEALTH).await;
    assert!(wire.read_until("\"healthy\"}").await.starts_with("HTTP/1.1 200 "));
    let answers = wire.send("GET /health HTTP/1.1\r\nhost: sh").await.drip_until_closed("o").await;
    assert_problem(&answers, 408, "head-timeout");
    let pipelined = format!("{HEALTH}GET /health HTTP/1.1\r\nhost: sh");
    let answers = Wire::to(&shop).await.send(&pipelined).await.drip_until_closed("o").await;
    assert!(answers.starts_with("HTTP/1.1 200 "), "{answers}");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let shop = Shop::open_with(impatient).await;
    Wire::to(&shop).await.until_closed().await;
    let answers = Wire::to(&shop).await.send(HEALTH).await.until_closed().await;
    assert!(answers.starts_with("HTTP/1.1 200 ") && answers.ends_with("\"healthy\"}"), "{answers}");
}

#[tokio::test]
async fn a_body_that_drips_is_answered_408_and_the_connection_is_closed() {
    let shop = Shop::open_with(impatient).await;
    let chunked = format!("{LOGIN}transfer-encoding: chunked\r\n\r\n");
    let answers = Wire::to(&shop).await.send(&chunked).await.drip_until_closed("1\r\n \r\n").await;
    assert_problem(&answers, 408, "body-timeout");
    let sized = format!("{LOGIN}content-length: 60000\r\n\r\n");
    let answers = Wire::to(&shop).await.send(&sized).await.drip_until_closed(" ").await;
    assert_problem(&answers, 408, "body-timeout");
}

#[tokio::test]
async fn a_body_that_nobody_reads_holds_no_connection() {
    let shop = Shop::open_with(impatient).await;
    let chunked = "GET /health HTTP/1.1\r\nhost: shop\r\ntransfer-encoding: chunked\r\n\r\n";
    let answers = Wire::to(&shop).await.send(chunked).await.drip_until_closed("1\r\n \r\n").await;
    assert!(answers.starts_with("HTTP/1.1 200 "), "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "the rest of a body gets no answer: {answers}");
}

#[tokio::test]
async fn a_head_over_16_kib_is_answered_431() {
    let shop = Shop::open().await;
    let padded =
        |bytes: usize| format!("GET /health HTTP/1.1\r\nhost: shop\r\nx-pad: {}\r\n\r\n", "x".repeat(bytes));
    for bytes in [17 << 10, 100 << 10, 200 << 10] {
        let (mut from, mut to) = Wire::to(&shop).await.0.into_split();
        let text = padded(bytes);
        // The answer may come before the end of the head.
        let write = async { to.write_all(text.as_bytes()).await.unwrap_or_default() };
        let mut answer = Vec::new();
        let read = async { from.read_to_end(&mut answer).await.unwrap_or_default() };
        timeout(SOON, async { tokio::join!(write, read) }).await.expect("the service closes the connection");
        assert_problem(&String::from_utf8_lossy(&answer), 431, "head-too-large");
    }
    let uri = format!("GET /users?cursor={} HTTP/1.1\r\nhost: shop\r\n\r\n", "x".repeat(17 << 10));
    let answer = Wire::to(&shop).await.send(&uri).await.until_closed().await;
    assert_problem(&answer, 431, "head-too-large");
    let just = Wire::to(&shop).await.send(&padded(15 << 10)).await.until_closed().await;
    assert!(just.starts_with("HTTP/1.1 200 "), "{just}");
}

#[tokio::test]
async fn what_is_no_http_is_a_problem_with_a_request_id() {
    let shop = Shop::open().await;
    let answer = Wire::to(&shop).await.send("nonsense\r\n\r\n").await.until_closed().await;
    assert_problem(&answer, 400, "malformed-request");
}

#[tokio::test]
async fn a_body_whose_chunks_cannot_be_read_is_a_problem() {
    let shop = Shop::open().await;
    let request = format!("{LOGIN}transfer-encoding: chunked\r\n\r\nZZ\r\n");
    assert_problem(&Wire::to(&shop).await.send(&request).await.until_closed().await, 400, "broken-body");
}

#[tokio::test]
async fn what_is_no_http_behind_a_good_request_is_a_problem_too() {
    let shop = Shop::open().await;
    let request = format!("{HEALTH}this is no HTTP\r\n\r\n");
    let answers = Wire::to(&shop).await.send(&request).await.until_closed().await;
    let (first, second) = answers.split_at(answers.rfind("HTTP/1.1 ").expect("an answer"));
    assert!(first.starts_with("HTTP/1.1 200 "), "{answers}");
    assert_problem(second, 400, "malformed-request");
}

#[tokio::test]
async fn one_source_holds_a_share_of_the_connections() {
    let limits = [("CONNECTIONS_PER_SOURCE", "40"), ("HEAD_TIMEOUT", "60s")];
    let change = |options: StackOptions| with_settings(options, Kind::User, &limits);
    let shop = Shop::open_with(change).await;
    let mut held = Vec::new();
    for _ in 0..60 {
        let mut wire = Wire::to(&shop).await;
        // Refused connections end; the others wait for more.
        _ = wire.0.write_all(b"GET /health HT").await;
        held.push(wire);
    }
    let refused = async || {
        let mut refused = 0;
        for wire in &mut held {
            let mut byte = [0];
            let ended = timeout(Duration::from_millis(10), wire.0.read(&mut byte)).await.is_ok();
            refused += usize::from(ended);
        }
        if (20..60).contains(&refused) { Ok(()) } else { Err(refused) }
    };
    eventually("those beyond its share are refused", SOON, refused).await;
    drop(held);
    let works = async || {
        let answer = shop.user.anonymous().request(reqwest::Method::GET, Kind::User, "/health").send().await;
        answer.map(drop).map_err(|error| error.to_string())
    };
    eventually("others get in again", SOON, works).await;
}
