//! A connection that hears only so much, a line at a time.
//!
//! The library reads an answer of any length, and looks at all of it again with each line, so that a server could keep a thread
//! busy for as long as it likes. And it keeps what it has read beyond an answer when TLS starts: what somebody on the way put
//! behind the `220` of `STARTTLS` would be taken for the server's own words under TLS (RFC 3207 section 5; CVE-2021-38371 and
//! its like). Of what comes, no more than the rest of a line is handed over, so that nothing is ever read beyond an answer; bytes that
//! came before TLS then meet the handshake, and end it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// Bytes that a server may say in one delivery, a chain of certificates included.
const MOST: usize = 24 << 10;
/// Bytes that are looked at for the end of a line.
const AT_ONCE: usize = 1024;

/// See the module.
#[derive(Debug)]
pub(super) struct Bounded {
    inner: TcpStream,
    left: usize,
}

impl Bounded {
    pub(super) fn new(inner: TcpStream) -> Self {
        Self { inner, left: MOST }
    }
}

impl AsyncRead for Bounded {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut seen = [0; AT_ONCE];
        let mut ahead = ReadBuf::new(&mut seen);
        let there = ready!(self.inner.poll_peek(cx, &mut ahead))?;
        // At its end, 0, which the read below finds again.
        let line = ahead.filled().iter().position(|byte| *byte == b'\n').map_or(there, |at| at.saturating_add(1));
        let mut part = buffer.take(line.max(1));
        ready!(Pin::new(&mut self.inner).poll_read(cx, &mut part))?;
        let read = part.filled().len();
        match self.left.checked_sub(read) {
            Some(left) => self.left = left,
            None => return Poll::Ready(Err(io::Error::other("the mail server says too much"))),
        }
        buffer.advance(read);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for Bounded {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.inner.peer_addr()
    }
}
