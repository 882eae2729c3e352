//! The proxy of deploy/haproxy before a stand-in for the services.

use std::{fs, path::Path, process::Stdio, sync::Arc};

use e2e::{HttpResponse, eventually, send};
use servers::ports::free_port;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    sync::{Notify, mpsc},
    task::JoinSet,
};

use crate::{Authority, SOON};

struct Proxy {
    port: u16,
    tls_port: u16,
    /// Heads of the requests that arrived behind the proxy.
    heads: mpsc::UnboundedReceiver<String>,
    /// Sends the second event of a stream.
    second_event: Arc<Notify>,
    stand_in: JoinSet<()>,
    _haproxy: Child,
    _folder: TempDir,
}

impl Proxy {
    async fn start() -> Self {
        let (sender, heads) = mpsc::unbounded_channel();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let upstream = listener.local_addr().expect("its address").to_string();
        let mut stand_in = JoinSet::new();
        let second_event = Arc::<Notify>::default();
        stand_in.spawn(answer_all(listener, sender, Arc::clone(&second_event)));
        let folder = tempfile::tempdir().expect("a folder");
        let (port, tls_port) = (free_port().expect("a port"), free_port().expect("a port"));
        let certificate = folder.path().join("server.pem");
        fs::write(&certificate, Authority::new().pair()).expect("it is written");
        let file = folder.path().join("haproxy.cfg");
        fs::write(&file, here(port, tls_port, &upstream, &certificate)).expect("it is written");
        let haproxy = Command::new("haproxy")
            .args(["-db", "-f"])
            .arg(file)
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("haproxy, of the Debian package of that name");
        let proxy =
            Self { port, tls_port, heads, second_event, stand_in, _haproxy: haproxy, _folder: folder };
        let ready = async || match proxy.get("/users").await.status {
            200 => Ok(()),
            status => Err(status),
        };
        eventually("the proxy finds the stand-in", SOON, async || {
            TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string()).map(drop)?;
            ready().await.map_err(|status| status.to_string())
        })
        .await;
        proxy
    }

    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        reqwest::Client::new().get(format!("http://127.0.0.1:{}{path}", self.port))
    }

    async fn get(&self, path: &str) -> HttpResponse {
        send(self.request(path)).await.expect("an answer")
    }

    /// The head of the request with `path` behind the proxy.
    async fn head_of(&mut self, path: &str) -> String {
        loop {
            let head = self.heads.recv().await.expect("a request");
            if head.starts_with(&format!("GET {path} ")) {
                return head.to_lowercase();
            }
        }
    }
}

/// The shipped configuration, with addresses of this machine for those of Compose.
fn here(port: u16, tls_port: u16, upstream: &str, certificate: &Path) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/haproxy/haproxy.cfg");
    let shipped = fs::read_to_string(path).expect("the configuration");
    let line = |line: &str| match line.trim().split_once(' ') {
        Some(("server-template", _)) => format!("    server one {upstream}"),
        _ => line.replace(" resolvers docker init-addr none", ""),
    };
    let lines: Vec<String> = shipped.lines().map(line).collect();
    let text = lines.join("\n") + "\n";
    text.replace("bind :8080", &format!("bind 127.0.0.1:{port}"))
        .replace("bind :8443", &format!("bind 127.0.0.1:{tls_port}"))
        .replace("/tls/server.pem", &certificate.display().to_string())
}

const FIRST_EVENT: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\
    Connection: close\r\n\r\n9\r\ndata: 1\n\n\r\n";
const SECOND_EVENT: &[u8] = b"9\r\ndata: 2\n\n\r\n0\r\n\r\n";

/// Answers every request with 200, and tells its head. A stream has two events.
async fn answer_all(listener: TcpListener, heads: mpsc::UnboundedSender<String>, second_event: Arc<Notify>) {
    let mut connections = JoinSet::new();
    while let Ok((mut connection, _)) = listener.accept().await {
        let heads = heads.clone();
        let second_event = Arc::clone(&second_event);
        connections.spawn(async move {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") && connection.read_buf(&mut head).await.is_ok_and(|n| n > 0) {}
            let head = String::from_utf8_lossy(&head).into_owned();
            let is_stream = head.starts_with("GET /orders/1/events ");
            _ = heads.send(head);
            if is_stream {
                _ = connection.write_all(FIRST_EVENT).await;
                second_event.notified().await;
                _ = connection.write_all(SECOND_EVENT).await;
                return;
            }
            _ = connection
                .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                .await;
        });
    }
}

#[tokio::test]
async fn the_proxy_lets_nobody_outside_name_a_trace() {
    let mut proxy = Proxy::start().await;
    let traced = proxy
        .request("/products/traced")
        .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
        .header("tracestate", "a=b")
        .header("baggage", "c=d")
        .header("X-Request-Id", "my-own-id");
    let answer = send(traced).await.expect("an answer");
    let head = proxy.head_of("/products/traced").await;
    assert!(!["traceparent", "tracestate", "baggage"].iter().any(|name| head.contains(name)), "{head}");
    assert!(head.contains("x-request-id: my-own-id\r\n"), "{head}");
    assert_eq!(answer.header("x-request-id"), "my-own-id");
}

#[tokio::test]
async fn a_request_has_one_id_in_front_of_the_proxy_and_behind_it() {
    let mut proxy = Proxy::start().await;
    let answer = proxy.get("/products/none").await;
    let id = answer.header("x-request-id");
    let head = proxy.head_of("/products/none").await;
    assert!(id.len() == 36 && head.contains(&format!("x-request-id: {id}\r\n")), "{id}: {head}");
    let odd = proxy.request("/products/odd").header("X-Request-Id", "\"quoted\"");
    let answer = send(odd).await.expect("an answer");
    assert_eq!(answer.header("x-request-id").len(), 36, "an id that JSON would mind is replaced");
    let twice = proxy.request("/products/two").header("X-Request-Id", "a").header("X-Request-Id", "b");
    assert_eq!(send(twice).await.expect("an answer").header("x-request-id").len(), 36);
}

#[tokio::test]
async fn what_is_inside_is_not_found_through_the_proxy() {
    let mut proxy = Proxy::start().await;
    for path in ["/ops/streams", "/metrics", "/readyz", "/oauth/token", "/oauth%2Ftoken", "/openapi.json"] {
        proxy.get(path).await.problem(404, "not-found");
    }
    proxy.get("/users").await.expect(200);
    while let Ok(head) = proxy.heads.try_recv() {
        let is_probe = head.starts_with("GET /readyz ") || head.starts_with("GET /console/healthz ");
        assert!(is_probe || head.starts_with("GET /users "), "{head}");
    }
}

#[tokio::test]
async fn an_answer_of_the_proxy_itself_is_a_problem_with_a_request_id() {
    let mut proxy = Proxy::start().await;
    proxy.stand_in.abort_all();
    let unavailable = async || match proxy.get("/users").await {
        answer if answer.status == 503 => Ok(answer),
        answer => Err(answer.status),
    };
    let answer = eventually("nobody can be asked", SOON, unavailable).await;
    answer.problem(503, "unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("strict-transport-security"), "", "this was plain HTTP");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
}

#[tokio::test]
async fn the_proxy_speaks_tls_and_asks_to_be_called_with_it_from_then_on() {
    let proxy = Proxy::start().await;
    let output = Command::new("curl")
        .args(["--silent", "--insecure", "--http2", "--include"])
        .arg(format!("https://127.0.0.1:{}/ops/streams", proxy.tls_port))
        .output()
        .await
        .expect("curl");
    let answer = String::from_utf8_lossy(&output.stdout).to_lowercase();
    assert!(answer.starts_with("http/2 404"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000"), "{answer}");
}

#[tokio::test]
async fn the_proxy_passes_events_on_as_they_come() {
    let proxy = Proxy::start().await;
    let mut stream = proxy.request("/orders/1/events").send().await.expect("an answer");
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut next = async || {
        let chunk =
            tokio::time::timeout(SOON, stream.chunk()).await.expect("in time").expect("a whole answer");
        chunk.map(|chunk| String::from_utf8_lossy(&chunk).into_owned())
    };
    assert_eq!(next().await.as_deref(), Some("data: 1\n\n"));
    proxy.second_event.notify_one();
    assert_eq!(next().await.as_deref(), Some("data: 2\n\n"));
    assert_eq!(next().await, None);
}
