//! Texts: in order, bounded, and nothing in a subject that ends its line.

use std::collections::BTreeSet;

use super::Check;
use crate::text::{Piece, Place, Text};

/// The most texts of a bundle.
const MAX_TEXTS: usize = 1_024;
/// The most bytes of one part of a text.
const MAX_PART: usize = 256 * 1024;

pub(super) fn check(texts: &[Text]) -> Check {
    if texts.len() > MAX_TEXTS {
        return Err(format!("there are more than {MAX_TEXTS}"));
    }
    if !texts.is_sorted_by(|left, right| (&left.name, &left.locale) < (&right.name, &right.locale)) {
        return Err("they are not in the order of their names and languages".to_owned());
    }
    let named: BTreeSet<&str> =
        texts.iter().filter(|text| text.locale.is_empty()).map(|text| text.name.as_str()).collect();
    texts.iter().try_for_each(|text| {
        if !is_slug(&text.name) || !(text.locale.is_empty() || is_slug(&text.locale)) {
            return Err("a name or language is not one".to_owned());
        }
        if !named.contains(text.name.as_str()) {
            return Err(format!("`{}` has no text for all other languages", text.name));
        }
        part(&text.subject, false)?;
        let literals = text.subject.iter().filter_map(|piece| match piece {
            Piece::Text(text) => Some(text),
            Piece::Hole(..) => None,
        });
        if literals.flat_map(|text| text.chars()).any(char::is_control) {
            return Err(format!("the subject of `{}` is not one line", text.name));
        }
        part(&text.text, false)?;
        text.html.iter().try_for_each(|html| part(html, true))?;
        text.sms.iter().try_for_each(|sms| part(sms, false))
    })
}

fn part(pieces: &[Piece], is_html: bool) -> Check {
    let mut bytes = 0;
    for piece in pieces {
        bytes += match piece {
            Piece::Text(text) => text.len(),
            Piece::Hole(field, place) => {
                if (*place == Place::Plain) == is_html {
                    return Err("a hole is written for another place than it stands in".to_owned());
                }
                let is_name = field.starts_with(|first: char| first.is_ascii_lowercase())
                    && field.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
                if !is_name {
                    return Err("a hole names no field".to_owned());
                }
                field.len()
            }
        };
    }
    if bytes > MAX_PART { Err(format!("a part is larger than {MAX_PART} bytes")) } else { Ok(()) }
}

/// Lower-case words with `-` between.
fn is_slug(text: &str) -> bool {
    text.split('-')
        .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}
