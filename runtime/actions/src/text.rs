//! Texts that come out of a sandbox, made fit for logs, traces and terminals.

use admit_runtime::trace::Level;

use crate::wire::{Limits, LogLevel};

/// Longest message of an error, in bytes.
pub(crate) const LONGEST_MESSAGE: usize = 1_024;

/// What is left of an invocation's room for logs: the worker keeps to the limits too, but its word is not taken.
pub(crate) struct Logs {
    lines: u32,
    bytes: u64,
}

impl Logs {
    pub fn new(limits: Limits) -> Self {
        Self { lines: limits.log_lines, bytes: limits.log_bytes }
    }

    /// Keeps the line, if there is room.
    pub fn push(&mut self, level: LogLevel, text: &str, logs: &mut Vec<(Level, String)>) {
        let Some(left) = self.lines.checked_sub(1).filter(|_| self.bytes > 0) else { return };
        let text = clean(text, usize::try_from(self.bytes).unwrap_or(usize::MAX));
        self.lines = left;
        self.bytes = self.bytes.saturating_sub((text.len() as u64).max(1));
        let level = match level {
            LogLevel::Debug => Level::Debug,
            LogLevel::Info => Level::Info,
            LogLevel::Warn => Level::Warning,
            LogLevel::Error => Level::Error,
        };
        logs.push((level, text));
    }
}

/// The text without characters that move a cursor, hide or reorder text, cut to so many bytes.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let mut cleaned = String::with_capacity(text.len().min(most));
    for character in text.chars() {
        let character = if misleads(character) { char::REPLACEMENT_CHARACTER } else { character };
        if cleaned.len() + character.len_utf8() > most {
            break;
        }
        cleaned.push(character);
    }
    cleaned
}

fn misleads(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_move_a_cursor_or_turn_text_round_is_replaced() {
        assert_eq!(
            clean("a\u{1b}[2Jb\r\n\tc\u{202e}d\u{9b}e\0", 100),
            "a\u{fffd}[2Jb\u{fffd}\n\tc\u{fffd}d\u{fffd}e\u{fffd}"
        );
        assert_eq!(clean("naïve 👩", 100), "naïve 👩");
        assert_eq!(clean("ééé", 5), "éé", "cut between characters");
    }

    #[test]
    fn logs_stop_at_their_limits_whatever_the_worker_sends() {
        let mut logs = Vec::new();
        let mut room = Logs::new(Limits { log_lines: 3, log_bytes: 10, ..Limits::default() });
        for text in ["12345", "", "67890", "x"] {
            room.push(LogLevel::Warn, text, &mut logs);
        }
        let texts: Vec<_> = logs.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["12345", "", "6789"]);
    }
}
