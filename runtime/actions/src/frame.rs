//! Frames: a message of [`crate::wire`] behind its length in four bytes, little-endian. What cannot be read ends the
//! connection; nothing is skipped and nothing is guessed.

use serde::Serialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

/// Longest frame that a host takes from a worker, in bytes: the largest request of `api.fetch` or the largest output,
/// with room for what stands around it.
pub const LONGEST_FROM_WORKER: usize = 1 << 20;
/// Longest frame that a worker takes from its host, in bytes: an Action's code, or an answer to `api.fetch`.
pub const LONGEST_FROM_HOST: usize = 32 << 20;
const LENGTH: usize = 4;
const CHUNK: usize = 16 << 10;

/// Why what came in is no frame.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// It announces more than anyone may send.
    #[error("a frame of {0} bytes")]
    TooLong(usize),
    /// Its bytes are not a message, or more than one.
    #[error("a frame that is no message")]
    Malformed,
}

/// Bytes that came in and are not read yet.
#[derive(Debug, Default)]
pub struct Inbox {
    bytes: Vec<u8>,
    /// Where the unread ones begin.
    start: usize,
    /// Where they end; what follows is room.
    end: usize,
}

/// Appends a message as a frame.
///
/// # Errors
/// A message that cannot be written as one.
pub fn push(message: &impl Serialize, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let start = out.len();
    out.extend_from_slice(&[0; LENGTH]);
    let written = postcard::to_extend(message, std::mem::take(out)).map_err(|_| FrameError::Malformed)?;
    *out = written;
    let length = out.len() - start - LENGTH;
    let bytes = u32::try_from(length).map_err(|_| FrameError::TooLong(length))?.to_le_bytes();
    if let Some(place) = out.get_mut(start..start + LENGTH) {
        place.copy_from_slice(&bytes);
    }
    Ok(())
}

impl Inbox {
    /// Room to read into; [`Inbox::filled`] says how much of it was used.
    pub fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.bytes.len() - self.end < CHUNK {
            self.bytes.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            self.bytes.resize(self.end + CHUNK.max(self.end), 0);
        }
        self.bytes.get_mut(self.end..).unwrap_or_default()
    }

    /// So many bytes of the room hold what came in.
    pub fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.bytes.len());
    }

    /// Whether nothing is left unread.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// The next message, where all of it is here.
    ///
    /// # Errors
    /// Bytes that no honest peer sends: the connection is of no more use.
    pub fn next<T: DeserializeOwned>(&mut self, longest: usize) -> Result<Option<T>, FrameError> {
        let unread = self.bytes.get(self.start..self.end).unwrap_or_default();
        let Some((length, rest)) = unread.split_first_chunk::<LENGTH>() else { return Ok(None) };
        let length = u32::from_le_bytes(*length) as usize;
        if length > longest {
            return Err(FrameError::TooLong(length));
        }
        let Some(body) = rest.get(..length) else { return Ok(None) };
        let (message, left) = postcard::take_from_bytes(body).map_err(|_| FrameError::Malformed)?;
        if !left.is_empty() {
            return Err(FrameError::Malformed);
        }
        self.start += LENGTH + length;
        Ok(Some(message))
    }

    /// Gives back what a large frame took, once all is read.
    pub fn shrink(&mut self) {
        if self.is_empty() && self.bytes.len() > 4 * CHUNK {
            *self = Self::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::FromWorker;

    #[test]
    fn frames_come_out_as_they_went_in_however_they_are_cut() {
        let mut bytes = Vec::new();
        for cpu in 0..50 {
            push(&FromWorker::Done { outcome: Err(crate::wire::Failure::TimedOut), cpu }, &mut bytes).unwrap();
        }
        for step in [1, 2, 3, 7, bytes.len()] {
            let mut inbox = Inbox::default();
            let mut found = Vec::new();
            for part in bytes.chunks(step) {
                inbox.room()[..part.len()].copy_from_slice(part);
                inbox.filled(part.len());
                while let Some(message) = inbox.next::<FromWorker>(100).unwrap() {
                    let FromWorker::Done { cpu, .. } = message else { panic!("{message:?}") };
                    found.push(cpu);
                }
            }
            assert_eq!(found, (0..50).collect::<Vec<_>>(), "in parts of {step}");
            assert!(inbox.is_empty());
        }
    }

    #[test]
    fn what_no_honest_peer_sends_is_refused() {
        let read = |bytes: &[u8]| {
            let mut inbox = Inbox::default();
            inbox.room()[..bytes.len()].copy_from_slice(bytes);
            inbox.filled(bytes.len());
            inbox.next::<FromWorker>(100).map(|message| message.is_some())
        };
        assert_eq!(read(&[101, 0, 0, 0]), Err(FrameError::TooLong(101)));
        assert_eq!(read(&[255; 4]), Err(FrameError::TooLong(u32::MAX as usize)));
        assert_eq!(read(&[0, 0, 0, 0]), Err(FrameError::Malformed), "empty");
        assert_eq!(read(&[1, 0, 0, 0, 9]), Err(FrameError::Malformed), "no such message");
        assert_eq!(read(&[3, 0, 0, 0, 0, 0, 0]), Err(FrameError::Malformed), "more than a message");
        assert_eq!(read(&[2, 0, 0, 0, 0, 0]), Ok(true));
        assert_eq!(read(&[2, 0, 0, 0, 0]), Ok(false), "not all of it");
    }
}
