//! Generates source text: files that use every construct of the grammar, with comments and line ends in odd places, and
//! the same files with mistakes in them.

mod declare;
mod expr;
mod flow;
mod mistakes;

use crate::choices::Choices;

pub use mistakes::{GARBAGE, with_mistakes};

/// A file that parses without findings.
pub fn file(choices: &mut Choices<'_>) -> String {
    let commented = choices.one_in(4);
    let mut source = Source { choices, out: String::new(), depth: 0, commented };
    let count = 1 + source.choices.below(6);
    for _ in 0..count {
        source.item();
        source.word("\n");
        if source.choices.is_empty() {
            break;
        }
    }
    source.out
}

/// An expression that parses without findings.
pub fn expression(choices: &mut Choices<'_>) -> String {
    let mut source = Source { choices, out: String::new(), depth: 0, commented: false };
    source.expr();
    source.out
}

/// Text being written.
struct Source<'c, 'b> {
    choices: &'c mut Choices<'b>,
    out: String,
    /// How deep constructs nest here.
    depth: usize,
    /// Whether comments stand between any two tokens, rather than here and there.
    commented: bool,
}

/// Slugs, some with parts that look like numbers and keywords.
const SLUGS: [&str; 12] = [
    "a",
    "risk",
    "limit-1",
    "step-up",
    "pre-login",
    "x2-y",
    "when",
    "fraud-screening",
    "on",
    "retry-2",
    "list",
    "session",
];
/// Block types and fields.
const WORDS: [&str; 8] = ["identity_lookup", "password_check", "mfa", "deny", "allow", "a", "b2", "call_webhook"];
/// Titles, reasons, files.
const TEXTS: [&str; 6] =
    [r#""a""#, r#""""#, r#""two words""#, r#""\u00e9 \"q\" \n""#, r#"'single'"#, "\"\"\"three\nlines\"\"\""];
const DURATIONS: [&str; 6] = ["300ms", "8s", "0s", "90m", "1h", "2d"];

impl Source<'_, '_> {
    fn item(&mut self) {
        if self.choices.one_in(4) {
            self.word("/// What it is for.\n");
        }
        match self.choices.below(12) {
            0..3 => self.flow(),
            3 => self.param(),
            4 => self.list(),
            5 => {
                self.word("secret");
                self.slug();
            }
            6 => self.rule(),
            7 => self.test(),
            8 => self.action(),
            9 => self.block(),
            10 => self.contract(),
            _ => {
                self.pick(&["event", "session"]);
                self.fields();
            }
        }
    }

    fn param(&mut self) {
        self.word("param");
        self.slug();
        self.word(":");
        self.ty();
        if self.choices.one_in(2) {
            self.word("=");
            self.expr();
        }
    }

    fn list(&mut self) {
        self.word("list");
        self.slug();
        if self.choices.one_in(2) {
            self.word("ignore");
            self.word("case");
        }
        self.word("from");
        self.text();
    }

    /// A token, and what stands after it.
    fn word(&mut self, word: &str) {
        self.out.push_str(word);
        match self.choices.byte() {
            200..208 if self.commented && word != "/" => self.out.push_str("// right behind\n"),
            208..216 if self.commented => self.out.push_str(" /// behind\n"),
            216..224 if self.commented => self.out.push_str("\n/// of its own\n"),
            224..232 if self.commented => self.out.push_str("\n\n//// four // two\n\n"),
            232..240 if self.commented => self.out.push_str(" //\n// { \n"),
            0..240 => self.out.push(' '),
            240..246 => self.out.push('\n'),
            246..249 => self.out.push_str("\n\n\n"),
            249..251 => self.out.push_str("\t\r\n  "),
            251..253 => self.out.push_str(" // why { ( \" not\n"),
            253 => self.out.push_str("\n// a remark\n"),
            _ => self.out.push_str("  "),
        }
    }

    fn pick(&mut self, words: &[&str]) {
        let word = self.choices.pick(words);
        self.word(word);
    }

    fn slug(&mut self) {
        self.pick(&SLUGS);
        // Before a word on its line it begins an item.
        if self.out.trim_end_matches(' ').ends_with("list") {
            self.out.push('\n');
        }
    }

    fn text(&mut self) {
        self.pick(&TEXTS);
    }

    fn duration(&mut self) {
        self.pick(&DURATIONS);
    }

    /// Between one and three, with commas.
    fn commas(&mut self, mut one: impl FnMut(&mut Self)) {
        for index in 0..=self.choices.below(3) {
            if index > 0 {
                self.word(",");
            }
            one(self);
        }
    }

    /// Up to `most`, fewer deep down.
    fn some(&mut self, most: usize) -> usize {
        if self.depth > 4 { 0 } else { self.choices.below(most + 1) }
    }

    /// One level further in.
    fn within(&mut self, inner: impl FnOnce(&mut Self)) {
        self.depth += 1;
        inner(self);
        self.depth -= 1;
    }
}
