use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::SystemTime,
};

use actix_web::{
    body::MessageBody,
    http::{StatusCode, header::HttpDate},
};
use tokio::io::AsyncWrite;
use uuid::Uuid;

use super::{Problem, edge, exchange::ConnectionLimits};

/// How every answer of actix-http itself begins.
const CLIENT_ERROR: &[u8] = b"HTTP/1.1 4";
const HEAD_END: &[u8] = b"\r\n\r\n";

/// The bytes of an answer to a request that no handler saw.
pub(super) struct Refusal {
    bytes: Vec<u8>,
    sent: usize,
}

impl Refusal {
    /// Replaces the answer of actix-http to what it cannot parse or wait for: it has no body and no request id. It
    /// is the last one in `bytes`, behind those to pipelined requests.
    pub(super) fn instead_of(bytes: &[u8], limits: &ConnectionLimits, is_encrypted: bool) -> Option<Self> {
        // Most answers end with their body.
        let heads = bytes.strip_suffix(HEAD_END)?;
        let begin = heads.windows(CLIENT_ERROR.len()).rposition(|part| part == CLIENT_ERROR)?;
        let head = str::from_utf8(&heads[begin..]).ok()?;
        if !head.contains("\r\ncontent-length: 0") || head.contains("\r\nx-request-id: ") {
            return None;
        }
        let status = StatusCode::from_bytes(head.as_bytes().get(9..12)?).ok()?;
        let refusal = Self::new(&problem(status, limits)?, is_encrypted);
        Some(Self { bytes: [&bytes[..begin], &refusal.bytes].concat(), sent: 0 })
    }

    /// 408.
    pub(super) fn late(limits: &ConnectionLimits, is_encrypted: bool) -> Self {
        Self::new(&late(limits), is_encrypted)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn poll_write<T: AsyncWrite>(
        &mut self,
        mut io: Pin<&mut T>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while self.sent < self.bytes.len() {
            match ready!(io.as_mut().poll_write(cx, &self.bytes[self.sent..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                sent => self.sent += sent,
            }
        }
        Poll::Ready(Ok(()))
    }

    fn new(problem: &Problem, is_encrypted: bool) -> Self {
        let request_id = Uuid::now_v7().to_string();
        let mut response = problem.clone().answer(&request_id);
        edge::set_headers(response.headers_mut(), &request_id, is_encrypted);
        let (response, body) = response.into_parts();
        let body = body.try_into_bytes().unwrap_or_default();
        let status = response.status();
        let reason = status.canonical_reason().unwrap_or_default();
        let mut bytes = format!("HTTP/1.1 {} {reason}\r\n", status.as_u16()).into_bytes();
        for (name, value) in response.headers() {
            line(&mut bytes, name.as_str(), value.as_bytes());
        }
        line(&mut bytes, "content-length", body.len().to_string().as_bytes());
        line(&mut bytes, "connection", b"close");
        line(&mut bytes, "date", HttpDate::from(SystemTime::now()).to_string().as_bytes());
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&body);
        Self { bytes, sent: 0 }
    }
}

fn line(bytes: &mut Vec<u8>, name: &str, value: &[u8]) {
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\r\n");
}

fn problem(status: StatusCode, limits: &ConnectionLimits) -> Option<Problem> {
    match status {
        StatusCode::BAD_REQUEST => {
            Some(Problem::new(status, "malformed-request", "The request cannot be read as HTTP."))
        }
        StatusCode::REQUEST_TIMEOUT => Some(late(limits)),
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Some(edge::head_too_large(limits.head_size)),
        _ => None,
    }
}

fn late(limits: &ConnectionLimits) -> Problem {
    let detail = format!("The head of the request did not arrive within {:?}.", limits.head_time);
    Problem::new(StatusCode::REQUEST_TIMEOUT, "head-timeout", detail)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LIMITS: ConnectionLimits = ConnectionLimits {
        keep_alive: Duration::from_secs(5),
        head_time: Duration::from_secs(5),
        between: Duration::from_secs(10),
        head_size: 16384,
        closing: Duration::from_secs(1),
    };

    #[test]
    fn a_bare_answer_becomes_a_problem_and_every_other_one_stays() {
        let replacement = |answer: &str| {
            let refusal = Refusal::instead_of(answer.as_bytes(), &LIMITS, true)?;
            Some(String::from_utf8(refusal.bytes).unwrap())
        };
        let bare = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: today\r\n\r\n";
        let problem = replacement(bare).unwrap();
        assert!(problem.starts_with("HTTP/1.1 431 Request Header Fields Too Large\r\n"), "{problem}");
        assert!(
            problem.contains("\r\nx-request-id: ") && problem.contains("\"head-too-large\""),
            "{problem}"
        );
        assert!(problem.contains("\r\nstrict-transport-security: "), "{problem}");
        let good = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        let pipelined = replacement(&format!("{good}{bare}")).unwrap();
        assert!(pipelined.starts_with(&format!("{good}HTTP/1.1 431 ")), "{pipelined}");
        assert!(pipelined.ends_with('}') && pipelined.contains("\"head-too-large\""), "{pipelined}");
        for other in [
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nx-request-id: r-1\r\n\r\n",
            "HTTP/1.1 408 Request Timeout\r\ncontent-length: 2\r\n\r\n{}",
            "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n",
        ] {
            assert_eq!(replacement(other), None, "{other}");
        }
    }
}
