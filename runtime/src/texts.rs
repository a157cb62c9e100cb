//! The texts of a bundle, filled with data: every value is written for the place that its hole stands in (T28).

use admit_eval::datum::Datum;
use admit_plan::text::{Piece, Place, Text};

use crate::message::{Content, Texts};
use crate::state::field;

/// The texts of a bundle, or those that a queued job took along.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a>(pub &'a [Text]);

impl Texts for Written<'_> {
    fn render(&self, name: &str, locales: &[&str], data: &Datum) -> Result<Option<Content>, String> {
        let own = || self.0.iter().filter(|text| text.name == name);
        let named = locales.iter().find_map(|locale| own().find(|text| text.locale == *locale));
        let Some(text) = named.or_else(|| own().find(|text| text.locale.is_empty())) else { return Ok(None) };
        let fill = |pieces: &Vec<Piece>| filled(pieces, data);
        Ok(Some(Content {
            subject: fill(&text.subject)?,
            text: fill(&text.text)?,
            html: text.html.as_ref().map(fill).transpose()?,
            sms: text.sms.as_ref().map(fill).transpose()?,
            locale: Some(text.locale.to_string()).filter(|locale| !locale.is_empty()),
        }))
    }
}

fn filled(pieces: &[Piece], data: &Datum) -> Result<String, String> {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Hole(name, place) => {
                let value = field(data, name).ok_or_else(|| format!("`data` has no `{name}`"))?;
                let value = said(value).ok_or_else(|| format!("`{name}` of `data` cannot be written"))?;
                write(&value, *place, &mut out).map_err(|why| format!("`{name}` of `data` {why}"))?;
            }
        }
    }
    Ok(out)
}

/// A value as text; none where it has no text of its own.
fn said(value: &Datum) -> Option<String> {
    Some(match value {
        Datum::Str(text) => text.to_string(),
        Datum::Int(value) => value.to_string(),
        Datum::Uint(value) => value.to_string(),
        Datum::Double(value) => value.to_string(),
        Datum::Bool(value) => value.to_string(),
        Datum::Ip(address) => address.to_string(),
        Datum::Optional(None) => String::new(),
        Datum::Optional(Some(inner)) => said(inner)?,
        Datum::Null
        | Datum::Bytes(_)
        | Datum::Timestamp(_)
        | Datum::Duration(_)
        | Datum::List(_)
        | Datum::Map(_)
        | Datum::Type(_)
        | Datum::Cidr(_) => return None,
    })
}

fn write(value: &str, place: Place, out: &mut String) -> Result<(), &'static str> {
    match place {
        Place::Plain => out.push_str(value),
        Place::Html => entities(value, out),
        Place::Url => {
            let allowed = ["https://", "http://", "mailto:"];
            let is_url =
                allowed.iter().any(|start| value.get(..start.len()).is_some_and(|own| own.eq_ignore_ascii_case(start)));
            if !is_url || value.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
                return Err("is no link");
            }
            entities(value, out);
        }
        Place::UrlPart => {
            for byte in value.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
                    other => out.push_str(&format!("%{other:02X}")),
                }
            }
        }
    }
    Ok(())
}

fn entities(value: &str, out: &mut String) {
    for letter in value.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(locale: &str, html: Vec<Piece>) -> Text {
        let subject = vec![Piece::Text(locale.into())];
        Text { name: "t".into(), locale: locale.into(), subject, text: Vec::new(), html: Some(html), sms: None }
    }

    #[test]
    fn t28_a_value_is_written_for_its_place() {
        let hole = |place| vec![Piece::Text("[".into()), Piece::Hole("v".into(), place), Piece::Text("]".into())];
        let render = |place, value: &str| {
            let data = Datum::record([("v", Datum::Str(value.into()))]);
            Written(&[text("", hole(place))]).render("t", &[], &data).map(|content| content.unwrap().html.unwrap())
        };
        assert_eq!(
            render(Place::Html, "<a href='x'>&\"{{ v }}").unwrap(),
            "[&lt;a href=&#39;x&#39;&gt;&amp;&quot;{{ v }}]"
        );
        assert_eq!(render(Place::UrlPart, "a b&c=é/").unwrap(), "[a%20b%26c%3D%C3%A9%2F]");
        assert_eq!(render(Place::Url, "https://x.example/?a=1&b=2").unwrap(), "[https://x.example/?a=1&amp;b=2]");
        for bad in ["javascript:alert(1)", " https://x", "data:text/html,x", "", "https://x\n", "//x.example"] {
            assert_eq!(render(Place::Url, bad), Err("`v` of `data` is no link".to_owned()), "{bad}");
        }
        let missing = Written(&[text("", hole(Place::Html))]).render("t", &[], &Datum::Map(Vec::new()));
        assert_eq!(missing, Err("`data` has no `v`".to_owned()));
    }

    #[test]
    fn the_first_language_that_there_is_decides() {
        let texts = [text("", Vec::new()), text("de", Vec::new()), text("de-at", Vec::new())];
        let subject = |locales: &[&str]| {
            Written(&texts).render("t", locales, &Datum::Null).unwrap().map(|content| content.subject).unwrap()
        };
        assert_eq!(subject(&["de-at", "de"]), "de-at");
        assert_eq!(subject(&["de-ch", "de"]), "de");
        assert_eq!(subject(&["fr"]), "");
        assert_eq!(Written(&texts).render("u", &["de"], &Datum::Null), Ok(None));
    }
}
