//! Comments still to print, by place.

use super::doc::{self, Doc};
use crate::parse;

/// The comments of a file in order; each is handed out once.
pub(super) struct Comments<'a> {
    text: &'a str,
    /// Byte ranges.
    all: Vec<(usize, usize)>,
    taken: Vec<bool>,
    /// All before this are taken.
    first: usize,
}

impl<'a> Comments<'a> {
    pub(super) fn new(text: &'a str, all: Vec<(usize, usize)>) -> Comments<'a> {
        Comments { text, taken: vec![false; all.len()], all, first: 0 }
    }

    /// Whether one stands between two offsets.
    pub(super) fn between(&self, start: usize, end: usize) -> bool {
        let from = self.all.partition_point(|(at, _)| *at < start);
        self.all.get(from).is_some_and(|(at, _)| *at < end)
    }

    /// Those before `at`, each a line of its own; and where the first stands.
    pub(super) fn before(&mut self, at: usize) -> (Vec<Doc>, Option<usize>) {
        let mut docs = Vec::new();
        let mut place = None;
        let mut last = 0;
        while let Some(&(start, end)) = self.all.get(self.first).filter(|(start, _)| *start < at) {
            let index = self.first;
            self.first += 1;
            if self.taken.get(index) == Some(&true) {
                continue;
            }
            if place.is_some() && blank_before(self.text, start) {
                docs.push(Doc::Blank);
            }
            place = place.or(Some(start));
            last = end;
            docs.push(doc::text(self.written(start, end, at)));
            docs.push(Doc::Hard);
        }
        // A blank line between the last comment and what it stands before.
        let right_before = self.text.get(last..at).is_some_and(|gap| gap.trim().is_empty());
        if place.is_some() && right_before && blank_before(self.text, at) {
            docs.push(Doc::Blank);
        }
        (docs, place)
    }

    /// The one on the rest of the line after `end`, where only `,` may stand between.
    pub(super) fn trailing(&mut self, end: usize) -> Option<Doc> {
        let index = self.all.partition_point(|(at, _)| *at < end);
        let &(start, stop) = self.all.get(index)?;
        let gap = self.text.get(end..start)?;
        if self.taken.get(index) == Some(&true) || gap.contains(|c| !matches!(c, ' ' | '\t' | ',')) {
            return None;
        }
        *self.taken.get_mut(index)? = true;
        Some(doc::text(format!(" {}", self.text.get(start..stop)?.trim_end())))
    }

    /// A doc comment that would document something else where it now stands becomes a remark.
    fn written(&self, start: usize, end: usize, at: usize) -> String {
        let written = self.text.get(start..end).unwrap_or_default().trim_end();
        let line = self.text.get(..start).unwrap_or_default().trim_end_matches([' ', '\t']);
        let alone = line.is_empty() || line.ends_with('\n');
        if written.starts_with("///")
            && !written.starts_with("////")
            && !(alone && parse::token_after(self.text, end) == at)
        {
            return written.replacen('/', "", 1);
        }
        written.to_owned()
    }
}

/// Whether an empty line stands before `at`.
pub(super) fn blank_before(text: &str, at: usize) -> bool {
    let before = text.get(..at).unwrap_or_default();
    let gap = before.get(before.trim_end().len()..).unwrap_or_default();
    gap.matches('\n').count() >= 2
}
