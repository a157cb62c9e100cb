//! Tests.

use admit_grammar::{Pair, Rule};

use super::clauses::clauses;
use super::cursor::{Cx, Kids, end_of, text};
use super::{expr, literal, report, types};
use crate::ast::{Test, TestClause, TestClauseKind};

/// A pair of the `test_decl` rule.
pub(super) fn test(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<Test> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_test);
    let title = text(cx, &kids.next()?);
    kids.pass(Rule::kw_of);
    let of = report::slug(cx, &kids.next()?, "a flow");
    let clauses = clauses(cx, kids, Rule::test_decl, |cx, pair| {
        let span = cx.span(pair.as_span().start(), end_of(&pair));
        let kind = match pair.as_rule() {
            Rule::given_clause => given(cx, pair),
            Rule::stub_clause => stub(cx, pair),
            Rule::reply_clause => reply(cx, pair),
            Rule::expect_clause => expect(cx, pair),
            _ => None,
        };
        kind.map(|kind| TestClause { kind, span })
    });
    Some(Test { title, of, clauses })
}

fn given(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<TestClauseKind> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_given);
    let what = kids.next()?.as_rule();
    let value = kids.next()?;
    Some(match what {
        Rule::kw_now => TestClauseKind::GivenNow(text(cx, &value)),
        Rule::kw_event => TestClauseKind::GivenEvent(expr::root(cx, value)),
        Rule::kw_params => TestClauseKind::GivenParams(expr::slug_map(cx, value)),
        Rule::kw_secrets => TestClauseKind::GivenSecrets(expr::slug_map(cx, value)),
        Rule::kw_input => TestClauseKind::GivenInput(expr::root(cx, value)),
        _ => return None,
    })
}

fn stub(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<TestClauseKind> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_stub);
    if kids.pass(Rule::kw_fetch) {
        let url = text(cx, &kids.next()?);
        return Some(TestClauseKind::StubFetch(url, expr::root(cx, kids.next()?)));
    }
    let name = cx.name(&kids.next()?);
    let value = kids.next()?;
    Some(match value.as_rule() {
        Rule::kw_error => TestClauseKind::StubError(name, text(cx, &kids.next()?)),
        Rule::kw_after => {
            let after = literal::duration(cx, &kids.next()?);
            TestClauseKind::StubAfter(name, after, kids.eat(Rule::expr).map(|pair| expr::root(cx, pair)))
        }
        _ => TestClauseKind::Stub(name, expr::root(cx, value)),
    })
}

fn reply(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<TestClauseKind> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_reply);
    let name = cx.name(&kids.next()?);
    Some(TestClauseKind::Reply(name, expr::root(cx, kids.next()?)))
}

fn expect(cx: &mut Cx<'_>, pair: Pair<'_>) -> Option<TestClauseKind> {
    let mut kids = Kids::of(pair);
    kids.pass(Rule::kw_expect);
    let what = kids.next()?;
    Some(match what.as_rule() {
        Rule::outcome => TestClauseKind::ExpectOutcome(cx.name(&what)),
        Rule::kw_deny => TestClauseKind::ExpectDeny(text(cx, &kids.next()?)),
        Rule::kw_suspended => TestClauseKind::ExpectSuspended(cx.name(&kids.next()?)),
        Rule::kw_error => TestClauseKind::ExpectError(cx.name(&kids.next()?)),
        Rule::kw_redirect => TestClauseKind::ExpectRedirect(text(cx, &kids.next()?)),
        Rule::kw_ran => TestClauseKind::ExpectRan(types::names(cx, kids.next()?)),
        Rule::kw_not => {
            kids.pass(Rule::kw_ran);
            TestClauseKind::ExpectNotRan(types::names(cx, kids.next()?))
        }
        Rule::kw_branch => {
            let decision = cx.name(&kids.next()?);
            kids.pass(Rule::dot);
            TestClauseKind::ExpectBranch(decision, cx.name(&kids.next()?))
        }
        Rule::kw_claim => {
            let claim = text(cx, &kids.next()?);
            kids.pass(Rule::double_equals);
            TestClauseKind::ExpectClaim(claim, expr::root(cx, kids.next()?))
        }
        _ => TestClauseKind::Expect(expr::root(cx, what)),
    })
}
