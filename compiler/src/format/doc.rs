//! A small pretty printer (Wadler, "A prettier printer"): groups go on one line if they fit. It knows comments: one that
//! ends a line ends it, whatever follows; one on a line of its own has it.

/// A piece of layout.
#[derive(Clone, Debug)]
pub(super) enum Doc<'a> {
    /// Text; with a line end inside, it is kept as it is.
    Text(&'a str),
    /// A space between two texts on a line.
    Space,
    /// Spaces, to align what follows.
    Pad(usize),
    /// A comma; it stands before a comment that ends the line.
    Comma(Comma),
    /// A space, or a line end in a broken group.
    Line,
    /// Nothing, or a line end in a broken group.
    Soft,
    /// A line end; breaks the groups around it.
    Hard,
    /// An empty line before the next text, if that begins a line.
    Blank,
    /// A comment on a line of its own.
    Remark(&'a str),
    /// A comment at the end of the line; what follows stands on the next.
    Trail(&'a str),
    /// One level further in.
    Nest(Vec<Doc<'a>>),
    /// On one line if it fits.
    Group(Vec<Doc<'a>>),
    /// One after the other.
    Concat(Vec<Doc<'a>>),
}

/// Where a comma is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comma {
    Always,
    /// Only where the group is broken.
    Broken,
    /// Only where the group is on one line.
    Flat,
}

/// How wide a doc is on one line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Width {
    pub(super) columns: usize,
    /// A comment ends it, which is not counted.
    pub(super) trailed: bool,
}

/// Columns of a level.
pub(super) const INDENT: usize = 2;

/// The width of the docs on one line; none if they cannot be on one, or are wider than `most`.
pub(super) fn width<'d, 'a: 'd>(docs: impl IntoIterator<Item = &'d Doc<'a>>, most: usize) -> Option<Width> {
    let mut width = Width::default();
    docs.into_iter().try_for_each(|doc| measure(doc, most, &mut width))?;
    Some(width)
}

/// Lays the doc out in `most` columns, with a line end at the end.
pub(super) fn render(doc: &Doc<'_>, most: usize) -> String {
    let mut out = Out { most, ..Out::default() };
    out.doc(doc, 0, false);
    out.end_line();
    let mut text = out.text;
    text.truncate(text.trim_end().len());
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

fn measure(doc: &Doc<'_>, most: usize, width: &mut Width) -> Option<()> {
    let columns = match doc {
        Doc::Text(text) if text.contains('\n') => return None,
        Doc::Text(text) => text.chars().count(),
        Doc::Space | Doc::Line => 1,
        Doc::Pad(columns) => *columns,
        Doc::Comma(Comma::Always | Comma::Flat) => {
            // Before the comment, if there is one.
            width.columns += 1;
            return (width.columns <= most).then_some(());
        }
        Doc::Comma(Comma::Broken) | Doc::Blank | Doc::Soft => return Some(()),
        Doc::Hard | Doc::Remark(_) => return None,
        Doc::Trail(_) => {
            width.trailed = true;
            return Some(());
        }
        Doc::Nest(docs) | Doc::Group(docs) | Doc::Concat(docs) => {
            return docs.iter().try_for_each(|doc| measure(doc, most, width));
        }
    };
    width.columns += columns;
    (!width.trailed && width.columns <= most).then_some(())
}

struct Out<'a> {
    text: String,
    column: usize,
    most: usize,
    /// At the start of a line: the indentation owed to its first text.
    fresh: Option<usize>,
    /// The comment that will end the line.
    trail: Option<&'a str>,
    /// After a comment on its own line: the indentation of the next.
    after_remark: Option<usize>,
    space: bool,
    blank: bool,
}

impl Default for Out<'_> {
    fn default() -> Self {
        Out {
            text: String::new(),
            column: 0,
            most: 0,
            fresh: Some(0),
            trail: None,
            after_remark: None,
            space: false,
            blank: false,
        }
    }
}

impl<'a> Out<'a> {
    fn doc(&mut self, doc: &Doc<'a>, level: usize, flat: bool) {
        match doc {
            Doc::Text(text) => self.text(text, level),
            Doc::Space => self.space = true,
            Doc::Pad(columns) => {
                self.space = false;
                self.text.extend(std::iter::repeat_n(' ', *columns));
                self.column += columns;
            }
            Doc::Comma(comma) => match comma {
                Comma::Always => self.comma(),
                Comma::Broken if !flat => self.comma(),
                Comma::Flat if flat => self.comma(),
                Comma::Broken | Comma::Flat => {}
            },
            Doc::Line if flat => self.space = true,
            Doc::Soft if flat => {}
            Doc::Line | Doc::Soft | Doc::Hard => {
                self.end_line();
                self.new_line(level * INDENT);
            }
            Doc::Blank => self.blank = !flat,
            Doc::Remark(comment) => self.remark(comment, level),
            Doc::Trail(comment) => self.trail = Some(comment),
            Doc::Nest(docs) => docs.iter().for_each(|doc| self.doc(doc, level + 1, flat)),
            Doc::Concat(docs) => docs.iter().for_each(|doc| self.doc(doc, level, flat)),
            Doc::Group(docs) => {
                let begins = match (&self.trail, self.after_remark.or(self.fresh)) {
                    (Some(_), _) => (level + 1) * INDENT,
                    (None, Some(indent)) => indent,
                    (None, None) => self.column + usize::from(self.space),
                };
                let room = self.most.saturating_sub(begins);
                let flat = flat || width(docs, room).is_some();
                docs.iter().for_each(|doc| self.doc(doc, level, flat));
            }
        }
    }

    fn text(&mut self, text: &str, level: usize) {
        if self.trail.is_some() {
            self.end_line();
            self.new_line((level + 1) * INDENT);
        } else if let Some(indent) = self.after_remark.take() {
            self.new_line(indent);
        }
        self.push(text);
    }

    fn comma(&mut self) {
        self.space = false;
        self.push(",");
    }

    fn remark(&mut self, comment: &str, level: usize) {
        let trailed = self.end_line();
        if let Some(indent) = self.after_remark.take() {
            self.new_line(indent);
        } else if trailed || self.fresh.is_none() {
            self.new_line((level + 1) * INDENT);
        }
        let indent = self.fresh.unwrap_or(0);
        self.push(comment);
        self.after_remark = Some(indent);
    }

    fn push(&mut self, text: &str) {
        if let Some(indent) = self.fresh.take() {
            if self.blank && !self.text.is_empty() {
                self.text.push('\n');
            }
            self.text.extend(std::iter::repeat_n(' ', indent));
            self.column = indent;
        } else if self.space {
            self.text.push(' ');
            self.column += 1;
        }
        (self.blank, self.space) = (false, false);
        self.text.push_str(text);
        match text.rfind('\n') {
            Some(newline) => self.column = text.get(newline + 1..).unwrap_or_default().chars().count(),
            None => self.column += text.chars().count(),
        }
    }

    /// Writes the comment that ends the line; whether there was one.
    fn end_line(&mut self) -> bool {
        let Some(comment) = self.trail.take() else { return false };
        self.text.push(' ');
        self.text.push_str(comment);
        true
    }

    fn new_line(&mut self, indent: usize) {
        self.text.push('\n');
        self.column = 0;
        self.fresh = Some(indent);
        self.after_remark = None;
        self.space = false;
    }
}
