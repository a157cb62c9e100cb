//! The debug table: where nodes stand, and the text of the parts of their expressions.

use admit_plan::bundle::NodeDebug;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::number;
use crate::source::{FileId, Sources, Span};
use crate::typed::flow::Expr;

/// The most bytes of a part's text; longer ones are cut, for explanations print one line.
const MAX_TEXT: usize = 240;

/// The files that the table names, in the order in which it first does.
#[derive(Default)]
pub(super) struct Files {
    /// Their names.
    pub names: Vec<SmolStr>,
    by_id: FxHashMap<FileId, (u32, Vec<u32>)>,
}

/// Where a node stands, with the texts of its expressions.
pub(super) fn node<'a>(
    files: &mut Files,
    sources: &Sources,
    span: Span,
    exprs: impl IntoIterator<Item = &'a Expr>,
) -> NodeDebug {
    let text = sources.get(span.file).map_or("", |source| &source.text);
    let (file, lines) = files.by_id.entry(span.file).or_insert_with(|| {
        let name = sources.get(span.file).map_or_else(SmolStr::default, |source| SmolStr::new(&source.name));
        files.names.push(name);
        let starts = text.bytes().zip(1..).filter(|(byte, _)| *byte == b'\n').map(|(_, next)| next).collect();
        (number(files.names.len() - 1), starts)
    });
    let line = number(lines.partition_point(|start| *start <= span.start)).saturating_add(1);
    let exprs = exprs.into_iter().map(|expr| texts(sources, expr)).collect();
    NodeDebug { span: (*file, span.start, span.end), line, exprs }
}

fn texts(sources: &Sources, expr: &Expr) -> Vec<SmolStr> {
    let text = |span: &Option<Span>| span.map_or_else(SmolStr::default, |span| quote(sources, span));
    expr.spans.iter().map(text).collect()
}

/// The source text, white space made single.
fn quote(sources: &Sources, span: Span) -> SmolStr {
    let text = sources.get(span.file).and_then(|source| source.text.get(span.start as usize..span.end as usize));
    let mut line = String::new();
    for word in text.unwrap_or("").split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.len() > MAX_TEXT {
        let cut = (0..=MAX_TEXT).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
        line.truncate(cut);
        line.push('\u{2026}');
    }
    line.into()
}
