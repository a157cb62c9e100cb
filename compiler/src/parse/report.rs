//! Findings about text that did parse: separators, operators of other languages, reserved words, sizes.

use admit_grammar::{Pair, Rule};

use super::cursor::{Cx, end_of};
use crate::ast::Name;
use crate::diagnostic::{Diagnostic, Label, Level};
use crate::source::Span;

/// Reserved by cel-spec for other languages' sake.
const RESERVED: [&str; 16] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
];

/// `=`, `===` and `&` where an operator stands: read as what they were meant to be.
pub(super) fn operator(cx: &mut Cx<'_>, pair: &Pair<'_>) {
    let written = pair.as_str();
    let (meant, why) = match written {
        "||" | "&&" | "<" | "<=" | ">" | ">=" | "==" | "!=" | "in" | "+" | "-" | "*" | "/" | "%" => return,
        "=" => ("==", "`=` does not compare".to_owned()),
        "&" => ("&&", "`&` is not an operator".to_owned()),
        _ => ("==", format!("`{written}` is not an operator")),
    };
    let span = pair.as_span();
    cx.broken += 1;
    cx.error("A0009", span.start(), span.end(), why).help.push(format!("write `{meant}`"));
}

/// The comma between two parts on which a bracket insists.
pub(super) fn comma(cx: &mut Cx<'_>, last: &mut Option<usize>, next: &Pair<'_>) {
    comma_or_line(cx, last, next, false);
}

/// The comma, or a line end if `line` says so, between the part that ended at `last` and `next`.
pub(super) fn comma_or_line(cx: &mut Cx<'_>, last: &mut Option<usize>, next: &Pair<'_>, line: bool) {
    let start = next.as_span().start();
    if let Some(end) = *last {
        let between = next.get_input().get(end..start).unwrap_or_default();
        if !(line && between.contains('\n')) {
            missing_comma(cx, end);
        }
    }
    *last = Some(end_of(next));
}

/// A comma is missing at `at`.
pub(super) fn missing_comma(cx: &mut Cx<'_>, at: usize) {
    cx.broken += 1;
    cx.error("A0010", at, at, "a comma is missing here").help.push("write `,` between the two".to_owned());
}

/// A word that cel-spec reserves, as a name.
pub(super) fn reserved_ident(cx: &mut Cx<'_>, name: &Name) {
    if RESERVED.contains(&name.text.as_str()) || matches!(name.text.as_str(), "while" | "in") {
        let help = "choose another name; fields and keys may use the word".to_owned();
        at(cx, "A0012", name.span, format!("`{}` is a reserved word", name.text), help);
    }
}

/// `a.?f(x)`.
pub(super) fn optional_call(cx: &mut Cx<'_>, name: &Name) {
    let help = format!("write `.{}(...)`, or `.optMap(v, v.{}(...))` on an optional", name.text, name.text);
    at(cx, "A0001", name.span, format!("`.?` reads a field, and `{}` is called", name.text), help);
}

/// 2^63 without its `-`.
pub(super) fn int_too_large(cx: &mut Cx<'_>, start: usize, end: usize) {
    let span = cx.span(start, end);
    let help = "the range is -9223372036854775808 .. 9223372036854775807; a uint ends in `u`".to_owned();
    at(cx, "A0005", span, "`9223372036854775808` does not fit an int".to_owned(), help);
}

/// The expression is too large; said once for each expression.
pub(super) fn too_large(cx: &mut Cx<'_>, span: Span, message: String) {
    if !cx.too_large {
        cx.too_large = true;
        let start = Span { end: span.end.min(span.start.saturating_add(1)), ..span };
        at(cx, "A0008", start, message, "name parts of it in a `condition`, or keep the values in a `list`".to_owned());
    }
}

/// pest gave up at `at`.
pub(super) fn too_complex(cx: &mut Cx<'_>, place: usize) {
    cx.broken += 1;
    cx.error("A0006", place, place, "this is nested too deep to be read")
        .help
        .push("name parts of it: a custom flow, a condition or an earlier block's output".to_owned());
}

/// What must be a slug.
pub(super) fn slug(cx: &mut Cx<'_>, pair: &Pair<'_>, what: &str) -> Name {
    let name = cx.name(pair);
    if !is_slug(&name.text) {
        let help = format!("write it as a slug: `{}`", to_slug(&name.text));
        at(cx, "A0013", name.span, format!("`{}` is not a name for {what}", name.text), help);
    }
    name
}

/// What must be snake_case.
pub(super) fn snake(cx: &mut Cx<'_>, pair: &Pair<'_>, what: &str) -> Name {
    let name = cx.name(pair);
    if name.text.contains(|c: char| c.is_ascii_uppercase()) {
        let help = format!("write it in snake_case: `{}`", to_slug(&name.text).replace('-', "_"));
        at(cx, "A0013", name.span, format!("`{}` is not a name for {what}", name.text), help);
    }
    name
}

/// A clause that may stand once.
pub(super) fn twice(cx: &mut Cx<'_>, what: &str, first: Span, second: Span) {
    let found = cx_push(cx, "A0019", second, format!("`{what}` is written twice"));
    found.secondary.push(Label { span: first, message: "the first is here".to_owned() });
    found.help.push("remove one of them".to_owned());
}

/// A doc comment with nothing after it.
pub(super) fn dangling_doc(cx: &mut Cx<'_>, start: usize, end: usize) {
    cx.add("A0016", Level::Warning, start, end, "nothing follows this doc comment")
        .help
        .push("write `//` for a remark".to_owned());
}

/// The separators of a braced list of fields: a comma, or a line end.
pub(super) fn field_separator(cx: &mut Cx<'_>, last: &mut Option<usize>, next: &Pair<'_>) {
    if next.as_rule() == Rule::comma {
        *last = None;
    } else {
        comma_or_line(cx, last, next, true);
    }
}

fn at(cx: &mut Cx<'_>, code: &'static str, span: Span, message: String, help: String) {
    cx.broken += 1;
    cx_push(cx, code, span, message).help.push(help);
}

fn cx_push<'c>(cx: &'c mut Cx<'_>, code: &'static str, span: Span, message: String) -> &'c mut Diagnostic {
    let found = cx.error(code, 0, 0, message);
    found.primary.span = span;
    found
}

fn is_slug(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .split('-')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// `riskEvaluate_x` as `risk-evaluate-x`.
fn to_slug(text: &str) -> String {
    let mut slug = String::new();
    let mut lower = false;
    for c in text.chars() {
        if c.is_ascii_uppercase() && lower {
            slug.push('-');
        }
        lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        slug.push(if c == '_' { '-' } else { c.to_ascii_lowercase() });
    }
    slug.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}
