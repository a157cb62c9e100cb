//! Asking on the terminal: what a flow's input or a block's prompt declares, field by field; secrets without echo.

use std::io::{BufRead, IsTerminal};

use admit_compiler::render::sanitize;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_plan::bundle::Bundle;
use admit_plan::types::{Field, Kind, Type};
use admit_runtime::trace::Trace;

use crate::failure::Failure;
use crate::output::note;

/// Whether there is a terminal to ask on.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// The flow's input. Optional fields are left to the blocks that want them.
pub fn first(bundle: &Bundle, flow: &str) -> Result<Option<Datum>, Failure> {
    let text = |id: u32| bundle.pool.strings.get(id as usize).map_or("", |text| text.as_str());
    let Some(flow) = bundle.flows.iter().find(|known| text(known.name) == flow) else { return Ok(None) };
    let required: Vec<&Field> =
        fields(&flow.input).iter().filter(|field| !matches!(field.ty.kind, Kind::Optional(_))).collect();
    if required.is_empty() {
        return Ok(None);
    }
    ask_all(&required).map(Some)
}

/// The answer to a block that prompts.
pub fn again(
    bundle: &Bundle,
    trace: &Trace,
    label: &str,
    challenge: &Datum,
    problem: Option<&str>,
) -> Result<Datum, Failure> {
    if let Some(problem) = problem {
        note(&format!("{}\n", sanitize::line(problem)));
    }
    note(&format!("{label} asks: {}\n", sanitize::line(&json::to_json(challenge).to_string())));
    let block = trace.ran().filter(|(known, _)| *known == label).map(|(_, block)| block.clone()).last();
    let text = |id: u32| bundle.pool.strings.get(id as usize).map_or("", |text| text.as_str());
    let prompt = block.and_then(|name| bundle.blocks.iter().find(|known| text(known.name) == name));
    let prompt = prompt.and_then(|block| block.prompt.as_ref());
    let wanted: Vec<&Field> = prompt.map(|prompt| fields(prompt).iter().collect()).unwrap_or_default();
    ask_prompt(&wanted)
}

/// Where a prompt can be answered in several ways, the first secret is what it mostly wants: everything else is asked for
/// only if that is left out.
fn ask_prompt(fields: &[&Field]) -> Result<Datum, Failure> {
    let is_optional = |field: &&Field| matches!(field.ty.kind, Kind::Optional(_));
    let first = fields.iter().copied().find(|field| field.ty.present().labels.secret);
    let (true, Some(first)) = (fields.iter().all(is_optional), first) else { return ask_all(fields) };
    let text = ask(&first.name, first.ty.present(), true)?;
    if !text.is_empty() {
        return Ok(Datum::record([(first.name.to_string(), value(&text, first.ty.present()))]));
    }
    let others: Vec<&Field> = fields.iter().copied().filter(|field| field.name != first.name).collect();
    ask_all(&others)
}

fn fields(ty: &Type) -> &[Field] {
    match &ty.kind {
        Kind::Record(fields) => fields,
        _ => &[],
    }
}

fn ask_all(fields: &[&Field]) -> Result<Datum, Failure> {
    let mut record = Vec::with_capacity(fields.len());
    for field in fields {
        let is_optional = matches!(field.ty.kind, Kind::Optional(_));
        let inner = field.ty.present();
        let text = ask(&field.name, inner, is_optional)?;
        if text.is_empty() && is_optional {
            continue;
        }
        record.push((field.name.to_string(), value(&text, inner)));
    }
    Ok(Datum::record(record))
}

fn ask(name: &str, ty: &Type, is_optional: bool) -> Result<String, Failure> {
    let words = match &ty.kind {
        Kind::Enum(words) => format!(" ({})", words.join(", ")),
        _ => String::new(),
    };
    let question = format!("{}{words}{}: ", name.replace('_', " "), if is_optional { " [none]" } else { "" });
    let fail = |error: std::io::Error| Failure::io("read", "the terminal", error);
    if ty.labels.secret {
        return rpassword::prompt_password(question).map_err(fail);
    }
    note(&question);
    let mut line = String::new();
    if std::io::stdin().lock().read_line(&mut line).map_err(fail)? == 0 {
        return Err(Failure::new("nobody answers: the terminal is closed"));
    }
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

/// What was typed, as the type wants it; text where it does not fit, so that the engine says what is wrong.
fn value(text: &str, ty: &Type) -> Datum {
    let plain = || Datum::Str(text.into());
    match &ty.kind {
        Kind::Bool => text.parse().map_or_else(|_| plain(), Datum::Bool),
        Kind::Int(_) => text.parse().map_or_else(|_| plain(), Datum::Int),
        Kind::Uint(_) => text.parse().map_or_else(|_| plain(), Datum::Uint),
        Kind::Double(_) => text.parse().map_or_else(|_| plain(), Datum::Double),
        _ => plain(),
    }
}
