//! The clauses between braces, of whatever item.

use admit_grammar::{Pair, Rule};

use super::cursor::{Cx, Kids, end_of};
use super::diagnose;

/// The clauses of a pair of `rule`, whose kids are at its `{`, each by `read`; findings about the others.
pub(super) fn clauses<'c, 'p, T>(
    cx: &mut Cx<'c>,
    kids: Kids<'p>,
    rule: Rule,
    mut read: impl FnMut(&mut Cx<'c>, Pair<'p>) -> Option<T>,
) -> Vec<T> {
    let mut clauses = Vec::new();
    let mut open = 0;
    let mut previous = None;
    for pair in kids {
        let end = end_of(&pair);
        match pair.as_rule() {
            Rule::open_brace => open = pair.as_span().start(),
            Rule::close_brace => {}
            Rule::missing_close => diagnose::unclosed(cx, open, &pair),
            Rule::broken_clause => diagnose::broken_clause(cx, &pair, rule, previous),
            _ => clauses.extend(read(cx, pair)),
        }
        previous = Some(end);
    }
    clauses
}
