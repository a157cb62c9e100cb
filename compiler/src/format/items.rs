//! Items and their clauses.

use super::doc::Doc;
use super::expr::{end, expr};
use super::flow::{self, body, body_while};
use super::tokens::Tokens;
use super::types;
use crate::ast::expr::Expr;
use crate::ast::{
    ActionClause, BlockClause, Contract, ContractStage, File, Item, ItemKind, Milestone, Param, Rule, RuleClause,
    RuleClauseKind, Test, TestClause, TestClauseKind,
};

/// A whole file: an empty line between items, save one-liners that the author put together.
pub(super) fn file<'a>(tokens: &mut Tokens<'a>, file: &File) -> Doc<'a> {
    let mut docs = Vec::new();
    let mut previous: Option<&Item> = None;
    for it in &file.items {
        if previous.is_some_and(|last| tokens.blank() || !one_line(last) || !one_line(it)) {
            docs.push(Doc::Blank);
        }
        docs.push(item(tokens, it));
        docs.push(Doc::Hard);
        previous = Some(it);
    }
    docs.extend((previous.is_some() && tokens.blank()).then_some(Doc::Blank));
    docs.extend(tokens.lead());
    Doc::Concat(docs)
}

fn one_line(item: &Item) -> bool {
    matches!(item.kind, ItemKind::Param(_) | ItemKind::List(_) | ItemKind::Secret(_))
}

fn item<'a>(tokens: &mut Tokens<'a>, it: &Item) -> Doc<'a> {
    match &it.kind {
        ItemKind::Flow(it) => flow::flow(tokens, it),
        ItemKind::Param(it) => param(tokens, it),
        ItemKind::List(_) | ItemKind::Secret(_) => tokens.words_until(end(it.span)),
        ItemKind::Rule(it) => rule(tokens, it),
        ItemKind::Test(it) => test(tokens, it),
        ItemKind::Action(it) => {
            Doc::Concat(vec![tokens.words(2), Doc::Space, body(tokens, &it.clauses, action_clause)])
        }
        ItemKind::Block(it) => Doc::Concat(vec![tokens.words(4), Doc::Space, body(tokens, &it.clauses, block_clause)]),
        ItemKind::Event(it) | ItemKind::Session(it) => {
            Doc::Concat(vec![tokens.next(), Doc::Space, types::record(tokens, &it.fields)])
        }
        ItemKind::Contract(it) => contract(tokens, it),
    }
}

fn param<'a>(tokens: &mut Tokens<'a>, it: &Param) -> Doc<'a> {
    let mut docs = vec![tokens.words(2), tokens.next(), Doc::Space, types::ty(tokens, &it.ty)];
    if let Some(default) = &it.default {
        docs.extend([Doc::Space, tokens.next(), Doc::Space, expr(tokens, default)]);
    }
    Doc::Concat(docs)
}

fn block_clause<'a>(tokens: &mut Tokens<'a>, clause: &BlockClause) -> Doc<'a> {
    let mut docs = vec![tokens.next(), Doc::Space];
    match clause {
        BlockClause::Flows(names) | BlockClause::Effects(names) | BlockClause::Errors(names) => {
            docs.push(types::names(tokens, names.len()));
        }
        BlockClause::Timeout(_) => docs.push(tokens.next()),
        BlockClause::Takes(paths) => docs.push(types::paths(tokens, paths)),
        BlockClause::Config(fields) | BlockClause::Output(fields) | BlockClause::Prompt(fields) => {
            docs.push(types::record(tokens, fields));
        }
        BlockClause::Sets(it) => {
            docs.push(types::path(tokens, &it.path));
            docs.extend(keyword_expr(tokens, it.to.as_ref()));
            docs.extend(keyword_expr(tokens, it.when.as_ref()));
        }
        BlockClause::Provides(path, when) => {
            docs.push(types::path(tokens, path));
            docs.extend(keyword_expr(tokens, when.as_ref()));
        }
        BlockClause::Ensures(it, when) => {
            docs.push(expr(tokens, it));
            docs.extend(keyword_expr(tokens, when.as_ref()));
        }
    }
    Doc::Concat(docs)
}

fn action_clause<'a>(tokens: &mut Tokens<'a>, clause: &ActionClause) -> Doc<'a> {
    let keyword = tokens.next();
    let value = match clause {
        ActionClause::Version(_) | ActionClause::Source(_) | ActionClause::Budget(_) | ActionClause::Enabled(..) => {
            tokens.next()
        }
        ActionClause::Triggers(paths) => types::paths(tokens, paths),
        ActionClause::Config(fields) | ActionClause::Output(fields) => types::record(tokens, fields),
        ActionClause::Fetch(grants) | ActionClause::Claims(grants) => types::grants(tokens, grants),
        ActionClause::Secrets(names) | ActionClause::Effects(names) => types::names(tokens, names.len()),
    };
    Doc::Concat(vec![keyword, Doc::Space, value])
}

/// ` when EXPR` and the like.
fn keyword_expr<'a>(tokens: &mut Tokens<'a>, it: Option<&Expr>) -> Option<Doc<'a>> {
    let it = it?;
    Some(Doc::Concat(vec![Doc::Space, tokens.next(), Doc::Space, expr(tokens, it)]))
}

fn contract<'a>(tokens: &mut Tokens<'a>, it: &Contract) -> Doc<'a> {
    let head = [tokens.words(3), Doc::Space, types::path(tokens, &it.trigger), Doc::Space];
    // Clauses other than stages stand where they were written, which the tree does not say.
    let mut stages = it.stages.iter();
    let body = body_while(tokens, |tokens| match tokens.peek() {
        "input" => Some(Doc::Concat(vec![tokens.next(), Doc::Space, types::record(tokens, &it.input)])),
        "ends" => Some(Doc::Concat(vec![tokens.next(), Doc::Space, types::names(tokens, it.ends.len())])),
        "needs" => Some(tokens.words(2)),
        _ => stages.next().map(|it| contract_stage(tokens, it)),
    });
    Doc::Concat(head.into_iter().chain([body]).collect())
}

fn contract_stage<'a>(tokens: &mut Tokens<'a>, it: &ContractStage) -> Doc<'a> {
    let mut docs = vec![tokens.words(2)];
    docs.extend(keyword_expr(tokens, it.when.as_ref()));
    if tokens.peek() == "{" {
        docs.extend([Doc::Space, body(tokens, &it.milestones, milestone)]);
    }
    Doc::Concat(docs)
}

fn milestone<'a>(tokens: &mut Tokens<'a>, it: &Milestone) -> Doc<'a> {
    let mut docs = vec![tokens.next()];
    for (index, alternative) in it.alternatives.iter().enumerate() {
        if index > 0 {
            docs.extend([Doc::Line, tokens.next()]);
        }
        docs.extend([Doc::Space, tokens.next()]);
        if alternative.result.is_some() {
            docs.extend([Doc::Space, tokens.next()]);
        }
        if tokens.peek() == "{" {
            docs.extend([Doc::Space, flow::config_fields(tokens, &alternative.fixed)]);
        }
    }
    Doc::Group(vec![Doc::Nest(docs)])
}

fn rule<'a>(tokens: &mut Tokens<'a>, it: &Rule) -> Doc<'a> {
    let mut docs = vec![tokens.words(2), Doc::Space];
    if !it.of.is_empty() {
        docs.extend([tokens.next(), Doc::Space, types::names(tokens, it.of.len()), Doc::Space]);
    }
    docs.push(body(tokens, &it.clauses, rule_clause));
    Doc::Concat(docs)
}

fn rule_clause<'a>(tokens: &mut Tokens<'a>, it: &RuleClause) -> Doc<'a> {
    let mut docs = Vec::new();
    match &it.kind {
        RuleClauseKind::Before(_, when, require) => {
            docs.push(tokens.words(2));
            docs.extend(keyword_expr(tokens, when.as_ref()));
            docs.extend(keyword_expr(tokens, Some(require)));
        }
        RuleClauseKind::Never(_, when) => {
            docs.push(tokens.words(2));
            docs.extend(keyword_expr(tokens, when.as_ref()));
        }
        // `after A require B`, `always ends within D`
        RuleClauseKind::After(..) | RuleClauseKind::EndsWithin(_) => docs.push(tokens.words(4)),
    }
    Doc::Concat(docs)
}

fn test<'a>(tokens: &mut Tokens<'a>, it: &Test) -> Doc<'a> {
    Doc::Concat(vec![tokens.words(4), Doc::Space, body(tokens, &it.clauses, test_clause)])
}

fn test_clause<'a>(tokens: &mut Tokens<'a>, it: &TestClause) -> Doc<'a> {
    // How many words stand before the value.
    let (words, value): (usize, Option<&Expr>) = match &it.kind {
        TestClauseKind::GivenEvent(value)
        | TestClauseKind::GivenParams(value)
        | TestClauseKind::GivenSecrets(value)
        | TestClauseKind::GivenInput(value) => (2, Some(value)),
        TestClauseKind::Stub(_, value) | TestClauseKind::Reply(_, value) => (2, Some(value)),
        // `stub NAME after D`
        TestClauseKind::StubAfter(_, _, value) => (4, value.as_ref()),
        TestClauseKind::StubFetch(_, value) => (3, Some(value)),
        // `expect claim "name" ==`
        TestClauseKind::ExpectClaim(_, value) => (4, Some(value)),
        TestClauseKind::Expect(value) => (1, Some(value)),
        TestClauseKind::GivenNow(_)
        | TestClauseKind::StubError(..)
        | TestClauseKind::ExpectOutcome(_)
        | TestClauseKind::ExpectDeny(_)
        | TestClauseKind::ExpectSuspended(_)
        | TestClauseKind::ExpectError(_)
        | TestClauseKind::ExpectRedirect(_) => return tokens.words_until(end(it.span)),
        TestClauseKind::ExpectRan(names) => {
            return Doc::Concat(vec![tokens.words(2), Doc::Space, types::names(tokens, names.len())]);
        }
        TestClauseKind::ExpectNotRan(names) => {
            return Doc::Concat(vec![tokens.words(3), Doc::Space, types::names(tokens, names.len())]);
        }
        // `expect branch DECISION.NAME`
        TestClauseKind::ExpectBranch(..) => {
            return Doc::Concat(vec![tokens.words(2), Doc::Space, tokens.glued_until(end(it.span))]);
        }
    };
    let head = tokens.words(words);
    match value {
        Some(value) => Doc::Concat(vec![head, Doc::Space, expr(tokens, value)]),
        None => head,
    }
}
