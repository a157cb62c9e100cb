//! Bytes of a file to its text, and positions in it.

use std::ops::Range;

use crate::diagnostic::Diagnostic;
use crate::source::{FileId, Sources, Span};

/// Adds a file to the sources. None where it is not text or too large, which a diagnostic says at its first bad byte.
pub(super) fn read(
    sources: &mut Sources,
    path: &str,
    bytes: &[u8],
    max: usize,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<(FileId, String)> {
    if bytes.len() > max {
        let id = sources.add(path, "");
        let message = format!("`{path}` is larger than {} MiB", max >> 20);
        diagnostics.push(Diagnostic::error("A0902", span(id, 0..0), message));
        return None;
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Some((sources.add(path, text), text.to_owned())),
        Err(error) => {
            // Up to the first bad byte, the text as it is shown has the bytes that the file has.
            let start = error.valid_up_to();
            let id = sources.add(path, String::from_utf8_lossy(bytes).into_owned());
            let message = format!("`{path}` is not UTF-8 from byte {start} on");
            let at = span(id, start..start + char::REPLACEMENT_CHARACTER.len_utf8());
            diagnostics.push(
                Diagnostic::error("A0901", at, message).here("the first bad byte").help("save the file as UTF-8"),
            );
            None
        }
    }
}

/// A range of bytes as a span. Files are bounded below 4 GiB.
pub(super) fn span(file: FileId, range: Range<usize>) -> Span {
    let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    Span { file, start: small(range.start), end: small(range.end) }
}
