//! Building the offline set from what Have I Been Pwned gives away: one file of `SHA1:COUNT` lines ordered by hash, or a folder of
//! range files named by their five hex digits. One pass in bounded memory.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use ring::digest;

use super::{MAGIC, MOST_IN_BUCKET, code};

/// Longest line, in bytes: 40 digits, a colon and a number.
const LONGEST_LINE: u64 = 128;
/// So many lines may be broken whatever the size; beyond that, one in so many.
const FORGIVEN: u64 = 10;
const SHARE: u64 = 10_000;

/// What was built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Built {
    /// Hashes in the file.
    pub records: u64,
    /// Lines that were seen more rarely than asked for, padding included.
    pub rare: u64,
    /// Lines that could not be read.
    pub broken: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Builds the file `to` from the dump `from`, of what was seen `least` times or more. It is there as a whole or not at all.
///
/// # Errors
/// Something cannot be read or written, lines are out of order, or too many are broken.
pub fn build(from: &Path, to: &Path, least: u64) -> Result<Built, String> {
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let result = write(from, &partial, least.max(1)).and_then(|built| {
        fs::rename(&partial, to).map_err(|error| format!("cannot write `{}`: {error}", to.display()))?;
        Ok(built)
    });
    if result.is_err() {
        // What is left of it is of no use; that it cannot be removed is no second fault.
        let _ = fs::remove_file(&partial);
    }
    result
}

fn write(from: &Path, to: &Path, least: u64) -> Result<Built, String> {
    let fault = |error: std::io::Error| format!("cannot write `{}`: {error}", to.display());
    // The sum is over the header, whose number is known at the end: records go to the file first, and are read once more.
    let mut out = BufWriter::with_capacity(1 << 20, File::create(to).map_err(fault)?);
    out.write_all(MAGIC).and_then(|()| out.write_all(&[0; 8])).map_err(fault)?;
    let mut counts = vec![0_u64; 1 << 16];
    let mut built = Built::default();
    let mut last: Option<[u8; 7]> = None;
    each_line(from, &mut |place, line| {
        let Some((hash, count)) = line else {
            built.broken += 1;
            return Ok(());
        };
        if count < least {
            built.rare += 1;
            return Ok(());
        }
        let [a, b, rest @ .., _, _, _, _, _, _, _, _, _, _, _, _, _] = hash;
        let key = [a, b, rest[0], rest[1], rest[2], rest[3], rest[4]];
        match last.map(|last| last.cmp(&key)) {
            Some(std::cmp::Ordering::Greater) => {
                return Err(format!("{place} is out of order: take the dump that is ordered by hash"));
            }
            // Two hashes that begin alike, or a line that stands twice: one record says as much.
            Some(std::cmp::Ordering::Equal) => return Ok(()),
            Some(std::cmp::Ordering::Less) | None => {}
        }
        last = Some(key);
        let bucket = counts.get_mut(usize::from(u16::from_be_bytes([a, b]))).ok_or("the index is too short")?;
        *bucket += 1;
        if *bucket > MOST_IN_BUCKET {
            return Err(format!("{place}: more than {MOST_IN_BUCKET} hashes begin with the same two bytes"));
        }
        built.records += 1;
        out.write_all(&rest).and_then(|()| out.write_all(&[code(count)])).map_err(fault)
    })?;
    if built.broken > FORGIVEN && built.broken > (built.records + built.rare + built.broken) / SHARE {
        return Err(format!("{} lines of the dump cannot be read: it is not one of SHA-1 hashes", built.broken));
    }
    if built.records == 0 {
        return Err("the dump holds no hash: it has lines such as `5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:3861493`"
            .to_owned());
    }
    let mut begins = 0_u64;
    for count in counts {
        out.write_all(&begins.to_le_bytes()).map_err(fault)?;
        begins += count;
    }
    out.write_all(&begins.to_le_bytes()).map_err(fault)?;
    let mut file = out.into_inner().map_err(|error| fault(error.into_error()))?;
    std::os::unix::fs::FileExt::write_all_at(&file, &built.records.to_le_bytes(), MAGIC.len() as u64).map_err(fault)?;
    let sum = sum(to).map_err(fault)?;
    file.write_all(sum.as_ref()).and_then(|()| file.sync_all()).map_err(fault)?;
    built.bytes = file.metadata().map_err(fault)?.len();
    Ok(built)
}

fn sum(path: &Path) -> std::io::Result<digest::Digest> {
    let mut sum = digest::Context::new(&digest::SHA256);
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some([]) | None => return Ok(sum.finish()),
            Some(part) => sum.update(part),
        }
    }
}

/// A line: hash and count; none where it is broken.
type Line = Option<([u8; 20], u64)>;

/// Every line of the dump with its place, in order.
fn each_line(from: &Path, each: &mut impl FnMut(&str, Line) -> Result<(), String>) -> Result<(), String> {
    let fault = |path: &Path, error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
    if !fs::metadata(from).map_err(|error| fault(from, error))?.is_dir() {
        return lines_of(from, "", each);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(from).map_err(|error| fault(from, error))? {
        let path = entry.map_err(|error| fault(from, error))?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_ascii_uppercase();
        if stem.len() == 5 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()) && path.is_file() {
            files.push((stem, path));
        }
    }
    if files.is_empty() {
        return Err(format!(
            "`{}` holds no range files: those are named by five hex digits, `5BAA6.txt`",
            from.display()
        ));
    }
    files.sort();
    files.iter().try_for_each(|(prefix, path)| lines_of(path, prefix, each))
}

fn lines_of(path: &Path, prefix: &str, each: &mut impl FnMut(&str, Line) -> Result<(), String>) -> Result<(), String> {
    let fault = |error: std::io::Error| format!("cannot read `{}`: {error}", path.display());
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(fault)?);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        // Bounded: a dump that is one endless line is read as many broken ones.
        let read = (&mut file).take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(fault)?;
        if read == 0 {
            break;
        }
        let text = line.trim_ascii();
        if !text.is_empty() {
            each(&format!("line {number} of `{}`", path.display()), line_of(prefix, text))?;
        }
    }
    Ok(())
}

/// `SHA1:COUNT`, or `SUFFIX:COUNT` below a prefix.
fn line_of(prefix: &str, line: &[u8]) -> Line {
    let (digits, count) = std::str::from_utf8(line).ok()?.split_once(':')?;
    if prefix.len() + digits.len() != 40 || !(1..=12).contains(&count.len()) {
        return None;
    }
    if !count.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut hash = [0; 20];
    let mut nibbles = prefix.bytes().chain(digits.bytes()).map(|byte| char::from(byte).to_digit(16));
    for byte in &mut hash {
        let (high, low) = (nibbles.next()??, nibbles.next()??);
        *byte = u8::try_from(high * 16 + low).ok()?;
    }
    Some((hash, count.parse().ok()?))
}
