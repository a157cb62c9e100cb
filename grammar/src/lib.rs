//! The grammar of Admit: pest rules in `*.pest`, one file per topic, and [`pairs`]. No other crate names pest.

// pest's generated code names it.
extern crate alloc;

/// The generated parser. Its rules are the public part; it is wrapped, so that generated code needs no docs.
mod generated {
    #![expect(missing_docs, reason = "pest generates one variant for each rule of the grammar, with no place for docs")]

    use pest_derive::Parser;

    /// The parser that pest derives.
    #[derive(Parser)]
    #[grammar = "lexical.pest"]
    #[grammar = "expr.pest"]
    #[grammar = "types.pest"]
    #[grammar = "items.pest"]
    #[grammar = "flow.pest"]
    #[grammar = "declare.pest"]
    #[grammar = "test.pest"]
    #[grammar = "recover.pest"]
    pub struct Grammar;
}

use pest::error::{ErrorVariant, InputLocation};
use pest::{Parser, Token};

pub use generated::Rule;

/// One matched rule with its children.
pub type Pair<'a> = pest::iterators::Pair<'a, Rule>;
/// Matched rules in order.
pub type Pairs<'a> = pest::iterators::Pairs<'a, Rule>;

/// Why a text does not match a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// The byte at which nothing matched: the furthest that any way to read the text came.
    pub at: usize,
    /// The rules that would have matched there.
    pub expected: Vec<Rule>,
}

/// Matches `rule` at the start of `text`. [`Rule::file`] matches every text: what is wrong with it is in its
/// `broken_*` and `missing_close` pairs. Other rules may match a beginning of the text, or fail.
///
/// Recursion is as deep as brackets nest; the caller bounds that first.
pub fn pairs(rule: Rule, text: &str) -> Result<Pairs<'_>, Mismatch> {
    generated::Grammar::parse(rule, text).map_err(|error| {
        let at = match error.location {
            InputLocation::Pos(at) | InputLocation::Span((at, _)) => at,
        };
        let expected = match error.variant {
            ErrorVariant::ParsingError { positives, .. } => positives,
            ErrorVariant::CustomError { .. } => Vec::new(),
        };
        Mismatch { at, expected }
    })
}

/// The tokens and comments of matched rules in order, as byte ranges: the pairs with nothing inside. None is empty.
pub fn tokens(pairs: &Pairs<'_>) -> Vec<(usize, usize)> {
    let text = pairs.get_input();
    let mut found = Vec::new();
    let mut close = |start: usize, end: usize| {
        // A rule that looks ahead at its end has stepped over white space to do so.
        let written = text.get(start..end).unwrap_or_default().trim_end();
        if !written.is_empty() {
            found.push((start, start + written.len()));
        }
    };
    let mut open: Option<usize> = None;
    for token in pairs.clone().tokens() {
        match token {
            Token::Start { pos, .. } => {
                let start = pos.pos();
                // ... or over a comment, which stands inside it then.
                if let Some(leaf) = open.replace(start)
                    && text.get(start..).is_some_and(|rest| rest.starts_with("//"))
                {
                    close(leaf, start);
                }
            }
            Token::End { pos, .. } => {
                if let Some(leaf) = open.take() {
                    close(leaf, pos.pos());
                }
            }
        }
    }
    found
}

/// The rules that leave pairs: not the silent ones, nor those that only look ahead.
pub fn visible_rules() -> impl Iterator<Item = Rule> {
    Rule::all_rules().iter().copied().filter(|rule| !is_silent(*rule) && !looks_ahead(*rule))
}

/// Whether the grammar has the rule as `_{ ... }`.
fn is_silent(rule: Rule) -> bool {
    let name = format!("{rule:?}");
    SOURCES.iter().flat_map(|source| source.lines()).any(|line| {
        line.strip_prefix(name.as_str()).is_some_and(|rest| {
            rest.trim_start().strip_prefix('=').is_some_and(|rest| rest.trim_start().starts_with('_'))
        })
    })
}

/// Whether the rule stands only in predicates.
fn looks_ahead(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::item_head
            | Rule::named_head
            | Rule::stage_head
            | Rule::case_head
            | Rule::step_head
            | Rule::loose_head
            | Rule::clause_head
            | Rule::field_head
            | Rule::labelled
            | Rule::not_a_step
            | Rule::expect_word
    )
}

const SOURCES: [&str; 8] = [
    include_str!("lexical.pest"),
    include_str!("expr.pest"),
    include_str!("types.pest"),
    include_str!("items.pest"),
    include_str!("flow.pest"),
    include_str!("declare.pest"),
    include_str!("test.pest"),
    include_str!("recover.pest"),
];
