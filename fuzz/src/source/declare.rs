//! Types and declarations.

use super::{Source, WORDS};

const PATHS: [&str; 4] = ["event.user", "input.password", "event.authentication.aal", "login.post-auth"];

impl Source<'_, '_> {
    /// A type.
    pub(super) fn ty(&mut self) {
        if self.choices.one_in(5) {
            self.pick(&["pii", "secret", "constant", "url", "header", "json", "html", "text", "secret header"]);
        }
        let kinds = if self.depth > 3 { 3 } else { 6 };
        match self.choices.below(kinds) {
            0 => self.pick(&[
                "bool",
                "int",
                "uint",
                "double",
                "string",
                "bytes",
                "timestamp",
                "duration",
                "dyn",
                "null",
                "type",
            ]),
            1 => {
                self.pick(&["\"low\"", "'low'"]);
                for _ in 0..self.choices.below(3) {
                    self.word("|");
                    self.pick(&["\"medium\"", "\"high\""]);
                }
            }
            2 => {
                self.pick(&["int", "double", "duration"]);
                self.word("(");
                self.pick(&["0", "- 1.5", "-10", "1s", "0x10", "1u"]);
                self.word("..");
                self.pick(&["100", "2.5", "5m", "7u"]);
                self.word(")");
            }
            3 => self.within(|source| {
                source.pick(&["list", "optional"]);
                source.word("(");
                source.ty();
                source.word(")");
            }),
            4 => self.within(|source| {
                source.word("map");
                source.word("(");
                source.ty();
                source.word(",");
                source.ty();
                source.word(")");
            }),
            _ => self.fields(),
        }
    }

    /// `{ name: T = EXPR, ... }`
    pub(super) fn fields(&mut self) {
        // A record type has neither defaults nor `known`, but reads both.
        self.within(|source| {
            source.word("{");
            for _ in 0..source.some(3) {
                if source.choices.one_in(6) {
                    source.word("\n/// What it holds.\n");
                }
                source.pick(&WORDS);
                source.word(":");
                source.ty();
                if source.choices.one_in(3) {
                    source.word("=");
                    source.expr();
                }
                if source.choices.one_in(6) {
                    source.word("known when");
                    source.pick(&["provided", "set"]);
                }
                source.pick(&[",", "\n"]);
            }
            source.word("}");
        });
    }

    /// A block's declaration.
    pub(super) fn block(&mut self) {
        self.word("block");
        self.pick(&WORDS);
        self.word("in");
        self.pick(&["auth", "risk"]);
        self.word("{");
        for _ in 0..self.choices.below(6) {
            match self.choices.below(11) {
                0 => {
                    self.word("flows");
                    self.commas(|source| source.pick(&["login", "mfa-verify"]));
                }
                1 => {
                    self.word("effects");
                    self.commas(|source| source.pick(&["reads", "writes", "prompts"]));
                }
                2 => {
                    self.word("timeout");
                    self.duration();
                }
                3 => {
                    self.word("takes");
                    self.commas(|source| source.pick(&PATHS));
                }
                4 => {
                    self.word("config");
                    self.fields();
                }
                5 => {
                    self.word("output");
                    self.fields();
                }
                6 => {
                    self.word("prompt");
                    self.fields();
                }
                7 => {
                    self.word("errors");
                    self.commas(|source| source.pick(&["unknown_user", "locked"]));
                }
                8 => {
                    self.word("sets");
                    self.pick(&PATHS);
                    if self.choices.one_in(2) {
                        self.word("to");
                        self.expr();
                    }
                    self.when();
                }
                9 => {
                    self.word("provides");
                    self.pick(&PATHS);
                    self.when();
                }
                _ => {
                    self.word("ensures");
                    self.expr();
                    self.when();
                }
            }
            self.word("\n");
        }
        self.word("}");
    }

    /// A contract.
    pub(super) fn contract(&mut self) {
        self.word("contract");
        self.slug();
        self.word("on");
        self.pick(&PATHS);
        self.word("{");
        if self.choices.one_in(2) {
            self.word("needs session");
        }
        if self.choices.one_in(2) {
            self.word("input");
            self.fields();
        }
        for _ in 0..self.choices.below(4) {
            self.word("stage");
            self.slug();
            self.when();
            if self.choices.one_in(2) {
                self.word("{");
                for _ in 0..self.choices.below(3) {
                    self.milestone();
                }
                self.word("}");
            }
        }
        if self.choices.one_in(2) {
            self.word("ends");
            self.commas(|source| source.pick(&["issue_session", "finalize"]));
        }
        self.word("}");
    }

    fn milestone(&mut self) {
        self.word("milestone");
        for index in 0..=self.choices.below(2) {
            if index > 0 {
                self.word("|");
            }
            self.pick(&WORDS);
            if self.choices.one_in(2) {
                self.word("verified");
            }
            if self.choices.one_in(4) {
                self.word("{ must_verify: false }");
            }
        }
    }

    /// An Action's declaration.
    pub(super) fn action(&mut self) {
        self.word("action");
        self.slug();
        self.word("{");
        for _ in 0..self.choices.below(6) {
            match self.choices.below(11) {
                0 => self.clause_text("version"),
                1 => self.clause_text("source"),
                2 => {
                    self.word("triggers");
                    self.commas(|source| source.pick(&PATHS));
                }
                3 => {
                    self.word("config");
                    self.fields();
                }
                4 => {
                    self.word("output");
                    self.fields();
                }
                5 => self.clause_grants("fetch"),
                6 => self.clause_grants("claims"),
                7 => {
                    self.word("secrets");
                    self.commas(Self::slug);
                }
                8 => self.word("effects prompts"),
                9 => {
                    self.word("budget");
                    self.duration();
                }
                _ => {
                    self.word("enabled");
                    self.pick(&["true", "false"]);
                }
            }
            self.word("\n");
        }
        self.word("}");
    }

    fn clause_text(&mut self, keyword: &str) {
        self.word(keyword);
        self.text();
    }

    fn clause_grants(&mut self, keyword: &str) {
        self.word(keyword);
        self.commas(|source| {
            if source.choices.one_in(3) {
                source.word("config");
                source.word(".");
                source.word("url");
            } else {
                source.text();
            }
        });
    }
}
