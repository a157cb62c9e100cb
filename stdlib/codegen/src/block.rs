//! The module of one block: its config, outputs, answer and errors as Rust types, around its implementation.

use std::fmt::Write as _;

use admit_compiler::ast::expr::{Expr, ExprKind};
use admit_compiler::schema::{Block, ConfigField, Inner, OutputField, PlainField, Rules};
use admit_plan::types::Kind;
use smol_str::SmolStr;

use crate::COMMAND;
use crate::names::{field, pascal};
use crate::types::{Gives, Types, Words, definition, range};

/// The text of `generated/<block>.rs`; `beside` is the implementation's path below `stdlib`, without `.rs`.
pub(crate) fn module(block: &Block, beside: &str, shared: &[Words]) -> Result<(String, Vec<Words>), String> {
    let name = block.name.as_str();
    let mut types = Types::beside(shared);
    let mut parts = String::new();
    if !block.config.is_empty() {
        config(name, &block.config, &mut types, &mut parts)?;
    }
    if !block.output.is_empty() {
        outputs(name, &block.output, &mut types, &mut parts)?;
    }
    if let Some(prompt) = &block.prompt {
        answer(name, prompt, &mut types, &mut parts)?;
    }
    if !block.errors.is_empty() {
        errors(name, &block.errors, &mut parts);
    }
    let body = format!("{parts}{}", types.text);
    let elsewhere = types.imported();
    let elsewhere = match elsewhere.is_empty() {
        true => String::new(),
        false => format!("pub use super::shared::{{{}}};\n", elsewhere.join(", ")),
    };
    let mut text = format!(
        "//! `{name}` in Rust: written from `{beside}.admit` by `{COMMAND}`. Do not edit.\n\n{}\n#[path = \"../../{beside}.rs\"]\nmod block;\n\npub use block::{};\n{elsewhere}",
        imports(&body),
        pascal(name),
    );
    text.push_str(&body);
    Ok((text, types.enums))
}

/// The text of `generated/shared.rs`: the enums that several blocks have.
pub(crate) fn shared(enums: &[Words]) -> String {
    let mut text = format!(
        "//! Words that several blocks have: written from their declarations by `{COMMAND}`. Do not edit.\n\nuse crate::value::Value;\nuse admit_eval::datum::Datum;\n"
    );
    enums.iter().for_each(|words| text.push_str(&definition(words)));
    text
}

/// The imports that the text needs.
fn imports(body: &str) -> String {
    let has = |word: &str| body.split(|char: char| !char.is_alphanumeric() && char != '_').any(|found| found == word);
    let mut text = String::new();
    let mut group = |path: &str, names: &[&str]| {
        let used: Vec<&str> = names.iter().copied().filter(|name| has(name)).collect();
        if !used.is_empty() {
            let _ = writeln!(text, "use {path}::{{{}}};", used.join(", "));
        }
    };
    group("admit_eval::datum", &["Datum"]);
    group("admit_eval::value", &["Instant", "Span"]);
    group("admit_plan::types", &["Type"]);
    group("admit_runtime::block", &["BlockError", "Call", "Input", "Output"]);
    group("admit_runtime::host", &["Secret"]);
    // Imported for a method alone too.
    group("crate::config", &["invalid"]);
    let mut ours = vec!["Source", "Value", "answered", "answered_secret", "give_some"];
    ours.retain(|name| has(name) || (*name == "Value" && body.contains(".give()")));
    if !ours.is_empty() {
        let _ = writeln!(text, "use crate::value::{{{}}};", ours.join(", "));
    }
    text
}

fn config(block: &str, fields: &[ConfigField], types: &mut Types<'_>, text: &mut String) -> Result<(), String> {
    let (mut members, mut reads) = (String::new(), String::new());
    let mut secret = false;
    for one in fields {
        let (ty, read) = config_field(one, types).map_err(|fault| format!("{block}: {fault}"))?;
        secret |= ty.contains("Secret");
        doc(&mut members, &one.doc, &one.name);
        let member = field(&one.name);
        let _ = writeln!(members, "pub {member}: {ty},");
        let _ = writeln!(reads, "{member}: {read},");
    }
    let derive = if secret { "" } else { "#[derive(Clone, Debug, PartialEq)]\n" };
    let _ = write!(
        text,
        "
/// The config of `{block}`.
{derive}pub struct Config {{ {members} }}

impl Config {{
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {{
        let config = Source::config(call);
        Ok(Self {{ {reads} }})
    }}
}}
"
    );
    Ok(())
}

/// The Rust type of a config field, and how it is read.
fn config_field(one: &ConfigField, types: &mut Types<'_>) -> Result<(String, String), String> {
    let name = one.name.as_str();
    let ty = one.ty.present();
    // A default that reads the event is absent where the event's field is.
    let optional = one.ty.present() != &one.ty || one.default.as_ref().is_some_and(of_event);
    if ty.kind == Kind::Type {
        return Ok(("Option<Type>".to_owned(), format!("config.written({name:?})")));
    }
    if one.rules.secret && ty.kind == Kind::String {
        return Ok(match optional {
            true => ("Option<Secret>".to_owned(), format!("config.secret({name:?})?")),
            false => (
                "Secret".to_owned(),
                format!("config.secret({name:?})?.ok_or_else(|| invalid({name:?}, \"a secret\"))?"),
            ),
        });
    }
    if let (Kind::Map(key, value), Inner::Items(rules)) = (&ty.kind, &one.rules.inner)
        && rules.secret
        && key.kind == Kind::String
        && value.kind == Kind::String
    {
        return Ok(("Vec<(String, Secret)>".to_owned(), format!("config.secrets({name:?})?")));
    }
    if holds_secret(&one.rules) {
        return Err(format!("`{name}`: a secret stands in a config as a string or the values of a map, not in `{ty}`"));
    }
    let rust = types.of("config", name, ty)?;
    Ok(match (range(ty), optional) {
        (Some(range), true) => (format!("Option<{rust}>"), format!("config.within({name:?}, {range})?")),
        (Some(range), false) => (rust, format!("config.ranged({name:?}, {range})?")),
        (None, true) => (format!("Option<{rust}>"), format!("config.optional({name:?})?")),
        (None, false) => (rust, format!("config.required({name:?})?")),
    })
}

fn of_event(default: &Expr) -> bool {
    match &default.kind {
        ExprKind::Select { operand, .. } => of_event(operand),
        ExprKind::Ident(name) => name.text == "event",
        _ => false,
    }
}

fn holds_secret(rules: &Rules) -> bool {
    rules.secret
        || match &rules.inner {
            Inner::None => false,
            Inner::Items(inner) => holds_secret(inner),
            Inner::Fields(fields) => fields.iter().any(|(_, inner)| holds_secret(inner)),
        }
}

fn outputs(block: &str, fields: &[OutputField], types: &mut Types<'_>, text: &mut String) -> Result<(), String> {
    let (mut members, mut gives) = (String::new(), Gives::default());
    for one in fields {
        let rust = match &one.follows {
            Some(_) => "Datum".to_owned(),
            None => types.of("output", &one.name, &one.ty).map_err(|fault| format!("{block}: {fault}"))?,
        };
        doc(&mut members, &one.doc, &one.name);
        let _ = writeln!(members, "pub {}: {rust},", field(&one.name));
        gives.add(&one.name, rust.starts_with("Option<"));
    }
    let gives = gives.text();
    let _ = write!(
        text,
        "
/// The outputs of `{block}`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {{ {members} }}

impl Outputs {{
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {{
        {gives}
        fields
    }}
}}

impl From<Outputs> for Output {{
    /// Without a user and without what the block sets: `Output {{ user, ..outputs.into() }}`.
    fn from(outputs: Outputs) -> Self {{
        Self {{ fields: outputs.fields(), ..Self::default() }}
    }}
}}
"
    );
    Ok(())
}

fn answer(block: &str, fields: &[PlainField], types: &mut Types<'_>, text: &mut String) -> Result<(), String> {
    let (mut members, mut reads) = (String::new(), String::new());
    for one in fields {
        let inner = one.ty.present();
        let optional = inner != &one.ty;
        let secret = inner.labels.secret || one.ty.labels.secret;
        let rust = match secret {
            true => "&'a Secret".to_owned(),
            false => types.of("answer", &one.name, inner).map_err(|fault| format!("{block}: {fault}"))?,
        };
        doc(&mut members, &one.doc, &one.name);
        let (member, name) = (field(&one.name), one.name.as_str());
        let _ = if optional {
            writeln!(members, "pub {member}: Option<{rust}>,")
        } else {
            writeln!(members, "pub {member}: {rust},")
        };
        let read = match secret {
            true => format!("answered_secret(input, {name:?})"),
            false => format!("answered(input, {name:?})"),
        };
        let _ = writeln!(reads, "{member}: {read}{},", if optional { "" } else { "?" });
    }
    let lifetime = if members.contains("&'a ") { "<'a>" } else { "" };
    let given = if lifetime.is_empty() { "'_" } else { "'a" };
    let generic = lifetime;
    // An answer that holds a secret has no `Debug`.
    let derive = if lifetime.is_empty() { "#[derive(Clone, Debug, PartialEq)]\n" } else { "" };
    let input = if lifetime.is_empty() { "Option<&Input>".to_owned() } else { format!("Option<&{given} Input>") };
    let _ = write!(
        text,
        "
/// The user's answer to `{block}`.
{derive}pub struct Answer{lifetime} {{ {members} }}

impl{generic} Answer{lifetime} {{
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: {input}) -> Option<Self> {{
        let input = input?;
        Some(Self {{ {reads} }})
    }}
}}
"
    );
    Ok(())
}

fn errors(block: &str, errors: &[SmolStr], text: &mut String) {
    let (mut variants, mut names) = (String::new(), String::new());
    for name in errors {
        let variant = pascal(name);
        let _ = write!(variants, "/// `{name}`\n{variant},\n");
        let _ = writeln!(names, "Self::{variant} => {:?},", name.as_str());
    }
    let _ = write!(
        text,
        "
/// The errors of `{block}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {{ {variants} }}

impl Error {{
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {{ match self {{ {names} }} }}

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {{
        BlockError::Named {{ name: self.name(), detail: detail.into() }}
    }}
}}
"
    );
}

/// The doc comment of a member: the declaration's.
fn doc(text: &mut String, lines: &[String], name: &str) {
    if lines.is_empty() {
        let _ = writeln!(text, "/// `{name}`");
    }
    for line in lines {
        let line = line.trim_end();
        let _ = if line.is_empty() { writeln!(text, "///") } else { writeln!(text, "/// {}", line.trim_start()) };
    }
}
