//! The file of settings: TOML whose keys are the names of flags, in tables where that reads better: `tls-cert`, or `cert` in `[tls]`.

use std::path::Path;

use toml::{Table, Value};

use crate::failure::Failure;

/// The names with their values, as they would stand on the command line. `known` are the names there are.
pub fn read(path: &Path, known: &[String]) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io("read", &shown, error))?;
    let table: Table = text.parse().map_err(|error: toml::de::Error| {
        Failure::new(format!("`{shown}`: {}", error.message()))
            .help(error.span().map_or_else(String::new, |span| format!("look at line {}", line(&text, span.start))))
    })?;
    let mut found = Vec::new();
    flatten(&table, "", &mut |name, value| {
        if !known.contains(&name) {
            let failure = Failure::new(format!("`{shown}`: there is no setting `{name}`"));
            return Err(match nearest(&name, known) {
                Some(near) => failure.help(format!("did you mean `{near}`?")),
                None => failure.help("each flag that `admit serve --help` names is a setting"),
            });
        }
        if found.iter().any(|(seen, _)| *seen == name) {
            return Err(Failure::new(format!("`{shown}`: `{name}` is set twice")));
        }
        let values = values(value).ok_or_else(|| {
            Failure::new(format!("`{shown}`: `{name}` is a text, a number, true or false, or a list of texts"))
        })?;
        found.push((name, values));
        Ok(())
    })?;
    Ok(found)
}

fn flatten(
    table: &Table,
    prefix: &str,
    then: &mut dyn FnMut(String, &Value) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for (key, value) in table {
        let name = format!("{prefix}{}", key.replace('_', "-"));
        match value {
            Value::Table(inner) => flatten(inner, &format!("{name}-"), then)?,
            Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::Array(_) => then(name, value)?,
        }
    }
    Ok(())
}

fn values(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(list) => list.iter().map(one).collect(),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Table(_) => one(value).map(|value| vec![value]),
    }
}

fn one(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(is) => Some(is.to_string()),
        Value::Float(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => None,
    }
}

fn nearest<'a>(name: &str, known: &'a [String]) -> Option<&'a str> {
    let near = known.iter().map(|known| (strsim::damerau_levenshtein(name, known), known));
    near.filter(|(distance, _)| *distance <= 3).min().map(|(_, known)| known.as_str())
}

fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}
