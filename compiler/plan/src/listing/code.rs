//! Expressions in a listing: as CEL, every operator in parentheses, so that the tree can be read off.

use crate::code::{Comprehension, Escape, Expr, Macro, Part, Pool, StrId};

/// An expression on one line.
pub fn expr(pool: &Pool, code: &Expr) -> String {
    match code {
        Expr::Null => "null".to_owned(),
        Expr::Bool(value) => value.to_string(),
        Expr::Int(value) => value.to_string(),
        Expr::Uint(value) => format!("{value}u"),
        Expr::Double(value) => format!("{value:?}"),
        Expr::Str(id) => text(pool, *id),
        Expr::Bytes(bytes) => format!("b\"{}\"", bytes.escape_ascii()),
        Expr::Duration(nanos) => format!("{nanos}ns"),
        Expr::Type(id) => format!("type {}", name(pool, *id)),
        Expr::Slot(id) => format!("s{id}"),
        Expr::Has(id) => format!("has(s{id})"),
        Expr::OptSlot(id) => format!("opt(s{id})"),
        Expr::Local(id) => format!("${id}"),
        Expr::Select(of, field) => format!("{}.{}", expr(pool, of), name(pool, *field)),
        Expr::HasField(of, field) => format!("has({}.{})", expr(pool, of), name(pool, *field)),
        Expr::OptSelect(of, field) => format!("{}.?{}", expr(pool, of), name(pool, *field)),
        Expr::Index(pair) => format!("{}[{}]", expr(pool, &pair.0), expr(pool, &pair.1)),
        Expr::OptIndex(pair) => format!("{}[?{}]", expr(pool, &pair.0), expr(pool, &pair.1)),
        Expr::Not(of) => format!("!{}", expr(pool, of)),
        Expr::Neg(of) => format!("-{}", expr(pool, of)),
        Expr::Binary(op, pair) => format!("({} {} {})", expr(pool, &pair.0), op.symbol(), expr(pool, &pair.1)),
        Expr::And(parts) => format!("({})", list(pool, parts, " && ")),
        Expr::Or(parts) => format!("({})", list(pool, parts, " || ")),
        Expr::Cond(three) => {
            format!("({} ? {} : {})", expr(pool, &three.0), expr(pool, &three.1), expr(pool, &three.2))
        }
        Expr::List(items) => {
            let items = items.iter().map(|item| optional(item.optional) + &expr(pool, &item.value));
            format!("[{}]", items.collect::<Vec<_>>().join(", "))
        }
        Expr::Map(entries) => {
            let entries = entries.iter().map(|entry| {
                format!("{}{}: {}", optional(entry.optional), expr(pool, &entry.key), expr(pool, &entry.value))
            });
            format!("{{{}}}", entries.collect::<Vec<_>>().join(", "))
        }
        Expr::InSet(of, set) => format!("({} in set {set})", expr(pool, of)),
        Expr::Matches(of, regex) => format!("({} matches regex {regex})", expr(pool, of)),
        Expr::Call(func, args) => format!("{}({})", func.name(), list(pool, args, ", ")),
        Expr::Comprehension(walk) => comprehension(pool, walk),
        Expr::Bind(pair) => format!("bind({}, {})", expr(pool, &pair.0), expr(pool, &pair.1)),
        Expr::Template(parts) => {
            let part = |part: &Part| match part {
                Part::Text(id) => text(pool, *id),
                Part::Hole(code, how) => format!("{} {}", escape(*how), expr(pool, code)),
            };
            format!("template[{}]", parts.iter().map(part).collect::<Vec<_>>().join(" + "))
        }
    }
}

/// A string of the pool, as it is.
pub(super) fn name(pool: &Pool, id: StrId) -> String {
    pool.strings.get(id as usize).map_or_else(|| format!("?{id}"), |text| text.escape_debug().to_string())
}

/// A string of the pool, in quotes.
pub(super) fn text(pool: &Pool, id: StrId) -> String {
    pool.strings.get(id as usize).map_or_else(|| format!("?{id}"), |text| quoted(text))
}

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}

/// The word for an escape.
pub(super) fn escape(escape: Escape) -> &'static str {
    match escape {
        Escape::Text => "text",
        Escape::Url => "url",
        Escape::Header => "header",
        Escape::Json => "json",
        Escape::Html => "html",
    }
}

fn comprehension(pool: &Pool, walk: &Comprehension) -> String {
    let kind = match walk.kind {
        Macro::All => "all",
        Macro::Exists => "exists",
        Macro::ExistsOne => "exists_one",
        Macro::Filter => "filter",
        Macro::Map => "map",
        Macro::TransformMap => "transformMap",
        Macro::TransformMapEntry => "transformMapEntry",
    };
    let vars = if walk.two_vars { "2" } else { "1" };
    let part = |word: &str, part: &Option<Expr>| {
        part.as_ref().map(|part| format!(", {word} {}", expr(pool, part))).unwrap_or_default()
    };
    format!("{kind}{vars}({}{}{})", expr(pool, &walk.range), part("if", &walk.cond), part("make", &walk.value))
}

fn optional(optional: bool) -> String {
    if optional { "?".to_owned() } else { String::new() }
}

fn list(pool: &Pool, parts: &[Expr], between: &str) -> String {
    parts.iter().map(|part| expr(pool, part)).collect::<Vec<_>>().join(between)
}
