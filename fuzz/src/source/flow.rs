//! Flows, stages, steps, decisions, config and modifiers; rules and tests.

use super::{SLUGS, Source, WORDS};

impl Source<'_, '_> {
    /// A flow.
    pub(super) fn flow(&mut self) {
        self.pick(&["system", "custom"]);
        self.word("flow");
        self.slug();
        if self.choices.one_in(3) {
            self.text();
        }
        self.word("{");
        if self.choices.one_in(2) {
            self.word("budget");
            self.duration();
        }
        for _ in 0..self.some(3) {
            if self.choices.one_in(4) {
                self.word("\n/// What the stage does.\n");
            }
            self.word("stage");
            self.slug();
            if self.choices.one_in(3) {
                self.text();
            }
            self.steps();
        }
        self.word("}");
    }

    fn steps(&mut self) {
        self.within(|source| {
            source.word("{");
            for _ in 0..source.some(3) {
                if source.choices.one_in(5) {
                    source.word("\n/// What the step does.\n");
                }
                source.step();
                source.word("\n");
            }
            source.word("}");
        });
    }

    fn step(&mut self) {
        match self.choices.below(8) {
            0..3 => {
                self.pick(&WORDS);
                self.label();
                if self.choices.one_in(2) {
                    self.config();
                }
                self.modifiers();
            }
            3..5 => self.decision(),
            5 => {
                self.word("condition");
                self.slug();
                self.word("{");
                for _ in 0..self.some(2) {
                    self.pick(&WORDS);
                    self.word(":");
                    self.expr();
                    self.word(",");
                }
                self.word("}");
            }
            6 => {
                self.word("run");
                self.word("action");
                self.slug();
                self.word("@");
                self.pick(&["1.2.0", "0.3.0-beta.1", "2.0.0+b5"]);
                self.label();
                if self.choices.one_in(2) {
                    self.config();
                }
                self.modifiers();
            }
            _ => {
                self.word("run");
                self.word("flow");
                self.slug();
                self.modifiers();
            }
        }
    }

    fn label(&mut self) {
        if self.choices.one_in(3) {
            self.word("as");
            self.slug();
        }
    }

    fn modifiers(&mut self) {
        for _ in 0..self.choices.below(3) {
            match self.choices.below(6) {
                0 => {
                    self.word("timeout");
                    self.duration();
                }
                1 => {
                    self.word("retry");
                    self.pick(&["0", "1", "12"]);
                    if self.choices.one_in(2) {
                        self.word("backoff");
                        self.duration();
                    }
                }
                2 => {
                    self.word("on error");
                    self.word("deny");
                    self.text();
                }
                3 => self.word("on error halt"),
                4 => self.word("on error continue"),
                _ => self.word("async"),
            }
        }
    }

    /// A config, also of a milestone.
    pub(super) fn config(&mut self) {
        self.word("{");
        for _ in 0..self.some(3) {
            self.pick(&WORDS);
            self.word(":");
            if self.choices.one_in(4) {
                self.pick(&[
                    "\"low\" | \"high\"",
                    "int(0 .. 9)",
                    "secret string",
                    "list(\"a\" | \"b\")",
                    "{ a: pii string }",
                    "optional(int)",
                ]);
            } else {
                self.config_value();
            }
            self.pick(&[",", "\n", ",\n"]);
        }
        self.word("}");
    }

    fn decision(&mut self) {
        self.word("decision");
        self.slug();
        self.word("{");
        for _ in 0..self.some(3) {
            self.word("when");
            self.expr();
            self.branch();
        }
        if self.choices.one_in(2) {
            self.word("default");
            self.branch();
        }
        self.word("}");
    }

    fn branch(&mut self) {
        self.word("->");
        self.slug();
        if self.choices.one_in(2) {
            self.steps();
        }
    }

    /// A rule.
    pub(super) fn rule(&mut self) {
        self.word("rule");
        self.slug();
        if self.choices.one_in(2) {
            self.word("of");
            self.commas(Self::slug);
        }
        self.word("{");
        for _ in 0..self.choices.below(4) {
            match self.choices.below(4) {
                0 => {
                    self.word("before");
                    self.pick(&WORDS);
                    self.when();
                    self.word("require");
                    self.expr();
                }
                1 => {
                    self.word("never");
                    self.slug();
                    self.when();
                }
                2 => {
                    self.word("after");
                    self.slug();
                    self.word("require");
                    self.pick(&WORDS);
                }
                _ => {
                    self.word("always ends within");
                    self.duration();
                }
            }
        }
        self.word("}");
    }

    /// `when EXPR`, or nothing.
    pub(super) fn when(&mut self) {
        if self.choices.one_in(2) {
            self.word("when");
            self.expr();
        }
    }

    /// A test.
    pub(super) fn test(&mut self) {
        self.word("test");
        self.pick(&["\"it works\"", "\"\""]);
        self.word("of");
        self.slug();
        self.word("{");
        for _ in 0..self.choices.below(6) {
            self.test_clause();
        }
        self.word("}");
    }

    fn test_clause(&mut self) {
        match self.choices.below(18) {
            0 => {
                self.word("given now");
                self.text();
            }
            1 => {
                self.word("given");
                if self.choices.one_in(3) {
                    self.pick(&["params", "secrets"]);
                    self.slug_map();
                } else {
                    self.pick(&["event", "input"]);
                    self.map();
                }
            }
            2 => {
                self.word("stub");
                self.slug();
                self.map();
            }
            3 => {
                self.word("stub");
                self.slug();
                self.word("error");
                self.text();
            }
            4 => {
                self.word("stub");
                self.slug();
                self.word("after");
                self.duration();
                if self.choices.one_in(2) {
                    self.map();
                }
            }
            5 => {
                self.word("stub fetch");
                self.text();
                self.map();
            }
            6 => {
                self.word("reply");
                self.slug();
                self.map();
            }
            7 => {
                self.word("expect");
                self.pick(&["session", "tokens", "allow", "finalized"]);
            }
            8 => {
                self.word("expect deny");
                self.text();
            }
            9 => {
                self.word("expect suspended");
                self.pick(&["risk", "mfa", "x-1"]);
            }
            10 => {
                self.word("expect error");
                self.pick(&["risk", "mfa"]);
            }
            11 => {
                self.word("expect redirect");
                self.text();
            }
            12 => {
                self.word("expect ran");
                self.commas(Self::slug);
            }
            13 => {
                self.word("expect not ran");
                self.commas(Self::slug);
            }
            14 => {
                self.word("expect branch");
                self.pick(&["d", "route-on-risk"]);
                self.word(".");
                let slug = self.choices.pick(&SLUGS);
                self.word(slug);
            }
            15 => {
                self.word("expect claim");
                self.text();
                self.word("==");
                self.expr();
            }
            _ => {
                self.word("expect session.aal ==");
                self.expr();
            }
        }
        self.word("\n");
    }
}
