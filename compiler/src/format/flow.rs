//! Flows: stages, steps, decisions and their aligned arrows, config, modifiers.

use super::comments::blank_before;
use super::doc::{self, Doc, INDENT, text};
use super::expr::{Brackets, bracketed, end, expr, start, without_last, written};
use super::{Printer, WIDTH, types};
use crate::ast::{
    BlockStep, Case, Condition, Config, ConfigField, ConfigValue, Decision, DurationLit, Flow, Modifier, ModifierKind,
    RunAction, RunFlow, Stage, Step, StepKind,
};
use crate::source::Span;

const CONFIG: Brackets = Brackets { open: "{", close: "}", spaced: true, commas: false };

/// One thing in a braced body: where it begins and ends in the source, and how it is printed.
pub(super) struct Body<'b, T> {
    /// At the `{` or before it, after the header.
    pub(super) open: usize,
    /// Right after the `}`.
    pub(super) close: usize,
    pub(super) units: &'b [T],
}

/// `{ units }`: on one line only if it is one unit, the author had it so, and it fits.
pub(super) fn body<T>(
    printer: &mut Printer<'_>,
    it: &Body<'_, T>,
    mut range: impl FnMut(&Printer<'_>, &T) -> (usize, usize),
    mut print: impl FnMut(&mut Printer<'_>, &T) -> Doc,
) -> Doc {
    let commented = printer.comments.between(it.open, it.close);
    let Some(first) = it.units.first() else {
        let (comments, _) = printer.comments.before(if commented { it.close } else { 0 });
        if comments.is_empty() {
            return text("{}");
        }
        return open_body(vec![Doc::Hard, Doc::Concat(without_last(comments))]);
    };
    let (begin, _) = range(printer, first);
    if it.units.len() == 1 && !commented && !printer.breaks(it.open, begin) {
        let unit = print(printer, first);
        return Doc::Group(vec![text("{"), Doc::Nest(vec![Doc::Line, unit]), Doc::Line, text("}")]);
    }
    let brace = printer.slice(it.open, begin).find('{').map_or(it.open, |at| it.open + at + 1);
    let mut inner = Vec::new();
    inner.extend(printer.comments.trailing(brace));
    for (index, unit) in it.units.iter().enumerate() {
        let (begin, finish) = range(printer, unit);
        inner.push(Doc::Hard);
        let (comments, place) = printer.comments.before(begin);
        if index > 0 && blank_before(printer.text, place.unwrap_or(begin)) {
            inner.push(Doc::Blank);
        }
        inner.extend(comments);
        inner.push(print(printer, unit));
        inner.extend(printer.comments.trailing(finish));
    }
    let (comments, _) = printer.comments.before(it.close);
    if !comments.is_empty() {
        inner.push(Doc::Hard);
        inner.extend(without_last(comments));
    }
    open_body(inner)
}

/// A flow; `span` is its item's.
pub(super) fn flow(printer: &mut Printer<'_>, it: &Flow, span: Span) -> Doc {
    enum Member<'a> {
        Budget(DurationLit),
        Stage(&'a Stage),
    }
    let mut members = it.stages.iter().map(Member::Stage).collect::<Vec<_>>();
    if let Some(budget) = it.budget {
        // Where it was written: comments stay with what they are about.
        let at = it.stages.iter().take_while(|stage| stage.span.start < budget.span.start).count();
        members.insert(at, Member::Budget(budget));
    }
    let head = format!("{} flow {}", if it.system { "system" } else { "custom" }, it.name.text);
    let mut docs = vec![text(head)];
    let mut open = end(it.name.span);
    if let Some(title) = &it.title {
        docs.push(text(format!(" {}", written(printer, title.span))));
        open = end(title.span);
    }
    docs.push(text(" "));
    let range = |printer: &Printer<'_>, member: &Member<'_>| match member {
        Member::Budget(budget) => (keyword_before(printer, start(budget.span)), end(budget.span)),
        Member::Stage(stage) => (start(stage.span), end(stage.span)),
    };
    docs.push(body(
        printer,
        &Body { open, close: end(span), units: &members },
        range,
        |printer, member| match member {
            Member::Budget(budget) => text(format!("budget {}", written(printer, budget.span))),
            Member::Stage(it) => stage(printer, it),
        },
    ));
    Doc::Concat(docs)
}

/// `{ name: value }`
pub(super) fn config(printer: &mut Printer<'_>, it: &Config) -> Doc {
    config_fields(printer, &it.fields, start(it.span), end(it.span))
}

/// Config fields; `open` is at the brace or before it, `close` right after its partner.
pub(super) fn config_fields(printer: &mut Printer<'_>, fields: &[ConfigField], open: usize, close: usize) -> Doc {
    let range = |field: &ConfigField| (start(field.name.span), end(value_span(&field.value)));
    bracketed(printer, &CONFIG, open, close, fields, range, |printer, field| {
        let value = match &field.value {
            ConfigValue::Expr(it) => expr(printer, it),
            ConfigValue::Type(it) => types::ty(printer, it),
        };
        Doc::Concat(vec![text(format!("{}: ", field.name.text)), value])
    })
}

/// The span of a config value.
pub(super) fn value_span(value: &ConfigValue) -> Span {
    match value {
        ConfigValue::Expr(it) => it.span,
        ConfigValue::Type(it) => it.span,
    }
}

fn stage(printer: &mut Printer<'_>, it: &Stage) -> Doc {
    let mut head = format!("stage {} ", it.name.text);
    let mut open = end(it.name.span);
    if let Some(title) = &it.title {
        head.push_str(&format!("{} ", written(printer, title.span)));
        open = end(title.span);
    }
    let steps = steps(printer, &Body { open, close: end(it.span), units: &it.steps }, 2);
    Doc::Concat(vec![text(head), steps])
}

/// Steps at that level of indentation.
fn steps(printer: &mut Printer<'_>, it: &Body<'_, Step>, level: usize) -> Doc {
    body(printer, it, |_, step| (start(step.span), end(step.span)), |printer, it| step(printer, it, level))
}

fn step(printer: &mut Printer<'_>, it: &Step, level: usize) -> Doc {
    match &it.kind {
        StepKind::Block(it) => block(printer, it),
        StepKind::RunAction(it) => run_action(printer, it),
        StepKind::RunFlow(it) => run_flow(printer, it),
        StepKind::Decision(decision) => self::decision(printer, decision, it.span, level),
        StepKind::Condition(it) => condition(printer, it),
        // Files with broken steps are refused.
        StepKind::Broken => text(written(printer, it.span)),
    }
}

fn block(printer: &mut Printer<'_>, it: &BlockStep) -> Doc {
    let mut docs = vec![text(it.ty.text.as_str())];
    docs.extend(it.label.as_ref().map(|label| text(format!(" as {}", label.text))));
    tail(printer, docs, it.config.as_ref(), &it.modifiers)
}

fn run_action(printer: &mut Printer<'_>, it: &RunAction) -> Doc {
    let mut docs = vec![text(format!("run action {}@{}", it.slug.text, it.version.text))];
    docs.extend(it.label.as_ref().map(|label| text(format!(" as {}", label.text))));
    tail(printer, docs, it.config.as_ref(), &it.modifiers)
}

fn run_flow(printer: &mut Printer<'_>, it: &RunFlow) -> Doc {
    tail(printer, vec![text(format!("run flow {}", it.slug.text))], None, &it.modifiers)
}

fn tail(printer: &mut Printer<'_>, mut docs: Vec<Doc>, it: Option<&Config>, modifiers: &[Modifier]) -> Doc {
    if let Some(it) = it {
        docs.push(text(" "));
        docs.push(config(printer, it));
    }
    let mut modifiers = modifiers.iter().collect::<Vec<_>>();
    modifiers.sort_by_key(|modifier| match &modifier.kind {
        ModifierKind::Timeout(_) => 0,
        ModifierKind::Retry { .. } => 1,
        ModifierKind::OnErrorHalt | ModifierKind::OnErrorContinue | ModifierKind::OnErrorDeny(_) => 2,
        ModifierKind::Async => 3,
    });
    docs.extend(modifiers.into_iter().map(|it| text(format!(" {}", modifier(printer, it)))));
    Doc::Concat(docs)
}

fn modifier(printer: &Printer<'_>, it: &Modifier) -> String {
    match &it.kind {
        ModifierKind::Timeout(duration) => format!("timeout {}", written(printer, duration.span)),
        ModifierKind::Retry { times, backoff: None } => format!("retry {times}"),
        ModifierKind::Retry { times, backoff: Some(backoff) } => {
            format!("retry {times} backoff {}", written(printer, backoff.span))
        }
        ModifierKind::OnErrorHalt => "on error halt".to_owned(),
        ModifierKind::OnErrorContinue => "on error continue".to_owned(),
        ModifierKind::OnErrorDeny(reason) => format!("on error deny {}", written(printer, reason.span)),
        ModifierKind::Async => "async".to_owned(),
    }
}

fn condition(printer: &mut Printer<'_>, it: &Condition) -> Doc {
    let open = end(it.name.span);
    let first = it.fields.first().map_or(open, |(name, _)| start(name.span));
    let close = it.fields.last().map_or_else(
        || printer.next_token(printer.next_token(first) + 1) + 1,
        |(_, value)| printer.next_token(end(value.span)) + 1,
    );
    let range = |(name, value): &(crate::ast::Name, crate::ast::expr::Expr)| (start(name.span), end(value.span));
    let fields = bracketed(printer, &CONFIG, open, close, &it.fields, range, |printer, (name, value)| {
        Doc::Concat(vec![text(format!("{}: ", name.text)), expr(printer, value)])
    });
    Doc::Concat(vec![text(format!("condition {} ", it.name.text)), fields])
}

/// A case taken apart, to align its arrow.
struct Arrowed {
    head: Doc,
    tail: Doc,
}

fn decision(printer: &mut Printer<'_>, it: &Decision, span: Span, level: usize) -> Doc {
    let columns = level + 1;
    // Arrows align over all cases, so every case is printed before the first is placed. Comments are taken on the
    // way, in order; each case's stand before it.
    let open = end(it.name.span);
    let first = it.cases.first().map_or(open, |case| start(case.span));
    let brace = printer.slice(open, first).find('{').map_or(open, |at| open + at + 1);
    // Without cases every comment stands inside, whichever side of the brace it was written on.
    let after_brace = if it.cases.is_empty() { None } else { printer.comments.trailing(brace) };
    let mut lead = Vec::new();
    let mut cases = Vec::new();
    for (index, case) in it.cases.iter().enumerate() {
        let (comments, place) = printer.comments.before(start(case.span));
        let blank = index > 0 && blank_before(printer.text, place.unwrap_or(start(case.span)));
        let arrowed = arrowed(printer, case, columns);
        lead.push((blank, comments, printer.comments.trailing(end(case.span))));
        cases.push(arrowed);
    }
    let column = arrow_column(&cases, columns * INDENT);
    let mut inner = Vec::new();
    inner.extend(after_brace);
    for ((blank, comments, trailing), case) in lead.into_iter().zip(cases) {
        inner.push(Doc::Hard);
        if blank {
            inner.push(Doc::Blank);
        }
        inner.extend(comments);
        inner.push(place(case, column, columns * INDENT));
        inner.extend(trailing);
    }
    let (comments, _) = printer.comments.before(end(span));
    if !comments.is_empty() {
        inner.push(Doc::Hard);
        inner.extend(without_last(comments));
    }
    Doc::Concat(vec![text(format!("decision {} ", it.name.text)), open_body(inner)])
}

fn arrowed(printer: &mut Printer<'_>, it: &Case, level: usize) -> Arrowed {
    let head = match &it.when {
        Some(when) => Doc::Concat(vec![text("when "), expr(printer, when)]),
        None => text("default"),
    };
    let mut tail = vec![text(format!("-> {}", it.branch.text))];
    if let Some(steps) = &it.steps {
        tail.push(text(" "));
        let body = Body { open: end(it.branch.span), close: end(it.span), units: steps };
        tail.push(self::steps(printer, &body, level + 1));
    }
    Arrowed { head, tail: Doc::Concat(tail) }
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

fn placing(case: &Arrowed, indent: usize) -> Placing {
    let Some(head) = doc::flat_width(&case.head) else { return Placing::Below };
    if let Some(tail) = doc::flat_width(&case.tail) {
        if indent + head + 1 + tail <= WIDTH {
            return Placing::Inline(head, tail);
        }
        if indent + 2 * INDENT + tail <= WIDTH {
            return Placing::Below;
        }
    }
    let tail = opening_width(&case.tail);
    if indent + head + 1 + tail <= WIDTH { Placing::Inline(head, tail) } else { Placing::Below }
}

/// The width to which heads are padded: the widest of those on a line with their branch, if all still fit then.
fn arrow_column(cases: &[Arrowed], indent: usize) -> usize {
    let inline = cases.iter().filter_map(|case| match placing(case, indent) {
        Placing::Inline(head, tail) => Some((head, tail)),
        Placing::Below => None,
    });
    let inline = inline.collect::<Vec<_>>();
    let widest = inline.iter().map(|(head, _)| *head).max().unwrap_or(0);
    if inline.iter().all(|(_, tail)| indent + widest + 1 + tail <= WIDTH) { widest } else { 0 }
}

/// The width of `-> branch {`.
fn opening_width(tail: &Doc) -> usize {
    match tail {
        Doc::Concat(docs) => docs.first().and_then(doc::flat_width).unwrap_or(0) + 2,
        _ => 0,
    }
}

fn place(case: Arrowed, column: usize, indent: usize) -> Doc {
    match placing(&case, indent) {
        Placing::Inline(head, _) => {
            let padding = " ".repeat(column.saturating_sub(head) + 1);
            Doc::Concat(vec![case.head, text(padding), case.tail])
        }
        Placing::Below => {
            let below = vec![Doc::Hard, case.tail];
            Doc::Concat(vec![Doc::Group(vec![case.head]), Doc::Nest(vec![Doc::Nest(below)])])
        }
    }
}

fn open_body(inner: Vec<Doc>) -> Doc {
    Doc::Concat(vec![text("{"), Doc::Nest(inner), Doc::Hard, text("}")])
}

/// Where the keyword right before `at` begins.
pub(super) fn keyword_before(printer: &Printer<'_>, at: usize) -> usize {
    let before = printer.slice(0, at).trim_end();
    before.len() - before.chars().rev().take_while(char::is_ascii_alphanumeric).count()
}
