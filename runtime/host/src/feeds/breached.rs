//! The offline set of breached passwords: a file of sorted prefixes of their SHA-1 hashes, with how often each was seen.
//!
//! ```text
//! magic 16 | records 8 | records x 6: bytes 2 to 6 of the hash, count | index 65,537 x 8 | SHA-256 of all before 32
//! ```
//!
//! The index says for each first two bytes of a hash where its records begin; numbers are little endian. Seven of the twenty
//! bytes of a hash are kept: of a billion records a password that was never breached is found by chance once in 72 million
//! look-ups (records / 2^56). A count takes one byte: exact to 15, above that rounded up by
//! at most an eighth, so that no threshold is missed.

mod build;

use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use ring::digest;

pub use build::{Built, build};

const MAGIC: &[u8; 16] = b"admit-breached 1";
const HEADER: u64 = 24;
/// Bytes of a record.
const RECORD: u64 = 6;
const INDEX: u64 = (1 + (1 << 16)) * 8;
const SUM: u64 = 32;
/// Most records that begin with the same two bytes: of a billion about 15,000 do.
const MOST_IN_BUCKET: u64 = 1 << 20;

/// An open file.
pub(crate) struct Breached {
    file: File,
    records: u64,
}

impl Breached {
    /// Opens a file, and checks its form.
    ///
    /// # Errors
    /// It cannot be read, or is of another form or length.
    pub fn open(path: &Path) -> Result<Self, String> {
        let file = File::open(path).map_err(|error| error.to_string())?;
        let about = file.metadata().map_err(|error| error.to_string())?;
        if !about.is_file() {
            return Err("it is no file".to_owned());
        }
        let set = Self { file, records: 0 };
        let mut magic = [0; 16];
        let foreign = "it is no set of breached passwords: make one with `admit feeds build-breached`";
        set.read_at(&mut magic, 0).map_err(|_| foreign.to_owned())?;
        if magic != *MAGIC {
            return Err(foreign.to_owned());
        }
        let records = set.number_at(16)?;
        let length = records.checked_mul(RECORD).and_then(|bytes| bytes.checked_add(HEADER + INDEX + SUM));
        if length != Some(about.len()) {
            return Err("it was cut off, or does not end where it should: build it again".to_owned());
        }
        Ok(Self { records, ..set })
    }

    /// How many hashes it holds.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// How often a password with this SHA-1 was seen; 0: it is not among them. Two reads.
    ///
    /// # Errors
    /// The file cannot be read, or says nonsense.
    pub fn count(&self, sha1: &[u8; 20]) -> Result<u64, String> {
        let [a, b, key @ .., _, _, _, _, _, _, _, _, _, _, _, _, _] = sha1;
        let bucket = u64::from(u16::from_be_bytes([*a, *b]));
        let at = HEADER + self.records * RECORD + bucket * 8;
        let (first, end) = (self.number_at(at)?, self.number_at(at + 8)?);
        let held = end.checked_sub(first).filter(|held| *held <= MOST_IN_BUCKET && end <= self.records);
        let held =
            held.and_then(|held| usize::try_from(held * RECORD).ok()).ok_or("its index is broken: build it again")?;
        let mut records = vec![0; held];
        self.read_at(&mut records, HEADER + first * RECORD)?;
        let (records, _) = records.as_chunks::<6>();
        let found = records.binary_search_by(|[record @ .., _]| record.cmp(key));
        Ok(found.ok().and_then(|at| records.get(at)).map_or(0, |[.., code]| sightings(*code)))
    }

    /// Reads all of it and compares it with its sum.
    ///
    /// # Errors
    /// It is not what was built.
    pub fn verify(&self) -> Result<(), String> {
        let mut sum = digest::Context::new(&digest::SHA256);
        let mut rest = HEADER + self.records * RECORD + INDEX;
        let mut file = &self.file;
        std::io::Seek::rewind(&mut file).map_err(|error| error.to_string())?;
        let mut buffer = vec![0; 1 << 20];
        while rest > 0 {
            let want = usize::try_from(rest).unwrap_or(usize::MAX).min(buffer.len());
            let Some(part) = buffer.get_mut(..want) else { break };
            file.read_exact(part).map_err(|error| error.to_string())?;
            sum.update(part);
            rest -= want as u64;
        }
        let mut kept = [0; SUM as usize];
        file.read_exact(&mut kept).map_err(|error| error.to_string())?;
        if sum.finish().as_ref() == kept {
            Ok(())
        } else {
            Err("its bytes are not those that were built: build it again".to_owned())
        }
    }

    fn read_at(&self, buffer: &mut [u8], at: u64) -> Result<(), String> {
        self.file.read_exact_at(buffer, at).map_err(|error| error.to_string())
    }

    fn number_at(&self, at: u64) -> Result<u64, String> {
        let mut bytes = [0; 8];
        self.read_at(&mut bytes, at)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

/// The byte of a count: itself to 15, above that five bits of exponent and three of the digits after the first.
fn code(count: u64) -> u8 {
    if count < 16 {
        return u8::try_from(count).unwrap_or(0);
    }
    let exponent = count.ilog2() - 3;
    let digits = (count >> exponent) & 7;
    let below = u8::try_from(u64::from(exponent - 1) * 8 + digits + 16).unwrap_or(u8::MAX);
    if sightings(below) < count { below.saturating_add(1) } else { below }
}

/// The count of a byte.
fn sightings(code: u8) -> u64 {
    match code.checked_sub(16) {
        None => u64::from(code),
        Some(rest) => u64::from(8 + (rest & 7)) << (u32::from(rest >> 3) + 1),
    }
}

#[cfg(test)]
mod tests;
