//! Types, fields of declarations, paths and lists of names.

use super::Printer;
use super::doc::{Doc, text};
use super::expr::{Brackets, bracketed, end, expr, start, written};
use crate::ast::{FieldDecl, Grant, Known, Name, Path, TypeExpr, TypeExprKind};

const RECORD: Brackets = Brackets { open: "{", close: "}", spaced: true, commas: false };

/// A type with its labels.
pub(super) fn ty(printer: &mut Printer<'_>, it: &TypeExpr) -> Doc {
    let mut docs = it.labels.iter().map(|label| text(format!("{} ", label.text))).collect::<Vec<_>>();
    docs.push(match &it.kind {
        TypeExprKind::Name(name) => text(name.text.as_str()),
        TypeExprKind::Apply(name, types) => {
            let brackets = Brackets { open: "(", close: ")", spaced: false, commas: true };
            let range = |it: &TypeExpr| (start(it.span), end(it.span));
            let args = bracketed(printer, &brackets, end(name.span), end(it.span), types, range, ty);
            Doc::Concat(vec![text(name.text.as_str()), args])
        }
        TypeExprKind::Range(name, low, high) => {
            let (low, high) = (expr(printer, low), expr(printer, high));
            Doc::Concat(vec![text(name.text.as_str()), text("("), low, text(" .. "), high, text(")")])
        }
        TypeExprKind::Words(words) => {
            let mut words = words.iter().map(|word| written(printer, word.span));
            let first = text(words.next().unwrap_or_default());
            let rest = words.flat_map(|word| [Doc::Line, text(format!("| {word}"))]).collect();
            Doc::Group(vec![first, Doc::Nest(rest)])
        }
        TypeExprKind::Record(fields) => {
            let open = it.labels.last().map_or(start(it.span), |label| end(label.span));
            record(printer, open, end(it.span), fields)
        }
    });
    Doc::Concat(docs)
}

/// `{ name: T, ... }`; `open` is at the brace or before it, `close` right after its partner.
pub(super) fn record(printer: &mut Printer<'_>, open: usize, close: usize, fields: &[FieldDecl]) -> Doc {
    bracketed(printer, &RECORD, open, close, fields, |field| (start(field.name.span), field_end(field)), field)
}

/// Where the braces of fields whose `{` is the next token after `at` end.
pub(super) fn record_close(printer: &Printer<'_>, at: usize, fields: &[FieldDecl]) -> usize {
    let last = match fields.last() {
        Some(field) => match field.known {
            // `known when provided`: the words are no part of the tree.
            Some(_) => (0..3).fold(field_end(field), |at, _| word_end(printer, printer.next_token(at))),
            None => field_end(field),
        },
        None => printer.next_token(at) + 1,
    };
    printer.next_token(last) + 1
}

/// Names with commas.
pub(super) fn names(names: &[Name]) -> Doc {
    commas(names.iter().map(|name| name.text.to_string()))
}

/// Paths with commas.
pub(super) fn paths(paths: &[Path]) -> Doc {
    commas(paths.iter().map(path))
}

/// Texts with commas, as written.
pub(super) fn grants(printer: &Printer<'_>, grants: &[Grant]) -> Doc {
    commas(grants.iter().map(|it| match it {
        Grant::Text(it) => written(printer, it.span),
        Grant::Config(field, _) => format!("config.{}", field.text),
    }))
}

/// A dotted path.
pub(super) fn path(path: &Path) -> String {
    path.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(".")
}

/// The end of the word at `at`.
pub(super) fn word_end(printer: &Printer<'_>, at: usize) -> usize {
    let rest = printer.text.get(at..).unwrap_or_default();
    at + rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len())
}

fn commas(parts: impl Iterator<Item = String>) -> Doc {
    let mut docs = Vec::new();
    for part in parts {
        if !docs.is_empty() {
            docs.extend([text(","), Doc::Line]);
        }
        docs.push(text(part));
    }
    Doc::Group(vec![Doc::Nest(docs)])
}

fn field(printer: &mut Printer<'_>, it: &FieldDecl) -> Doc {
    let mut docs = vec![text(format!("{}: ", it.name.text)), ty(printer, &it.ty)];
    if let Some(default) = &it.default {
        docs.push(text(" = "));
        docs.push(expr(printer, default));
    }
    docs.extend(it.known.map(|known| {
        text(match known {
            Known::Provided => " known when provided",
            Known::Set => " known when set",
        })
    }));
    Doc::Concat(docs)
}

fn field_end(field: &FieldDecl) -> usize {
    field.default.as_ref().map_or(end(field.ty.span), |default| end(default.span))
}
