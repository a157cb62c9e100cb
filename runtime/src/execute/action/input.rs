//! What an Action is given, as JSON: the event written anew from its declared type, never the caller's bytes; the outputs
//! of the steps that have run; its config.
//!
//! Integers are JSON numbers, also beyond 2^53, where JavaScript rounds them: no declared field counts that far, and a
//! number that is sometimes a string would have no type. Times and durations are strings, as in all JSON of ours.

use admit_eval::coerce::coerce_lenient;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_eval::value::Value;
use admit_plan::bundle::NodeKind;
use admit_plan::types::{Field, Kind, Type};
use bumpalo::Bump;
use smol_str::SmolStr;
use zeroize::{Zeroize, Zeroizing};

use crate::engine::Engine;
use crate::event::RUNTIME_GROUPS;
use crate::execute::slots;
use crate::expression::from_json;
use crate::host::Secret;
use crate::state::{Kept, Run, field};
use crate::trace::has_secrets;

/// What `input.context` holds.
pub(in crate::execute) struct Context<'a> {
    pub flow: &'a str,
    pub run_id: &'a str,
    pub tenant: &'a str,
    pub label: &'a str,
    /// 1 first.
    pub attempt: u32,
    pub idempotency_key: &'a str,
    pub now: admit_eval::value::Instant,
    pub is_async: bool,
}

/// The whole input. `event` and `step` are JSON objects.
pub(super) fn input(
    trigger: &str,
    context: &Context<'_>,
    (event, step): (&str, &str),
    config: &Datum,
    secrets: &[(String, Secret)],
) -> Zeroizing<String> {
    let config = &known(config);
    let secret_bytes: usize = secrets.iter().map(|(path, secret)| path.len() + 6 * secret.expose().len()).sum();
    // Room for all of it: growing would leave a copy of a secret behind that nobody wipes.
    let mut plain = String::new();
    json::write(config.borrow(&Bump::new()), &mut plain);
    let room = 1024 + event.len() + step.len() + 2 * plain.len() + secret_bytes;
    let mut text = Zeroizing::new(String::with_capacity(room));
    text.push_str("{\"trigger\":");
    json::string(trigger, &mut text);
    text.push_str(",\"context\":{");
    for (name, value) in [
        ("flow", context.flow),
        ("run_id", context.run_id),
        ("tenant", context.tenant),
        ("label", context.label),
        ("idempotency_key", context.idempotency_key),
    ] {
        json::string(name, &mut text);
        text.push(':');
        json::string(value, &mut text);
        text.push(',');
    }
    text.push_str("\"attempt\":");
    json::write(Value::Uint(context.attempt.into()), &mut text);
    text.push_str(",\"now\":");
    json::write(Value::Timestamp(context.now), &mut text);
    text.push_str(if context.is_async { ",\"is_async\":true}" } else { ",\"is_async\":false}" });
    text.push_str(",\"event\":");
    text.push_str(event);
    text.push_str(",\"step\":");
    text.push_str(step);
    text.push_str(",\"config\":");
    if secrets.is_empty() {
        text.push_str(&plain)
    } else {
        with_secrets(config, "", secrets, &mut text)
    }
    text.push('}');
    text
}

/// The event: only what is declared. What the runtime sets is as it stands; flags are false and lists and maps empty where
/// nobody says otherwise; everything else that is not there is left out.
///
/// # Errors
/// A field of the caller's that is not of its declared type: what an Action takes for granted must hold.
pub(super) fn event(engine: &Engine, run: &Run) -> Result<String, String> {
    let mut text = String::with_capacity(2 * run.event.len() + 512);
    let Some(Kind::Record(groups)) = engine.bundle.event.as_ref().map(|event| &event.kind) else {
        return Ok("{}".to_owned());
    };
    let tree = run.tree.get_or_init(|| from_json(&run.event)).as_ref();
    text.push('{');
    for group in groups.iter() {
        let name = group.name.as_str();
        let path = [group.name.clone()];
        let is_runtime = RUNTIME_GROUPS.contains(&name);
        let known = slots::known(run, &path);
        let given = if is_runtime { None } else { tree.and_then(|tree| field(tree, name)) };
        if name == "user" && known.is_none() {
            continue;
        }
        let set = run.groups.others.iter().filter(|(path, _)| path.first().is_some_and(|first| first == name));
        let mut patched = None;
        for (path, value) in set {
            let base = patched.take().or_else(|| given.cloned()).unwrap_or_else(|| Datum::Map(Vec::new()));
            patched = Some(put(base, path.get(1..).unwrap_or_default(), value));
        }
        let value = patched.as_ref().or(known.as_ref()).or(given);
        entry(&mut text, name, |text| declared(&group.ty, value, is_runtime, name, text))?;
    }
    close(&mut text, '}');
    Ok(text)
}

/// Outputs of the steps that have run, by label: of the flow that this node stands in, since a custom flow has names of
/// its own. Fields that are or hold secrets are left out.
pub(super) fn steps(engine: &Engine, run: &Run, node: u32) -> String {
    let mut text = "{".to_owned();
    let (Some(flow), Some(table)) = (engine.bundle.flows.get(run.flow), engine.flows.get(run.flow)) else {
        return "{}".to_owned();
    };
    let scope = table.scope(node);
    let mut seen: Vec<(&SmolStr, usize)> = Vec::new();
    for (id, step) in (0..).zip(&flow.nodes) {
        let Some(kept) = run.kept(id).filter(|_| table.scope(id) == scope) else { continue };
        let label = engine.text(step.label);
        // Default labels may repeat: the last one that ran counts, as in expectations of tests.
        if let Some(at) = seen.iter().position(|(known, _)| *known == label) {
            let (_, start) = seen.remove(at);
            cut(&mut text, &mut seen, start);
        }
        let start = text.len();
        json::string(label, &mut text);
        text.push(':');
        match (kept, &step.kind) {
            (Kept::Branch(name), _) => {
                text.push_str("{\"branch\":");
                json::string(engine.text(*name), &mut text);
                text.push('}');
            }
            (Kept::Conditions(values), NodeKind::Condition { fields }) => {
                text.push('{');
                let named = fields.iter().map(|(name, _)| engine.text(*name).as_str()).zip(values.iter().copied());
                let all = ("all", values.iter().all(|value| *value));
                for (name, value) in named.chain([all, ("any", values.iter().any(|value| *value))]) {
                    json::string(name, &mut text);
                    text.push_str(if value { ":true," } else { ":false," });
                }
                close(&mut text, '}');
            }
            (Kept::Conditions(_), _) => text.push_str("{}"),
            (Kept::Output(record), NodeKind::Block(block)) => {
                let ty = engine.block_type(block.block).map(|block| &block.output);
                match ty {
                    Some(ty) => without_secrets(ty, &record.0, &mut text),
                    None => text.push_str("{}"),
                }
            }
            (Kept::Output(_), _) => text.push_str("{}"),
        }
        text.push(',');
        seen.push((label, start));
    }
    close(&mut text, '}');
    text
}

/// Takes out the entry that begins at `start` and ends where the next one begins.
fn cut(text: &mut String, seen: &mut [(&SmolStr, usize)], start: usize) {
    let end = seen.iter().map(|(_, at)| *at).filter(|at| *at > start).min().unwrap_or(text.len());
    text.replace_range(start..end, "");
    for (_, at) in seen.iter_mut().filter(|(_, at)| *at > start) {
        *at -= end - start;
    }
}

/// Writes `"name":value,` where there is a value, else nothing.
fn entry(text: &mut String, name: &str, write: impl FnOnce(&mut String) -> Result<bool, String>) -> Result<(), String> {
    let start = text.len();
    json::string(name, text);
    text.push(':');
    if write(text)? {
        text.push(',')
    } else {
        text.truncate(start)
    }
    Ok(())
}

/// Ends an object or array whose entries each end in a comma.
fn close(text: &mut String, end: char) {
    if text.ends_with(',') {
        text.pop();
    }
    text.push(end);
}

/// A value of a declared type; false if there is none to write.
fn declared(ty: &Type, value: Option<&Datum>, is_runtime: bool, path: &str, text: &mut String) -> Result<bool, String> {
    if ty.labels.secret {
        return Ok(false);
    }
    let value = match value {
        None | Some(Datum::Null | Datum::Optional(None)) => None,
        Some(Datum::Optional(Some(inner))) => Some(&**inner),
        Some(value) => Some(value),
    };
    match (&ty.kind, value) {
        (Kind::Optional(_), None) => Ok(false),
        (Kind::Optional(inner), value) => declared(inner, value, is_runtime, path, text),
        (Kind::Record(fields), None) => fields_of(fields, &Datum::Null, is_runtime, path, text),
        (Kind::Record(fields), Some(record @ Datum::Map(_))) => fields_of(fields, record, is_runtime, path, text),
        (_, None) => Ok(missing(ty, text)),
        (_, Some(value)) => match coerce_lenient(ty, value.clone()) {
            Ok(value) => {
                json::write(value.borrow(&Bump::new()), text);
                Ok(true)
            }
            // As in expressions: what of the store does not fit is not there.
            Err(_) if is_runtime => Ok(missing(ty, text)),
            // The value may be personal: only its place is told.
            Err(_) => Err(format!("`event.{path}` is not of its declared type")),
        },
    }
}

fn fields_of(
    fields: &[Field],
    record: &Datum,
    is_runtime: bool,
    path: &str,
    text: &mut String,
) -> Result<bool, String> {
    text.push('{');
    for declared_field in fields {
        let name = declared_field.name.as_str();
        let below = format!("{path}.{name}");
        let value = field(record, name);
        entry(text, name, |text| declared(&declared_field.ty, value, is_runtime, &below, text))?;
    }
    close(text, '}');
    Ok(true)
}

/// What stands for a value that is not there, by its type; false if nothing does.
fn missing(ty: &Type, text: &mut String) -> bool {
    match crate::event::empty(ty) {
        Some(value) => {
            json::write(value, text);
            true
        }
        None => false,
    }
}

/// A record with a value put at a path.
fn put(record: Datum, path: &[SmolStr], value: &Datum) -> Datum {
    let Some((first, rest)) = path.split_first() else { return value.clone() };
    let mut entries = match record {
        Datum::Map(entries) => entries,
        _ => Vec::new(),
    };
    match entries.iter_mut().find(|(key, _)| key.as_str() == Some(first.as_str())) {
        Some((_, place)) => *place = put(std::mem::replace(place, Datum::Null), rest, value),
        None => entries.push((Datum::Str(first.as_str().into()), put(Datum::Null, rest, value))),
    }
    Datum::Map(entries)
}

/// A value without the fields that are secret.
fn without_secrets(ty: &Type, value: &Datum, text: &mut String) {
    if !has_secrets(ty) {
        return json::write(value.borrow(&Bump::new()), text);
    }
    match (&ty.kind, value) {
        (Kind::Record(fields), Datum::Map(entries)) => {
            text.push('{');
            for (key, value) in entries {
                let Some(name) = key.as_str() else { continue };
                let Some(field) = fields.iter().find(|field| field.name == name) else { continue };
                if field.ty.labels.secret || field.ty.present().labels.secret {
                    continue;
                }
                json::string(name, text);
                text.push(':');
                without_secrets(field.ty.present(), value, text);
                text.push(',');
            }
            close(text, '}');
        }
        // A list or map of secrets: nothing of it is given.
        _ => text.push_str("null"),
    }
}

/// A config without the fields that have no value: what is unknown is absent, as in the event, never null.
fn known(config: &Datum) -> Datum {
    match config {
        Datum::Map(entries) => {
            let given = entries.iter().filter(|(_, value)| !matches!(value, Datum::Optional(None)));
            Datum::Map(given.map(|(key, value)| (key.clone(), known(value))).collect())
        }
        Datum::List(items) => Datum::List(items.iter().map(known).collect()),
        Datum::Optional(Some(inner)) => known(inner),
        other => other.clone(),
    }
}

/// A config with its secrets in their places. They reach an Action only where its declaration labels the field so: the
/// checker lets a secret into no other.
fn with_secrets(config: &Datum, prefix: &str, secrets: &[(String, Secret)], text: &mut String) {
    let Datum::Map(entries) = config else { return json::write(config.borrow(&Bump::new()), text) };
    text.push('{');
    for (key, value) in entries {
        let Some(name) = key.as_str() else { continue };
        json::string(name, text);
        text.push(':');
        let below = format!("{prefix}{name}.");
        if secrets.iter().any(|(path, _)| path.starts_with(&below)) {
            with_secrets(value, &below, secrets, text);
        } else {
            json::write(value.borrow(&Bump::new()), text);
        }
        text.push(',');
    }
    for (path, secret) in secrets {
        let Some(name) = path.strip_prefix(prefix).filter(|rest| !rest.contains('.')) else { continue };
        json::string(name, text);
        text.push(':');
        // Bytes that are no text have no string in JavaScript; they come as what UTF-8 makes of them.
        let mut value = String::from_utf8_lossy(secret.expose()).into_owned();
        json::string(&value, text);
        value.zeroize();
        text.push(',');
    }
    close(text, '}');
}
