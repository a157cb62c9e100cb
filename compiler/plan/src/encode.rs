//! Bundles to bytes and back. The bytes are canonical: one bundle has one encoding, and nothing else is read.
//!
//! ```text
//! magic    8 bytes  "\x7fADMIT\r\n": text tools that mangle line ends break it
//! version  2 bytes  FORMAT, little endian; another version is refused
//! hash    32 bytes  BLAKE3 of version and core: the content hash, the bundle's name everywhere
//! length   4 bytes  of the core, little endian
//! core              the bundle without its debug table, as postcard: names and constants, then the rest, in which
//!                   the words of types are numbers of the constants
//! [hash   32 bytes  BLAKE3 of the content hash and the debug table
//!  debug]           the debug table as postcard, to the end; left out by `admit build --strip`
//! ```
//!
//! Stripping cuts the end off and changes nothing before it, so a stripped bundle has the same content hash.

use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;
use thiserror::Error;

use crate::bundle::{Bundle, Debug, FORMAT};
use crate::code::Pool;
use crate::words;

/// The most bytes that a plan may have.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

const MAGIC: &[u8; 8] = b"\x7fADMIT\r\n";
const HASH: usize = 32;
const HEADER: usize = MAGIC.len() + 2 + HASH + 4;

/// The content hash of a bundle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentHash(pub [u8; HASH]);

/// A text that is no content hash: not 64 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a content hash is 64 hexadecimal digits")]
pub struct NotAHash;

/// Why bytes are not a plan, or a plan is not one that may run. The text is for people; nothing of the plan was run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Not a plan at all.
    #[error("this is not an admit plan")]
    NotAPlan,
    /// Another version of the format.
    #[error("the plan has format version {0}, this program reads version {FORMAT}: build it again")]
    Version(u16),
    /// Too large.
    #[error("the plan is larger than {} MiB", MAX_BYTES / (1024 * 1024))]
    TooLarge,
    /// It ends too early.
    #[error("the plan is cut off")]
    CutOff,
    /// The bytes are not those that the hash was made of.
    #[error("the plan is damaged: its {0} does not have the hash that it states")]
    Damaged(&'static str),
    /// The hash is right, but the bytes are not what the compiler writes.
    #[error("the plan is malformed: its {0} cannot be read")]
    Malformed(&'static str),
    /// It can be read, but breaks a rule that every plan of the compiler keeps.
    #[error("the plan is not valid: {place}: {what}")]
    Invalid {
        /// Where: `login, node 7`.
        place: String,
        /// Which rule.
        what: String,
    },
}

/// Writes a bundle. Errs only where the bundle is one that no reader would take: too large or nested too deeply.
pub fn encode(bundle: &Bundle) -> Result<Vec<u8>, Refusal> {
    let core = core_bytes(bundle)?;
    let hash = hash_of(&core);
    let length = u32::try_from(core.len()).map_err(|_| Refusal::TooLarge)?;
    let mut bytes = Vec::with_capacity(HEADER + core.len());
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&FORMAT.to_le_bytes());
    bytes.extend_from_slice(&hash.0);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&core);
    if let Some(debug) = &bundle.debug {
        let table = postcard::to_allocvec(debug).map_err(|_| Refusal::Malformed("debug table"))?;
        bytes.extend_from_slice(&debug_hash(hash, &table));
        bytes.extend_from_slice(&table);
    }
    if bytes.len() > MAX_BYTES { Err(Refusal::TooLarge) } else { Ok(bytes) }
}

/// Reads what [`encode`] wrote, and nothing else. The result is well-formed, but not verified: see [`crate::verify`].
pub fn decode(bytes: &[u8]) -> Result<(Bundle, ContentHash), Refusal> {
    let (hash, core, debug) = sections(bytes)?;
    if hash_of(core) != hash {
        return Err(Refusal::Damaged("code"));
    }
    let mut bundle = read_core(core).ok_or(Refusal::Malformed("code"))?;
    // Postcard reads some numbers in more than one form; only the canonical one may be a plan.
    if core_bytes(&bundle)? != core {
        return Err(Refusal::Malformed("code"));
    }
    if let Some((stated, table)) = debug {
        if debug_hash(hash, table) != stated {
            return Err(Refusal::Damaged("debug table"));
        }
        let read: Debug = exactly(table).ok_or(Refusal::Malformed("debug table"))?;
        if postcard::to_allocvec(&read).ok().as_deref() != Some(table) {
            return Err(Refusal::Malformed("debug table"));
        }
        bundle.debug = Some(read);
    }
    Ok((bundle, hash))
}

/// The same bytes with the hashes that they should state: what somebody would do who changes a plan by hand. For tests
/// of what refuses such plans. None where the bytes have no such sections.
pub fn resealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let (_, core, debug) = sections(bytes).ok()?;
    let hash = hash_of(core);
    let mut sealed = bytes.get(..MAGIC.len() + 2)?.to_vec();
    sealed.extend_from_slice(&hash.0);
    sealed.extend_from_slice(&u32::try_from(core.len()).ok()?.to_le_bytes());
    sealed.extend_from_slice(core);
    if let Some((_, table)) = debug {
        sealed.extend_from_slice(&debug_hash(hash, table));
        sealed.extend_from_slice(table);
    }
    Some(sealed)
}

/// The content hash of the bundle, as `encode` writes it.
pub fn content_hash(bundle: &Bundle) -> Result<ContentHash, Refusal> {
    Ok(hash_of(&core_bytes(bundle)?))
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for ContentHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let digits = |byte: &u8| byte.is_ascii_hexdigit();
        if text.len() != 2 * HASH || !text.as_bytes().iter().all(digits) {
            return Err(NotAHash);
        }
        let mut hash = [0; HASH];
        for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotAHash)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAHash)?;
        }
        Ok(Self(hash))
    }
}

impl fmt::Debug for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

type Stated<'a> = Option<([u8; HASH], &'a [u8])>;

/// Content hash, core and debug table, as the header states them.
fn sections(bytes: &[u8]) -> Result<(ContentHash, &[u8], Stated<'_>), Refusal> {
    if bytes.len() > MAX_BYTES {
        return Err(Refusal::TooLarge);
    }
    let rest = bytes.strip_prefix(MAGIC).ok_or(Refusal::NotAPlan)?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(Refusal::CutOff)?;
    let version = u16::from_le_bytes(*version);
    if version != FORMAT {
        return Err(Refusal::Version(version));
    }
    let (hash, rest) = rest.split_first_chunk::<HASH>().ok_or(Refusal::CutOff)?;
    let (length, rest) = rest.split_first_chunk::<4>().ok_or(Refusal::CutOff)?;
    let length = usize::try_from(u32::from_le_bytes(*length)).map_err(|_| Refusal::TooLarge)?;
    let (core, rest) = rest.split_at_checked(length).ok_or(Refusal::CutOff)?;
    if rest.is_empty() {
        return Ok((ContentHash(*hash), core, None));
    }
    let (debug, table) = rest.split_first_chunk::<HASH>().ok_or(Refusal::CutOff)?;
    Ok((ContentHash(*hash), core, Some((*debug, table))))
}

fn exactly<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    rest.is_empty().then_some(value)
}

/// Names and constants first: the words of types are numbers of the constants' strings.
fn core_bytes(bundle: &Bundle) -> Result<Vec<u8>, Refusal> {
    let Bundle { project, catalogue, pool, blocks, params, secrets, event, actions, texts, flows, debug: _ } = bundle;
    let first = postcard::to_allocvec(&(project, catalogue, pool));
    let second =
        words::with(&pool.strings, || postcard::to_allocvec(&(blocks, params, secrets, event, actions, texts, flows)));
    match (first, second) {
        (Ok(mut bytes), Ok(more)) => {
            bytes.extend(more);
            Ok(bytes)
        }
        _ => Err(Refusal::Malformed("code")),
    }
}

fn read_core(core: &[u8]) -> Option<Bundle> {
    let ((project, catalogue, pool), rest): ((SmolStr, SmolStr, Pool), _) = postcard::take_from_bytes(core).ok()?;
    let (blocks, params, secrets, event, actions, texts, flows) = words::with(&pool.strings, || exactly(rest))?;
    Some(Bundle { project, catalogue, pool, blocks, params, secrets, event, actions, texts, flows, debug: None })
}

fn hash_of(core: &[u8]) -> ContentHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&FORMAT.to_le_bytes()).update(core);
    ContentHash(*hasher.finalize().as_bytes())
}

fn debug_hash(content: ContentHash, table: &[u8]) -> [u8; HASH] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&content.0).update(table);
    *hasher.finalize().as_bytes()
}
