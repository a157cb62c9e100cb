//! Declarations of blocks and contracts.

use admit_grammar::{Pair, Rule};

use super::clauses::clauses;
use super::cursor::{Cx, Kids, end_of};
use super::{expr, flow, literal, report, types};
use crate::ast::expr::Expr;
use crate::ast::{Alternative, BlockClause, BlockDecl, Contract, ContractStage, Milestone, SetsClause};
use crate::source::Span;

/// A pair of the `block_decl` rule.
pub(super) fn block(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<BlockDecl> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_block);
    let name = report::snake(cx, &kids.next()?, "a block type");
    kids.pass(Rule::kw_in);
    let family = cx.name(&kids.next()?);
    let clauses = clauses(cx, kids, Rule::block_decl, block_clause);
    Some(BlockDecl { name, family, clauses })
}

fn block_clause(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<BlockClause> {
    let mut kids = Kids::of(pair);
    let keyword = kids.next()?.as_rule();
    let value = kids.next()?;
    Some(match keyword {
        Rule::kw_flows => BlockClause::Flows(types::names(cx, value)),
        Rule::kw_effects => BlockClause::Effects(types::names(cx, value)),
        Rule::kw_timeout => BlockClause::Timeout(literal::duration(cx, &value)),
        Rule::kw_takes => BlockClause::Takes(types::paths(cx, value)),
        Rule::kw_config => BlockClause::Config(types::fields(cx, value)),
        Rule::kw_output => BlockClause::Output(types::fields(cx, value)),
        Rule::kw_prompt => BlockClause::Prompt(types::fields(cx, value)),
        Rule::kw_errors => BlockClause::Errors(types::names(cx, value)),
        Rule::kw_sets => {
            let path = types::path(cx, value);
            let to = if kids.pass(Rule::kw_to) { kids.next().map(|pair| expr::root(cx, pair)) } else { None };
            BlockClause::Sets(SetsClause { path, to, when: when(cx, &mut kids) })
        }
        Rule::kw_provides => BlockClause::Provides(types::path(cx, value), when(cx, &mut kids)),
        Rule::kw_ensures => BlockClause::Ensures(expr::root(cx, value), when(cx, &mut kids)),
        _ => return None,
    })
}

fn when(cx: &mut Cx<'_>, kids: &mut Kids<'_>) -> Option<Expr> {
    let pair = Kids::of(kids.eat(Rule::when)?).find(|pair| pair.as_rule() == Rule::expr)?;
    Some(expr::root(cx, pair))
}

/// A pair of the `contract` rule.
pub(super) fn contract(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Contract> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_contract);
    let name = report::slug(cx, &kids.next()?, "a flow");
    kids.pass(Rule::kw_on);
    let trigger = types::path(cx, kids.next()?);
    let mut contract =
        Contract { name, trigger, input: Vec::new(), stages: Vec::new(), ends: Vec::new(), needs_session: false };
    let mut seen: Vec<(Rule, Span)> = Vec::new();
    clauses(cx, kids, Rule::contract, |cx, pair| clause(cx, &mut contract, &mut seen, pair));
    Some(contract)
}

fn clause(cx: &mut Cx<'_>, contract: &mut Contract, seen: &mut Vec<(Rule, Span)>, pair: Pair<'_>) -> Option<()> {
    let mut kids = Kids::of(pair);
    let first = kids.next()?;
    let (keyword, span) = (first.as_rule(), cx.span_of(&first));
    if keyword == Rule::contract_stage {
        contract.stages.extend(stage(cx, first));
        return Some(());
    }
    if let Some((_, earlier)) = seen.iter().find(|(rule, _)| *rule == keyword) {
        report::twice(cx, first.as_str(), *earlier, span);
        return Some(());
    }
    seen.push((keyword, span));
    match keyword {
        Rule::kw_input => contract.input = types::fields(cx, kids.next()?),
        Rule::kw_ends => contract.ends = types::names(cx, kids.next()?),
        Rule::kw_needs => contract.needs_session = true,
        _ => {}
    }
    Some(())
}

fn stage(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<ContractStage> {
    let span = cx.span(pair.as_span().start(), end_of(&pair));
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_stage);
    let name = report::slug(cx, &kids.next()?, "a stage");
    let when = when(cx, &mut kids);
    let milestones = clauses(cx, kids, Rule::contract_stage, milestone);
    Some(ContractStage { name, when, milestones, span })
}

fn milestone(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Milestone> {
    let span = cx.span(pair.as_span().start(), end_of(&pair));
    let alternatives = Kids::of(pair).filter(|kid| kid.as_rule() == Rule::alternative).collect::<Vec<_>>();
    let alternatives = alternatives.into_iter().filter_map(|pair| alternative(cx, pair)).collect();
    Some(Milestone { alternatives, span })
}

fn alternative(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Alternative> {
    let mut kids = Kids::of(pair);
    let block = report::snake(cx, &kids.next()?, "a block type");
    let result = kids.eat(Rule::word).map(|pair| cx.name(&pair));
    let fixed = kids.eat(Rule::config).map(|pair| flow::config(cx, pair).fields).unwrap_or_default();
    Some(Alternative { block, result, fixed })
}
