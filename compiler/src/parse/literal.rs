//! Literals: numbers, durations, strings and their escapes (cel-spec, "Lexis").

use admit_grammar::Pair;

use super::cursor::Cx;
use crate::ast::DurationLit;
use crate::diagnostic::{Diagnostic, Label, Level};
use crate::source::{FileId, Span};

/// The text of a source file, or the finding at its first byte that is not UTF-8.
pub fn source_text(id: FileId, bytes: &[u8]) -> Result<&str, Box<Diagnostic>> {
    std::str::from_utf8(bytes).map_err(|error| {
        let at = u32::try_from(error.valid_up_to()).unwrap_or(u32::MAX);
        let bad = bytes.get(error.valid_up_to()).copied().unwrap_or_default();
        Box::new(Diagnostic {
            code: "A0017",
            level: Level::Error,
            message: format!("the file is not UTF-8: byte {bad:#04x} at offset {at}"),
            primary: Label { span: Span { file: id, start: at, end: at }, message: String::new() },
            secondary: Vec::new(),
            help: vec!["save the file as UTF-8".to_owned()],
        })
    })
}

/// A pair of the `int` rule, at most 2^63.
pub(super) fn int(cx: &mut Cx<'_>, pair: &Pair<'_>) -> Option<u64> {
    let value = pair.as_str().parse::<u64>().ok().filter(|value| *value <= 1 << 63);
    if value.is_none() {
        out_of_range(cx, pair, "an int", "-9223372036854775808 .. 9223372036854775807");
    }
    value
}

/// A pair of the `uint` rule.
pub(super) fn uint(cx: &mut Cx<'_>, pair: &Pair<'_>) -> Option<u64> {
    let value = pair.as_str().trim_end_matches(['u', 'U']).parse::<u64>().ok();
    if value.is_none() {
        out_of_range(cx, pair, "a uint", "0u .. 18446744073709551615u");
    }
    value
}

/// A pair of the `hex_int` rule: its value, and whether it is a uint.
pub(super) fn hex(cx: &mut Cx<'_>, pair: &Pair<'_>) -> Option<(u64, bool)> {
    let digits = pair.as_str().get(2..).unwrap_or_default();
    let unsigned = digits.ends_with(['u', 'U']);
    let value = u64::from_str_radix(digits.trim_end_matches(['u', 'U']), 16).ok();
    let value = value.filter(|value| unsigned || *value <= 1 << 63);
    if value.is_none() {
        let what = if unsigned { "a uint" } else { "an int" };
        out_of_range(cx, pair, what, "64 bits");
    }
    value.map(|value| (value, unsigned))
}

/// A pair of the `float` rule.
pub(super) fn float(cx: &mut Cx<'_>, pair: &Pair<'_>) -> Option<f64> {
    let value = pair.as_str().parse::<f64>().ok().filter(|value| value.is_finite());
    if value.is_none() {
        out_of_range(cx, pair, "a double", "about -1.8e308 .. 1.8e308");
    }
    value
}

/// A pair of the `duration` rule. One that is too long is reported and counts as the longest.
pub(super) fn duration(cx: &mut Cx<'_>, pair: &Pair<'_>) -> DurationLit {
    let written = pair.as_str();
    let digits = written.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let scale = match written.get(digits.len()..).unwrap_or_default() {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 86_400_000,
    };
    // The longest that the CEL type holds as nanoseconds of an int.
    const LONGEST: u64 = (i64::MAX / 1_000_000) as u64;
    let millis =
        digits.parse::<u64>().ok().and_then(|count| count.checked_mul(scale)).filter(|millis| *millis <= LONGEST);
    if millis.is_none() {
        out_of_range(cx, pair, "a duration", "0ms .. 106751d");
    }
    DurationLit { millis: millis.unwrap_or(LONGEST), span: cx.span_of(pair) }
}

fn out_of_range(cx: &mut Cx<'_>, pair: &Pair<'_>, what: &str, range: &str) {
    let span = pair.as_span();
    cx.broken += 1;
    cx.error("A0005", span.start(), span.end(), format!("`{}` does not fit {what}", pair.as_str()))
        .help
        .push(format!("the range is {range}"));
}

/// A pair of the `string` or `raw_string` rule, unescaped.
pub(super) fn string(cx: &mut Cx<'_>, pair: &Pair<'_>) -> String {
    let parts = Parts::of(pair);
    if parts.raw {
        return parts.body.to_owned();
    }
    unescape(cx, parts.body, parts.start)
}

/// A pair of the `bytes` or `raw_bytes` rule, unescaped: escapes of bytes are bytes, everything else is UTF-8.
pub(super) fn bytes(cx: &mut Cx<'_>, pair: &Pair<'_>) -> Vec<u8> {
    let parts = Parts::of(pair);
    if parts.raw {
        return parts.body.as_bytes().to_vec();
    }
    let mut out = Vec::with_capacity(parts.body.len());
    let mut rest = parts.body;
    while let Some(slash) = rest.find('\\') {
        let (before, tail) = rest.split_at(slash);
        out.extend_from_slice(before.as_bytes());
        let at = parts.start + (parts.body.len() - tail.len());
        let escape = Escape::read(tail);
        match escape.value {
            Some(Escaped::Byte(byte)) => out.push(byte),
            Some(Escaped::Char(c)) if escape.length == 2 => {
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes())
            }
            Some(Escaped::Char(_)) => bad(cx, at, tail, escape.length, "is not an escape of bytes"),
            None => bad(cx, at, tail, escape.length, "is not an escape"),
        }
        rest = tail.get(escape.length..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// The body of a string literal with its escapes replaced; `start` is its place in the text being walked.
pub(super) fn unescape(cx: &mut Cx<'_>, body: &str, start: usize) -> String {
    if !body.contains('\\') {
        return body.to_owned();
    }
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(slash) = rest.find('\\') {
        let (before, tail) = rest.split_at(slash);
        out.push_str(before);
        let at = start + (body.len() - tail.len());
        let escape = Escape::read(tail);
        match escape.value {
            Some(Escaped::Char(c)) => out.push(c),
            // In a string the number is a code point.
            Some(Escaped::Byte(byte)) => out.push(char::from(byte)),
            None => bad(cx, at, tail, escape.length, "is not an escape"),
        }
        rest = tail.get(escape.length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

fn bad(cx: &mut Cx<'_>, at: usize, tail: &str, length: usize, why: &str) {
    let written = tail.get(..length).unwrap_or(tail);
    cx.broken += 1;
    let found = cx.error("A0004", at, at + written.len(), format!("`{written}` {why}"));
    found.help.push(match written {
        "\\{" => "write `\\{{` for a literal `{{`; one `{` needs no escape".to_owned(),
        _ => "write `\\\\` for a backslash, or put `r` before the string".to_owned(),
    });
}

/// A string literal taken apart.
pub(super) struct Parts<'a> {
    /// Between the quotes, as written.
    pub(super) body: &'a str,
    /// Where that begins in the text being walked.
    pub(super) start: usize,
    /// Without escapes.
    pub(super) raw: bool,
}

impl<'a> Parts<'a> {
    pub(super) fn of(pair: &Pair<'a>) -> Parts<'a> {
        let written = pair.as_str();
        let prefix = written.find(['"', '\'']).unwrap_or(0);
        let raw = written.get(..prefix).is_some_and(|prefix| prefix.contains(['r', 'R']));
        let quoted = written.get(prefix..).unwrap_or_default();
        let quotes =
            if quoted.len() >= 6 && (quoted.starts_with("\"\"\"") || quoted.starts_with("'''")) { 3 } else { 1 };
        let body = quoted.get(quotes..quoted.len().saturating_sub(quotes)).unwrap_or_default();
        Parts { body, start: pair.as_span().start() + prefix + quotes, raw }
    }
}

enum Escaped {
    Char(char),
    /// `\x41`, `\101`
    Byte(u8),
}

struct Escape {
    value: Option<Escaped>,
    /// With the backslash.
    length: usize,
}

impl Escape {
    /// The escape at the start of `text`, which begins with a backslash.
    fn read(text: &str) -> Escape {
        let Some(letter) = text.chars().nth(1) else { return Escape { value: None, length: 1 } };
        let simple = |c| Escape { value: Some(Escaped::Char(c)), length: 2 };
        match letter {
            'a' => simple('\x07'),
            'b' => simple('\x08'),
            'f' => simple('\x0C'),
            'n' => simple('\n'),
            'r' => simple('\r'),
            't' => simple('\t'),
            'v' => simple('\x0B'),
            '\\' | '?' | '"' | '\'' | '`' => simple(letter),
            '{' if text.starts_with("\\{{") => simple('{'),
            'x' | 'X' => Escape::number(text, 2, 2, 16),
            'u' => Escape::number(text, 2, 4, 16),
            'U' => Escape::number(text, 2, 8, 16),
            '0'..='3' => Escape::number(text, 1, 3, 8),
            _ => Escape { value: None, length: 1 + letter.len_utf8() },
        }
    }

    fn number(text: &str, from: usize, digits: usize, radix: u32) -> Escape {
        let written = text.get(from..).unwrap_or_default();
        let count = written.chars().take(digits).take_while(|c| c.is_digit(radix)).count();
        let length = from + count;
        if count < digits {
            return Escape { value: None, length };
        }
        let value = u32::from_str_radix(written.get(..digits).unwrap_or_default(), radix).ok();
        let value = match (digits, value) {
            (2 | 3, Some(value)) => u8::try_from(value).ok().map(Escaped::Byte),
            (_, Some(value)) => char::from_u32(value).map(Escaped::Char),
            (_, None) => None,
        };
        Escape { value, length }
    }
}
