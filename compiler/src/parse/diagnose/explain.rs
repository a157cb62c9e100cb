//! From where a rule stopped to one finding: the mistakes people make, most telling first.

use admit_grammar::Rule;

use super::super::cursor::Cx;
use super::super::token::{self, Scan};
use super::expected;
use crate::diagnostic::Label;
use crate::source::Span;

/// Where a rule stopped.
pub(super) struct Failure<'a> {
    /// The text being walked.
    pub(super) text: &'a str,
    /// Where the rule began.
    pub(super) start: usize,
    /// Where nothing matched.
    pub(super) at: usize,
    /// What would have.
    pub(super) expected: &'a [Rule],
}

/// Adds one finding for the failure.
pub(super) fn explain(cx: &mut Cx<'_>, failure: &Failure<'_>) {
    cx.broken += 1;
    let Failure { text, at, .. } = *failure;
    let end = token::token_end(text, at);
    let found = text.get(at..end).unwrap_or_default();
    if open_string(cx, failure)
        || odd_number(cx, failure, found)
        || open_bracket(cx, failure, found)
        || foreign_operator(cx, failure, found)
        || misspelt_keyword(cx, failure, found)
        || reserved(cx, failure, found)
    {
        return;
    }
    let wanted = expected::list(failure.expected);
    if wanted.is_empty() {
        return stray_token(cx, failure, found);
    }
    let what = expected::or(&wanted);
    let (start, end) = place(failure, found);
    let (code, help) = if failure.expected.contains(&Rule::arrow) {
        ("A0020", Some("a case is `when CONDITION -> BRANCH { ... }`"))
    } else if failure.expected.contains(&Rule::colon) && found == "=" {
        ("A0001", Some("a field is `name: value`"))
    } else {
        ("A0001", None)
    };
    let message = match found {
        "" => format!("expected {what}, but the text ends"),
        _ => format!("expected {what}, found `{}`", shown(found)),
    };
    let finding = cx.error(code, start, end, message);
    finding.help.extend(help.map(str::to_owned));
}

/// A misspelt keyword.
pub(super) fn misspelt(cx: &mut Cx<'_>, word: &str, span: Span, meant: &str) {
    cx.broken += 1;
    let found = cx.error("A0011", 0, 0, format!("`{word}` is not a keyword"));
    found.primary.span = span;
    found.help.push(format!("did you mean `{meant}`?"));
}

/// Something that cannot stand at `at`, where `what` may.
pub(super) fn stray(cx: &mut Cx<'_>, text: &str, at: usize, what: &str) {
    let failure = Failure { text, start: at, at, expected: &[] };
    cx.broken += 1;
    let found = text.get(at..token::token_end(text, at)).unwrap_or_default();
    if open_string(cx, &failure) {
        return;
    }
    match found.get(..1) {
        Some(mark @ ("}" | ")" | "]")) => {
            cx.error("A0018", at, at + 1, format!("this `{mark}` closes nothing")).help.push("remove it".to_owned());
        }
        _ => {
            cx.error("A0001", at, at + found.len(), format!("expected {what}, found `{}`", shown(found)));
        }
    }
}

fn stray_token(cx: &mut Cx<'_>, failure: &Failure<'_>, found: &str) {
    let at = failure.at;
    match found.get(..1) {
        None if found.is_empty() => {
            cx.error("A0001", at, at, "the text ends too early");
        }
        Some(mark @ ("}" | ")" | "]")) => {
            cx.error("A0018", at, at + 1, format!("this `{mark}` closes nothing")).help.push("remove it".to_owned());
        }
        _ => {
            cx.error("A0001", at, at + found.len(), format!("`{}` does not belong here", shown(found)));
        }
    }
}

/// A quote that is not closed on its line.
fn open_string(cx: &mut Cx<'_>, failure: &Failure<'_>) -> bool {
    let Failure { text, at, .. } = *failure;
    let rest = text.get(at..).unwrap_or_default();
    let prefix = rest.len() - rest.trim_start_matches(['r', 'R', 'b', 'B']).len();
    let quote = at + prefix;
    if prefix > 2
        || !text.get(quote..).is_some_and(|rest| rest.starts_with(['"', '\'']))
        || token::string_end(text, quote).is_some()
    {
        return false;
    }
    let triple = text.get(quote..).is_some_and(|rest| rest.starts_with("\"\"\"") || rest.starts_with("'''"));
    let mark = text.get(quote..quote + if triple { 3 } else { 1 }).unwrap_or_default();
    let found = cx.error("A0003", quote, quote + mark.len(), "this string is not closed");
    found.help.push(if triple {
        format!("close it with `{mark}`")
    } else {
        format!("close it with `{mark}` on the same line; a string over several lines has three quotes")
    });
    true
}

/// `1h30m`, `5sec`, `3x`.
fn odd_number(cx: &mut Cx<'_>, failure: &Failure<'_>, found: &str) -> bool {
    let found = fraction(failure.text.get(failure.at..).unwrap_or_default()).unwrap_or(found);
    let digits = found.len() - found.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let unit = found.get(digits..).unwrap_or_default();
    if digits == 0 {
        return false;
    }
    let wants_duration = failure.expected.contains(&Rule::duration);
    let wants_number = wants_duration
        || failure.expected.iter().any(|rule| matches!(rule, Rule::int | Rule::ident | Rule::expr | Rule::bound));
    if !wants_number || (unit.is_empty() && !wants_duration) {
        return false;
    }
    let message = match unit {
        "" => format!("`{found}` has no unit"),
        _ => format!("`{found}` is not a number or duration"),
    };
    let help = if unit.is_empty() || unit.starts_with('.') || wants_duration || unit.chars().any(|c| c.is_ascii_digit())
    {
        "a duration is one whole number and one unit of `ms`, `s`, `m`, `h`, `d`, such as `90m`"
    } else {
        "units are `ms`, `s`, `m`, `h`, `d`; a name does not begin with a digit"
    };
    let code = "A0014";
    cx.error(code, failure.at, failure.at + found.len(), message).help.push(help.to_owned());
    true
}

/// `1.5h`, whole: a duration is no fraction.
fn fraction(text: &str) -> Option<&str> {
    let digit = |c: char| c.is_ascii_digit();
    let point = text.find(|c| !digit(c)).filter(|at| *at > 0)?;
    let unit = text.get(point..)?.strip_prefix('.')?.trim_start_matches(digit);
    let after = unit.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    (unit.len() > after.len()).then(|| text.get(..text.len() - after.len()))?
}

/// The bracket that should have been closed before the token found.
fn open_bracket(cx: &mut Cx<'_>, failure: &Failure<'_>, found: &str) -> bool {
    let Failure { text, start, at, expected } = *failure;
    let rest = text.get(at..).unwrap_or_default();
    let after = rest.get(found.len()..).unwrap_or_default().trim_start_matches([' ', '\t']);
    let ends = token::begins_item(rest)
        || matches!(found, "" | "=" | "}" | ")" | "]" | "->" | "when" | "default" | "stage" | "decision" | "run")
        || after.starts_with(':')
            && text.get(start..at).is_some_and(|before| before.trim_end_matches([' ', '\t']).ends_with('\n'));
    if !ends {
        return false;
    }
    let mut stack = Vec::new();
    for (offset, scan) in token::scan(text.get(start..at).unwrap_or_default()) {
        match scan {
            Scan::Open(bracket) => stack.push((start + offset, bracket)),
            Scan::Close(_) => {
                stack.pop();
            }
            Scan::Newline => {}
        }
    }
    let Some((opened, bracket)) = stack.pop() else { return false };
    let (mark, close, rule) = match bracket {
        b'(' => ("(", ")", Rule::close_paren),
        b'[' => ("[", "]", Rule::close_bracket),
        _ => ("{", "}", Rule::close_brace),
    };
    if found == close || !(expected.contains(&rule) || found.is_empty()) {
        return false;
    }
    let next = cx.span(at, at + found.len());
    let finding = cx.error("A0002", opened, opened + 1, format!("this `{mark}` is not closed"));
    if !found.is_empty() {
        finding.secondary.push(Label { span: next, message: format!("expected `{close}` before this") });
    }
    finding.help.push(format!("write the missing `{close}`"));
    true
}

/// `and`, `or`, `not` and marks of other languages.
fn foreign_operator(cx: &mut Cx<'_>, failure: &Failure<'_>, found: &str) -> bool {
    let meant = match found {
        "and" | "AND" => "`&&`",
        "or" | "OR" => "`||`",
        "is" => "`==`",
        "=>" => "`->`",
        "|" if failure.expected.contains(&Rule::binary_op) => "`||`",
        "not" | "NOT" => "`!`",
        "~" | "^" | "**" | "??" | "<>" | ";" => "",
        _ => return false,
    };
    let prefix = matches!(found, "not" | "NOT");
    let operand = failure.expected.iter().any(|rule| matches!(rule, Rule::ident | Rule::expr | Rule::whole_expr));
    let operator = failure.expected.contains(&Rule::binary_op) || failure.expected.contains(&Rule::arrow);
    if !(operator || prefix && operand || meant.is_empty()) {
        return false;
    }
    let end = failure.at + found.len();
    let finding = cx.error("A0009", failure.at, end, format!("`{found}` is not an operator"));
    if !meant.is_empty() {
        finding.help.push(format!("write {meant}"));
    }
    true
}

fn misspelt_keyword(cx: &mut Cx<'_>, failure: &Failure<'_>, found: &str) -> bool {
    let keywords = failure.expected.iter().filter_map(|rule| expected::keyword(*rule)).collect::<Vec<_>>();
    let keywords = keywords.iter().map(String::as_str).collect::<Vec<_>>();
    let Some(meant) = expected::nearest(found, &keywords) else { return false };
    let span = cx.span(failure.at, failure.at + found.len());
    misspelt(cx, found, span, meant);
    true
}

/// A reserved word where a name was expected.
fn reserved(cx: &mut Cx<'_>, failure: &Failure<'_>, found: &str) -> bool {
    let names =
        failure.expected.iter().any(|rule| matches!(rule, Rule::slug | Rule::word | Rule::ident | Rule::block_type));
    if !names || !(super::is_reserved(found) || found == "in") {
        return false;
    }
    let end = failure.at + found.len();
    cx.error("A0012", failure.at, end, format!("`{found}` is a reserved word"))
        .help
        .push("choose another name; keys, fields and strings may use the word".to_owned());
    true
}

/// The token found, or the end of what stands before it if that is on an earlier line.
fn place(failure: &Failure<'_>, found: &str) -> (usize, usize) {
    let before = failure.text.get(failure.start..failure.at).unwrap_or_default();
    let trimmed = failure.start + before.trim_end().len();
    let between = failure.text.get(trimmed..failure.at).unwrap_or_default();
    if trimmed > failure.start && (between.contains('\n') || found.is_empty()) {
        return (trimmed, trimmed);
    }
    (failure.at, failure.at + found.len())
}

/// A token as a message shows it: short, on one line.
fn shown(found: &str) -> String {
    let line = found.lines().next().unwrap_or_default();
    if line.chars().count() <= 40 && line.len() == found.len() {
        return found.to_owned();
    }
    line.chars().take(40).chain(['…']).collect()
}
