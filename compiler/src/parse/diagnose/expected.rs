//! What the rules of the grammar are called in messages.

use admit_grammar::Rule;

/// The keyword that `word` is probably a misspelling of.
pub(super) fn nearest<'k>(word: &str, keywords: &[&'k str]) -> Option<&'k str> {
    let most = match word.chars().count() {
        0..=2 => return None,
        3..=5 => 1,
        _ => 2,
    };
    keywords
        .iter()
        .map(|keyword| (strsim::damerau_levenshtein(word, keyword), *keyword))
        .filter(|(distance, _)| (1..=most).contains(distance))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, keyword)| keyword)
}

/// The keyword of a `kw_` rule.
pub(super) fn keyword(rule: Rule) -> Option<String> {
    format!("{rule:?}").strip_prefix("kw_").map(str::to_owned)
}

/// What was expected, in words: the parts that say most, in the order of the grammar, each once.
pub(super) fn list(expected: &[Rule]) -> Vec<String> {
    let mut sure = Vec::new();
    let mut vague = Vec::new();
    let any_operand = expected.iter().any(|rule| matches!(rule, Rule::ident | Rule::expr | Rule::whole_expr));
    for rule in expected {
        if any_operand && begins_operand(*rule) {
            continue;
        }
        let (text, weak) = describe(*rule);
        let into = if weak { &mut vague } else { &mut sure };
        if !into.contains(&text) && !text.is_empty() {
            into.push(text);
        }
    }
    if sure.is_empty() { vague } else { sure }
}

/// Whether it begins an expression, beside a name.
fn begins_operand(rule: Rule) -> bool {
    matches!(rule, Rule::int | Rule::duration | Rule::string | Rule::open_brace | Rule::open_paren | Rule::bound)
}

/// Joins `a`, `b` and `c` as a sentence does.
pub(super) fn or(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

/// A rule in words, and whether it is only one of the many ways in which an expression may go on.
fn describe(rule: Rule) -> (String, bool) {
    if let Some(keyword) = keyword(rule) {
        return (format!("`{keyword}`"), false);
    }
    let (text, weak) = match rule {
        Rule::open_brace => ("`{`", false),
        Rule::close_brace => ("`}`", false),
        Rule::open_paren => ("`(`", true),
        Rule::close_paren => ("`)`", false),
        Rule::close_bracket => ("`]`", false),
        Rule::comma => ("`,`", false),
        Rule::colon => ("`:`", false),
        Rule::arrow => ("`->`", false),
        Rule::at => ("`@` and a version", false),
        Rule::assign => ("`=`", false),
        Rule::dots => ("`..`", false),
        Rule::double_equals => ("`==`", false),
        Rule::slug | Rule::word => ("a name", false),
        Rule::ident | Rule::expr | Rule::whole_expr | Rule::element => ("an expression", false),
        Rule::r#type => ("a type", false),
        Rule::string => ("a string", false),
        Rule::duration => ("a duration such as `300ms`", false),
        Rule::int => ("a whole number", false),
        Rule::version => ("a version such as `1.2.0`", false),
        Rule::quoted_ident => ("a field's name", false),
        Rule::bound => ("a number", false),
        Rule::config | Rule::fields | Rule::slug_map => ("`{`", false),
        Rule::names => ("a name", false),
        Rule::path | Rule::paths => ("a path such as `event.user`", false),
        Rule::grants => ("a string or `config.` and a field", false),
        Rule::stage => ("a stage", false),
        Rule::block_step | Rule::block_type => ("a block", false),
        Rule::case => ("`when` or `default`", false),
        Rule::decision => ("a decision", false),
        Rule::condition => ("a condition", false),
        Rule::entry | Rule::bare_key | Rule::slug_entry => ("an entry `key: value`", false),
        Rule::config_field | Rule::field_decl => ("a field `name: ...`", false),
        Rule::alternative => ("a block type", false),
        Rule::milestone => ("`milestone`", false),
        Rule::branch => ("`{`", false),
        Rule::EOI => ("the end", true),
        Rule::outcome => ("an outcome", true),
        Rule::pipe => ("`|`", true),
        Rule::dot | Rule::optional_dot | Rule::select => ("`.`", true),
        Rule::open_bracket | Rule::index => ("`[`", true),
        Rule::question => ("`?`", true),
        Rule::binary_op => ("an operator", true),
        // Parts of an expression or a type that never stand alone in a message, modifiers, heads and recovery.
        _ => ("", true),
    };
    (text.to_owned(), weak)
}
