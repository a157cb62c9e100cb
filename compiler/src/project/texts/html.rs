//! Where the holes of an HTML text stand. In a place where no escaping would hold a value (a tag's name, an attribute without
//! quotes, a script, a style, a comment) a hole is refused.

use admit_plan::text::{Piece, Place};

use super::Spanned;
use crate::diagnostic::Diagnostic;

/// Attributes that are URLs.
const URLS: &[&str] = &["href", "src", "action", "formaction", "poster", "cite", "background", "data"];

#[derive(Clone, Debug, PartialEq, Eq)]
enum At {
    /// Between tags.
    Text,
    /// In a tag, outside a value; the word so far.
    Tag(String),
    /// In a quoted value: of a URL or not, and whether something stands before.
    Value { quote: char, is_url: bool, is_begun: bool, is_safe: bool },
    /// In a comment or declaration.
    Comment,
    /// In a `<script>` or `<style>`, up to its end.
    Raw(&'static str),
}

/// Says of each hole in which place it stands.
pub(super) fn places(pieces: &mut [Spanned], out: &mut Vec<Diagnostic>) {
    let mut at = At::Text;
    let mut element = String::new();
    for (piece, span) in pieces {
        match piece {
            Piece::Text(text) => at = walk(at, &mut element, text),
            Piece::Hole(name, place) => match &mut at {
                At::Text => *place = Place::Html,
                At::Value { is_url: true, is_begun, .. } => {
                    *place = if *is_begun { Place::UrlPart } else { Place::Url };
                    *is_begun = true;
                }
                At::Value { is_safe: true, is_begun, .. } => {
                    *place = Place::Html;
                    *is_begun = true;
                }
                At::Value { .. } | At::Tag(_) | At::Comment | At::Raw(_) => {
                    *place = Place::Html;
                    out.push(
                        Diagnostic::error("A0930", *span, format!("`{name}` stands where no value is safe"))
                            .help("put holes between tags, or into quoted attributes that are no scripts or styles"),
                    );
                }
            },
        }
    }
}

fn walk(mut at: At, element: &mut String, text: &str) -> At {
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let mut taken = letter.len_utf8();
        at = match at {
            At::Text if rest.starts_with("<!") => At::Comment,
            At::Text if letter == '<' => {
                element.clear();
                let name = rest.get(1..).unwrap_or_default();
                element
                    .extend(name.chars().take_while(char::is_ascii_alphanumeric).map(|one| one.to_ascii_lowercase()));
                taken += element.len();
                At::Tag(String::new())
            }
            At::Text => At::Text,
            At::Comment if letter == '>' => At::Text,
            At::Comment => At::Comment,
            At::Raw(end) if rest.get(..end.len()).is_some_and(|own| own.eq_ignore_ascii_case(end)) => {
                taken = end.len();
                element.clear();
                At::Tag(String::new())
            }
            At::Raw(end) => At::Raw(end),
            At::Value { quote, .. } if letter == quote => At::Tag(String::new()),
            At::Value { quote, is_url, is_safe, is_begun } => {
                At::Value { quote, is_url, is_safe, is_begun: is_begun || !letter.is_whitespace() }
            }
            At::Tag(_) if letter == '>' => match element.as_str() {
                "script" => At::Raw("</script"),
                "style" => At::Raw("</style"),
                _ => At::Text,
            },
            At::Tag(word) if matches!(letter, '"' | '\'') && word.ends_with('=') => {
                let name = word.trim_end_matches('=').to_ascii_lowercase();
                let is_script = name.starts_with("on") || ["style", "srcdoc", "srcset"].contains(&name.as_str());
                let value = rest.get(1..).unwrap_or_default().trim_start().to_ascii_lowercase();
                let runs = ["javascript:", "vbscript:", "data:"].iter().any(|scheme| value.starts_with(scheme));
                // Without a name it stands apart from its `=`, and is not known.
                let is_safe = !is_script && !runs && !name.is_empty();
                let is_url = is_safe && URLS.contains(&name.as_str());
                At::Value { quote: letter, is_url, is_begun: false, is_safe }
            }
            At::Tag(word) if letter.is_whitespace() && !word.ends_with('=') => At::Tag(String::new()),
            At::Tag(word) if letter.is_whitespace() => At::Tag(word),
            At::Tag(mut word) => {
                word.push(letter);
                At::Tag(word)
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{FileId, Span};

    /// The places of the holes, and how many were refused.
    fn places_of(html: &str) -> (Vec<Place>, usize) {
        let mut out = Vec::new();
        let mut pieces = super::super::pieces(FileId(0), html, 0, &mut out);
        places(&mut pieces, &mut out);
        let place = |(piece, _): &(Piece, Span)| match piece {
            Piece::Text(_) => None,
            Piece::Hole(_, place) => Some(*place),
        };
        (pieces.iter().filter_map(place).collect(), out.len())
    }

    #[test]
    fn t28_a_hole_knows_its_place() {
        for (html, wanted) in [
            ("<p>{{ a }}</p>", vec![Place::Html]),
            ("<p title='{{ a }}' class=\"x {{ a }}\">", vec![Place::Html, Place::Html]),
            ("<a href=\"{{ a }}\">{{ a }}</a>", vec![Place::Url, Place::Html]),
            ("<a HREF='https://x.example/{{ a }}?b={{ a }}'>", vec![Place::UrlPart, Place::UrlPart]),
            ("<!-- {a} --><img src=\"{{ a }}/x\"><script>x < 1</script>{{ a }}", vec![Place::Url, Place::Html]),
        ] {
            assert_eq!(places_of(html), (wanted, 0), "{html}");
        }
    }

    #[test]
    fn t28_a_hole_where_no_value_is_safe_is_refused() {
        for html in [
            "<a href={{ a }}>",
            "<{{ a }}>",
            "<p {{ a }}>",
            "<p onclick=\"x('{{ a }}')\">",
            "<p style=\"color: {{ a }}\">",
            "<a href=\"javascript:x('{{ a }}')\">",
            "<a href = \"{{ a }}\">",
            "<script>var x = \"{{ a }}\"</script>",
            "<STYLE>p { color: {{ a }} }</STYLE>",
            "<!-- {{ a }} -->",
        ] {
            assert_eq!(places_of(html).1, 1, "{html}");
        }
    }
}
