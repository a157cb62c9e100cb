//! Bounds, checked by one pass over the bytes before anything recurses.

use std::borrow::Cow;

use super::cursor::Cx;
use super::token::{self, Scan};

/// Bytes of a source file.
pub const MAX_SOURCE: usize = 1 << 20;
/// How deep brackets may nest.
pub const MAX_NESTING: usize = 64;
/// How deep an expression's tree may be.
pub const MAX_DEPTH: usize = 250;
/// Nodes of an expression.
pub const MAX_NODES: usize = 4096;
/// Elements of a list literal, entries of a map literal.
pub const MAX_ENTRIES: usize = 1024;

/// The text to parse: the file's, with white space in place of items whose brackets nest too deep, so that the
/// others are read as ever. None for a file that is too large.
pub(super) fn check<'a>(cx: &mut Cx<'a>) -> Option<Cow<'a, str>> {
    if !fits(cx, cx.text) {
        return None;
    }
    let text = cx.text;
    let mut bounded = Cow::Borrowed(text);
    // Almost every file nests too little to be looked at item by item.
    if too_deep(text).is_none() {
        return Some(bounded);
    }
    for (start, end) in token::item_ranges(text) {
        let Some(item) = text.get(start..end) else { continue };
        if let Some(at) = too_deep(item) {
            report(cx, start + at);
            bounded.to_mut().replace_range(start..end, &blank(item));
        }
    }
    Some(bounded)
}

/// Whether an expression's text may be parsed; `offset` is its place in the text being walked.
pub(super) fn check_expr(cx: &mut Cx<'_>, text: &str, offset: usize) -> bool {
    if !fits(cx, text) {
        return false;
    }
    match too_deep(text) {
        Some(at) => {
            report(cx, offset + at);
            false
        }
        None => true,
    }
}

fn fits(cx: &mut Cx<'_>, text: &str) -> bool {
    if text.len() <= MAX_SOURCE {
        return true;
    }
    let at = (0..=MAX_SOURCE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    cx.error("A0007", at, at, format!("the file has {} bytes, more than 1 MiB ({MAX_SOURCE} bytes)", text.len()))
        .help
        .push("split it: all files of a project share one namespace".to_owned());
    false
}

fn report(cx: &mut Cx<'_>, at: usize) {
    cx.error("A0006", at, at + 1, format!("brackets nest more than {MAX_NESTING} deep here"))
        .help
        .push("name parts of it: a custom flow, a condition or an earlier block's output".to_owned());
}

/// The bracket that goes too deep.
fn too_deep(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, scan) in token::scan(text) {
        match scan {
            Scan::Open(_) => {
                depth += 1;
                if depth > MAX_NESTING {
                    return Some(at);
                }
            }
            Scan::Close(_) => depth = depth.saturating_sub(1),
            Scan::Newline => {}
        }
    }
    None
}

/// White space of the same length with the same lines.
fn blank(text: &str) -> String {
    text.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect()
}
