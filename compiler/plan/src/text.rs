//! Texts of messages: literal pieces and holes, each hole with the place that it stands in.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A text in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// Its name: `welcome`.
    pub name: SmolStr,
    /// Its language (`de`, `pt-br`); empty: the one that stands for all others.
    pub locale: SmolStr,
    /// The subject: one line.
    pub subject: Vec<Piece>,
    /// Plain text.
    pub text: Vec<Piece>,
    /// HTML, where there is some.
    pub html: Option<Vec<Piece>>,
    /// What an SMS says instead of the plain text.
    pub sms: Option<Vec<Piece>>,
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Piece {
    /// As it is.
    Text(SmolStr),
    /// A field of the data.
    Hole(SmolStr, Place),
}

/// Where a hole stands, which decides how its value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In plain text: as it is.
    Plain,
    /// In the text or a quoted attribute of HTML: its signs as entities.
    Html,
    /// The whole of a quoted attribute that is a URL: only `https:`, `http:` and `mailto:`, its signs as entities.
    Url,
    /// A part of such an attribute: percent-encoded.
    UrlPart,
}
