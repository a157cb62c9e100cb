//! Expressions: all of CEL, with slugs and durations.

use super::{SLUGS, Source};

const NAMES: [&str; 8] = ["a", "event", "now", "true", "false", "null", "_x9", "inner"];
const FIELDS: [&str; 6] = ["user", "aal", "in2", "when", "for", "`odd-name/1.x y`"];
const FUNCTIONS: [&str; 6] = ["has", "size", "f", "exists", "map", "orValue"];
const LITERALS: [&str; 30] = [
    "0",
    "1",
    "9223372036854775807",
    "0x1F",
    "0XfFu",
    "18446744073709551615u",
    "7U",
    "1.5",
    ".5",
    "1e3",
    "2.5E-7",
    "300ms",
    "8s",
    "3d",
    r#""a""#,
    r#""\a\b\f\n\r\t\v\\\?\"\'\` \x41\X4a\101 \u00e9 \U0001F600""#,
    "'it is'",
    "'q'",
    "\"\"\"a \"b\"\nc\"\"\"",
    "'''d'e\n'''",
    "''",
    r#"r"\d+""#,
    r"R'\w'",
    "r\"\"\"\\\"\n\"\"\"",
    r#"b"\xff\377""#,
    "B'é'",
    r#"br"\n""#,
    r"bR'x'",
    "b''''''",
    "\"\"",
];
const TEMPLATES: [&str; 7] = [
    r#""a {{ event.user.id }} b""#,
    r#""{{a}}{{ params.limit-1 }}""#,
    r#""\{{ not }} {{ f(x, 'y}}') }} \n""#,
    "\"\"\"{{ {\"a\": {\"b\": 1}}.a.b }}\n\"\"\"",
    r#"'{{ [1, 2][0] > 1 ? "a" : "b" }}'"#,
    r#""no hole""#,
    r#""\{{ only written }}""#,
];
const OPERATORS: [&str; 14] = ["||", "&&", "<", "<=", ">", ">=", "==", "!=", "in", "+", "-", "*", "/", "%"];

impl Source<'_, '_> {
    /// An expression.
    pub(super) fn expr(&mut self) {
        self.within(|source| {
            source.chain();
            for _ in 0..source.some(1) {
                source.word("?");
                source.chain();
                source.word(":");
                source.chain();
            }
        });
    }

    /// A config value that is an expression.
    pub(super) fn config_value(&mut self) {
        match self.choices.below(6) {
            0 => self.pick(&TEMPLATES),
            1 => {
                self.word("[");
                self.commas(|source| source.pick(&TEMPLATES));
                self.word("]");
            }
            2 => {
                self.word("{\"k\":");
                self.pick(&TEMPLATES);
                self.word("}");
            }
            _ => self.expr(),
        }
    }

    /// A map or record literal.
    pub(super) fn map(&mut self) {
        self.within(|source| {
            source.word("{");
            for _ in 0..source.some(3) {
                if source.choices.one_in(3) {
                    source.word("?");
                }
                match source.choices.below(3) {
                    0 => source.pick(&["name", "in", "user_1", "retry"]),
                    1 => source.pick(&[r#""k""#, "1", "true ? 1 : 2", "'x' + 'y'"]),
                    _ => {
                        source.word("(");
                        source.expr();
                        source.word(")");
                    }
                }
                source.word(":");
                source.expr();
                source.word(",");
            }
            source.word("}");
        });
    }

    /// A map whose keys are slugs.
    pub(super) fn slug_map(&mut self) {
        self.within(|source| {
            source.word("{");
            for _ in 0..source.some(3) {
                source.slug();
                source.word(":");
                source.expr();
                source.word(",");
            }
            source.word("}");
        });
    }

    fn chain(&mut self) {
        self.term();
        for _ in 0..self.some(2) {
            self.pick(&OPERATORS);
            self.term();
        }
    }

    fn term(&mut self) {
        for _ in 0..self.some(1) {
            self.pick(&["!", "-", "!", "- -"]);
        }
        self.primary();
        for _ in 0..self.some(2) {
            match self.choices.below(3) {
                0 => {
                    self.pick(&[".", ".?"]);
                    self.pick(&FIELDS);
                }
                1 => {
                    self.word(".");
                    self.call();
                }
                _ => {
                    self.pick(&["[", "[?"]);
                    self.expr();
                    self.word("]");
                }
            }
        }
    }

    fn primary(&mut self) {
        let kinds = if self.depth > 4 { 4 } else { 9 };
        match self.choices.below(kinds) {
            0 => self.pick(&NAMES),
            1 => self.pick(&LITERALS),
            2 => {
                if self.choices.one_in(4) {
                    self.word("parent");
                    self.word(".");
                    self.word("step");
                } else {
                    self.pick(&["step", "params", "lists", "secrets"]);
                }
                self.pick(&[".", ".", ".", ".?"]);
                self.pick(&SLUGS);
            }
            3 => {
                self.word(".");
                self.pick(&["a", "event"]);
            }
            4 => {
                self.word("(");
                self.expr();
                self.word(")");
            }
            5 => {
                self.word("[");
                for _ in 0..self.some(3) {
                    if self.choices.one_in(4) {
                        self.word("?");
                    }
                    self.expr();
                    self.word(",");
                }
                self.word("]");
            }
            6 => self.map(),
            _ => self.call(),
        }
    }

    fn call(&mut self) {
        self.pick(&FUNCTIONS);
        self.word("(");
        if self.choices.one_in(2) {
            self.within(|source| source.commas(Self::expr));
        }
        self.word(")");
    }
}
