//! F14: a client disconnects in the middle of a request. A retry with the same key gets the one order.

use std::{io, time::Duration};

use serde::Serialize;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use uuid::Uuid;

use super::{Caller, RequestError, caller::OrderResponse};

/// Twice the limit of 5 s of a request.
const FIRST_BYTE_WITHIN: Duration = Duration::from_secs(10);

/// The stage at which the client disconnects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before the first byte.
    Connected,
    HalfHeaders,
    HalfBody,
    Sent,
    /// After one byte of the response.
    FirstByte,
}

impl Phase {
    pub const ALL: [Self; 5] =
        [Self::Connected, Self::HalfHeaders, Self::HalfBody, Self::Sent, Self::FirstByte];

    fn bytes(self, head: usize, body: usize) -> usize {
        match self {
            Self::Connected => 0,
            Self::HalfHeaders => head / 2,
            Self::HalfBody => head + body / 2,
            Self::Sent | Self::FirstByte => head + body,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClientGone {
    pub phase: Phase,
    pub order: Uuid,
    /// The first client placed the order, and the retry replayed it.
    pub was_placed: bool,
}

/// Retries with the same key until the outcome is known.
pub async fn client_gone(
    caller: &Caller,
    payment: &[String],
    body: &Value,
    key: &str,
    phase: Phase,
) -> Result<ClientGone, RequestError> {
    let first = payment
        .first()
        .ok_or_else(|| RequestError::Client("there is no instance of payment to ask".to_owned()))?;
    let address = address(first)?;
    caller.log_send(key, body).await?;
    let gone = match vanish(&address, caller.token(), key, &body.to_string(), phase).await {
        Ok(()) => OrderResponse::lost("the client was gone"),
        Err(error) => OrderResponse::lost(&error.to_string()),
    };
    caller.log_answer(key, &gone).await?;
    let answer = caller.until_known(payment, 0, key, body, false).await?;
    let order = answer
        .order()
        .ok_or_else(|| RequestError::NoOrder { key: key.to_owned(), answer: answer.to_string() })?;
    Ok(ClientGone { phase, order, was_placed: answer.replayed })
}

/// `http://127.0.0.1:8001` -> `127.0.0.1:8001`
fn address(url: &str) -> Result<String, RequestError> {
    let parsed = reqwest::Url::parse(url).map_err(|error| RequestError::Client(format!("{url}: {error}")))?;
    match (parsed.host_str(), parsed.port_or_known_default()) {
        (Some(host), Some(port)) if parsed.scheme() == "http" => Ok(format!("{host}:{port}")),
        _ => Err(RequestError::Client(format!("{url}: only plain http can be cut off in the middle"))),
    }
}

async fn vanish(address: &str, token: &str, key: &str, body: &str, phase: Phase) -> io::Result<()> {
    let head = format!(
        "POST /orders HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nIdempotency-Key: {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let bytes = phase.bytes(head.len(), body.len());
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    stream.write_all(&format!("{head}{body}").as_bytes()[..bytes]).await?;
    if phase == Phase::FirstByte {
        _ = timeout(FIRST_BYTE_WITHIN, stream.read_u8()).await?;
    }
    // Dropping sends RST.
    stream.set_zero_linger()
}
