//! A small pretty printer (Wadler, "A prettier printer"): groups go on one line if they fit.

/// A piece of layout.
#[derive(Clone, Debug)]
pub(super) enum Doc {
    /// Text; with a line end inside, it is kept as it is.
    Text(String),
    /// A space, or a line end in a broken group.
    Line,
    /// Nothing, or a line end in a broken group.
    Soft,
    /// A line end; breaks the groups around it.
    Hard,
    /// An empty line: a line end more.
    Blank,
    /// Text only where the group is broken.
    IfBroken(&'static str),
    /// Text only where the group is on one line.
    IfFlat(&'static str),
    /// One level further in.
    Nest(Vec<Doc>),
    /// On one line if it fits.
    Group(Vec<Doc>),
    /// One after the other.
    Concat(Vec<Doc>),
}

/// Columns of a level.
pub(super) const INDENT: usize = 2;

/// Text.
pub(super) fn text(text: impl Into<String>) -> Doc {
    Doc::Text(text.into())
}

/// The width of the doc on one line; none if it cannot be on one.
pub(super) fn flat_width(doc: &Doc) -> Option<usize> {
    match doc {
        Doc::Text(text) if text.contains('\n') => None,
        Doc::Text(text) => Some(text.chars().count()),
        Doc::Line => Some(1),
        Doc::Soft | Doc::IfBroken(_) => Some(0),
        Doc::IfFlat(text) => Some(text.chars().count()),
        Doc::Hard | Doc::Blank => None,
        Doc::Nest(docs) | Doc::Group(docs) | Doc::Concat(docs) => {
            docs.iter().try_fold(0, |width, doc| Some(width + flat_width(doc)?))
        }
    }
}

/// Lays the doc out in `width` columns, with a line end at the end.
pub(super) fn render(doc: &Doc, width: usize) -> String {
    let mut out = Out { text: String::new(), column: 0, width, pending: 0 };
    out.doc(doc, 0, false);
    let mut text = out.text;
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

struct Out {
    text: String,
    column: usize,
    width: usize,
    /// Indentation owed to the line before its first text.
    pending: usize,
}

impl Out {
    fn doc(&mut self, doc: &Doc, level: usize, flat: bool) {
        match doc {
            Doc::Text(text) => self.text(text),
            Doc::Line if flat => self.text(" "),
            Doc::Soft if flat => {}
            Doc::IfBroken(text) => {
                if !flat {
                    self.text(text);
                }
            }
            Doc::IfFlat(text) => {
                if flat {
                    self.text(text);
                }
            }
            Doc::Line | Doc::Soft | Doc::Hard => self.line(level),
            Doc::Blank => {
                self.text.push('\n');
            }
            Doc::Nest(docs) => docs.iter().for_each(|doc| self.doc(doc, level + 1, flat)),
            Doc::Concat(docs) => docs.iter().for_each(|doc| self.doc(doc, level, flat)),
            Doc::Group(docs) => {
                let flat =
                    flat || flat_width(doc).is_some_and(|width| self.pending + self.column + width <= self.width);
                docs.iter().for_each(|doc| self.doc(doc, level, flat));
            }
        }
    }

    fn text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.text.extend(std::iter::repeat_n(' ', self.pending));
        self.column += self.pending;
        self.pending = 0;
        self.text.push_str(text);
        match text.rfind('\n') {
            Some(newline) => self.column = text.get(newline + 1..).unwrap_or_default().chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    fn line(&mut self, level: usize) {
        // No line ends in white space, except inside a string that does.
        while self.pending == 0 && self.text.ends_with(' ') {
            self.text.pop();
        }
        self.text.push('\n');
        self.column = 0;
        self.pending = level * INDENT;
    }
}
