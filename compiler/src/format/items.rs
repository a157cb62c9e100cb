//! Items and their clauses.

use super::comments::blank_before;
use super::doc::{Doc, text};
use super::expr::{end, expr, start, written};
use super::flow::{self, Body, body};
use super::{Printer, types};
use crate::ast::expr::Expr;
use crate::ast::{
    ActionClause, BlockClause, Contract, ContractStage, FieldDecl, File, Item, ItemKind, Milestone, Name, Rule,
    RuleClause, RuleClauseKind, Test, TestClause, TestClauseKind,
};
use crate::source::Span;

/// A whole file: an empty line between items, save one-liners that the author put together.
pub(super) fn file(printer: &mut Printer<'_>, file: &File) -> Doc {
    let mut docs = Vec::new();
    let mut previous: Option<&Item> = None;
    for it in &file.items {
        let (comments, place) = printer.comments.before(start(it.span));
        let blank = blank_before(printer.text, place.unwrap_or(start(it.span)));
        if previous.is_some_and(|last| blank || !one_line(last) || !one_line(it)) {
            docs.push(Doc::Blank);
        }
        docs.extend(comments);
        docs.push(item(printer, it));
        docs.extend(printer.comments.trailing(end(it.span)));
        docs.push(Doc::Hard);
        previous = Some(it);
    }
    let (comments, place) = printer.comments.before(usize::MAX);
    if previous.is_some() && place.is_some_and(|place| blank_before(printer.text, place)) {
        docs.push(Doc::Blank);
    }
    docs.extend(comments);
    Doc::Concat(docs)
}

fn one_line(item: &Item) -> bool {
    matches!(item.kind, ItemKind::Param(_) | ItemKind::List(_) | ItemKind::Secret(_))
}

fn item(printer: &mut Printer<'_>, it: &Item) -> Doc {
    let close = end(it.span);
    match &it.kind {
        ItemKind::Flow(flow) => flow::flow(printer, flow, it.span),
        ItemKind::Param(param) => {
            let mut docs = vec![text(format!("param {}: ", param.name.text)), types::ty(printer, &param.ty)];
            if let Some(default) = &param.default {
                docs.push(text(" = "));
                docs.push(expr(printer, default));
            }
            Doc::Concat(docs)
        }
        ItemKind::List(list) => {
            let case = if list.ignore_case { " ignore case" } else { "" };
            text(format!("list {}{case} from {}", list.name.text, written(printer, list.file.span)))
        }
        ItemKind::Secret(name) => text(format!("secret {}", name.text)),
        ItemKind::Rule(it) => rule(printer, it, close),
        ItemKind::Test(it) => test(printer, it, close),
        ItemKind::Action(decl) => {
            let head = format!("action {} ", decl.name.text);
            let starts = clause_starts(printer, end(decl.name.span), &decl.clauses, action_clause_end);
            let units = decl.clauses.iter().zip(starts).collect::<Vec<_>>();
            let body = body(
                printer,
                &Body { open: end(decl.name.span), close, units: &units },
                |_, (_, range)| *range,
                |printer, (clause, (start, _))| action_clause(printer, clause, *start),
            );
            Doc::Concat(vec![text(head), body])
        }
        ItemKind::Block(decl) => {
            let head = format!("block {} in {} ", decl.name.text, decl.family.text);
            let open = end(decl.family.span);
            let starts = clause_starts(printer, open, &decl.clauses, block_clause_end);
            let units = decl.clauses.iter().zip(starts).collect::<Vec<_>>();
            let body = body(
                printer,
                &Body { open, close, units: &units },
                |_, (_, range)| *range,
                |printer, (clause, (start, _))| block_clause(printer, clause, *start),
            );
            Doc::Concat(vec![text(head), body])
        }
        ItemKind::Event(decl) => {
            let open = start(it.span) + "event".len();
            Doc::Concat(vec![text("event "), types::record(printer, open, close, &decl.fields)])
        }
        ItemKind::Session(decl) => {
            let open = start(it.span) + "session".len();
            Doc::Concat(vec![text("session "), types::record(printer, open, close, &decl.fields)])
        }
        ItemKind::Contract(it) => contract(printer, it, close),
    }
}

/// Where clauses without a span of their own begin and end: each begins at the token after the one before.
fn clause_starts<T>(
    printer: &Printer<'_>,
    header: usize,
    clauses: &[T],
    end_of: impl Fn(&Printer<'_>, &T, usize) -> usize,
) -> Vec<(usize, usize)> {
    let mut at = printer.next_token(header) + 1;
    let mut ranges = Vec::new();
    for clause in clauses {
        let begin = printer.next_token(at);
        at = end_of(printer, clause, begin);
        ranges.push((begin, at));
    }
    ranges
}

fn fields_end(printer: &Printer<'_>, begin: usize, fields: &[FieldDecl]) -> usize {
    types::record_close(printer, types::word_end(printer, begin), fields)
}

fn last(names: &[Name], begin: usize) -> usize {
    names.last().map_or(begin, |name| end(name.span))
}

fn when_end(when: &Option<Expr>, otherwise: usize) -> usize {
    when.as_ref().map_or(otherwise, |when| end(when.span))
}

fn block_clause_end(printer: &Printer<'_>, clause: &BlockClause, begin: usize) -> usize {
    match clause {
        BlockClause::Flows(names) | BlockClause::Effects(names) | BlockClause::Errors(names) => last(names, begin),
        BlockClause::Timeout(duration) => end(duration.span),
        BlockClause::Takes(paths) => paths.last().map_or(begin, |path| end(path.span)),
        BlockClause::Config(fields) | BlockClause::Output(fields) | BlockClause::Prompt(fields) => {
            fields_end(printer, begin, fields)
        }
        BlockClause::Sets(it) => when_end(&it.when, when_end(&it.to, end(it.path.span))),
        BlockClause::Provides(path, when) => when_end(when, end(path.span)),
        BlockClause::Ensures(it, when) => when_end(when, end(it.span)),
    }
}

fn block_clause(printer: &mut Printer<'_>, clause: &BlockClause, begin: usize) -> Doc {
    let mut docs = Vec::new();
    match clause {
        BlockClause::Flows(names) => docs.extend([text("flows "), types::names(names)]),
        BlockClause::Effects(names) => docs.extend([text("effects "), types::names(names)]),
        BlockClause::Errors(names) => docs.extend([text("errors "), types::names(names)]),
        BlockClause::Timeout(duration) => docs.push(text(format!("timeout {}", written(printer, duration.span)))),
        BlockClause::Takes(paths) => docs.extend([text("takes "), types::paths(paths)]),
        BlockClause::Config(fields) => docs.extend([text("config "), fields_doc(printer, begin, fields)]),
        BlockClause::Output(fields) => docs.extend([text("output "), fields_doc(printer, begin, fields)]),
        BlockClause::Prompt(fields) => docs.extend([text("prompt "), fields_doc(printer, begin, fields)]),
        BlockClause::Sets(it) => {
            docs.push(text(format!("sets {}", types::path(&it.path))));
            docs.extend(clause_expr(printer, "to", it.to.as_ref()));
            docs.extend(clause_expr(printer, "when", it.when.as_ref()));
        }
        BlockClause::Provides(path, when) => {
            docs.push(text(format!("provides {}", types::path(path))));
            docs.extend(clause_expr(printer, "when", when.as_ref()));
        }
        BlockClause::Ensures(it, when) => {
            docs.push(text("ensures "));
            docs.push(expr(printer, it));
            docs.extend(clause_expr(printer, "when", when.as_ref()));
        }
    }
    Doc::Concat(docs)
}

fn action_clause_end(printer: &Printer<'_>, clause: &ActionClause, begin: usize) -> usize {
    match clause {
        ActionClause::Version(it) | ActionClause::Source(it) => end(it.span),
        ActionClause::Triggers(paths) => paths.last().map_or(begin, |path| end(path.span)),
        ActionClause::Config(fields) | ActionClause::Output(fields) => fields_end(printer, begin, fields),
        ActionClause::Fetch(grants) | ActionClause::Claims(grants) => grants.last().map_or(begin, |it| end(it.span())),
        ActionClause::Secrets(names) | ActionClause::Effects(names) => last(names, begin),
        ActionClause::Budget(duration) => end(duration.span),
        ActionClause::Enabled(_, span) => end(*span),
    }
}

fn action_clause(printer: &mut Printer<'_>, clause: &ActionClause, begin: usize) -> Doc {
    let docs = match clause {
        ActionClause::Version(it) => vec![text(format!("version {}", written(printer, it.span)))],
        ActionClause::Source(it) => vec![text(format!("source {}", written(printer, it.span)))],
        ActionClause::Triggers(paths) => vec![text("triggers "), types::paths(paths)],
        ActionClause::Config(fields) => vec![text("config "), fields_doc(printer, begin, fields)],
        ActionClause::Output(fields) => vec![text("output "), fields_doc(printer, begin, fields)],
        ActionClause::Fetch(grants) => vec![text("fetch "), types::grants(printer, grants)],
        ActionClause::Claims(grants) => vec![text("claims "), types::grants(printer, grants)],
        ActionClause::Secrets(names) => vec![text("secrets "), types::names(names)],
        ActionClause::Effects(names) => vec![text("effects "), types::names(names)],
        ActionClause::Budget(duration) => vec![text(format!("budget {}", written(printer, duration.span)))],
        ActionClause::Enabled(on, _) => vec![text(format!("enabled {on}"))],
    };
    Doc::Concat(docs)
}

fn fields_doc(printer: &mut Printer<'_>, begin: usize, fields: &[FieldDecl]) -> Doc {
    let open = types::word_end(printer, begin);
    let close = types::record_close(printer, open, fields);
    types::record(printer, open, close, fields)
}

fn clause_expr(printer: &mut Printer<'_>, keyword: &str, it: Option<&Expr>) -> Option<Doc> {
    let it = expr(printer, it?);
    Some(Doc::Concat(vec![text(format!(" {keyword} ")), it]))
}

fn contract(printer: &mut Printer<'_>, it: &Contract, close: usize) -> Doc {
    enum Clause<'a> {
        Input(&'a [FieldDecl]),
        Stage(&'a ContractStage),
        Ends(&'a [Name]),
        Needs,
    }
    let open = end(it.trigger.span);
    // Clauses other than stages stand where they were written: between which stages is read from the source.
    let mut units: Vec<(Clause<'_>, (usize, usize))> = Vec::new();
    let mut stages = it.stages.iter();
    let mut at = printer.next_token(open) + 1;
    while at < close {
        let begin = printer.next_token(at);
        let word = printer.slice(begin, types::word_end(printer, begin));
        let (clause, finish) = match word {
            "input" => (Clause::Input(&it.input), fields_end(printer, begin, &it.input)),
            "ends" => (Clause::Ends(&it.ends), last(&it.ends, begin)),
            "needs" => (Clause::Needs, types::word_end(printer, printer.next_token(begin + "needs".len()))),
            "stage" => {
                let Some(stage) = stages.next() else { break };
                (Clause::Stage(stage), end(stage.span))
            }
            _ => break,
        };
        units.push((clause, (begin, finish)));
        at = finish;
    }
    let head = format!("contract {} on {} ", it.name.text, types::path(&it.trigger));
    let body = body(
        printer,
        &Body { open, close, units: &units },
        |_, (_, range)| *range,
        |printer, (clause, (begin, _))| match clause {
            Clause::Input(fields) => Doc::Concat(vec![text("input "), fields_doc(printer, *begin, fields)]),
            Clause::Stage(it) => contract_stage(printer, it),
            Clause::Ends(names) => Doc::Concat(vec![text("ends "), types::names(names)]),
            Clause::Needs => text("needs session"),
        },
    );
    Doc::Concat(vec![text(head), body])
}

fn contract_stage(printer: &mut Printer<'_>, it: &ContractStage) -> Doc {
    let mut docs = vec![text(format!("stage {}", it.name.text))];
    docs.extend(clause_expr(printer, "when", it.when.as_ref()));
    let open = when_end(&it.when, end(it.name.span));
    let braced = printer.slice(printer.next_token(open), end(it.span)).starts_with('{');
    if braced {
        docs.push(text(" "));
        let body_of = Body { open, close: end(it.span), units: &it.milestones };
        docs.push(body(printer, &body_of, |_, it| (start(it.span), end(it.span)), milestone));
    }
    Doc::Concat(docs)
}

fn milestone(printer: &mut Printer<'_>, it: &Milestone) -> Doc {
    let mut docs = vec![text("milestone ")];
    for (index, alternative) in it.alternatives.iter().enumerate() {
        if index > 0 {
            docs.extend([Doc::Line, text("| ")]);
        }
        docs.push(text(alternative.block.text.as_str()));
        let mut open = end(alternative.block.span);
        if let Some(result) = &alternative.result {
            docs.push(text(format!(" {}", result.text)));
            open = end(result.span);
        }
        if let Some(field) = alternative.fixed.last() {
            let close = printer.next_token(end(flow::value_span(&field.value))) + 1;
            docs.push(text(" "));
            docs.push(flow::config_fields(printer, &alternative.fixed, open, close));
        }
    }
    Doc::Group(vec![Doc::Nest(docs)])
}

fn rule(printer: &mut Printer<'_>, it: &Rule, close: usize) -> Doc {
    let mut docs = vec![text(format!("rule {} ", it.name.text))];
    let mut open = end(it.name.span);
    if let Some(name) = it.of.last() {
        docs.extend([text("of "), types::names(&it.of), text(" ")]);
        open = end(name.span);
    }
    let clauses = Body { open, close, units: &it.clauses };
    docs.push(body(printer, &clauses, |_, clause| range(clause.span), rule_clause));
    Doc::Concat(docs)
}

fn rule_clause(printer: &mut Printer<'_>, it: &RuleClause) -> Doc {
    let mut docs = Vec::new();
    match &it.kind {
        RuleClauseKind::Before(block, when, require) => {
            docs.push(text(format!("before {}", block.text)));
            docs.extend(clause_expr(printer, "when", when.as_ref()));
            docs.extend(clause_expr(printer, "require", Some(require)));
        }
        RuleClauseKind::Never(block, when) => {
            docs.push(text(format!("never {}", block.text)));
            docs.extend(clause_expr(printer, "when", when.as_ref()));
        }
        RuleClauseKind::After(first, then) => docs.push(text(format!("after {} require {}", first.text, then.text))),
        RuleClauseKind::EndsWithin(duration) => {
            docs.push(text(format!("always ends within {}", written(printer, duration.span))));
        }
    }
    Doc::Concat(docs)
}

fn test(printer: &mut Printer<'_>, it: &Test, close: usize) -> Doc {
    let head = format!("test {} of {} ", written(printer, it.title.span), it.of.text);
    let clauses = Body { open: end(it.of.span), close, units: &it.clauses };
    let body = body(printer, &clauses, |_, clause| range(clause.span), test_clause);
    Doc::Concat(vec![text(head), body])
}

fn test_clause(printer: &mut Printer<'_>, it: &TestClause) -> Doc {
    let (head, value): (String, Option<&Expr>) = match &it.kind {
        TestClauseKind::GivenEvent(value) => ("given event".to_owned(), Some(value)),
        TestClauseKind::GivenNow(now) => (format!("given now {}", written(printer, now.span)), None),
        TestClauseKind::GivenParams(value) => ("given params".to_owned(), Some(value)),
        TestClauseKind::GivenInput(value) => ("given input".to_owned(), Some(value)),
        TestClauseKind::Stub(name, value) => (format!("stub {}", name.text), Some(value)),
        TestClauseKind::StubError(name, error) => {
            (format!("stub {} error {}", name.text, written(printer, error.span)), None)
        }
        TestClauseKind::StubAfter(name, after, value) => {
            (format!("stub {} after {}", name.text, written(printer, after.span)), value.as_ref())
        }
        TestClauseKind::StubFetch(url, value) => (format!("stub fetch {}", written(printer, url.span)), Some(value)),
        TestClauseKind::Reply(name, value) => (format!("reply {}", name.text), Some(value)),
        TestClauseKind::ExpectOutcome(name) => (format!("expect {}", name.text), None),
        TestClauseKind::ExpectDeny(reason) => (format!("expect deny {}", written(printer, reason.span)), None),
        TestClauseKind::ExpectSuspended(name) => (format!("expect suspended {}", name.text), None),
        TestClauseKind::ExpectError(name) => (format!("expect error {}", name.text), None),
        TestClauseKind::ExpectRedirect(url) => (format!("expect redirect {}", written(printer, url.span)), None),
        TestClauseKind::ExpectRan(names) => return Doc::Concat(vec![text("expect ran "), types::names(names)]),
        TestClauseKind::ExpectNotRan(names) => return Doc::Concat(vec![text("expect not ran "), types::names(names)]),
        TestClauseKind::ExpectBranch(decision, branch) => {
            (format!("expect branch {}.{}", decision.text, branch.text), None)
        }
        TestClauseKind::ExpectClaim(claim, value) => {
            (format!("expect claim {} ==", written(printer, claim.span)), Some(value))
        }
        TestClauseKind::Expect(value) => ("expect".to_owned(), Some(value)),
    };
    match value {
        Some(value) => Doc::Concat(vec![text(head), text(" "), expr(printer, value)]),
        None => text(head),
    }
}

fn range(span: Span) -> (usize, usize) {
    (start(span), end(span))
}
