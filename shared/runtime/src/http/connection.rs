//! One accepted connection, with the time limits that actix-http lacks.
//!
//! ```text
//!              head complete          answer given
//!   Waiting ──────────────────> Busy ──────────────> Waiting, or Closing with `Connection: close`
//!      │ keep-alive + head-timeout                        │ 1 s
//!      └> 408 for half a head; closed                     └> closed
//! ```
//!
//! Guarantee: between two answers the time is bounded, whatever the client sends. actix-http limits the first head
//! only; without end it waits for the second one, reads a chunked body that nobody wants, and writes to a client
//! that does not read. A request in hand is bounded by `body-timeout` and `request-timeout`.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::{
    exchange::{ConnectionLimits, Exchange},
    refusal::Refusal,
};
use crate::limits::Share;

/// A stream that fails with `TimedOut` when its client takes too long.
pub(super) struct Connection<T> {
    io: T,
    exchange: Exchange,
    limits: ConnectionLimits,
    /// Set again only when it fires: most requests cost no change of a timer.
    timer: Option<Pin<Box<Sleep>>>,
    /// Replaces an answer of actix-http.
    refusal: Option<Refusal>,
    is_encrypted: bool,
    /// Of the connections of its source.
    _share: Option<Share<IpAddr>>,
}

impl<T: AsyncWrite + Unpin> Connection<T> {
    pub(super) fn new(
        io: T,
        limits: ConnectionLimits,
        is_encrypted: bool,
        share: Option<Share<IpAddr>>,
    ) -> Self {
        let exchange = Exchange::default();
        Self { io, exchange, limits, timer: None, refusal: None, is_encrypted, _share: share }
    }

    pub(super) fn io(&self) -> &T {
        &self.io
    }

    pub(super) fn exchange(&self) -> Exchange {
        self.exchange.clone()
    }

    /// Fails when the client is late.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let Some(deadline) = self.exchange.deadline(&self.limits) else { return Ok(()) };
        if self.is_past(deadline, cx) { Err(self.end(cx)) } else { Ok(()) }
    }

    /// A client that takes its bytes is not late.
    fn unless_late<R>(&mut self, cx: &mut Context<'_>, sent: Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        if sent.is_pending() {
            self.check(cx)?;
        }
        sent
    }

    /// Otherwise the task wakes up at `deadline`.
    fn is_past(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if timer.deadline() > deadline {
            timer.as_mut().reset(deadline);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() >= deadline {
                return true;
            }
            timer.as_mut().reset(deadline);
        }
        false
    }

    /// Answers half a head. The few bytes fit in the buffer of the socket, or the client reads nothing.
    fn end(&mut self, cx: &mut Context<'_>) -> io::Error {
        if self.exchange.has_half_a_head() {
            let answer = Refusal::late(&self.limits, self.is_encrypted);
            let mut io = Pin::new(&mut self.io);
            let _sent = io.as_mut().poll_write(cx, answer.bytes()).is_ready() && io.poll_flush(cx).is_ready();
        }
        io::ErrorKind::TimedOut.into()
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Connection<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.check(cx)?;
        let before = buf.filled().len();
        let read = ready!(Pin::new(&mut this.io).poll_read(cx, buf));
        if buf.filled().len() > before {
            this.exchange.hear();
        }
        Poll::Ready(read)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Connection<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if this.refusal.is_none() {
            this.refusal = Refusal::instead_of(bytes, &this.limits, this.is_encrypted);
        }
        if let Some(refusal) = &mut this.refusal {
            let sent = refusal.poll_write(Pin::new(&mut this.io), cx);
            ready!(this.unless_late(cx, sent))?;
            this.refusal = None;
            return Poll::Ready(Ok(bytes.len()));
        }
        let sent = Pin::new(&mut this.io).poll_write(cx, bytes);
        let sent = ready!(this.unless_late(cx, sent))?;
        this.exchange.send(sent);
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.unless_late(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let ended = Pin::new(&mut this.io).poll_shutdown(cx);
        this.unless_late(cx, ended)
    }
}
