//! Asking on the terminal: what a flow's input declares or a challenge names, field by field; secrets without echo.

use std::io::{BufRead, IsTerminal};

use admit_compiler::render::sanitize;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_plan::bundle::Bundle;
use admit_plan::types::{Field, Kind, Type};
use serde_json::Value;

use crate::failure::Failure;
use crate::output::note;

/// A field to ask for.
struct Asked<'a> {
    name: &'a str,
    secret: bool,
    words: Vec<&'a str>,
    form: Form,
}

/// What a line that was typed is read as.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Json,
}

/// Whether there is a terminal to ask on.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The flow's input. Optional fields are left to the blocks that want them.
pub fn first(bundle: &Bundle, flow: &str) -> Result<Option<Datum>, Failure> {
    let text = |id: u32| bundle.pool.strings.get(id as usize).map_or("", |text| text.as_str());
    let Some(flow) = bundle.flows.iter().find(|known| text(known.name) == flow) else { return Ok(None) };
    let required: Vec<Asked<'_>> = fields(&flow.input)
        .iter()
        .filter(|field| !matches!(field.ty.kind, Kind::Optional(_)))
        .map(Asked::of_input)
        .collect();
    if required.is_empty() {
        return Ok(None);
    }
    ask_all(&required, false).map(|record| Some(Datum::record(record)))
}

/// The answer to a block that prompts: what its challenge wants; where that is left out, what it takes besides.
pub fn again(label: &str, challenge: &Datum, problem: Option<&str>) -> Result<Datum, Failure> {
    if let Some(problem) = problem {
        note(&format!("{}\n", sanitize::line(problem)));
    }
    let (shown, fields) = parted(challenge);
    note(&format!("{label} asks: {}\n", sanitize::line(&shown.to_string())));
    let (wanted, besides): (Vec<&Value>, Vec<&Value>) =
        fields.iter().partition(|field| field.get("required").and_then(Value::as_bool) == Some(true));
    let [wanted, besides] =
        [wanted, besides].map(|group| group.into_iter().map(Asked::of_challenge).collect::<Vec<_>>());
    let mut record = ask_all(&wanted, !besides.is_empty())?;
    if record.is_empty() {
        record = ask_all(&besides, true)?;
    }
    Ok(Datum::record(record))
}

/// What a challenge shows, and the fields that it names.
pub fn parted(challenge: &Datum) -> (Value, Vec<Value>) {
    let mut shown = json::to_json(challenge);
    let fields = shown.as_object_mut().and_then(|shown| shown.remove("fields"));
    let fields = match fields {
        Some(Value::Array(fields)) => fields,
        Some(_) | None => Vec::new(),
    };
    (shown, fields)
}

impl<'a> Asked<'a> {
    fn of_input(field: &'a Field) -> Self {
        let ty = field.ty.present();
        let (words, form) = match &ty.kind {
            Kind::Enum(words) => (words.iter().map(|word| word.as_str()).collect(), Form::Text),
            Kind::String => (Vec::new(), Form::Text),
            _ => (Vec::new(), Form::Json),
        };
        Self { name: &field.name, secret: ty.labels.secret, words, form }
    }

    fn of_challenge(field: &'a Value) -> Self {
        let text = |name: &str| field.get(name).and_then(Value::as_str).unwrap_or_default();
        let words = field.get("words").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        Self {
            name: text("name"),
            secret: field.get("secret").and_then(Value::as_bool) == Some(true),
            words: words.collect(),
            form: if text("type") == "string" { Form::Text } else { Form::Json },
        }
    }

    /// What was typed; text where it is no JSON, so that the engine says what is wrong.
    fn value(&self, text: &str) -> Datum {
        let plain = || Datum::Str(text.into());
        match self.form {
            Form::Text => plain(),
            Form::Json => json::read(text.as_bytes()).unwrap_or_else(|_| plain()),
        }
    }
}

fn fields(ty: &Type) -> &[Field] {
    match &ty.kind {
        Kind::Record(fields) => fields,
        _ => &[],
    }
}

/// Asks for each; an empty line leaves a field out that may be.
fn ask_all(fields: &[Asked<'_>], optional: bool) -> Result<Vec<(String, Datum)>, Failure> {
    let mut record = Vec::with_capacity(fields.len());
    for field in fields {
        let text = ask(field, optional)?;
        if !(text.is_empty() && optional) {
            record.push((field.name.to_owned(), field.value(&text)));
        }
    }
    Ok(record)
}

fn ask(field: &Asked<'_>, optional: bool) -> Result<String, Failure> {
    let words = if field.words.is_empty() { String::new() } else { format!(" ({})", field.words.join(", ")) };
    let name = sanitize::line(field.name).replace('_', " ");
    let question = format!("{name}{words}{}: ", if optional { " [none]" } else { "" });
    let fail = |error: std::io::Error| Failure::io("read", "the terminal", error);
    if field.secret {
        return rpassword::prompt_password(question).map_err(fail);
    }
    note(&question);
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line).map_err(fail)? == 0 {
        return Err(Failure::new("nobody answers: the terminal is closed"));
    }
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}
