//! Files and items.

use admit_grammar::{Pair, Pairs, Rule};

use super::clauses::clauses;
use super::cursor::{Cx, Kids, doc_before, doc_line, end_of, text};
use super::{declare, diagnose, expr, flow, literal, report, test, token, types};
use crate::ast::{
    ActionClause, ActionDecl, Item, ItemKind, ListDecl, Param, RecordDecl, Rule as AstRule, RuleClause, RuleClauseKind,
};

/// The pairs of a file.
pub(super) fn file<'a>(cx: &mut Cx<'a>, pairs: Pairs<'a>) -> Vec<Item> {
    comments(cx, &pairs);
    let mut items: Vec<Item> = Vec::new();
    let mut last = None;
    for pair in pairs.flat_map(Kids::of) {
        match pair.as_rule() {
            Rule::EOI => {}
            Rule::broken_item => {
                if diagnose::broken_item(cx, &pair, last)
                    && let Some(last) = items.last_mut()
                {
                    last.broken = true;
                }
            }
            _ => {
                last = Some(end_of(&pair));
                items.extend(item(cx, pair));
            }
        }
    }
    items
}

/// Collects the comments, and warns of docs with nothing after them.
fn comments<'a>(cx: &mut Cx<'a>, pairs: &Pairs<'a>) {
    if !cx.text.contains("//") {
        return;
    }
    let comments = pairs.clone().flatten().filter(|pair| pair.as_rule() == Rule::COMMENT);
    cx.comments = comments.map(|pair| (pair.as_span().start(), pair.as_span().end())).collect();
    let mut first_of_run = None;
    for (index, (start, end)) in cx.comments.clone().into_iter().enumerate() {
        if cx.text.get(start..end).and_then(doc_line).is_none() {
            continue;
        }
        let begin = *first_of_run.get_or_insert(start);
        let after = cx.text.get(end..).unwrap_or_default().trim_start();
        let next = cx.comments.get(index + 1).and_then(|(start, end)| cx.text.get(*start..*end)).and_then(doc_line);
        if after.starts_with("///") && next.is_some() {
            continue;
        }
        let follows = token::skip_trivia(cx.text, end);
        let rest = cx.text.get(follows..).unwrap_or_default();
        // At the left margin an item follows, though it may be garbage: that is said already.
        let inside = begin > token::line_start(cx.text, begin);
        if rest.is_empty() || inside && rest.starts_with(['}', ')', ']']) {
            report::dangling_doc(cx, begin, end);
        }
        first_of_run = None;
    }
}

fn item(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Item> {
    let (start, end) = (pair.as_span().start(), end_of(&pair));
    let (doc, span, findings) = (doc_before(cx, start), cx.span(start, end), cx.broken);
    cx.left_open = 0;
    let kind = kind(cx, pair)?;
    Some(Item { doc, span, broken: cx.broken > findings, kind })
}

fn kind(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<ItemKind> {
    Some(match pair.as_rule() {
        Rule::flow => ItemKind::Flow(flow::flow(cx, pair)?),
        Rule::param => ItemKind::Param(param(cx, pair)?),
        Rule::list_decl => ItemKind::List(list(cx, pair)?),
        Rule::secret_decl => {
            let mut kids = Kids::of(pair);
            kids.pass(Rule::kw_secret);
            ItemKind::Secret(report::slug(cx, &kids.next()?, "a secret"))
        }
        Rule::rule_decl => ItemKind::Rule(rule(cx, pair)?),
        Rule::test_decl => ItemKind::Test(test::test(cx, pair)?),
        Rule::action_decl => ItemKind::Action(action(cx, pair)?),
        Rule::block_decl => ItemKind::Block(declare::block(cx, pair)?),
        Rule::contract => ItemKind::Contract(declare::contract(cx, pair)?),
        Rule::event_decl => ItemKind::Event(record(cx, pair)?),
        Rule::session_decl => ItemKind::Session(record(cx, pair)?),
        _ => return None,
    })
}

fn param(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Param> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_param);
    let name = report::slug(cx, &kids.next()?, "a param");
    kids.pass(Rule::colon);
    let ty = types::ty(cx, kids.next()?);
    kids.pass(Rule::assign);
    let default = kids.next().map(|pair| expr::root(cx, pair));
    Some(Param { name, ty, default })
}

fn list(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<ListDecl> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_list);
    let name = report::slug(cx, &kids.next()?, "a list");
    let ignore_case = kids.pass(Rule::ignore_case);
    kids.pass(Rule::kw_from);
    let file = text(cx, &kids.next()?);
    Some(ListDecl { name, ignore_case, file })
}

fn record(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<RecordDecl> {
    let fields = Kids::of(pair).find(|kid| kid.as_rule() == Rule::fields)?;
    Some(RecordDecl { fields: types::fields(cx, fields) })
}

fn rule(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<AstRule> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_rule);
    let name = report::slug(cx, &kids.next()?, "a rule");
    kids.pass(Rule::kw_of);
    let of = kids.eat(Rule::names).map(|pair| types::names(cx, pair)).unwrap_or_default();
    let clauses = clauses(cx, kids, Rule::rule_decl, |cx, pair| {
        let span = cx.span(pair.as_span().start(), end_of(&pair));
        rule_clause(cx, pair).map(|kind| RuleClause { kind, span })
    });
    Some(AstRule { name, of, clauses })
}

fn rule_clause(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<RuleClauseKind> {
    let rule = pair.as_rule();
    let mut kids = Kids::of(pair);
    kids.next()?;
    if rule == Rule::always_clause {
        let duration = kids.find(|kid| kid.as_rule() == Rule::duration)?;
        return Some(RuleClauseKind::EndsWithin(literal::duration(cx, &duration)));
    }
    let block = cx.name(&kids.next()?);
    let when = if kids.pass(Rule::kw_when) { kids.next().map(|pair| expr::root(cx, pair)) } else { None };
    kids.pass(Rule::kw_require);
    Some(match rule {
        Rule::before_clause => RuleClauseKind::Before(block, when, expr::root(cx, kids.next()?)),
        Rule::never_clause => RuleClauseKind::Never(block, when),
        Rule::after_clause => RuleClauseKind::After(block, cx.name(&kids.next()?)),
        _ => return None,
    })
}

fn action(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<ActionDecl> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_action);
    let name = report::slug(cx, &kids.next()?, "an Action");
    let clauses = clauses(cx, kids, Rule::action_decl, action_clause);
    Some(ActionDecl { name, clauses })
}

fn action_clause(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<ActionClause> {
    let mut kids = Kids::of(pair);
    let keyword = kids.next()?.as_rule();
    let value = kids.next()?;
    Some(match keyword {
        Rule::kw_version => ActionClause::Version(text(cx, &value)),
        Rule::kw_source => ActionClause::Source(text(cx, &value)),
        Rule::kw_triggers => ActionClause::Triggers(types::paths(cx, value)),
        Rule::kw_config => ActionClause::Config(types::fields(cx, value)),
        Rule::kw_output => ActionClause::Output(types::fields(cx, value)),
        Rule::kw_fetch => ActionClause::Fetch(types::grants(cx, value)),
        Rule::kw_claims => ActionClause::Claims(types::grants(cx, value)),
        Rule::kw_secrets => ActionClause::Secrets(types::names(cx, value)),
        Rule::kw_effects => ActionClause::Effects(types::names(cx, value)),
        Rule::kw_budget => ActionClause::Budget(literal::duration(cx, &value)),
        Rule::kw_enabled => ActionClause::Enabled(value.as_rule() == Rule::kw_true, cx.span_of(&value)),
        _ => return None,
    })
}
