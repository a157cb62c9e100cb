//! A look at the text without the grammar: brackets outside strings and comments, tokens to name in messages, and
//! where items begin.

/// What [`scan`] meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scan {
    /// `{`, `(`, `[`
    Open(u8),
    /// `}`, `)`, `]`
    Close(u8),
    /// The end of a line, outside strings.
    Newline,
}

/// Brackets and line ends outside strings and comments, with their places. A string that is not closed ends with
/// its line, or is one quote if it is a triple one.
pub(super) fn scan(text: &str) -> impl Iterator<Item = (usize, Scan)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let byte = *bytes.get(at)?;
            let here = at;
            at += 1;
            match byte {
                b'{' | b'(' | b'[' => return Some((here, Scan::Open(byte))),
                b'}' | b')' | b']' => return Some((here, Scan::Close(byte))),
                b'\n' => return Some((here, Scan::Newline)),
                b'"' | b'\'' => at = string_end(text, here).unwrap_or(here + 1),
                b'/' if bytes.get(at) == Some(&b'/') => at = line_end(text, here),
                _ => {}
            }
        }
    })
}

/// The end of the string literal whose quote is at `start`; none if it is not closed.
pub(super) fn string_end(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let quote = *bytes.get(start)?;
    let raw = is_raw(bytes, start);
    let triple = bytes.get(start + 1) == Some(&quote) && bytes.get(start + 2) == Some(&quote);
    let mut at = if triple { start + 3 } else { start + 1 };
    loop {
        let byte = *bytes.get(at)?;
        if byte == b'\\' && !raw {
            if !triple && matches!(bytes.get(at + 1), Some(b'\n' | b'\r')) {
                return None;
            }
            at += 2;
        } else if byte == quote && !triple {
            return Some(at + 1);
        } else if byte == quote && bytes.get(at + 1) == Some(&quote) && bytes.get(at + 2) == Some(&quote) {
            return Some(at + 3);
        } else if !triple && matches!(byte, b'\n' | b'\r') {
            return None;
        } else {
            at += 1;
        }
    }
}

/// Whether the quote at `start` follows `r`, `R`, `br` and the like.
fn is_raw(bytes: &[u8], start: usize) -> bool {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let prefix = bytes.get(..start).unwrap_or_default().iter().rev().take_while(|byte| word(byte)).count();
    matches!(bytes.get(start - prefix..start).unwrap_or_default(), b"r" | b"R" | b"br" | b"bR" | b"Br" | b"BR")
}

/// The place of the line end at or after `at`.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |length| at + length)
}

/// Where the line of `at` begins.
pub(super) fn line_start(text: &str, at: usize) -> usize {
    text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1)
}

/// The first place at or after `at` that is neither white space nor in a comment.
pub(super) fn skip_trivia(text: &str, mut at: usize) -> usize {
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let trimmed = rest.trim_start();
        at += rest.len() - trimmed.len();
        if !trimmed.starts_with("//") {
            return at;
        }
        at = line_end(text, at);
    }
}

/// The end of the token at `at`: a word with slugs' hyphens, a number, a string, an operator, or one character.
pub(super) fn token_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let Some(first) = rest.chars().next() else { return at };
    if first.is_alphanumeric() || first == '_' {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let mut end = rest.find(|c| !word(c)).unwrap_or(rest.len());
        while let Some(next) = rest.get(end..).and_then(|tail| tail.strip_prefix('-')) {
            let part = next.find(|c| !word(c)).unwrap_or(next.len());
            if part == 0 || !first.is_alphabetic() {
                break;
            }
            end += 1 + part;
        }
        return at + end;
    }
    if first == '"' || first == '\'' {
        return string_end(text, at).unwrap_or_else(|| at + rest.find('\n').unwrap_or(rest.len()));
    }
    const MARKS: [&str; 12] = ["->", "=>", "===", "==", "!=", "<=", ">=", "&&", "||", "{{", "}}", ".."];
    let length = MARKS.iter().find(|mark| rest.starts_with(**mark)).map_or(first.len_utf8(), |mark| mark.len());
    at + length
}

/// Whether a line begins an item at column 0, as `item_head` of the grammar has it.
pub(super) fn begins_item(line: &str) -> bool {
    let mut words = line.split_ascii_whitespace();
    match (words.next(), words.next()) {
        (Some("system" | "custom"), Some("flow")) => true,
        (Some("action" | "param" | "list" | "secret" | "rule" | "block" | "contract"), Some(name)) => {
            name.starts_with(|c: char| c.is_ascii_lowercase())
        }
        (Some("test"), Some(title)) => title.starts_with('"'),
        (Some("event" | "session"), Some(brace)) => brace.starts_with('{'),
        _ => false,
    }
}

/// The file cut at lines that begin an item at column 0.
pub(super) fn item_ranges(text: &str) -> Vec<(usize, usize)> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if at > 0 && begins_item(line) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).collect()
}
