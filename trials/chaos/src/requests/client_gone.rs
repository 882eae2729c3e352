//! F14: a client that vanishes in the middle of a request. Whatever the service made of it, a retry with the
//! same key gets the one order.

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

/// For the first byte of the answer: twice the 5 s no request may exceed.
const FIRST_BYTE_WITHIN: Duration = Duration::from_secs(10);

/// How far a request gets before its client is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Nothing was sent.
    Connected,
    /// Half of the headers.
    HalfHeaders,
    /// The headers and half of the body.
    HalfBody,
    /// All of it.
    Sent,
    /// All of it, and one byte of the answer was read.
    FirstByte,
}

impl Phase {
    /// All of them, in order.
    pub const ALL: [Self; 5] =
        [Self::Connected, Self::HalfHeaders, Self::HalfBody, Self::Sent, Self::FirstByte];

    /// How many bytes are sent of a head and a body of these lengths.
    fn bytes(self, head: usize, body: usize) -> usize {
        match self {
            Self::Connected => 0,
            Self::HalfHeaders => head / 2,
            Self::HalfBody => head + body / 2,
            Self::Sent | Self::FirstByte => head + body,
        }
    }
}

/// What the retry got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ClientGone {
    /// Where the first client vanished.
    pub phase: Phase,
    /// The order that belongs to the key now.
    pub order: Uuid,
    /// The order was placed by the client that vanished, not by the retry.
    pub was_placed: bool,
}

/// Sends an order, vanishes (with a reset) at `phase`, and asks again with the same key until the outcome is
/// known.
///
/// # Errors
/// [`RequestError::NoOrder`] when the retry is refused; [`RequestError::NeverKnown`], [`RequestError::Log`].
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
    // Dropped now, it sends RST.
    stream.set_zero_linger()
}
