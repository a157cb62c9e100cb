//! List files: one entry per line, `#` begins a comment at the start of a line or after a space.

use admit_plan::code::{Set, fold_case};
use smol_str::SmolStr;

use super::Project;
use super::text::span;
use crate::ast::ItemKind;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::source::{FileId, Span};

/// The most entries of a list.
const MAX_ENTRIES: usize = 1_000_000;
/// The most bytes of an entry.
const MAX_ENTRY: usize = 1024;

/// A list as its file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ListFile {
    /// The file.
    pub file: FileId,
    /// Its entries in order, as written.
    pub entries: Vec<ListEntry>,
}

/// An entry of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListEntry {
    /// Its text.
    pub text: SmolStr,
    /// Where.
    pub span: Span,
}

impl ListFile {
    /// The set of its entries.
    pub fn set(&self, ignore_case: bool) -> Set {
        let text = |entry: &ListEntry| if ignore_case { fold_case(&entry.text).into() } else { entry.text.clone() };
        let mut entries: Vec<SmolStr> = self.entries.iter().map(text).collect();
        entries.sort_unstable();
        entries.dedup();
        Set { ignore_case, entries }
    }
}

/// The entries of a list file.
pub(super) fn read(file: FileId, text: &str, diagnostics: &mut Vec<Diagnostic>) -> ListFile {
    let mut entries = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let begin = start;
        start += line.len();
        let line = if begin == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        let begin = start - line.len();
        let written = uncommented(line);
        let entry = written.trim();
        if entry.is_empty() {
            continue;
        }
        let from = begin + (written.len() - written.trim_start().len());
        let at = span(file, from..from + entry.len());
        if entry.len() > MAX_ENTRY {
            let message = format!("the entry is longer than {MAX_ENTRY} bytes");
            diagnostics.push(Diagnostic::error("A0907", at, message).help("write one entry per line"));
            continue;
        }
        if entries.len() == MAX_ENTRIES {
            let message = format!("the list has more than {MAX_ENTRIES} entries");
            diagnostics.push(Diagnostic::error("A0907", at, message));
            break;
        }
        entries.push(ListEntry { text: entry.into(), span: at });
    }
    ListFile { file, entries }
}

/// Every `list` of the project names a file that there is.
pub(super) fn check(project: &Project, diagnostics: &mut Vec<Diagnostic>) {
    for item in project.items() {
        let ItemKind::List(list) = &item.kind else { continue };
        if item.broken || project.list(&list.file.value).is_some() {
            continue;
        }
        let path = list.file.value.as_str();
        let mut found =
            Diagnostic::error("A0906", list.file.span, format!("the list `{}` has no file `{path}`", list.name.text));
        found = match nearest(path, project.lists.keys().map(SmolStr::as_str)) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None if path.starts_with("lists/") && path.ends_with(".txt") => {
                found.help(format!("make the file `{path}` in the project, one entry per line"))
            }
            None => found.help("list files are `lists/<name>.txt`, relative to the project"),
        };
        diagnostics.push(found);
    }
}

fn uncommented(line: &str) -> &str {
    let mut before = ' ';
    for (at, letter) in line.char_indices() {
        if letter == '#' && before.is_whitespace() {
            return line.get(..at).unwrap_or(line);
        }
        before = letter;
    }
    line
}
