//! The grammar of Admit: pest rules in `*.pest`, one file per topic, and [`pairs`]. No other crate names pest.

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

use pest::Parser;
use pest::error::{ErrorVariant, InputLocation};

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
