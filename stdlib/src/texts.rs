//! The texts of the library's own messages, where a project has none by their name. They are a part of the program, so
//! their form is small: `Subject: ` first, `Data: ` where the types are declared, an empty line, the body; a hole names one
//! field of the data.

use admit_eval::datum::Datum;
use admit_runtime::message::Content;

use crate::config::Fields;

/// Path and text of each file.
pub const TEXTS: &[(&str, &str)] = &[
    ("stdlib/texts/code.html", include_str!("../texts/code.html")),
    ("stdlib/texts/code.sms.txt", include_str!("../texts/code.sms.txt")),
    ("stdlib/texts/code.txt", include_str!("../texts/code.txt")),
    ("stdlib/texts/de/code.html", include_str!("../texts/de/code.html")),
    ("stdlib/texts/de/code.sms.txt", include_str!("../texts/de/code.sms.txt")),
    ("stdlib/texts/de/code.txt", include_str!("../texts/de/code.txt")),
    ("stdlib/texts/de/link.html", include_str!("../texts/de/link.html")),
    ("stdlib/texts/de/link.txt", include_str!("../texts/de/link.txt")),
    ("stdlib/texts/de/recovery.html", include_str!("../texts/de/recovery.html")),
    ("stdlib/texts/de/recovery.txt", include_str!("../texts/de/recovery.txt")),
    ("stdlib/texts/de/welcome.html", include_str!("../texts/de/welcome.html")),
    ("stdlib/texts/de/welcome.txt", include_str!("../texts/de/welcome.txt")),
    ("stdlib/texts/link.html", include_str!("../texts/link.html")),
    ("stdlib/texts/link.txt", include_str!("../texts/link.txt")),
    ("stdlib/texts/notification.html", include_str!("../texts/notification.html")),
    ("stdlib/texts/notification.sms.txt", include_str!("../texts/notification.sms.txt")),
    ("stdlib/texts/notification.txt", include_str!("../texts/notification.txt")),
    ("stdlib/texts/recovery.html", include_str!("../texts/recovery.html")),
    ("stdlib/texts/recovery.txt", include_str!("../texts/recovery.txt")),
    ("stdlib/texts/welcome.html", include_str!("../texts/welcome.html")),
    ("stdlib/texts/welcome.txt", include_str!("../texts/welcome.txt")),
];

/// The language of the files that stand in no folder of a language.
const DEFAULT: &str = "en";

/// The text by name in the first of these locales that there is, else in English; none where there is none by this name.
///
/// # Errors
/// Which field of the data there is not.
pub(crate) fn render(name: &str, locales: &[&str], data: &Datum) -> Result<Option<Content>, String> {
    let own = locales.iter().take_while(|locale| **locale != DEFAULT);
    let found = own.map(|locale| (*locale, format!("{locale}/"))).find(|(_, below)| file(below, name, "txt").is_some());
    let (locale, below) = found.unwrap_or((DEFAULT, String::new()));
    let Some(main) = file(&below, name, "txt") else { return Ok(None) };
    let (head, text) = main.split_once("\n\n").unwrap_or(("", main));
    let subject = head.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or_default();
    let html = file(&below, name, "html").map(|html| filled(html, data, &html_escaped)).transpose()?;
    let as_it_is = |text: &str| text.to_owned();
    Ok(Some(Content {
        subject: filled(subject, data, &as_it_is)?,
        text: filled(text.trim_end(), data, &as_it_is)?,
        sms: file(&below, name, "sms.txt").map(|text| filled(text.trim_end(), data, &as_it_is)).transpose()?,
        html,
        locale: Some(locale.to_owned()),
    }))
}

fn file(below: &str, name: &str, end: &str) -> Option<&'static str> {
    let path = format!("stdlib/texts/{below}{name}.{end}");
    TEXTS.iter().find(|(known, _)| *known == path).map(|(_, text)| *text)
}

fn filled(text: &str, data: &Datum, escaped: &dyn Fn(&str) -> String) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let (name, after) = after.split_once("}}").ok_or("a hole of the text is not closed")?;
        let name = name.trim();
        out.push_str(before);
        match Fields(data).get(name) {
            Some(Datum::Str(value)) => out.push_str(&escaped(value)),
            Some(Datum::Int(value)) => out.push_str(&value.to_string()),
            Some(_) | None => return Err(format!("`data` has no `{name}` that can be written")),
        }
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// As in the text and in a quoted attribute of HTML.
fn html_escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::{record, text};

    fn data() -> Datum {
        let words = ["code", "link", "name", "subject", "text"].map(|name| (Datum::Str(name.into()), text("<b>&\"'")));
        let Datum::Map(mut entries) = record([("minutes", Datum::Int(10))]) else { return Datum::Null };
        entries.extend(words);
        Datum::Map(entries)
    }

    #[test]
    fn every_text_on_disk_is_in_the_table() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("texts");
        let mut found = Vec::new();
        for folder in ["", "de/"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_file() {
                    found.push(format!("stdlib/texts/{folder}{}", entry.file_name().to_str().unwrap()));
                }
            }
        }
        found.sort();
        assert_eq!(found, TEXTS.iter().map(|(path, _)| (*path).to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn t28_every_text_is_filled_and_its_html_escaped() {
        for name in ["code", "link", "recovery", "welcome", "notification"] {
            for locale in ["en", "de"] {
                let content = render(name, &[locale], &data()).unwrap().unwrap();
                assert!(!content.subject.is_empty() && !content.subject.contains('\n'), "{name}");
                assert!(!content.text.contains("{{") && !content.text.contains("Subject:"), "{}", content.text);
                let html = content.html.unwrap();
                assert!(!html.contains("<b>") && !html.contains("{{"), "{html}");
                assert!(html.contains("&lt;b&gt;&amp;&quot;&#39;"), "{html}");
            }
        }
    }

    #[test]
    fn the_first_locale_that_there_is_decides() {
        let locale = |locales: &[&str]| render("code", locales, &data()).unwrap().unwrap().locale.unwrap();
        assert_eq!(locale(&["de-ch", "de", "en"]), "de");
        assert_eq!(locale(&["fr", "en", "de"]), "en");
        assert_eq!(locale(&[]), "en");
        assert_eq!(render("no-such", &["de"], &data()), Ok(None));
        assert_eq!(
            render("code", &["../de"], &record([])).err(),
            Some("`data` has no `code` that can be written".to_owned())
        );
    }
}
