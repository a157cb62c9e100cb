//! The codes of all diagnostics: one entry each, with its page. Numbers are never reused.
//!
//! One file per range, so that each stage keeps its own: syntax A0001-A0099, expressions A0100-A0199, flows
//! A0200-A0499, declarations A0500-A0599, build and plan A0600-A0649, tests A0700-A0749, rules A0800-A0849, project
//! files A0900-A0949, scripts A0950-A0979. `A0107` alone stands with the expressions and is raised where a flow is checked.

mod build;
mod declare;
mod expr;
mod flow;
mod project;
mod rule;
mod script;
mod syntax;
mod test;

use crate::diagnostic::Level;

/// A code and what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `A0107`
    pub id: &'static str,
    /// How bad its findings are.
    pub level: Level,
    /// One line, lower case: what is wrong, in general terms.
    pub title: &'static str,
    /// The page: Markdown, `# A0107: title`, with a wrong and a right example.
    pub page: &'static str,
}

/// All codes, in order of their ranges.
pub fn all() -> impl Iterator<Item = &'static Code> {
    RANGES.iter().flat_map(|range| range.iter())
}

/// The code with this id; upper and lower case are one.
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}

/// Every range's codes. A new range is one line here.
const RANGES: &[&[Code]] = &[
    syntax::CODES,
    expr::CODES,
    flow::CODES,
    declare::CODES,
    build::CODES,
    test::CODES,
    rule::CODES,
    project::CODES,
    script::CODES,
];

/// An entry: `code!(Error, "A0107", "what is wrong")` reads `explain/A0107.md`.
macro_rules! code {
    ($level:ident, $id:literal, $title:literal) => {
        $crate::codes::Code {
            id: $id,
            level: $crate::diagnostic::Level::$level,
            title: $title,
            page: include_str!(concat!("../../explain/", $id, ".md")),
        }
    };
}
use code;
