//! The file of a backup: a magic and a version, frames with their lengths before them, and a BLAKE3 hash over all of it at the end.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::{BackupError, Manifest};

const MAGIC: &[u8; 8] = b"ADMITBK\x01";
/// The longest frame that is read, in bytes: a bundle is the largest thing that a row holds.
const LONGEST: u32 = 256 * 1024 * 1024;

/// A part of a backup.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Frame {
    /// The rows that follow are of this table.
    Table {
        /// Its name.
        name: String,
        /// Its columns, in the order in which rows have them.
        columns: Vec<Column>,
    },
    /// A row.
    Row(Vec<Cell>),
    /// Nothing follows but the hash.
    End(Manifest),
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Column {
    pub name: String,
    pub kind: Kind,
}

/// The types that both databases have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Text,
    Int,
    Bytes,
}

/// A value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Cell {
    Null,
    Text(String),
    Int(i64),
    Bytes(Vec<u8>),
}

/// Writes one.
pub(super) struct Writer<'a, W> {
    out: &'a mut W,
    hasher: blake3::Hasher,
}

impl<'a, W: Write> Writer<'a, W> {
    pub fn new(out: &'a mut W) -> io::Result<Self> {
        let mut writer = Self { out, hasher: blake3::Hasher::new() };
        writer.write(MAGIC)?;
        Ok(writer)
    }

    pub fn frame(&mut self, frame: &Frame) -> io::Result<()> {
        let bytes = postcard::to_stdvec(frame).map_err(io::Error::other)?;
        let length = u32::try_from(bytes.len()).ok().filter(|length| *length <= LONGEST);
        let length = length.ok_or_else(|| io::Error::other("a row is too large for a backup"))?;
        self.write(&length.to_le_bytes())?;
        self.write(&bytes)
    }

    /// The last frame, and the hash.
    pub fn end(mut self, manifest: &Manifest) -> io::Result<()> {
        self.frame(&Frame::End(manifest.clone()))?;
        self.out.write_all(self.hasher.finalize().as_bytes())?;
        self.out.flush()
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Reads one.
pub(super) struct Reader<'a, R> {
    input: &'a mut R,
    hasher: blake3::Hasher,
}

impl<'a, R: Read> Reader<'a, R> {
    pub fn new(input: &'a mut R) -> Result<Self, BackupError> {
        let mut reader = Self { input, hasher: blake3::Hasher::new() };
        let magic = reader.bytes(MAGIC.len()).map_err(|_| BackupError::NotABackup)?;
        match magic == MAGIC {
            true => Ok(reader),
            false => Err(BackupError::NotABackup),
        }
    }

    pub fn frame(&mut self) -> Result<Frame, BackupError> {
        let length: [u8; 4] = self.bytes(4)?.try_into().map_err(|_| BackupError::Damaged("it ends early"))?;
        let length = u32::from_le_bytes(length);
        if length > LONGEST {
            return Err(BackupError::Damaged("a frame is longer than there are any"));
        }
        let bytes = self.bytes(length as usize)?;
        postcard::from_bytes(&bytes).map_err(|_| BackupError::Damaged("a frame cannot be read"))
    }

    /// After the last frame: the hash, and nothing more.
    pub fn end(mut self) -> Result<(), BackupError> {
        let found = *self.hasher.finalize().as_bytes();
        let said = self.bytes(found.len())?;
        if said != found {
            return Err(BackupError::Damaged("its hash is not that of what it holds"));
        }
        match self.input.read(&mut [0])? {
            0 => Ok(()),
            _ => Err(BackupError::Damaged("something follows its end")),
        }
    }

    /// Exactly so many, without taking a length's word for how much room is needed.
    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, BackupError> {
        let mut bytes = Vec::new();
        let limit = u64::try_from(count).unwrap_or(u64::MAX);
        self.input.by_ref().take(limit).read_to_end(&mut bytes)?;
        if bytes.len() != count {
            return Err(BackupError::Damaged("it ends early"));
        }
        self.hasher.update(&bytes);
        Ok(bytes)
    }
}
