//! What the user submits with a request, checked against its declared type. Secrets are taken out of the values at
//! once and reach only the block that takes them.

use admit_eval::datum::Datum;
use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

use crate::block::Input;
use crate::host::Secret;
use crate::typed::conform;

/// Largest input of one request: text and bytes together, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// Checked input.
#[derive(Default)]
pub(crate) struct Submitted {
    /// Fields that are not secret.
    pub(crate) plain: Vec<(SmolStr, Datum)>,
    /// Fields that are.
    secrets: Vec<(SmolStr, Secret)>,
    /// It answers the prompt that the run was suspended at; else it is the flow's own input.
    is_answer: bool,
}

impl Submitted {
    /// The input that a flow is started with.
    ///
    /// # Errors
    /// A sentence that says which field is wrong.
    pub(crate) fn of_start(flow: &str, ty: &Type, input: Option<Datum>) -> Result<Self, String> {
        Self::read(&format!("the flow `{flow}`"), ty, input)
    }

    /// The answer to a prompt.
    ///
    /// # Errors
    /// As [`Submitted::of_start`].
    pub(crate) fn of_answer(prompt: &Type, input: Option<Datum>) -> Result<Self, String> {
        Self::read("the prompt", prompt, input).map(|submitted| Self { is_answer: true, ..submitted })
    }

    /// What a block gets of it: on the answer to its own prompt everything, else the fields that it takes. None if it
    /// gets nothing.
    pub(crate) fn for_block<'n>(&self, is_asked: bool, takes: impl Iterator<Item = &'n str> + Clone) -> Option<Input> {
        let all = self.is_answer && is_asked;
        if !all && (self.is_answer || takes.clone().next().is_none()) {
            return None;
        }
        let given = |name: &str| all || takes.clone().any(|taken| taken == name);
        let fields = self.plain.iter().filter(|(name, _)| given(name));
        let secrets = self.secrets.iter().filter(|(name, _)| given(name));
        let input = Input {
            fields: fields.map(|(name, value)| (name.to_string(), value.clone())).collect(),
            secrets: secrets.map(|(name, secret)| (name.to_string(), Secret::new(secret.expose()))).collect(),
        };
        (all || !input.fields.is_empty() || !input.secrets.is_empty()).then_some(input)
    }

    fn read(who: &str, ty: &Type, input: Option<Datum>) -> Result<Self, String> {
        let Kind::Record(fields) = &ty.kind else { return Err(format!("{who} takes no input")) };
        let entries = match input {
            Some(Datum::Map(entries)) => entries,
            Some(_) => return Err("it must be an object".to_owned()),
            None => Vec::new(),
        };
        if entries.iter().map(|(_, value)| size(value)).sum::<usize>() > MAX_BYTES {
            return Err(format!("it is larger than {MAX_BYTES} bytes"));
        }
        let mut submitted = Self::default();
        for (key, value) in entries {
            let Datum::Str(name) = key else { return Err("its keys must be strings".to_owned()) };
            let Some(field) = fields.iter().find(|field| *field.name == *name) else {
                return Err(format!("{who} has no input `{}`", printable(&name)));
            };
            if submitted.has(&field.name) {
                return Err(format!("`{name}` is given twice"));
            }
            if value == Datum::Null && matches!(field.ty.kind, Kind::Optional(_)) {
                continue;
            }
            let inner = field.ty.present();
            if field.ty.labels.secret || inner.labels.secret {
                let Datum::Str(text) = value else { return Err(format!("`{name}` must be a string")) };
                submitted.secrets.push((field.name.clone(), Secret::new(text.into_boxed_bytes())));
            } else {
                let value = conform(value, inner).map_err(|detail| format!("`{name}`: {detail}"))?;
                submitted.plain.push((field.name.clone(), value));
            }
        }
        match fields.iter().find(|field| !matches!(field.ty.kind, Kind::Optional(_)) && !submitted.has(&field.name)) {
            Some(missing) => Err(format!("`{}` is missing", missing.name)),
            None => Ok(submitted),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.plain.iter().any(|(known, _)| known == name) || self.secrets.iter().any(|(known, _)| known == name)
    }
}

fn size(value: &Datum) -> usize {
    match value {
        Datum::Str(text) | Datum::Type(text) => text.len(),
        Datum::Bytes(bytes) => bytes.len(),
        Datum::List(items) => items.iter().map(size).sum::<usize>() + items.len(),
        Datum::Map(entries) => {
            entries.iter().map(|(key, value)| size(key) + size(value)).sum::<usize>() + entries.len()
        }
        Datum::Optional(Some(inner)) => size(inner),
        Datum::Null
        | Datum::Bool(_)
        | Datum::Int(_)
        | Datum::Uint(_)
        | Datum::Double(_)
        | Datum::Timestamp(_)
        | Datum::Duration(_)
        | Datum::Optional(None)
        | Datum::Ip(_)
        | Datum::Cidr(_) => 8,
    }
}

/// A name from outside, fit for a message.
fn printable(name: &str) -> String {
    name.chars().take(64).map(|char| if char.is_control() { '?' } else { char }).collect()
}
