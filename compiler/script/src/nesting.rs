//! How deep a script nests, found without recursion before the parser sees it: the parser, its checks and the printer
//! call themselves for each level and have no bound of their own.
//!
//! Brackets are one way to nest; prefix operators, conditionals, arrows, `else if` and the like are others. So what
//! counts is every token of a statement or of an item of a list, summed over the brackets that are open: no tree can be
//! deeper than its tokens are many. Tokens are told apart just well enough for that. Where the language leaves it to
//! its grammar whether a line goes on, they count on, so that a bound is kept rather than missed.

/// Tokens of one statement or item, summed over what is open around it.
const TOKENS: usize = 4_000;
/// Brackets in each other.
const LEVELS: usize = 128;

/// Words after which an operand follows, so that a new line does not end what they begin.
const BEFORE_OPERAND: &[&str] = &[
    "as",
    "asserts",
    "async",
    "await",
    "case",
    "delete",
    "do",
    "else",
    "extends",
    "implements",
    "in",
    "infer",
    "instanceof",
    "is",
    "keyof",
    "new",
    "of",
    "readonly",
    "return",
    "satisfies",
    "throw",
    "typeof",
    "unique",
    "void",
    "yield",
];

/// Words that go on with what stands before them, on a new line too.
const GOING_ON: &[&str] = &[
    "as",
    "catch",
    "else",
    "extends",
    "finally",
    "from",
    "implements",
    "in",
    "instanceof",
    "is",
    "of",
    "satisfies",
    "while",
];

/// Words whose parentheses are no operand: what follows belongs to them.
const HEADS: &[&str] = &["await", "catch", "for", "if", "switch", "while", "with"];

/// The byte at which a script is nested too deeply.
pub(crate) fn too_deep(text: &str) -> Option<usize> {
    let mut counter = Counter::default();
    let mut lexer = Lexer { text, at: 0, in_template: false };
    while let Some(token) = lexer.next(&counter) {
        if !counter.count(token) {
            return Some(lexer.at);
        }
    }
    None
}

#[derive(Clone, Copy, Debug)]
enum Token<'t> {
    /// A name, a word or a number, and whether it begins a line.
    Word(&'t str, bool),
    /// A string or a whole template, and whether it begins a line.
    Literal(bool),
    /// A regular expression, whether it begins a line, and how deep it nests.
    Regex(bool, usize),
    /// `(`, `[`, `{` or `${`.
    Open(u8),
    /// `)`, `]` or `}`.
    Close,
    /// Another character.
    Sign(u8),
    /// `=>`
    Arrow,
}

/// What stood before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    /// The end of a statement or of a block, or nothing.
    #[default]
    End,
    /// Something after which an operand follows.
    Open,
    /// Something after which an operand or a block follows.
    Body,
    /// The end of an operand.
    Operand,
}

#[derive(Clone, Copy, Debug, Default)]
struct Level {
    tokens: usize,
    /// `<` that no `>` has closed, which may be those of types.
    angles: usize,
    /// Its opening stood behind a word of `HEADS`.
    head: bool,
    /// It is a block, or a hole of a template.
    block: bool,
    template: bool,
}

#[derive(Debug, Default)]
struct Counter {
    levels: Vec<Level>,
    here: Level,
    /// Tokens of all levels that are open.
    sum: usize,
    before: Before,
    /// The last word was one of `HEADS`.
    head: bool,
    /// Tokens of the statement that a `;` ended: `else` goes on with it.
    ended: usize,
}

impl Counter {
    /// Counts a token; false where it is one too many.
    fn count(&mut self, token: Token<'_>) -> bool {
        let ended = std::mem::take(&mut self.ended);
        let head = std::mem::take(&mut self.head);
        match token {
            Token::Word(word, line) => {
                if word == "else" {
                    self.add(ended);
                } else if self.is_over(line) && !GOING_ON.contains(&word) {
                    self.reset(0);
                }
                self.head = HEADS.contains(&word);
                self.before = match word {
                    "do" | "else" => Before::Body,
                    word if self.head || BEFORE_OPERAND.contains(&word) => Before::Open,
                    _ => Before::Operand,
                };
                self.add(1);
            }
            Token::Literal(line) | Token::Regex(line, _) => {
                if self.is_over(line) {
                    self.reset(0);
                }
                self.before = Before::Operand;
                self.add(1);
                if matches!(token, Token::Regex(_, levels) if levels > LEVELS) {
                    return false;
                }
            }
            Token::Open(open) => {
                self.add(1);
                let block = open == b'{' && self.before != Before::Open;
                self.levels.push(self.here);
                self.here = Level { head, block, template: open == b'$', ..Level::default() };
                self.before = if block { Before::End } else { Before::Open };
                if self.levels.len() > LEVELS {
                    return false;
                }
            }
            Token::Close => {
                self.reset(0);
                self.before = match (self.here.head, self.here.block) {
                    (true, _) => Before::Body,
                    (false, true) => Before::End,
                    (false, false) => Before::Operand,
                };
                self.here = self.levels.pop().unwrap_or_default();
                self.add(1);
            }
            Token::Sign(b';') => {
                self.ended = self.here.tokens;
                self.here.angles = 0;
                self.reset(0);
                self.before = Before::End;
            }
            Token::Sign(b',') => {
                self.reset(2 * self.here.angles);
                self.before = Before::Open;
            }
            Token::Sign(sign) => {
                match sign {
                    b'<' => self.here.angles += 1,
                    b'>' => self.here.angles = self.here.angles.saturating_sub(1),
                    _ => {}
                }
                self.before = Before::Open;
                self.add(1);
            }
            Token::Arrow => {
                self.before = Before::Body;
                self.add(1);
            }
        }
        self.sum <= TOKENS
    }

    /// An operand that comes now cannot go on with what stands before.
    fn is_over(&self, line: bool) -> bool {
        match self.before {
            Before::End => true,
            Before::Operand => line,
            Before::Open | Before::Body => false,
        }
    }

    fn add(&mut self, tokens: usize) {
        self.here.tokens += tokens;
        self.sum += tokens;
    }

    /// A new statement or item begins, `kept` tokens of the old one count on.
    fn reset(&mut self, kept: usize) {
        let kept = kept.min(self.here.tokens);
        self.sum = self.sum.saturating_sub(self.here.tokens - kept);
        self.here.tokens = kept;
    }
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// The text of a template comes next.
    in_template: bool,
}

impl<'t> Lexer<'t> {
    /// The next token; none at the end.
    fn next(&mut self, counter: &Counter) -> Option<Token<'t>> {
        if std::mem::take(&mut self.in_template) {
            return Some(self.template());
        }
        let line = self.space();
        let begin = self.at;
        let first = self.letter()?;
        Some(match first {
            '(' | '[' | '{' => Token::Open(first as u8),
            ')' | ']' => Token::Close,
            '}' => {
                self.in_template = counter.here.template;
                Token::Close
            }
            '"' | '\'' => {
                self.quoted(first);
                Token::Literal(line)
            }
            '`' => self.template(),
            '/' if counter.before != Before::Operand => Token::Regex(line, self.regex()),
            '=' if self.rest().starts_with('>') => {
                self.at += 1;
                Token::Arrow
            }
            sign if sign.is_ascii() && !is_of_word(sign) => Token::Sign(sign as u8),
            _ => {
                while self.rest().starts_with(is_of_word) {
                    self.letter();
                }
                Token::Word(self.text.get(begin..self.at).unwrap_or_default(), line)
            }
        })
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn letter(&mut self) -> Option<char> {
        let letter = self.rest().chars().next()?;
        self.at += letter.len_utf8();
        Some(letter)
    }

    /// Moves behind the first of what is looked for; to the end where there is none.
    fn behind(&mut self, what: &str) {
        self.at = self.rest().find(what).map_or(self.text.len(), |found| self.at + found + what.len());
    }

    /// Passes over space and comments; whether a line ended.
    fn space(&mut self) -> bool {
        let begin = self.at;
        loop {
            let rest = self.rest();
            if rest.starts_with("//") {
                self.at += rest.find(is_line_end).unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.at += 2;
                self.behind("*/");
            } else if rest.starts_with(is_space) {
                self.letter();
            } else {
                return self.text.get(begin..self.at).is_some_and(|space| space.contains(is_line_end));
            }
        }
    }

    /// A string, which ends with its line.
    fn quoted(&mut self, quote: char) {
        while let Some(letter) = self.letter() {
            match letter {
                '\\' => {
                    self.letter();
                }
                letter if letter == quote || letter == '\n' || letter == '\r' => return,
                _ => {}
            }
        }
    }

    /// A regular expression, which ends with its line; how deep its groups and classes nest. Its flags are a word of
    /// their own.
    ///
    /// Whether classes nest is for the flag `v` to say, which stands behind: both are counted.
    fn regex(&mut self) -> usize {
        let (mut groups, mut classes, mut in_class) = (0_usize, 0_usize, false);
        let mut deepest = 0;
        while let Some(letter) = self.letter() {
            match letter {
                '\\' => {
                    self.letter();
                }
                '[' => {
                    in_class = true;
                    classes += 1;
                }
                ']' => {
                    in_class = false;
                    classes = classes.saturating_sub(1);
                }
                '(' if !in_class => groups += 1,
                ')' if !in_class => groups = groups.saturating_sub(1),
                '/' if !in_class => break,
                letter if is_line_end(letter) => break,
                _ => {}
            }
            deepest = deepest.max(groups).max(classes);
        }
        deepest
    }

    /// The text of a template, up to its end or the next hole.
    fn template(&mut self) -> Token<'t> {
        while let Some(letter) = self.letter() {
            match letter {
                '\\' => {
                    self.letter();
                }
                '`' => break,
                '$' if self.rest().starts_with('{') => {
                    self.at += 1;
                    return Token::Open(b'$');
                }
                _ => {}
            }
        }
        Token::Literal(false)
    }
}

fn is_of_word(letter: char) -> bool {
    letter.is_ascii_alphanumeric()
        || matches!(letter, '_' | '$' | '#' | '\\')
        || (!letter.is_ascii() && !is_space(letter))
}

/// ECMA-262 section 12.2 and 12.3.
fn is_space(letter: char) -> bool {
    letter.is_whitespace() || letter == '\u{feff}'
}

fn is_line_end(letter: char) -> bool {
    matches!(letter, '\n' | '\r' | '\u{2028}' | '\u{2029}')
}
