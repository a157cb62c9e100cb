//! The host's end of a worker's socket: registered with the runtime that uses it, and moved when another does.

use std::io;
use std::os::unix::net::UnixStream;

use tokio::runtime::{Handle, Id};

/// A stream that does not block.
#[derive(Debug)]
pub(crate) enum Socket {
    /// There is none.
    None,
    /// No runtime knows it.
    Idle(UnixStream),
    /// A runtime watches it.
    Watched(tokio::net::UnixStream, Id),
}

impl Socket {
    /// The stream, watched by the runtime that asks.
    ///
    /// # Errors
    /// None is there, or the runtime cannot watch it.
    pub fn watched(&mut self) -> io::Result<&tokio::net::UnixStream> {
        let here = Handle::current().id();
        if !matches!(self, Self::Watched(_, id) if *id == here) {
            let stream = match std::mem::replace(self, Self::None) {
                Self::Idle(stream) => stream,
                Self::Watched(stream, _) => stream.into_std()?,
                Self::None => return Err(io::ErrorKind::NotConnected.into()),
            };
            *self = Self::Watched(tokio::net::UnixStream::from_std(stream)?, here);
        }
        match self {
            Self::Watched(stream, _) => Ok(stream),
            Self::None | Self::Idle(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}
