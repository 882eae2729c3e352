//! A stand-in for an OpenTelemetry collector, over OTLP/HTTP.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest,
    common::v1::{KeyValue, any_value::Value},
    trace::v1::Span as Message,
};
use prost::Message as _;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

#[derive(Debug, Clone)]
pub struct Span {
    pub service: String,
    pub name: String,
    pub trace: String,
    pub id: String,
    /// Empty for a root span.
    pub parent: String,
    /// As in OTLP: 1 internal, 2 server, 4 producer, 5 consumer.
    pub kind: i32,
    pub failed: bool,
    pub attributes: BTreeMap<String, String>,
}

pub struct Collector {
    address: SocketAddr,
    received: Arc<Mutex<Received>>,
    _serving: JoinSet<()>,
}

#[derive(Debug, Default)]
struct Received {
    spans: Vec<Span>,
    /// Future requests to answer with 503.
    busy: usize,
}

impl Collector {
    pub async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let received = Arc::<Mutex<Received>>::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&received)));
        Self { address, received, _serving: serving }
    }

    /// Answers the next `times` requests with 503.
    pub fn is_busy(&self, times: usize) {
        self.received.lock().expect("no panic inside").busy = times;
    }

    pub fn busy_left(&self) -> usize {
        self.received.lock().expect("no panic inside").busy
    }

    /// For `OTLP_ENDPOINT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn spans(&self) -> Vec<Span> {
        self.received.lock().expect("no panic inside").spans.clone()
    }
}

async fn serve(listener: TcpListener, received: Arc<Mutex<Received>>) {
    let mut connections = JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        let received = Arc::clone(&received);
        connections.spawn(async move { serve_connection(connection, &received).await.unwrap_or_default() });
    }
}

async fn serve_connection(connection: TcpStream, received: &Mutex<Received>) -> std::io::Result<()> {
    let mut connection = BufReader::new(connection);
    loop {
        let mut head = Vec::new();
        let mut length = 0;
        loop {
            let mut line = String::new();
            if connection.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.parse().expect("a number");
            }
            head.push(line);
        }
        let mut body = vec![0; length];
        connection.read_exact(&mut body).await?;
        assert_eq!(head[0], "post /v1/traces http/1.1");
        assert!(head.contains(&"content-type: application/x-protobuf".to_owned()), "{head:?}");
        let status = received.lock().expect("no panic inside").take(&body);
        connection.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes()).await?;
    }
}

impl Received {
    fn take(&mut self, body: &[u8]) -> &'static str {
        if self.busy > 0 {
            self.busy -= 1;
            return "503 Service Unavailable";
        }
        let request = ExportTraceServiceRequest::decode(body).expect("protobuf");
        for resource in request.resource_spans {
            let about = attributes(&resource.resource.expect("a resource").attributes);
            let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.spans.extend(spans.map(|span| read(&about["service.name"], &span)));
        }
        "200 OK"
    }
}

fn read(service: &str, span: &Message) -> Span {
    assert!(
        0 < span.start_time_unix_nano && span.start_time_unix_nano <= span.end_time_unix_nano,
        "{span:?}"
    );
    Span {
        service: service.to_owned(),
        name: span.name.clone(),
        trace: hexadecimal(&span.trace_id),
        id: hexadecimal(&span.span_id),
        parent: hexadecimal(&span.parent_span_id),
        kind: span.kind,
        failed: span.status.as_ref().is_some_and(|status| status.code == 2),
        attributes: attributes(&span.attributes),
    }
}

fn attributes(list: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &KeyValue| match value.value.as_ref().and_then(|value| value.value.clone()) {
        Some(Value::StringValue(text)) => text,
        Some(Value::IntValue(number)) => number.to_string(),
        other => panic!("unexpected attribute {other:?}"),
    };
    list.iter().map(|attribute| (attribute.key.clone(), text(attribute))).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
