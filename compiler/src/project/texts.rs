//! Texts of messages: `templates/<name>.txt` with `.html` and `.sms.txt` beside it, and `templates/<locale>/` of the same form.
//!
//! A `.txt` begins with lines `Subject: ` and, where it stands in no folder of a language, `Data: name: type, ...`; after an
//! empty line comes the text. `{{ name }}` names one field of the data, `\{{` is `{{`.

use std::collections::BTreeMap;

use admit_plan::text::{Piece, Place, Text};
use smol_str::SmolStr;

use super::manifest::is_slug;
use super::text::span;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::source::{FileId, Span};

mod html;

/// The types that data may have.
pub(crate) const TYPES: &[&str] = &["string", "int", "double", "bool"];

/// The most bytes of a text's file.
pub(super) const MAX_BYTES: usize = 256 * 1024;

/// What a text needs: its fields with their types, one of `TYPES` each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextData {
    /// Name and type, in the order written.
    pub fields: Vec<(SmolStr, SmolStr)>,
    /// Where they are declared.
    pub span: Option<Span>,
}

/// A file below `templates/`, read.
#[derive(Clone, Debug)]
pub(crate) struct TextFile {
    name: SmolStr,
    locale: SmolStr,
    part: Part,
    subject: Vec<Spanned>,
    body: Vec<Spanned>,
    data: Option<TextData>,
    span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Main,
    Html,
    Sms,
}

/// A piece, and where it stands.
pub(super) type Spanned = (Piece, Span);

/// Which text a path below `templates/` is: name, language, part.
fn of(path: &str) -> Option<(&str, &str, Part)> {
    let (locale, file) = path.split_once('/').unwrap_or(("", path));
    let (name, part) = if let Some(name) = file.strip_suffix(".sms.txt") {
        (name, Part::Sms)
    } else if let Some(name) = file.strip_suffix(".html") {
        (name, Part::Html)
    } else {
        (file.strip_suffix(".txt")?, Part::Main)
    };
    Some((name, locale, part))
}

/// Reads a file; `path` is below `templates/`.
pub(crate) fn read(file: FileId, path: &str, text: &str, out: &mut Vec<Diagnostic>) -> Option<TextFile> {
    let (name, locale, part) = of(path)?;
    let begin = span(file, 0..0);
    if !is_slug(name) || !(locale.is_empty() || is_slug(locale)) {
        out.push(
            Diagnostic::error("A0930", begin, format!("`templates/{path}` is no name of a text")).help(
                "write `templates/<name>.txt` or `templates/<language>/<name>.txt`, in lower case with `-` between",
            ),
        );
        return None;
    }
    let mut read = TextFile {
        name: name.into(),
        locale: locale.into(),
        part,
        subject: Vec::new(),
        body: Vec::new(),
        data: None,
        span: begin,
    };
    let mut start = 0;
    if part == Part::Main {
        start = head(&mut read, file, text, out);
    }
    let body = text.get(start..).unwrap_or_default();
    let body = body.strip_suffix('\n').unwrap_or(body);
    read.body = pieces(file, body, start, out);
    if part == Part::Html {
        html::places(&mut read.body, out);
    }
    Some(read)
}

/// The lines before the first empty one; where the text begins.
fn head(read: &mut TextFile, file: FileId, text: &str, out: &mut Vec<Diagnostic>) -> usize {
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let begin = start;
        start += line.len();
        let line = line.trim_end_matches(['\n', '\r']);
        if line.is_empty() {
            break;
        }
        let at = span(file, begin..begin + line.len());
        if let Some(subject) = line.strip_prefix("Subject:") {
            let lead = subject.len() - subject.trim_start().len();
            read.subject = pieces(file, subject.trim(), begin + "Subject:".len() + lead, out);
        } else if let Some(data) = line.strip_prefix("Data:") {
            if read.locale.is_empty() {
                read.data = Some(declared(data, at, out));
            } else {
                out.push(
                    Diagnostic::error("A0930", at, "the data of a text is declared once")
                        .help(format!("declare it in `templates/{}.txt`", read.name)),
                );
            }
        } else {
            out.push(
                Diagnostic::error("A0930", at, "a text begins with `Subject: `, and then an empty line")
                    .help("write `Subject: ...`, `Data: name: string` if it has holes, an empty line, the text"),
            );
            return begin;
        }
    }
    if read.subject.is_empty() {
        let at = span(file, 0..0);
        out.push(Diagnostic::error("A0930", at, "the text has no subject").help("begin it with `Subject: ...`"));
    }
    start
}

/// `name: string, count: int`
fn declared(text: &str, at: Span, out: &mut Vec<Diagnostic>) -> TextData {
    let mut data = TextData { fields: Vec::new(), span: Some(at) };
    for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
        let (name, ty) = one.split_once(':').map_or((one, ""), |(name, ty)| (name.trim(), ty.trim()));
        if !is_field(name) || !TYPES.contains(&ty) || data.fields.iter().any(|(known, _)| known == name) {
            out.push(
                Diagnostic::error("A0930", at, format!("`{one}` declares no field of the data"))
                    .help("write each once as `name: type`; the types are `string`, `int`, `double`, `bool`"),
            );
            continue;
        }
        data.fields.push((name.into(), ty.into()));
    }
    data
}

fn is_field(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// Literal text and holes. `start` is where `text` stands in its file.
fn pieces(file: FileId, text: &str, start: usize, out: &mut Vec<Diagnostic>) -> Vec<Spanned> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    let here = |rest: &str| start + text.len() - rest.len();
    while let Some(at) = rest.find("{{") {
        let (before, hole) = rest.split_at(at);
        let from = here(hole);
        if let Some(before) = before.strip_suffix('\\') {
            literal.push_str(before);
            literal.push_str("{{");
            rest = hole.get(2..).unwrap_or_default();
            continue;
        }
        literal.push_str(before);
        let inner = hole.get(2..).unwrap_or_default();
        let Some((name, behind)) = inner.split_once("}}") else {
            let at = span(file, from..from + 2);
            out.push(
                Diagnostic::error("A0930", at, "this `{{` is not closed")
                    .help("close it with `}}`; write `\\{{` for a literal `{{`"),
            );
            return pieces;
        };
        let at = span(file, from..from + name.len() + 4);
        let name = name.trim();
        if is_field(name) {
            if !literal.is_empty() {
                pieces.push((Piece::Text(std::mem::take(&mut literal).into()), at));
            }
            pieces.push((Piece::Hole(name.into(), Place::Plain), at));
        } else {
            out.push(
                Diagnostic::error("A0930", at, format!("`{name}` names no field of the data"))
                    .help("a hole names one field: `{{ name }}`; compute in the flow, under `data`"),
            );
        }
        rest = behind;
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push((Piece::Text(literal.into()), span(file, start..start)));
    }
    pieces
}

/// Puts the files together: the texts, and what each needs. `known` is what the library's texts of the same names need.
pub(crate) fn together(
    files: &[TextFile],
    known: &BTreeMap<SmolStr, TextData>,
    out: &mut Vec<Diagnostic>,
) -> (Vec<Text>, BTreeMap<SmolStr, TextData>) {
    let mut data = known.clone();
    for file in files.iter().filter(|file| file.part == Part::Main && file.locale.is_empty()) {
        let own = file.data.clone().or_else(|| known.get(&file.name).cloned()).unwrap_or_default();
        data.insert(file.name.clone(), own);
    }
    let mut texts: BTreeMap<(SmolStr, SmolStr), Text> = BTreeMap::new();
    for file in files {
        let main = |locale: &str| {
            files.iter().any(|other| other.part == Part::Main && other.name == file.name && other.locale == locale)
        };
        for locale in [file.locale.as_str(), ""] {
            if !main(locale) {
                let below = if locale.is_empty() { String::new() } else { format!("{locale}/") };
                let path = format!("templates/{below}{}.txt", file.name);
                let why = if locale.is_empty() && !file.locale.is_empty() { " for all other languages" } else { "" };
                out.push(
                    Diagnostic::error("A0930", file.span, format!("`{}` has no text{why}", file.name))
                        .help(format!("write `{path}`")),
                );
            }
        }
        let needs = data.get(&file.name).cloned().unwrap_or_default();
        for (piece, at) in file.subject.iter().chain(&file.body) {
            let Piece::Hole(name, _) = piece else { continue };
            if !needs.fields.iter().any(|(known, _)| known == name) {
                let names = needs.fields.iter().map(|(name, _)| name.as_str());
                let found = Diagnostic::error("A0930", *at, format!("the data of `{}` has no `{name}`", file.name));
                out.push(match nearest(name, names) {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found.help(format!(
                        "declare it in the head of `templates/{}.txt`: `Data: {name}: string`",
                        file.name
                    )),
                });
            }
        }
        let text = texts.entry((file.name.clone(), file.locale.clone())).or_insert_with(|| Text {
            name: file.name.clone(),
            locale: file.locale.clone(),
            subject: Vec::new(),
            text: Vec::new(),
            html: None,
            sms: None,
        });
        let plain = |pieces: &[Spanned]| pieces.iter().map(|(piece, _)| piece.clone()).collect::<Vec<_>>();
        match file.part {
            Part::Main => (text.subject, text.text) = (plain(&file.subject), plain(&file.body)),
            Part::Html => text.html = Some(plain(&file.body)),
            Part::Sms => text.sms = Some(plain(&file.body)),
        }
    }
    (texts.into_values().collect(), data)
}
