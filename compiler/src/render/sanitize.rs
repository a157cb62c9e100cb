//! Keeps sources and file names from steering the reader's terminal (security.md decision 10, T25): control
//! characters, escape sequences and bidirectional overrides never reach the output as they are.

/// A text for one line: every dangerous character becomes a visible escape (`\u{1b}`).
pub fn line(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if is_dangerous(character) || character == '\n' {
            safe.extend(character.escape_unicode());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// A text that may have several lines (messages, helps).
pub fn lines(text: &str) -> String {
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// A source text whose byte offsets must stay as they are: each dangerous character becomes a mark of the same
/// number of bytes. Line ends and tabs stay.
pub fn same_length(text: &str) -> String {
    text.chars()
        .map(|character| match (is_dangerous(character), character.len_utf8()) {
            (false, _) => character,
            (true, 1) => '?',
            (true, 2) => '\u{bf}',
            (true, 3) => '\u{fffd}',
            (true, _) => '\u{1fbc4}',
        })
        .collect()
}

/// A JSON text in which each dangerous character is a `\\u` escape: the same value, harmless on a terminal.
pub fn json(value: &serde_json::Value) -> String {
    let mut safe = String::new();
    for character in value.to_string().chars() {
        if is_dangerous(character) {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Characters that move the cursor, start an escape sequence, or reorder or hide text. Line feed and tab are safe.
fn is_dangerous(character: char) -> bool {
    match character {
        '\n' | '\t' => false,
        '\u{61c}' | '\u{ad}' | '\u{180e}' | '\u{feff}' => true,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}' => true,
        _ => character.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Escape sequences, C1 controls, bidi overrides, a link (OSC 8), a clipboard write (OSC 52), a carriage return.
    const HOSTILE: &str =
        "a\u{1b}[2Jb\u{9b}31mc\u{202e}d\u{1b}]8;;http://x\u{7}e\u{1b}]52;c;eA==\u{7}\rf\u{7f}g\u{2066}\u{e0041}h\u{0}";

    #[test]
    fn t25_no_dangerous_character_is_left() {
        for safe in [line(HOSTILE), lines(HOSTILE), same_length(HOSTILE)] {
            assert!(!safe.chars().any(is_dangerous), "{safe:?}");
            assert!(!safe.bytes().any(|byte| byte < 0x20), "{safe:?}");
        }
    }

    #[test]
    fn source_keeps_its_length_and_its_lines() {
        let text = format!("{HOSTILE}\n\tx\n");
        let safe = same_length(&text);
        assert_eq!(safe.len(), text.len());
        assert_eq!(safe.matches('\n').count(), 2);
        assert!(safe.contains("\tx"));
    }

    #[test]
    fn ordinary_text_is_untouched() {
        for text in ["héllo wörld", "漢字", "a\tb", "🦀"] {
            assert_eq!(line(text), text);
            assert_eq!(same_length(text), text);
        }
    }
}
