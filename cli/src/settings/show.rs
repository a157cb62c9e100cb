//! Settings as `--print-config` prints them: a file that could be given back, with where each value is from.

use admit_compiler::render::sanitize;
use serde_json::{Value, json};
use url::Url;

use super::Setting;
use crate::output::{Output, print};

/// Prints them. Passwords are masked.
pub fn print_settings(settings: &[Setting], output: &Output) {
    if !output.human() {
        let all: Vec<Value> = settings
            .iter()
            .map(|one| {
                let values: Vec<String> = one.values.iter().map(|value| masked(&one.name, value)).collect();
                let value = match values.as_slice() {
                    _ if one.is_list => json!(values),
                    [] => Value::Null,
                    [value, ..] => json!(value),
                };
                json!({ "name": one.name, "value": value, "from": one.from })
            })
            .collect();
        print(&format!("{}\n", sanitize::json(&json!({ "settings": all }))));
        return;
    }
    let lines: Vec<(String, &str)> = settings.iter().map(|one| (written(one), one.from.as_str())).collect();
    let width = lines.iter().map(|(line, _)| line.len()).max().unwrap_or(0).min(60);
    for (line, from) in lines {
        print(&format!("{}  # {}\n", sanitize::line(&format!("{line:width$}")), sanitize::line(from)));
    }
}

fn written(setting: &Setting) -> String {
    let values: Vec<String> = setting.values.iter().map(|value| toml(&masked(&setting.name, value))).collect();
    let name = &setting.name;
    match values.as_slice() {
        [] => format!("# {name} ="),
        _ if setting.is_list => format!("{name} = [{}]", values.join(", ")),
        [value, ..] => format!("{name} = {value}"),
    }
}

fn toml(value: &str) -> String {
    let is_bare = value == "true" || value == "false" || value.parse::<i64>().is_ok();
    if is_bare { value.to_owned() } else { toml::Value::String(value.to_owned()).to_string() }
}

/// Without the password of an address, in its user part or in what follows the `?`, and without the value of a header field.
fn masked(name: &str, value: &str) -> String {
    if name.ends_with("-header") {
        let field = value.split_once('=').map_or("", |(field, _)| field);
        return format!("{field}=***");
    }
    if !value.contains("://") {
        return value.to_owned();
    }
    let Ok(mut url) = Url::parse(value) else { return "***".to_owned() };
    if url.password().is_some() && url.set_password(Some("***")).is_err() {
        return "***".to_owned();
    }
    if url.query_pairs().any(|(name, _)| name.contains("pass")) {
        url.set_query(Some("***"));
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn passwords_of_addresses_are_not_shown() {
        for (value, shown) in [
            ("postgres://a:canary@h:5433/x?sslmode=require", "postgres://a:***@h:5433/x?sslmode=require"),
            ("postgres://a@h/x?password=canary", "postgres://a@h/x?***"),
            ("postgres://a:can ary@h:port/x", "***"),
            ("127.0.0.1:8080", "127.0.0.1:8080"),
        ] {
            assert_eq!(masked("database", value), shown);
        }
        assert_eq!(masked("otlp-header", "authorization=Bearer canary"), "authorization=***");
    }
}
