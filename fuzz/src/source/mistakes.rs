//! Mistakes put into source text.

use crate::choices::Choices;

/// Text that is no item, nor any part of one.
pub const GARBAGE: [&str; 22] = [
    "}",
    "{",
    "((((",
    "]]",
    "\"",
    "'''",
    "\"\"\"",
    "%%% what",
    "= = =",
    "-> x",
    "when",
    "default ->",
    "stage x {",
    "system flow {",
    "param",
    "\\",
    "`",
    "é ☃",
    "1h30m",
    "step.",
    "{{",
    "/",
];

/// The text with up to four mistakes: tokens removed, doubled or swapped, garbage put in, the end cut off.
pub fn with_mistakes(choices: &mut Choices<'_>, text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..=choices.below(4) {
        let at = boundary(&text, choices.below(text.len() + 1));
        let end = text.get(at..).and_then(|rest| rest.find(' ')).map_or(text.len(), |length| at + length + 1);
        match choices.below(5) {
            0 => text.replace_range(at..end, ""),
            1 => {
                let token = text.get(at..end).unwrap_or_default().to_owned();
                text.insert_str(at, &token);
            }
            2 | 3 => {
                let garbage = format!(" {} ", choices.pick(&GARBAGE));
                text.insert_str(at, &garbage);
            }
            _ => text.truncate(at),
        }
    }
    text
}

fn boundary(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
