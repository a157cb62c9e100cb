//! Flows: stages, steps, decisions and their aligned arrows, config, modifiers.

use super::doc::{Doc, INDENT, Width, width};
use super::expr::{Brackets, bracketed, close, empty, end, expr, start};
use super::tokens::Tokens;
use super::{WIDTH, types};
use crate::ast::expr::Expr;
use crate::ast::{
    BlockStep, Case, Condition, Config, ConfigField, ConfigValue, Decision, Flow, Modifier, ModifierKind, Name,
    RunAction, RunFlow, Stage, Step, StepKind,
};

const CONFIG: Brackets = Brackets { spaced: true, commas: false };

/// `{ units }`: on one line only if it is one unit, the author had it so, and it fits.
pub(super) fn body<'a, T>(
    tokens: &mut Tokens<'a>,
    units: impl IntoIterator<Item = T>,
    mut print: impl FnMut(&mut Tokens<'a>, T) -> Doc<'a>,
) -> Doc<'a> {
    let mut units = units.into_iter();
    body_while(tokens, |tokens| units.next().map(|unit| print(tokens, unit)))
}

/// As [`body`]; `print` is asked for units until the closing brace.
pub(super) fn body_while<'a>(
    tokens: &mut Tokens<'a>,
    mut print: impl FnMut(&mut Tokens<'a>) -> Option<Doc<'a>>,
) -> Doc<'a> {
    let open = tokens.next();
    let mut broken = tokens.breaks();
    let mut inner: Vec<Doc<'a>> = Vec::new();
    while tokens.peek() != "}" {
        let blank = tokens.blank();
        let Some(unit) = print(tokens) else { break };
        if !inner.is_empty() {
            broken = true;
            inner.push(Doc::Hard);
            inner.extend(blank.then_some(Doc::Blank));
        }
        inner.push(unit);
    }
    if inner.is_empty() {
        return empty(tokens, open);
    }
    inner.insert(0, if broken { Doc::Hard } else { Doc::Line });
    close(tokens, open, inner, Doc::Line)
}

/// A flow.
pub(super) fn flow<'a>(tokens: &mut Tokens<'a>, it: &Flow) -> Doc<'a> {
    // `custom flow NAME`
    let mut docs = vec![tokens.words(3), Doc::Space];
    if it.title.is_some() {
        docs.extend([tokens.next(), Doc::Space]);
    }
    let mut stages = it.stages.iter();
    docs.push(body_while(tokens, |tokens| match tokens.peek() {
        "budget" => Some(tokens.words(2)),
        _ => stages.next().map(|it| stage(tokens, it)),
    }));
    Doc::Concat(docs)
}

/// Config fields in braces.
pub(super) fn config_fields<'a>(tokens: &mut Tokens<'a>, fields: &[ConfigField]) -> Doc<'a> {
    bracketed(tokens, &CONFIG, fields, |tokens, field| {
        let name = [tokens.next(), tokens.next(), Doc::Space];
        let value = match &field.value {
            ConfigValue::Expr(it) => expr(tokens, it),
            ConfigValue::Type(it) => types::ty(tokens, it),
        };
        Doc::Concat(name.into_iter().chain([value]).collect())
    })
}

fn stage<'a>(tokens: &mut Tokens<'a>, it: &Stage) -> Doc<'a> {
    let mut docs = vec![tokens.words(2), Doc::Space];
    if it.title.is_some() {
        docs.extend([tokens.next(), Doc::Space]);
    }
    docs.push(steps(tokens, &it.steps, 2));
    Doc::Concat(docs)
}

/// Steps at that level of indentation.
fn steps<'a>(tokens: &mut Tokens<'a>, steps: &[Step], level: usize) -> Doc<'a> {
    body(tokens, steps, |tokens, it| step(tokens, it, level))
}

fn step<'a>(tokens: &mut Tokens<'a>, it: &Step, level: usize) -> Doc<'a> {
    match &it.kind {
        StepKind::Block(it) => block(tokens, it),
        StepKind::RunAction(it) => run_action(tokens, it),
        StepKind::RunFlow(it) => run_flow(tokens, it),
        StepKind::Decision(it) => decision(tokens, it, level),
        StepKind::Condition(it) => condition(tokens, it),
        // Files with broken steps are refused.
        StepKind::Broken => tokens.words_until(end(it.span)),
    }
}

fn block<'a>(tokens: &mut Tokens<'a>, it: &BlockStep) -> Doc<'a> {
    let head = tokens.next();
    tail(tokens, head, it.label.as_ref(), it.config.as_ref(), &it.modifiers)
}

fn run_action<'a>(tokens: &mut Tokens<'a>, it: &RunAction) -> Doc<'a> {
    let head = Doc::Concat(vec![tokens.words(2), Doc::Space, tokens.glued_until(end(it.version.span))]);
    tail(tokens, head, it.label.as_ref(), it.config.as_ref(), &it.modifiers)
}

fn run_flow<'a>(tokens: &mut Tokens<'a>, it: &RunFlow) -> Doc<'a> {
    let head = tokens.words(3);
    tail(tokens, head, None, None, &it.modifiers)
}

fn tail<'a>(
    tokens: &mut Tokens<'a>,
    head: Doc<'a>,
    label: Option<&Name>,
    config: Option<&Config>,
    modifiers: &[Modifier],
) -> Doc<'a> {
    let mut docs = vec![head];
    if label.is_some() {
        // `as NAME`
        docs.extend([Doc::Space, tokens.words(2)]);
    }
    if let Some(config) = config {
        docs.extend([Doc::Space, config_fields(tokens, &config.fields)]);
    }
    let mut sorted = modifiers.iter().collect::<Vec<_>>();
    sorted.sort_by_key(|modifier| match &modifier.kind {
        ModifierKind::Timeout(_) => 0,
        ModifierKind::Retry { .. } => 1,
        ModifierKind::OnErrorHalt | ModifierKind::OnErrorContinue | ModifierKind::OnErrorDeny(_) => 2,
        ModifierKind::Async => 3,
    });
    let mut after = tokens.place();
    for modifier in sorted {
        tokens.seek(start(modifier.span));
        docs.extend([Doc::Space, tokens.words_until(end(modifier.span))]);
        after = after.max(tokens.place());
    }
    tokens.go(after);
    Doc::Concat(docs)
}

fn condition<'a>(tokens: &mut Tokens<'a>, it: &Condition) -> Doc<'a> {
    let head = tokens.words(2);
    let fields = bracketed(tokens, &CONFIG, &it.fields, |tokens, (_, value): &(Name, Expr)| {
        Doc::Concat(vec![tokens.next(), tokens.next(), Doc::Space, expr(tokens, value)])
    });
    Doc::Concat(vec![head, Doc::Space, fields])
}

/// A case taken apart, to align its arrow.
struct Arrowed<'a> {
    /// `when EXPR`
    head: Doc<'a>,
    /// `-> BRANCH`
    arrow: Doc<'a>,
    /// `{ ... }`
    body: Option<Doc<'a>>,
}

fn decision<'a>(tokens: &mut Tokens<'a>, it: &Decision, level: usize) -> Doc<'a> {
    let head = tokens.words(2);
    let open = tokens.next();
    if it.cases.is_empty() {
        return Doc::Concat(vec![head, Doc::Space, empty(tokens, open)]);
    }
    // Arrows align over all cases, so every case is printed before the first is placed.
    let cases = it.cases.iter().map(|case| {
        let blank = tokens.blank();
        (blank, tokens.lead(), arrowed(tokens, case, level + 1))
    });
    let cases = cases.collect::<Vec<_>>();
    let indent = (level + 1) * INDENT;
    let column = arrow_column(cases.iter().map(|(_, _, case)| case), indent);
    let mut inner = Vec::new();
    for (index, (blank, lead, case)) in cases.into_iter().enumerate() {
        inner.push(Doc::Hard);
        inner.extend((index > 0 && blank).then_some(Doc::Blank));
        inner.extend(lead);
        inner.push(place(case, column, indent));
    }
    Doc::Concat(vec![head, Doc::Space, close(tokens, open, inner, Doc::Hard)])
}

fn arrowed<'a>(tokens: &mut Tokens<'a>, it: &Case, level: usize) -> Arrowed<'a> {
    let mut head = vec![tokens.next()];
    if let Some(when) = &it.when {
        head.extend([Doc::Space, expr(tokens, when)]);
    }
    let arrow = tokens.words(2);
    let body = it.steps.as_ref().map(|steps| self::steps(tokens, steps, level + 1));
    Arrowed { head: Doc::Concat(head), arrow, body }
}

/// How a case stands. What does not fit is decided from widths on one line alone, never from how the author broke it,
/// or formatting twice would not be formatting once.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Placing {
    /// Head and branch on a line, or at least its `{`; the widths of both.
    Inline(usize, usize),
    /// The arrow on a line of its own, well to the right of the condition's own lines.
    Below,
}

fn placing(case: &Arrowed<'_>, indent: usize) -> Placing {
    // A comment between head and arrow, or inside one of them, breaks the line there.
    let Some(Width { columns: head, trailed: false }) = width([&case.head], WIDTH) else { return Placing::Below };
    let Some(arrow) = width([&case.arrow], WIDTH) else { return Placing::Below };
    let mut opening = arrow.columns;
    if let Some(body) = &case.body {
        if let Some(tail) = width([&case.arrow, &Doc::Space, body], WIDTH) {
            if indent + head + 1 + tail.columns <= WIDTH {
                return Placing::Inline(head, tail.columns);
            }
            if indent + 2 * INDENT + tail.columns <= WIDTH {
                return Placing::Below;
            }
        }
        // ` {`
        opening += 2;
    }
    if indent + head + 1 + opening <= WIDTH { Placing::Inline(head, opening) } else { Placing::Below }
}

/// The width to which heads are padded: the widest of those on a line with their branch, if all still fit then.
fn arrow_column<'d, 'a: 'd>(cases: impl Iterator<Item = &'d Arrowed<'a>>, indent: usize) -> usize {
    let inline = cases.filter_map(|case| match placing(case, indent) {
        Placing::Inline(head, tail) => Some((head, tail)),
        Placing::Below => None,
    });
    let inline = inline.collect::<Vec<_>>();
    let widest = inline.iter().map(|(head, _)| *head).max().unwrap_or(0);
    if inline.iter().all(|(_, tail)| indent + widest + 1 + tail <= WIDTH) { widest } else { 0 }
}

fn place<'a>(case: Arrowed<'a>, column: usize, indent: usize) -> Doc<'a> {
    let placing = placing(&case, indent);
    let mut tail = vec![case.arrow];
    if let Some(body) = case.body {
        tail.extend([Doc::Space, body]);
    }
    match placing {
        Placing::Inline(head, _) => {
            let padding = Doc::Pad(column.saturating_sub(head) + 1);
            Doc::Concat([case.head, padding].into_iter().chain(tail).collect())
        }
        Placing::Below => {
            tail.insert(0, Doc::Hard);
            Doc::Concat(vec![Doc::Group(vec![case.head]), Doc::Nest(vec![Doc::Nest(tail)])])
        }
    }
}
