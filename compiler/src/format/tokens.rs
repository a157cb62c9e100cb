//! The tokens of a file in order, each with the comments that belong to it. The printer writes every token from here, so
//! that none is lost and every comment has one place:
//!
//! - The first comment after a token, on the same line, ends the line of that token, behind a comma if one follows.
//! - Any other comment has lines of its own before the token that follows it.
//! - One before the `{` of a body or config goes inside, as if it stood behind the brace.
//!
//! Commas are no tokens here: they come and go with the layout. A doc comment that would document something else where
//! it is written, or something where it documented nothing, becomes a remark.

use super::doc::Doc;

/// What is still to print.
pub(super) struct Tokens<'a> {
    source: &'a str,
    /// In order of their places; the last is empty, at the end of the file.
    tokens: Vec<Token<'a>>,
    remarks: Vec<Remark<'a>>,
    /// The next to print.
    at: usize,
}

#[derive(Clone, Copy)]
struct Token<'a> {
    text: &'a str,
    start: usize,
    end: usize,
    /// The remarks before it: a range of `remarks`.
    lead: (usize, usize),
    /// The comment that ends its line.
    trail: Option<&'a str>,
    /// Whether an empty line stands right before it.
    blank: bool,
}

struct Remark<'a> {
    text: &'a str,
    /// Whether an empty line stands before it.
    blank: bool,
}

/// A comment between two tokens.
#[derive(Clone, Copy)]
struct Comment {
    start: usize,
    end: usize,
    /// It stood before a `{` that it has moved behind.
    moved: bool,
}

impl<'a> Tokens<'a> {
    /// `ranges` are the tokens and comments of the source, in order.
    pub(super) fn new(source: &'a str, ranges: &[(usize, usize)]) -> Tokens<'a> {
        let mut it = Tokens { source, tokens: Vec::with_capacity(ranges.len() + 1), remarks: Vec::new(), at: 0 };
        let mut gap: Vec<Comment> = Vec::new();
        let mut comma = 0;
        for &(start, end) in ranges {
            let text = source.get(start..end).unwrap_or_default();
            if text.starts_with("//") {
                gap.push(Comment { start, end, moved: false });
            } else if text == "," {
                comma = start;
            } else {
                it.push(text, start, &mut gap, comma);
            }
        }
        it.push("", source.len(), &mut gap, comma);
        it
    }

    /// The text of the next token.
    pub(super) fn peek(&self) -> &'a str {
        self.tokens.get(self.at).map_or("", |token| token.text)
    }

    /// The next token with its comments.
    pub(super) fn next(&mut self) -> Doc<'a> {
        let Some(&token) = self.tokens.get(self.at) else { return Doc::Text("") };
        let plain = token.lead.0 == token.lead.1 && token.trail.is_none();
        let lead = if plain { Vec::new() } else { self.lead() };
        if !token.text.is_empty() {
            self.at += 1;
        }
        if plain {
            return Doc::Text(token.text);
        }
        let mut docs = lead;
        docs.push(Doc::Text(token.text));
        docs.extend(token.trail.map(Doc::Trail));
        Doc::Concat(docs)
    }

    /// So many tokens, with spaces between them.
    pub(super) fn words(&mut self, count: usize) -> Doc<'a> {
        let mut docs = Vec::with_capacity(2 * count);
        for index in 0..count {
            if index > 0 {
                docs.push(Doc::Space);
            }
            docs.push(self.next());
        }
        Doc::Concat(docs)
    }

    /// The tokens that begin before `end`, with spaces between them.
    pub(super) fn words_until(&mut self, end: usize) -> Doc<'a> {
        let count = self.count_until(end);
        self.words(count)
    }

    /// The tokens that begin before `end`, with nothing between them.
    pub(super) fn glued_until(&mut self, end: usize) -> Doc<'a> {
        match self.count_until(end) {
            1 => self.next(),
            count => Doc::Concat((0..count).map(|_| self.next()).collect()),
        }
    }

    /// The remarks before the next token, which are printed by this.
    pub(super) fn lead(&mut self) -> Vec<Doc<'a>> {
        let Some(token) = self.tokens.get_mut(self.at) else { return Vec::new() };
        let (from, to) = std::mem::take(&mut token.lead);
        let blank = token.blank;
        let mut docs = Vec::new();
        for (index, remark) in self.remarks.get(from..to).unwrap_or_default().iter().enumerate() {
            if index > 0 && remark.blank {
                docs.push(Doc::Blank);
            }
            docs.push(Doc::Remark(remark.text));
        }
        if blank && !docs.is_empty() {
            docs.push(Doc::Blank);
        }
        docs
    }

    /// The remarks before a closing bracket, which are printed by this.
    pub(super) fn closing_lead(&mut self) -> Vec<Doc<'a>> {
        let mut docs = self.lead();
        if matches!(docs.last(), Some(Doc::Blank)) {
            docs.pop();
        }
        docs
    }

    /// Whether remarks stand before the next token.
    pub(super) fn leads(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| token.lead.0 < token.lead.1)
    }

    /// Whether an empty line stands before the next token and its remarks.
    pub(super) fn blank(&self) -> bool {
        self.tokens.get(self.at).is_some_and(|token| {
            let remark = if token.lead.0 < token.lead.1 { self.remarks.get(token.lead.0) } else { None };
            remark.map_or(token.blank, |remark| remark.blank)
        })
    }

    /// Whether the source has a line end between the token before the next and the next.
    pub(super) fn breaks(&self) -> bool {
        let before = self.at.checked_sub(1).and_then(|at| self.tokens.get(at));
        match (before, self.tokens.get(self.at)) {
            (Some(before), Some(next)) => has_line_end(self.source, before.end, next.start),
            _ => false,
        }
    }

    /// Where printing stands, to come back to.
    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// Goes to a place.
    pub(super) fn go(&mut self, place: usize) {
        self.at = place;
    }

    /// Goes to the token that begins at `start`.
    pub(super) fn seek(&mut self, start: usize) {
        self.at = self.tokens.partition_point(|token| token.start < start);
    }

    /// How many tokens begin before `end`.
    fn count_until(&self, end: usize) -> usize {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        rest.iter().take_while(|token| token.start < end && !token.text.is_empty()).count()
    }

    /// Adds a token and gives it and the one before the comments between them.
    fn push(&mut self, text: &'a str, start: usize, gap: &mut Vec<Comment>, comma: usize) {
        if gap.is_empty() {
            return self.add(text, start);
        }
        let last = self.tokens.last_mut();
        if text == "{" && last.as_ref().is_some_and(|last| heads(last.text)) {
            gap.iter_mut().for_each(|comment| comment.moved = true);
            return self.add(text, start);
        }
        let mut comments = gap.as_slice();
        if let (Some(last), Some((first, rest))) = (last, comments.split_first()) {
            // A comment that moved behind a brace is at the end of its line if it was at the end of the line before.
            let from =
                if first.moved { first.start - self.source.get(..first.start).map_or(0, gap_before) } else { last.end };
            if !has_line_end(self.source, from, first.start) {
                last.trail = Some(self.source.get(first.start..first.end).unwrap_or_default().trim_end());
                comments = rest;
            }
        }
        let from = self.remarks.len();
        for comment in comments {
            let documents = !comment.moved && comment.start >= comma && is_alone(self.source, comment.start);
            let written = self.source.get(comment.start..comment.end).unwrap_or_default().trim_end();
            let doc = written.starts_with("///") && !written.starts_with("////");
            let text = if doc && !documents { written.get(1..).unwrap_or_default() } else { written };
            self.remarks.push(Remark { text, blank: blank_before(self.source, comment.start) });
        }
        self.add(text, start);
        if let Some(token) = self.tokens.last_mut() {
            token.lead = (from, self.remarks.len());
        }
        gap.clear();
    }

    fn add(&mut self, text: &'a str, start: usize) {
        let blank = blank_before(self.source, start);
        self.tokens.push(Token { text, start, end: start + text.len(), lead: (0, 0), trail: None, blank });
    }
}

/// Whether a `{` after that token opens a body or config: it ends a name, a literal or a call. After anything else
/// the brace begins a map.
fn heads(token: &str) -> bool {
    token.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '"' | '\'' | '`' | ')' | ']'))
}

/// The length of the white space at the end.
fn gap_before(text: &str) -> usize {
    text.len() - text.trim_end().len()
}

fn has_line_end(source: &str, start: usize, end: usize) -> bool {
    source.get(start..end).is_some_and(|gap| gap.contains('\n'))
}

/// Whether only white space stands before `at` on its line.
fn is_alone(source: &str, at: usize) -> bool {
    let before = source.get(..at).unwrap_or_default().trim_end_matches([' ', '\t']);
    before.is_empty() || before.ends_with('\n')
}

/// Whether an empty line stands before `at`.
fn blank_before(source: &str, at: usize) -> bool {
    let before = source.get(..at).unwrap_or_default();
    let gap = before.get(before.len() - gap_before(before)..).unwrap_or_default();
    gap.bytes().filter(|byte| *byte == b'\n').nth(1).is_some()
}
