//! Prints declarations, rules and tests as written.

use super::ast::{duration, name, path, text, value};
use super::ast_expr::{expr, fields};
use super::tree::{Tree, leaf, node};
use crate::ast::{
    ActionClause, ActionDecl, BlockClause, BlockDecl, Contract, Grant, Name, Rule, RuleClauseKind, Test, TestClauseKind,
};

/// `action`
pub fn action(decl: &ActionDecl) -> Tree {
    let clauses = decl.clauses.iter().map(|clause| match clause {
        ActionClause::Version(version) => node("version", [text(version)]),
        ActionClause::Source(source) => node("source", [text(source)]),
        ActionClause::Triggers(triggers) => node("triggers", triggers.iter().map(path)),
        ActionClause::Config(declared) => node("config", fields(declared)),
        ActionClause::Output(declared) => node("output", fields(declared)),
        ActionClause::Fetch(hosts) => node("fetch", hosts.iter().map(grant)),
        ActionClause::Claims(claims) => node("claims", claims.iter().map(grant)),
        ActionClause::Secrets(secrets) => node("secrets", secrets.iter().map(name)),
        ActionClause::Effects(effects) => node("effects", effects.iter().map(name)),
        ActionClause::Budget(budget) => node("budget", [duration(*budget)]),
        ActionClause::Enabled(enabled, _) => node("enabled", [leaf(enabled.to_string())]),
    });
    node("action", [name(&decl.name)]).with_all(clauses)
}

/// `block`
pub fn block_decl(decl: &BlockDecl) -> Tree {
    let clauses = decl.clauses.iter().map(|clause| match clause {
        BlockClause::Flows(flows) => node("flows", flows.iter().map(name)),
        BlockClause::Effects(effects) => node("effects", effects.iter().map(name)),
        BlockClause::Timeout(limit) => node("timeout", [duration(*limit)]),
        BlockClause::Takes(paths) => node("takes", paths.iter().map(path)),
        BlockClause::Config(declared) => node("config", fields(declared)),
        BlockClause::Output(declared) => node("output", fields(declared)),
        BlockClause::Prompt(declared) => node("prompt", fields(declared)),
        BlockClause::Errors(errors) => node("errors", errors.iter().map(name)),
        BlockClause::Sets(sets) => node("sets", [path(&sets.path)])
            .with_all(sets.to.iter().map(|to| node("to", [expr(to)])))
            .with_all(sets.when.iter().map(|when| node("when", [expr(when)]))),
        BlockClause::Provides(provided, when) => {
            node("provides", [path(provided)]).with_all(when.iter().map(|when| node("when", [expr(when)])))
        }
        BlockClause::Ensures(ensured, when) => {
            node("ensures", [expr(ensured)]).with_all(when.iter().map(|when| node("when", [expr(when)])))
        }
    });
    node("block-declaration", [name(&decl.name), node("in", [name(&decl.family)])]).with_all(clauses)
}

/// `contract`
pub fn contract(decl: &Contract) -> Tree {
    let stages = decl.stages.iter().map(|stage| {
        let milestones = stage.milestones.iter().map(|milestone| {
            node(
                "milestone",
                milestone.alternatives.iter().map(|alternative| {
                    node(alternative.block.text.as_str(), alternative.result.iter().map(name)).with_all(
                        alternative.fixed.iter().map(|field| node(field.name.text.as_str(), [value(&field.value)])),
                    )
                }),
            )
        });
        node("stage", [name(&stage.name)])
            .with_all(stage.when.iter().map(|when| node("when", [expr(when)])))
            .with_all(milestones)
    });
    let tree =
        node("contract", [name(&decl.name), node("on", [path(&decl.trigger)]), node("input", fields(&decl.input))])
            .with_all(stages)
            .with(node("ends", decl.ends.iter().map(name)));
    if decl.needs_session { tree.with(leaf("needs-session")) } else { tree }
}

/// `rule`
pub fn rule(decl: &Rule) -> Tree {
    let clauses = decl.clauses.iter().map(|clause| match &clause.kind {
        RuleClauseKind::Before(block, when, required) => node("before", [name(block)])
            .with_all(when.iter().map(|when| node("when", [expr(when)])))
            .with(node("require", [expr(required)])),
        RuleClauseKind::Never(block, when) => {
            node("never", [name(block)]).with_all(when.iter().map(|when| node("when", [expr(when)])))
        }
        RuleClauseKind::After(first, then) => node("after", [name(first), node("require", [name(then)])]),
        RuleClauseKind::EndsWithin(limit) => node("always-ends-within", [duration(*limit)]),
    });
    node("rule", [name(&decl.name)]).with_all(of(&decl.of)).with_all(clauses)
}

/// `test`
pub fn test(decl: &Test) -> Tree {
    let clauses = decl.clauses.iter().map(|clause| match &clause.kind {
        TestClauseKind::GivenEvent(given) => node("given-event", [expr(given)]),
        TestClauseKind::GivenNow(now) => node("given-now", [text(now)]),
        TestClauseKind::GivenParams(given) => node("given-params", [expr(given)]),
        TestClauseKind::GivenSecrets(given) => node("given-secrets", [expr(given)]),
        TestClauseKind::GivenInput(given) => node("given-input", [expr(given)]),
        TestClauseKind::Stub(target, answer) => node("stub", [name(target), expr(answer)]),
        TestClauseKind::StubError(target, error) => node("stub-error", [name(target), text(error)]),
        TestClauseKind::StubAfter(target, delay, answer) => {
            node("stub-after", [name(target), duration(*delay)]).with_all(answer.iter().map(expr))
        }
        TestClauseKind::StubFetch(url, answer) => node("stub-fetch", [text(url), expr(answer)]),
        TestClauseKind::Reply(target, answer) => node("reply", [name(target), expr(answer)]),
        TestClauseKind::ExpectOutcome(outcome) => node("expect", [name(outcome)]),
        TestClauseKind::ExpectDeny(reason) => node("expect-deny", [text(reason)]),
        TestClauseKind::ExpectSuspended(label) => node("expect-suspended", [name(label)]),
        TestClauseKind::ExpectError(label) => node("expect-error", [name(label)]),
        TestClauseKind::ExpectRedirect(url) => node("expect-redirect", [text(url)]),
        TestClauseKind::ExpectRan(labels) => node("expect-ran", labels.iter().map(name)),
        TestClauseKind::ExpectNotRan(labels) => node("expect-not-ran", labels.iter().map(name)),
        TestClauseKind::ExpectBranch(decision, branch) => node("expect-branch", [name(decision), name(branch)]),
        TestClauseKind::ExpectClaim(claim, wanted) => node("expect-claim", [text(claim), expr(wanted)]),
        TestClauseKind::Expect(wanted) => node("expect-holds", [expr(wanted)]),
    });
    node("test", [text(&decl.title), node("of", [name(&decl.of)])]).with_all(clauses)
}

fn grant(grant: &Grant) -> Tree {
    match grant {
        Grant::Text(name) => text(name),
        Grant::Config(field, _) => node("config-field", [name(field)]),
    }
}

fn of(flows: &[Name]) -> Option<Tree> {
    (!flows.is_empty()).then(|| node("of", flows.iter().map(name)))
}
