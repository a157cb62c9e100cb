//! Templates: how a value becomes text in each kind of field. The only place where text meets structure (T28).

use admit_plan::code::Escape;

use crate::error::EvalError;
use crate::json;
use crate::value::Value;

/// Adds the value to the text, escaped for the field's kind.
pub fn escape_into(value: Value<'_>, escape: Escape, text: &mut String) -> Result<(), EvalError> {
    if escape == Escape::Json {
        json::write(value, text);
        return Ok(());
    }
    let plain = plain(value)?;
    match escape {
        Escape::Text | Escape::Json => text.push_str(&plain),
        Escape::Url => url_part(&plain, text)?,
        Escape::Header => header(&plain, text)?,
        Escape::Html => html(&plain, text),
    }
    Ok(())
}

/// A scalar as text; what has structure, or may be missing, is refused.
fn plain(value: Value<'_>) -> Result<String, EvalError> {
    match value {
        Value::Str(text) => Ok(text.to_owned()),
        Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) => Ok(json::text(value)),
        Value::Timestamp(_) | Value::Duration(_) | Value::Ip(_) | Value::Cidr(_) => Ok(json::text(value)),
        other => Err(EvalError::Invalid(format!("{} does not fit into a template", other.kind()).into())),
    }
}

/// A part of a URL. Dot segments (RFC 3986 section 5.2.4) are refused: readers of URLs take them out of the path, also
/// where their dots are percent-encoded.
fn url_part(plain: &str, text: &mut String) -> Result<(), EvalError> {
    if matches!(plain, "." | "..") {
        return Err(EvalError::Invalid(format!("bad part of a URL: `{plain}` would change its path").into()));
    }
    percent_encode(plain, text);
    Ok(())
}

/// All but the unreserved characters of RFC 3986 section 2.3 are percent-encoded.
fn percent_encode(plain: &str, text: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in plain.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            text.push(char::from(byte));
        } else {
            text.push('%');
            text.extend([byte >> 4, byte & 15].iter().filter_map(|half| HEX.get(usize::from(*half))));
        }
    }
}

/// A field value of RFC 9110 section 5.5: no control characters but the tab.
fn header(plain: &str, text: &mut String) -> Result<(), EvalError> {
    if plain.bytes().any(|byte| (byte < 0x20 && byte != b'\t') || byte == 0x7f) {
        return Err(EvalError::Invalid("bad header value: it holds a control character".into()));
    }
    text.push_str(plain);
    Ok(())
}

fn html(plain: &str, text: &mut String) {
    for character in plain.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            other => text.push(other),
        }
    }
}
