//! Parsing is total: any text gives an AST and diagnostics in the text, and text of the grammar gives none.

use admit_compiler::diagnostic::Level;
use admit_compiler::parse;
use admit_compiler::source::FileId;
use admit_grammar::{Rule, pairs};

use super::Target;
use crate::choices::Choices;
use crate::{histogram, source};

/// The target.
pub const TARGET: Target = Target {
    name: "parse",
    promise: "any text gives an AST and diagnostics in it, and text of the grammar gives no errors",
    run,
    kinds,
};

/// Mistakes that random ones hit too seldom: a condition and a case that do not parse.
const SPOILT: &str = "custom flow a { stage b { decision c {\n when a b -> d\n wen x -> y\n } } }\n";

/// Runs one input: the first byte says what becomes of the rest.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let text = match choices.below(8) {
        0 if choices.one_in(2) => SPOILT.to_owned(),
        0 => String::from_utf8_lossy(choices.rest()).into_owned(),
        1 => {
            let text = source::expression(&mut choices);
            expression(&text);
            source::with_mistakes(&mut choices, &text)
        }
        2..5 => {
            let text = source::file(&mut choices);
            source::with_mistakes(&mut choices, &text)
        }
        _ => {
            let text = source::file(&mut choices);
            clean(&text);
            text
        }
    };
    any(&text);
}

/// Every rule that leaves a pair.
pub fn kinds() -> Vec<String> {
    admit_grammar::visible_rules().map(|rule| format!("{rule:?}")).collect()
}

fn any(text: &str) {
    if let Ok(pairs) = pairs(Rule::file, text) {
        pairs.flatten().for_each(|pair| histogram::count(&format!("{:?}", pair.as_rule())));
    }
    let parsed = parse::parse(FileId(0), text);
    for found in &parsed.diagnostics {
        for span in found.secondary.iter().chain([&found.primary]).map(|label| label.span) {
            let (start, end) = (span.start as usize, span.end as usize);
            assert!(
                start <= end && text.is_char_boundary(start) && text.is_char_boundary(end),
                "{found:?} is not in the text\n{text}"
            );
        }
    }
    let (_, _) = parse::parse_expr(FileId(0), text);
}

fn clean(text: &str) {
    let errors = parse::parse(FileId(0), text).diagnostics;
    let errors = errors.into_iter().filter(|found| found.level == Level::Error).collect::<Vec<_>>();
    assert!(errors.is_empty(), "text of the grammar has errors: {errors:?}\n{text}");
}

fn expression(text: &str) {
    if let Ok(pairs) = pairs(Rule::whole_expr, text) {
        pairs.flatten().for_each(|pair| histogram::count(&format!("{:?}", pair.as_rule())));
    }
    let (_, found) = parse::parse_expr(FileId(0), text);
    assert!(found.is_empty(), "an expression of the grammar has errors: {found:?}\n{text}");
}
