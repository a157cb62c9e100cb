//! The host's end of a worker's socket. An Action that only computes has answered before a runtime would have been told, so
//! its answer is waited for right here, briefly; a runtime watches the socket only while an Action takes longer.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::io::Interest;

/// A stream that does not block.
#[derive(Debug)]
pub(crate) enum Socket {
    /// There is none.
    None,
    /// No runtime knows it.
    Idle(UnixStream),
    /// A runtime watches it.
    Watched(tokio::net::UnixStream),
}

impl Socket {
    /// Writes what it takes.
    ///
    /// # Errors
    /// It takes nothing now ([`io::ErrorKind::WouldBlock`]), or ever again.
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None => Err(io::ErrorKind::NotConnected.into()),
            Self::Idle(stream) => {
                let mut stream = stream;
                stream.write(bytes)
            }
            Self::Watched(stream) => stream.try_write(bytes),
        }
    }

    /// Reads what it has.
    ///
    /// # Errors
    /// It has nothing now ([`io::ErrorKind::WouldBlock`]), or will never have.
    pub fn read(&self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::None => Err(io::ErrorKind::NotConnected.into()),
            Self::Idle(stream) => {
                let mut stream = stream;
                stream.read(room)
            }
            Self::Watched(stream) => stream.try_read(room),
        }
    }

    /// Blocks the thread until something is to be read, and says whether it is: so long at most.
    ///
    /// # Errors
    /// There is no socket.
    pub fn wait(&self, most: Duration) -> io::Result<bool> {
        let Self::Idle(stream) = self else { return Ok(false) };
        let most = Timespec { tv_sec: 0, tv_nsec: most.subsec_nanos().into() };
        match rustix::event::poll(&mut [PollFd::new(stream, PollFlags::IN)], Some(&most)) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Waits, watched by the runtime that asks, until it is worth trying again.
    ///
    /// # Errors
    /// None is there, or the runtime cannot watch it.
    pub async fn ready(&mut self, interest: Interest) -> io::Result<()> {
        if let Self::Idle(_) = self
            && let Self::Idle(stream) = std::mem::replace(self, Self::None)
        {
            *self = Self::Watched(tokio::net::UnixStream::from_std(stream)?);
        }
        match self {
            Self::Watched(stream) => stream.ready(interest).await.map(drop),
            Self::None | Self::Idle(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Tells the runtime that it need watch no longer.
    ///
    /// # Errors
    /// It does not let go.
    pub fn rest(&mut self) -> io::Result<()> {
        if let Self::Watched(_) = self
            && let Self::Watched(stream) = std::mem::replace(self, Self::None)
        {
            *self = Self::Idle(stream.into_std()?);
        }
        Ok(())
    }
}
