//! Types, fields of declarations, paths and lists of names.

use super::doc::{Comma, Doc};
use super::expr::{Brackets, bracketed, end, expr};
use super::tokens::Tokens;
use crate::ast::{FieldDecl, Grant, Path, TypeExpr, TypeExprKind};

/// A type with its labels.
pub(super) fn ty<'a>(tokens: &mut Tokens<'a>, it: &TypeExpr) -> Doc<'a> {
    let mut docs = Vec::new();
    for _ in &it.labels {
        docs.extend([tokens.next(), Doc::Space]);
    }
    match &it.kind {
        TypeExprKind::Name(_) => docs.push(tokens.next()),
        TypeExprKind::Apply(_, types) => {
            docs.push(tokens.next());
            docs.push(bracketed(tokens, &Brackets { spaced: false, commas: true }, types, ty));
        }
        TypeExprKind::Range(_, low, high) => {
            docs.extend([tokens.next(), tokens.next(), expr(tokens, low), Doc::Space, tokens.next(), Doc::Space]);
            docs.extend([expr(tokens, high), tokens.next()]);
        }
        TypeExprKind::Words(words) => {
            let first = tokens.next();
            let rest = words.iter().skip(1).flat_map(|_| [Doc::Line, tokens.words(2)]).collect();
            docs.push(Doc::Group(vec![first, Doc::Nest(rest)]));
        }
        TypeExprKind::Record(fields) => docs.push(record(tokens, fields)),
    }
    Doc::Concat(docs)
}

/// `{ name: T, ... }`
pub(super) fn record<'a>(tokens: &mut Tokens<'a>, fields: &[FieldDecl]) -> Doc<'a> {
    bracketed(tokens, &Brackets { spaced: true, commas: false }, fields, field)
}

/// So many names with commas.
pub(super) fn names<'a>(tokens: &mut Tokens<'a>, count: usize) -> Doc<'a> {
    commas((0..count).map(|_| tokens.next()))
}

/// Paths with commas.
pub(super) fn paths<'a>(tokens: &mut Tokens<'a>, paths: &[Path]) -> Doc<'a> {
    commas(paths.iter().map(|it| path(tokens, it)))
}

/// Hosts or claims with commas.
pub(super) fn grants<'a>(tokens: &mut Tokens<'a>, grants: &[Grant]) -> Doc<'a> {
    commas(grants.iter().map(|it| tokens.glued_until(end(it.span()))))
}

/// A dotted path.
pub(super) fn path<'a>(tokens: &mut Tokens<'a>, path: &Path) -> Doc<'a> {
    tokens.glued_until(end(path.span))
}

fn commas<'a>(parts: impl Iterator<Item = Doc<'a>>) -> Doc<'a> {
    let mut docs = Vec::new();
    for part in parts {
        if !docs.is_empty() {
            docs.extend([Doc::Comma(Comma::Always), Doc::Line]);
        }
        docs.push(part);
    }
    Doc::Group(vec![Doc::Nest(docs)])
}

fn field<'a>(tokens: &mut Tokens<'a>, it: &FieldDecl) -> Doc<'a> {
    let mut docs = vec![tokens.next(), tokens.next(), Doc::Space, ty(tokens, &it.ty)];
    if let Some(default) = &it.default {
        docs.extend([Doc::Space, tokens.next(), Doc::Space, expr(tokens, default)]);
    }
    if it.known.is_some() {
        // `known when provided`
        docs.extend([Doc::Space, tokens.words(3)]);
    }
    Doc::Concat(docs)
}
