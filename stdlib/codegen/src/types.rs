//! Types of the language as types of Rust: words become enums, records structs.

use std::fmt::Write as _;

use admit_plan::types::{Field, Kind, Type};
use smol_str::SmolStr;

use crate::names::{field, pascal, singular};

/// An enum: its name, and its words.
pub(crate) type Words = (String, Vec<SmolStr>);

/// The enums and structs of one block's module.
#[derive(Default)]
pub(crate) struct Types<'s> {
    /// Enums that stand in the module of what several blocks have.
    shared: &'s [Words],
    /// Those of this block, shared ones too.
    pub enums: Vec<Words>,
    records: Vec<(String, Vec<Field>)>,
    /// Their definitions.
    pub text: String,
}

impl<'s> Types<'s> {
    /// Those of a block, beside these that stand elsewhere.
    pub fn beside(shared: &'s [Words]) -> Self {
        Self { shared, ..Self::default() }
    }

    /// The Rust type of a value in the field `name` of `section`, and whatever it needs.
    pub fn of(&mut self, section: &str, name: &str, ty: &Type) -> Result<String, String> {
        Ok(match &ty.kind {
            Kind::Bool => "bool".to_owned(),
            Kind::Int(_) => "i64".to_owned(),
            Kind::Uint(_) => "u64".to_owned(),
            Kind::Double(_) => "f64".to_owned(),
            Kind::String => "String".to_owned(),
            Kind::Timestamp => "Instant".to_owned(),
            Kind::Duration => "Span".to_owned(),
            Kind::Dyn => "Datum".to_owned(),
            Kind::Enum(words) => self.words(section, name, words),
            Kind::List(item) => format!("Vec<{}>", self.of(section, &singular(name), item)?),
            Kind::Map(key, value) => {
                let key = self.of(section, &format!("{name}_key"), key)?;
                format!("Vec<({key}, {})>", self.of(section, &singular(name), value)?)
            }
            Kind::Record(fields) => self.record(section, name, fields)?,
            Kind::Optional(inner) => format!("Option<{}>", self.of(section, name, inner)?),
            Kind::Type | Kind::Error | Kind::Null | Kind::Bytes | Kind::Ip | Kind::Cidr => {
                return Err(format!("`{name}`: values of type `{ty}` have no type in Rust here"));
            }
        })
    }

    /// Enums of the same words in one block are one.
    fn words(&mut self, section: &str, name: &str, words: &[SmolStr]) -> String {
        if let Some((known, _)) = self.enums.iter().find(|(_, known)| known == words) {
            return known.clone();
        }
        let ident = self.free(section, name);
        let words = (ident.clone(), words.to_vec());
        if !self.shared.contains(&words) {
            self.text.push_str(&definition(&words));
        }
        self.enums.push(words);
        ident
    }

    /// Those that stand elsewhere, by name.
    pub fn imported(&self) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.enums.iter().filter(|words| self.shared.contains(words)).map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    fn record(&mut self, section: &str, name: &str, fields: &[Field]) -> Result<String, String> {
        if let Some((known, _)) = self.records.iter().find(|(_, known)| known == fields) {
            return Ok(known.clone());
        }
        let ident = self.free(section, name);
        self.records.push((ident.clone(), fields.to_vec()));
        let (mut members, mut reads, mut gives) = (String::new(), String::new(), Gives::default());
        for one in fields {
            let ty = self.of(section, &one.name, &one.ty)?;
            let member = field(&one.name);
            let name = one.name.as_str();
            let _ = write!(members, "/// `{name}`\npub {member}: {ty},\n");
            let optional = one.ty.present() != &one.ty;
            let read = match (range(one.ty.present()), optional) {
                (Some(range), true) => format!("within({name:?}, {range})"),
                (Some(range), false) => format!("ranged({name:?}, {range})"),
                (None, true) => format!("optional({name:?})"),
                (None, false) => format!("required({name:?})"),
            };
            let _ = writeln!(reads, "{member}: source.{read}.ok()?,");
            gives.add(&one.name, optional);
        }
        let gives = gives.text();
        let what = name.replace('_', " ");
        let _ = write!(
            self.text,
            "
/// The record `{what}`.
#[derive(Clone, Debug, PartialEq)]
pub struct {ident} {{ {members} }}

impl Value for {ident} {{
    const WANTED: &'static str = \"a record of the declared type\";

    fn read(value: &Datum) -> Option<Self> {{
        let source = Source::record(value);
        Some(Self {{ {reads} }})
    }}

    fn give(self) -> Datum {{
        {gives}
        Datum::record(fields)
    }}
}}
"
        );
        Ok(ident)
    }

    /// A name that no other type of the module has: of the field, else with the section before it.
    fn free(&self, section: &str, name: &str) -> String {
        const TAKEN: [&str; 12] = [
            "Config", "Outputs", "Answer", "Error", "Value", "Source", "Secret", "Type", "Datum", "Instant", "Span",
            "Result",
        ];
        let mut ident = pascal(name);
        let taken = |ident: &str| {
            TAKEN.contains(&ident)
                || self.enums.iter().any(|(known, _)| known == ident)
                || self.records.iter().any(|(known, _)| known == ident)
        };
        while taken(&ident) {
            ident.insert_str(0, &pascal(section));
        }
        ident
    }
}

/// An enum and what it is read and written by.
pub(crate) fn definition((ident, words): &Words) -> String {
    let mut text = String::new();
    let mut variants = String::new();
    let mut names = String::new();
    let mut all = String::new();
    for word in words {
        let variant = pascal(word);
        let _ = write!(variants, "/// `{word:?}`\n{variant},\n");
        let _ = writeln!(names, "Self::{variant} => {word:?},");
        let _ = write!(all, "Self::{variant}, ");
    }
    let _ = write!(
        text,
        "
/// {ident}: one of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum {ident} {{ {variants} }}

impl {ident} {{
    /// All of them, in the order declared.
    pub const ALL: [Self; {count}] = [{all}];

    /// The word.
    pub fn word(self) -> &'static str {{ match self {{ {names} }} }}
}}

impl Value for {ident} {{
    const WANTED: &'static str = \"one of its words\";

    fn read(value: &Datum) -> Option<Self> {{
    let word = value.as_str()?;
    Self::ALL.into_iter().find(|one| one.word() == word)
    }}

    fn give(self) -> Datum {{ Datum::Str(self.word().into()) }}
}}
",
        count = words.len(),
    );
    text
}

/// The body of what turns a struct into a record's fields: those that are always there, then the others.
#[derive(Default)]
pub(crate) struct Gives {
    always: String,
    sometimes: String,
}

impl Gives {
    pub fn add(&mut self, name: &str, optional: bool) {
        let member = field(name);
        let _ = match optional {
            true => writeln!(self.sometimes, "give_some(&mut fields, {name:?}, self.{member});"),
            false => writeln!(self.always, "({name:?}.to_owned(), self.{member}.give()),"),
        };
    }

    /// Statements after which `fields` holds them.
    pub fn text(&self) -> String {
        let fields = if self.sometimes.is_empty() { "let fields" } else { "let mut fields" };
        let fresh = if self.always.is_empty() { "Vec::new()".to_owned() } else { format!("vec![{}]", self.always) };
        format!("{fields}: Vec<(String, Datum)> = {fresh};\n{}", self.sometimes)
    }
}

/// The range of a number as Rust writes it; none where there is none.
pub(crate) fn range(ty: &Type) -> Option<String> {
    let bounds = match &ty.kind {
        Kind::Int(range) => (range.min.map(|min| min.to_string()), range.max.map(|max| max.to_string())),
        Kind::Uint(range) => (range.min.map(|min| min.to_string()), range.max.map(|max| max.to_string())),
        Kind::Double(range) => {
            (range.min.map(|min| format!("{:?}", min.0)), range.max.map(|max| format!("{:?}", max.0)))
        }
        _ => return None,
    };
    match bounds {
        (Some(min), Some(max)) => Some(format!("{min}..={max}")),
        (Some(min), None) => Some(format!("{min}..")),
        (None, Some(max)) => Some(format!("..={max}")),
        (None, None) => None,
    }
}
