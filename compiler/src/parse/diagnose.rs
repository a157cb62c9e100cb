//! Findings about text that did not parse: the swallowed text is parsed again with the strict rule, and where that
//! stopped says what was expected.

mod expected;
mod explain;

use admit_grammar::{Mismatch, Pair, Rule, pairs};

use super::cursor::{Cx, end_of};
use super::token::{self, Scan};
use crate::ast::expr::{Expr, ExprKind};
use crate::ast::{ConfigField, ConfigValue, Name, Step, StepKind};
use crate::diagnostic::Label;
use crate::source::Span;
use explain::Failure;

const MODIFIERS: [&str; 3] = ["timeout", "retry", "async"];

/// `text`, which is all of what a rule had to match, did not match; offsets are in it.
pub(super) fn mismatch(cx: &mut Cx<'_>, text: &str, start: usize, mismatch: &Mismatch) {
    explain::explain(cx, &Failure { text, start, at: mismatch.at, expected: &mismatch.expected });
}

/// A swallowed pair that should have been `rule`.
pub(super) fn broken(cx: &mut Cx<'_>, pair: &Pair<'_>, rule: Rule) {
    let word = first_word(pair.as_str());
    let rules: &[Rule] = match (rule, word) {
        (Rule::stage, "budget") => &[Rule::flow_budget],
        (Rule::stage, "stage") => &[Rule::stage],
        (Rule::stage, _) => return misspelt_or_stray(cx, pair, &["stage", "budget"], "a stage"),
        (Rule::case, "when" | "default") => &[Rule::case],
        (Rule::case, _) => return misspelt_or_stray(cx, pair, &["when", "default"], "`when` or `default`"),
        _ => &[rule],
    };
    strictly(cx, pair, rules);
}

/// What goes on behind a part that parsed, which ended at `last`, on the same line: the part is not what was meant.
/// Returns whether that is so; then there is a finding.
pub(super) fn leftover(cx: &mut Cx<'_>, pair: &Pair<'_>, last: Option<usize>, expected: &[Rule]) -> bool {
    let (text, start) = (pair.get_input(), pair.as_span().start());
    let Some(last) = last.filter(|last| text.get(*last..start).is_some_and(|between| !between.contains('\n'))) else {
        return false;
    };
    if text.get(..last).is_some_and(|before| before.ends_with(['{', ',', '}'])) {
        return false;
    }
    note_left_open(cx, pair.as_str());
    explain::explain(cx, &Failure { text, start, at: start, expected });
    true
}

/// A swallowed step.
pub(super) fn broken_step(cx: &mut Cx<'_>, pair: &Pair<'_>) {
    let written = pair.as_str();
    let word = first_word(written);
    let second = first_word(written.get(word.len()..).unwrap_or_default().trim_start());
    let rules: &[Rule] = match (word, second) {
        ("decision", _) => &[Rule::decision],
        ("condition", _) => &[Rule::condition],
        ("run", "flow") => &[Rule::run_flow],
        ("run", "action") => &[Rule::run_action],
        ("run", _) => &[Rule::run_flow, Rule::run_action],
        ("", _) => return misspelt_or_stray(cx, pair, &[], "a block"),
        _ => {
            if is_reserved(word) {
                return reserved_step(cx, pair, word);
            }
            if kebab(cx, pair, "a block type").is_some() {
                return;
            }
            if !second.is_empty() && expected::nearest(word, &["decision", "condition", "run"]).is_some() {
                return misspelt_or_stray(cx, pair, &["decision", "condition", "run"], "a block");
            }
            &[Rule::block_step]
        }
    };
    strictly(cx, pair, rules);
}

/// A swallowed clause of the declaration `of`.
pub(super) fn broken_clause(cx: &mut Cx<'_>, pair: &Pair<'_>, of: Rule, last: Option<usize>) {
    if leftover(cx, pair, last, &[Rule::binary_op, Rule::kw_when]) {
        return;
    }
    let (keywords, what): (&[&str], &str) = match of {
        Rule::test_decl => (&["given", "stub", "reply", "expect"], "`given`, `stub`, `reply` or `expect`"),
        Rule::rule_decl => (&["before", "never", "after", "always"], "`before`, `never`, `after` or `always`"),
        Rule::action_decl => (
            &[
                "version", "source", "triggers", "config", "output", "fetch", "claims", "secrets", "effects", "budget",
                "enabled",
            ],
            "a clause of an Action, such as `version` or `config`",
        ),
        Rule::contract => (&["input", "stage", "ends", "needs"], "`input`, `stage`, `ends` or `needs`"),
        Rule::contract_stage => (&["milestone"], "`milestone`"),
        _ => (
            &[
                "flows", "effects", "timeout", "takes", "config", "output", "prompt", "errors", "sets", "provides",
                "ensures",
            ],
            "a clause of a block, such as `config` or `output`",
        ),
    };
    let word = first_word(pair.as_str());
    if !keywords.contains(&word) {
        return misspelt_or_stray(cx, pair, keywords, what);
    }
    let rules: &[Rule] = match (of, word) {
        (_, "given") => &[Rule::given_clause],
        (_, "stub") => &[Rule::stub_clause],
        (_, "reply") => &[Rule::reply_clause],
        (_, "expect") => &[Rule::expect_clause],
        (_, "before") => &[Rule::before_clause],
        (_, "never") => &[Rule::never_clause],
        (_, "after") => &[Rule::after_clause],
        (_, "always") => &[Rule::always_clause],
        (Rule::action_decl, _) => &[Rule::action_clause],
        (Rule::contract, _) => &[Rule::contract_clause],
        (Rule::contract_stage, _) => &[Rule::milestone],
        _ => &[Rule::block_clause],
    };
    strictly(cx, pair, rules);
}

/// A swallowed item. Returns whether it is the rest of the item before it, which was closed too early.
pub(super) fn broken_item(cx: &mut Cx<'_>, pair: &Pair<'_>, last: Option<usize>) -> bool {
    if leftover(cx, pair, last, &[Rule::binary_op]) {
        return true;
    }
    let written = pair.as_str();
    let word = first_word(written);
    let rule = match word {
        "system" | "custom" => Rule::flow,
        "param" => Rule::param,
        "list" => Rule::list_decl,
        "secret" => Rule::secret_decl,
        "rule" => Rule::rule_decl,
        "test" => Rule::test_decl,
        "action" => Rule::action_decl,
        "block" => Rule::block_decl,
        "contract" => Rule::contract,
        "event" => Rule::event_decl,
        "session" => Rule::session_decl,
        "flow" => {
            missing_flow_kind(cx, pair);
            return false;
        }
        _ => {
            let rest = matches!(word, "stage" | "decision" | "when" | "default" | "run") || written.starts_with('}');
            const ITEMS: [&str; 12] = [
                "system", "custom", "param", "list", "secret", "rule", "test", "action", "block", "contract", "event",
                "session",
            ];
            if rest {
                stray(cx, pair, "an item");
            } else {
                misspelt_or_stray(cx, pair, &ITEMS, "an item, such as `system flow` or `param`");
            }
            return rest;
        }
    };
    strictly(cx, pair, &[rule]);
    false
}

/// A swallowed config field. What is known of it goes into the AST, so that it does not seem missing.
pub(super) fn broken_config_field(cx: &mut Cx<'_>, pair: &Pair<'_>, last: Option<usize>) -> Option<ConfigField> {
    if leftover(cx, pair, last, &[Rule::comma, Rule::binary_op]) {
        return None;
    }
    let start = pair.as_span().start();
    let value = Expr { kind: ExprKind::Broken, span: cx.span(start, end_of(pair)) };
    if let Some(name) = kebab(cx, pair, "a field") {
        return Some(ConfigField { name, value: ConfigValue::Expr(value) });
    }
    strictly(cx, pair, &[Rule::config_field]);
    let word = first_word(pair.as_str());
    if word.is_empty() {
        return None;
    }
    let name = Name { text: word.into(), span: cx.span(start, start + word.len()) };
    Some(ConfigField { name, value: ConfigValue::Expr(value) })
}

/// `risk-evaluate { ... }`, `user-message: ...`: a slug where a name in snake_case is wanted, which is returned.
fn kebab(cx: &mut Cx<'_>, pair: &Pair<'_>, what: &str) -> Option<Name> {
    let (text, start) = (pair.as_str(), pair.as_span().start());
    let dash = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let written = text.get(..text.find(|c| !dash(c)).unwrap_or(text.len()))?.trim_end_matches('-');
    let slug = written.contains('-') && written.split('-').all(|part| !part.is_empty());
    if !slug || !written.starts_with(|c: char| c.is_ascii_lowercase()) {
        return None;
    }
    note_left_open(cx, text);
    cx.broken += 1;
    let name = written.replace('-', "_");
    let found = cx.error("A0013", start, start + written.len(), format!("`{written}` is not a name for {what}"));
    found.help.push(format!("write it in snake_case: `{name}`"));
    Some(Name { text: name.into(), span: cx.span(start, start + written.len()) })
}

/// `}` is missing at `pair` for the `{` at `open`.
pub(super) fn unclosed(cx: &mut Cx<'_>, open: usize, pair: &Pair<'_>) {
    cx.broken += 1;
    if cx.left_open > 0 {
        cx.left_open -= 1;
        return;
    }
    let at = pair.as_span().start();
    let blamed = misindented(cx.text, open, at);
    if let Some(blamed) = blamed {
        // What did not parse inside it is what stands after the missing `}`.
        let inside = cx.span(blamed, at);
        let first_line = cx.span(blamed, token::line_end(cx.text, blamed)).end;
        cx.diagnostics.retain(|found| {
            found.code != "A0001" || found.primary.span.start < first_line || found.primary.span.start > inside.end
        });
    }
    let blamed = blamed.unwrap_or(open);
    let next = cx.span(at, token::token_end(cx.text, at));
    let found = cx.error("A0002", blamed, blamed + 1, "this `{` is not closed");
    if next.start < next.end {
        found.secondary.push(Label { span: next, message: "expected `}` before this".to_owned() });
    }
    found.help.push("write the missing `}`".to_owned());
}

/// The innermost `{` after `open` whose `}` stands further left than its own line: its own `}` is the one missing.
fn misindented(text: &str, open: usize, until: usize) -> Option<usize> {
    let indent = |at: usize| {
        let line = text.get(token::line_start(text, at)..).unwrap_or_default();
        line.len() - line.trim_start_matches([' ', '\t']).len()
    };
    let mut stack = Vec::new();
    for (offset, scan) in token::scan(text.get(open..until)?) {
        let at = open + offset;
        match scan {
            Scan::Open(_) => stack.push(at),
            Scan::Close(_) => {
                let opened = stack.pop()?;
                let first = text.get(token::line_start(text, at)..at).is_some_and(|before| before.trim().is_empty());
                if first && indent(opened) > indent(at) && opened > open {
                    return Some(opened);
                }
            }
            Scan::Newline => {}
        }
    }
    None
}

/// A field of a condition that is a type.
pub(super) fn type_for_expr(cx: &mut Cx<'_>, name: &Name, span: Span) {
    cx.broken += 1;
    let found = cx.error("A0001", 0, 0, format!("`{}` of a condition is an expression, not a type", name.text));
    found.primary.span = span;
    found.help.push("write a condition, such as `event.request.asn.is_tor`".to_owned());
}

/// `conditon x { ... }` reads as two blocks on a line: the first is a misspelt keyword.
pub(super) fn misspelt_heads(cx: &mut Cx<'_>, steps: &mut [Step]) {
    for index in 1..steps.len() {
        let (before, after) = steps.split_at_mut(index);
        let (Some(first), Some(second)) = (before.last_mut(), after.first_mut()) else { continue };
        let StepKind::Block(block) = &first.kind else { continue };
        let (end, start) = (first.span.end as usize, second.span.start as usize);
        let apart = cx.text.get(end..start).is_none_or(|between| between.contains('\n'));
        if apart || block.label.is_some() || block.config.is_some() || !block.modifiers.is_empty() {
            continue;
        }
        let Some(meant) = expected::nearest(&block.ty.text, &["decision", "condition", "run", "stage"]) else {
            continue;
        };
        let (text, span) = (block.ty.text.clone(), block.ty.span);
        explain::misspelt(cx, &text, span, meant);
        second.kind = StepKind::Broken;
        first.kind = StepKind::Broken;
        // `rnu flow x`: the third word is no block either.
        if let (Some(third), "run") = (after.get_mut(1), meant) {
            third.kind = StepKind::Broken;
        }
    }
}

/// A bare block whose type reads as a misspelt modifier.
pub(super) fn is_misspelt_modifier(step: &Step) -> bool {
    match &step.kind {
        StepKind::Block(block) => block.config.is_none() && expected::nearest(&block.ty.text, &MODIFIERS).is_some(),
        StepKind::RunAction(_)
        | StepKind::RunFlow(_)
        | StepKind::Decision(_)
        | StepKind::Condition(_)
        | StepKind::Broken => false,
    }
}

fn reserved_step(cx: &mut Cx<'_>, pair: &Pair<'_>, word: &str) {
    let start = pair.as_span().start();
    note_left_open(cx, pair.as_str());
    cx.broken += 1;
    let found = cx.error("A0012", start, start + word.len(), format!("`{word}` is a reserved word, and no block"));
    found.help.push(match word {
        "timeout" | "retry" | "on" | "async" | "as" => {
            format!("put `{word}` right after the block it is about; decisions and conditions take none")
        }
        "when" | "default" => "cases stand inside `decision NAME { ... }`".to_owned(),
        _ => format!("`{word}` stands directly inside a flow"),
    });
}

fn missing_flow_kind(cx: &mut Cx<'_>, pair: &Pair<'_>) {
    let start = pair.as_span().start();
    cx.broken += 1;
    cx.error("A0001", start, start + 4, "expected `system` or `custom` before `flow`")
        .help
        .push("write `system flow` for one that a contract fixes, `custom flow` for a module".to_owned());
}

/// Parses the swallowed text with the strict rules and explains the one that came furthest.
fn strictly(cx: &mut Cx<'_>, pair: &Pair<'_>, rules: &[Rule]) {
    let text = pair.get_input();
    let start = pair.as_span().start();
    let end = end_of(pair);
    note_left_open(cx, text.get(start..end).unwrap_or_default());
    // A little of what follows, so that a rule that was cut short names the token it met.
    let until = (end + 64..end + 68).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len()).min(text.len());
    let swallowed = text.get(start..until).unwrap_or_default();
    let mut best = Mismatch { at: 0, expected: Vec::new() };
    for rule in rules {
        let failed = match pairs(*rule, swallowed) {
            Err(failed) => failed,
            Ok(pairs) => {
                let end = pairs.last().map_or(0, |pair| end_of(&pair));
                Mismatch { at: token::skip_trivia(swallowed, end), expected: Vec::new() }
            }
        };
        if failed.at > best.at {
            best = failed;
        } else if failed.at == best.at {
            best.expected.extend(failed.expected);
        }
    }
    let at = (start + best.at).min(end.max(start));
    let at = if at == end { token::skip_trivia(text, at) } else { at };
    explain::explain(cx, &Failure { text, start, at, expected: &best.expected });
}

/// Text that begins with none of the keywords that may stand there.
fn misspelt_or_stray(cx: &mut Cx<'_>, pair: &Pair<'_>, keywords: &[&'static str], what: &str) {
    let word = first_word(pair.as_str());
    match expected::nearest(word, keywords) {
        Some(meant) => {
            note_left_open(cx, pair.as_str());
            let start = pair.as_span().start();
            let span = cx.span(start, start + word.len());
            explain::misspelt(cx, word, span, meant);
        }
        None => stray(cx, pair, what),
    }
}

fn stray(cx: &mut Cx<'_>, pair: &Pair<'_>, what: &str) {
    note_left_open(cx, pair.as_str());
    let start = pair.as_span().start();
    explain::stray(cx, pair.get_input(), start, what);
}

fn note_left_open(cx: &mut Cx<'_>, swallowed: &str) {
    let mut open = 0_usize;
    for (_, scan) in token::scan(swallowed) {
        match scan {
            Scan::Open(b'{') => open += 1,
            Scan::Close(b'}') => open = open.saturating_sub(1),
            Scan::Open(_) | Scan::Close(_) | Scan::Newline => {}
        }
    }
    cx.left_open += open;
}

fn first_word(text: &str) -> &str {
    let length = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    text.get(..length).unwrap_or_default()
}

fn is_reserved(word: &str) -> bool {
    matches!(word, "as" | "timeout" | "retry" | "on" | "async" | "run" | "when" | "default" | "stage" | "budget")
}
