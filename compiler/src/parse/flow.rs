//! Flows: stages, steps, decisions, conditions, config and modifiers.

use admit_grammar::{Pair, Rule};

use super::cursor::{Cx, Kids, doc_before, end_of, text};
use super::{diagnose, expr, literal, report, types};
use crate::ast::expr::{Expr, ExprKind};
use crate::ast::{
    BlockStep, Case, Condition, Config, ConfigField, ConfigValue, Decision, Flow, Modifier, ModifierKind, Name,
    RunAction, RunFlow, Stage, Step, StepKind,
};

/// A pair of the `flow` rule.
pub(super) fn flow(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Flow> {
    let mut kids = Kids::of(pair);
    let system = kids.next()?.as_rule() == Rule::kw_system;
    kids.pass(Rule::kw_flow);
    let name = report::slug(cx, &kids.next()?, "a flow");
    let title = kids.eat(Rule::string).map(|pair| text(cx, &pair));
    let mut flow = Flow { system, name, title, budget: None, stages: Vec::new() };
    let mut open = 0;
    for pair in kids {
        match pair.as_rule() {
            Rule::open_brace => open = pair.as_span().start(),
            Rule::flow_budget => {
                let Some(duration) = Kids::of(pair).find(|kid| kid.as_rule() == Rule::duration) else { continue };
                let budget = literal::duration(cx, &duration);
                match &flow.budget {
                    Some(first) => report::twice(cx, "budget", first.span, budget.span),
                    None => flow.budget = Some(budget),
                }
            }
            Rule::stage => flow.stages.extend(stage(cx, pair)),
            Rule::broken_member => diagnose::broken(cx, &pair, Rule::stage),
            Rule::missing_close => diagnose::unclosed(cx, open, &pair),
            _ => {}
        }
    }
    Some(flow)
}

fn stage(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Stage> {
    let (start, end) = (pair.as_span().start(), end_of(&pair));
    let (doc, span, findings) = (doc_before(cx, start), cx.span(start, end), cx.broken);
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_stage);
    let name = report::slug(cx, &kids.next()?, "a stage");
    let title = kids.eat(Rule::string).map(|pair| text(cx, &pair));
    let steps = steps(cx, kids);
    Some(Stage { name, title, doc, steps, span, broken: cx.broken > findings })
}

/// What may go on behind a step on its line.
const MODIFIERS: [Rule; 5] = [Rule::kw_as, Rule::kw_timeout, Rule::kw_retry, Rule::kw_on, Rule::kw_async];

/// The steps of a stage or branch, whose kids are at its `{`.
fn steps(cx: &mut Cx<'_>, kids: Kids<'_>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut open = 0;
    let mut previous = None;
    for pair in kids {
        let (start, end) = (pair.as_span().start(), end_of(&pair));
        let (doc, span) = (doc_before(cx, start), cx.span(start, end));
        let kind = match pair.as_rule() {
            Rule::open_brace => {
                open = start;
                continue;
            }
            Rule::missing_close => {
                diagnose::unclosed(cx, open, &pair);
                continue;
            }
            Rule::block_step => block(cx, pair).map(StepKind::Block),
            Rule::run_action => run_action(cx, pair).map(StepKind::RunAction),
            Rule::run_flow => run_flow(cx, pair).map(StepKind::RunFlow),
            Rule::decision => decision(cx, pair).map(StepKind::Decision),
            Rule::condition => condition(cx, pair).map(StepKind::Condition),
            Rule::broken_step => {
                // `password_check retyr 2`: the word before was read as a block, and is reported below.
                let line = cx.text.get(previous.unwrap_or(start)..start).unwrap_or("\n");
                let misspelt = !line.contains('\n') && steps.last().is_some_and(diagnose::is_misspelt_modifier);
                if !misspelt && !diagnose::leftover(cx, &pair, previous, &MODIFIERS) {
                    diagnose::broken_step(cx, &pair);
                }
                Some(StepKind::Broken)
            }
            _ => continue,
        };
        steps.push(Step { doc, span, kind: kind.unwrap_or(StepKind::Broken) });
        previous = Some(end);
    }
    diagnose::misspelt_heads(cx, &mut steps);
    steps
}

fn block(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<BlockStep> {
    let mut kids = Kids::of(pair);
    let ty = report::snake(cx, &kids.next()?, "a block type");
    let label = label(cx, &mut kids);
    let config = kids.eat(Rule::config).map(|pair| config(cx, pair));
    Some(BlockStep { ty, label, config, modifiers: modifiers(cx, kids) })
}

fn run_action(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<RunAction> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_run);
    kids.pass(Rule::kw_action);
    let slug = report::slug(cx, &kids.next()?, "an Action");
    kids.pass(Rule::at);
    let version = cx.name(&kids.next()?);
    let label = label(cx, &mut kids);
    let config = kids.eat(Rule::config).map(|pair| config(cx, pair));
    Some(RunAction { slug, version, label, config, modifiers: modifiers(cx, kids) })
}

fn run_flow(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<RunFlow> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_run);
    kids.pass(Rule::kw_flow);
    let slug = report::slug(cx, &kids.next()?, "a flow");
    Some(RunFlow { slug, modifiers: modifiers(cx, kids) })
}

fn label(cx: &mut Cx<'_>, kids: &mut Kids<'_>) -> Option<Name> {
    if kids.pass(Rule::kw_as) { kids.next().map(|pair| report::slug(cx, &pair, "a label")) } else { None }
}

fn decision(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Decision> {
    let findings = cx.broken;
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_decision);
    let name = report::slug(cx, &kids.next()?, "a decision");
    let mut cases = Vec::new();
    let mut open = 0;
    for pair in kids {
        match pair.as_rule() {
            Rule::open_brace => open = pair.as_span().start(),
            Rule::case => cases.extend(case(cx, pair)),
            Rule::broken_case => diagnose::broken(cx, &pair, Rule::case),
            Rule::missing_close => diagnose::unclosed(cx, open, &pair),
            _ => {}
        }
    }
    Some(Decision { name, cases, broken: cx.broken > findings })
}

fn case(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Case> {
    let span = cx.span(pair.as_span().start(), end_of(&pair));
    let findings = cx.broken;
    let mut kids = Kids::of(pair);
    let mut when = None;
    if kids.next()?.as_rule() == Rule::kw_when {
        let pair = kids.next()?;
        when = Some(match pair.as_rule() {
            Rule::broken_cond => {
                diagnose::broken(cx, &pair, Rule::whole_expr);
                Expr { kind: ExprKind::Broken, span: cx.span(pair.as_span().start(), end_of(&pair)) }
            }
            _ => expr::root(cx, pair),
        });
    }
    kids.pass(Rule::arrow);
    let branch = report::slug(cx, &kids.next()?, "a branch");
    let steps = kids.eat(Rule::branch).map(|pair| steps(cx, Kids::of(pair)));
    Some(Case { when, branch, steps, span, broken: cx.broken > findings })
}

fn condition(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Condition> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_condition);
    let name = report::slug(cx, &kids.next()?, "a condition");
    let mut fields = Vec::new();
    for field in config(cx, kids.next()?).fields {
        match field.value {
            ConfigValue::Expr(value) => fields.push((field.name, value)),
            ConfigValue::Type(ty) => diagnose::type_for_expr(cx, &field.name, ty.span),
        }
    }
    Some(Condition { name, fields })
}

/// A pair of the `config` rule.
pub(super) fn config(cx: &mut Cx<'_>, pair: Pair<'_>) -> Config {
    let (start, end) = (pair.as_span().start(), end_of(&pair));
    let (span, findings) = (cx.span(start, end), cx.broken);
    let mut fields = Vec::new();
    let mut last = None;
    let mut previous = None;
    for pair in Kids::of(pair) {
        let end = end_of(&pair);
        match pair.as_rule() {
            Rule::comma => last = None,
            Rule::config_field => {
                report::field_separator(cx, &mut last, &pair);
                fields.extend(config_field(cx, pair));
            }
            Rule::broken_field => {
                last = None;
                let name = diagnose::broken_config_field(cx, &pair, previous);
                fields.extend(name);
            }
            Rule::missing_close => diagnose::unclosed(cx, start, &pair),
            _ => {}
        }
        previous = Some(end);
    }
    Config { fields, span, broken: cx.broken > findings }
}

fn config_field(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<ConfigField> {
    let mut kids = Kids::of(pair);
    let name = cx.name(&kids.next()?);
    kids.pass(Rule::colon);
    let value = kids.next()?;
    let value = match value.as_rule() {
        Rule::r#type => ConfigValue::Type(types::ty(cx, value)),
        _ => ConfigValue::Expr(expr::config_value(cx, value)),
    };
    Some(ConfigField { name, value })
}

fn modifiers(cx: &mut Cx<'_>, kids: Kids<'_>) -> Vec<Modifier> {
    let mut modifiers = Vec::new();
    for pair in kids {
        let span = cx.span(pair.as_span().start(), end_of(&pair));
        if let Some(kind) = modifier(cx, pair) {
            modifiers.push(Modifier { kind, span });
        }
    }
    modifiers
}

fn modifier(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<ModifierKind> {
    let rule = pair.as_rule();
    let mut kids = Kids::of(pair);
    kids.next()?;
    Some(match rule {
        Rule::timeout_mod => ModifierKind::Timeout(literal::duration(cx, &kids.next()?)),
        Rule::retry_mod => {
            let times = literal::int(cx, &kids.next()?)?;
            kids.pass(Rule::kw_backoff);
            ModifierKind::Retry { times, backoff: kids.next().map(|pair| literal::duration(cx, &pair)) }
        }
        Rule::on_error_mod => {
            kids.pass(Rule::kw_error);
            match kids.next()?.as_rule() {
                Rule::kw_halt => ModifierKind::OnErrorHalt,
                Rule::kw_continue => ModifierKind::OnErrorContinue,
                _ => ModifierKind::OnErrorDeny(text(cx, &kids.next()?)),
            }
        }
        Rule::async_mod => ModifierKind::Async,
        _ => return None,
    })
}
