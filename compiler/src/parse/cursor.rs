//! What the walk over the pairs carries, and how it steps through the children of a pair.

use admit_grammar::{Pair, Pairs, Rule};

use crate::ast::{Name, Text};
use crate::diagnostic::{Diagnostic, Label, Level};
use crate::source::{FileId, Span};

/// The walk: the text, the findings so far, the comments.
pub(super) struct Cx<'a> {
    pub(super) id: FileId,
    /// The whole file.
    pub(super) text: &'a str,
    /// Where the text that is being walked begins in the file: 0, or the start of a template's hole.
    pub(super) base: usize,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// Byte ranges in order.
    pub(super) comments: Vec<(usize, usize)>,
    /// How much of the expression being walked is used up.
    pub(super) nodes: usize,
    /// Whether the expression being walked was already found too large.
    pub(super) too_large: bool,
    /// Findings about what did not parse; the nodes around it are marked broken when it grows.
    pub(super) broken: usize,
    /// Braces that broken text left open: `}` will be missing for them, and is no second mistake.
    pub(super) left_open: usize,
}

impl<'a> Cx<'a> {
    pub(super) fn new(id: FileId, text: &'a str) -> Cx<'a> {
        Cx {
            id,
            text,
            base: 0,
            diagnostics: Vec::new(),
            comments: Vec::new(),
            nodes: 0,
            too_large: false,
            broken: 0,
            left_open: 0,
        }
    }

    /// Offsets of the text being walked as a span of the file. Files are at most 1 MiB, so offsets fit; those of a
    /// larger file, which is refused, saturate.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let at = |offset: usize| u32::try_from(self.base.saturating_add(offset)).unwrap_or(u32::MAX);
        Span { file: self.id, start: at(start), end: at(end) }
    }

    pub(super) fn span_of(&self, pair: &Pair<'_>) -> Span {
        let span = pair.as_span();
        self.span(span.start(), span.end())
    }

    pub(super) fn name(&self, pair: &Pair<'_>) -> Name {
        Name { text: pair.as_str().into(), span: self.span_of(pair) }
    }

    /// Adds an error; `start..end` in the text being walked.
    pub(super) fn error(
        &mut self,
        code: &'static str,
        start: usize,
        end: usize,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        self.add(code, Level::Error, start, end, message)
    }

    pub(super) fn add(
        &mut self,
        code: &'static str,
        level: Level,
        start: usize,
        end: usize,
        message: impl Into<String>,
    ) -> &mut Diagnostic {
        let diagnostic = Diagnostic {
            code,
            level,
            message: message.into(),
            primary: Label { span: self.span(start, end), message: String::new() },
            secondary: Vec::new(),
            help: Vec::new(),
        };
        let index = self.diagnostics.len();
        self.diagnostics.push(diagnostic);
        #[expect(clippy::indexing_slicing, reason = "pushed on the line above")]
        &mut self.diagnostics[index]
    }

    pub(super) fn into_diagnostics(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|found| (found.primary.span.start, found.primary.span.end, found.code));
        self.diagnostics
    }
}

/// The children of a pair in order, comments left out.
pub(super) struct Kids<'a> {
    pairs: Pairs<'a>,
    next: Option<Pair<'a>>,
}

impl<'a> Kids<'a> {
    pub(super) fn of(pair: Pair<'a>) -> Kids<'a> {
        Kids::over(pair.into_inner())
    }

    pub(super) fn over(pairs: Pairs<'a>) -> Kids<'a> {
        let mut kids = Kids { pairs, next: None };
        kids.advance();
        kids
    }

    /// The rule of the next child.
    pub(super) fn peek(&self) -> Option<Rule> {
        self.next.as_ref().map(Pair::as_rule)
    }

    /// The text of the next child.
    pub(super) fn peek_str(&self) -> Option<&'a str> {
        self.next.as_ref().map(Pair::as_str)
    }

    /// The next child if it is of that rule.
    pub(super) fn eat(&mut self, rule: Rule) -> Option<Pair<'a>> {
        if self.peek() == Some(rule) { self.next() } else { None }
    }

    /// Steps over the next child if it is of that rule.
    pub(super) fn pass(&mut self, rule: Rule) -> bool {
        self.eat(rule).is_some()
    }

    fn advance(&mut self) {
        self.next = self.pairs.find(|pair| pair.as_rule() != Rule::COMMENT);
    }
}

impl<'a> Iterator for Kids<'a> {
    type Item = Pair<'a>;

    fn next(&mut self) -> Option<Pair<'a>> {
        let pair = self.next.take();
        if pair.is_some() {
            self.advance();
        }
        pair
    }
}

/// The end of the last token of a pair: pairs may run on over white space and comments.
pub(super) fn end_of(pair: &Pair<'_>) -> usize {
    let mut end = pair.as_span().end();
    let mut pairs = pair.clone().into_inner();
    while let Some(last) = pairs.next_back() {
        if matches!(last.as_rule(), Rule::COMMENT | Rule::missing_close) {
            end = last.as_span().start();
            continue;
        }
        return end_of(&last);
    }
    // A leaf, or comments only.
    let start = pair.as_span().start();
    start + pair.get_input().get(start..end).unwrap_or_default().trim_end().len()
}

/// The documentation before `start`: the lines of `///` right above it.
pub(super) fn doc_before(cx: &Cx<'_>, start: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut until = start;
    let before = cx.comments.partition_point(|(from, _)| *from < start);
    for &(from, to) in cx.comments.get(..before).unwrap_or_default().iter().rev() {
        let gap = cx.text.get(to..until).unwrap_or_default();
        let Some(line) = doc_line(cx.text.get(from..to).unwrap_or_default()) else { break };
        let alone = cx.text.get(..from).unwrap_or_default().trim_end_matches([' ', '\t']);
        if !gap.trim().is_empty() || !(alone.is_empty() || alone.ends_with('\n')) {
            break;
        }
        lines.push(line.to_owned());
        until = from;
    }
    lines.reverse();
    lines
}

/// The text of a doc comment, without slashes and one space; none for other comments.
pub(super) fn doc_line(comment: &str) -> Option<&str> {
    let line = comment.strip_prefix("///")?;
    if line.starts_with('/') {
        return None;
    }
    Some(line.strip_prefix(' ').unwrap_or(line).trim_end())
}

/// A text of a pair of the `string` rule, unescaped.
pub(super) fn text(cx: &mut Cx<'_>, pair: &Pair<'_>) -> Text {
    Text { value: super::literal::string(cx, pair), span: cx.span_of(pair) }
}
