//! What `execute` gets. An Action reads little of it, so the parts are read from JSON, and frozen, when they are first
//! looked at; until then they are getters, which only this file can make and nobody can replace.

use std::rc::Rc;

use rquickjs::object::{Accessor, Property};
use rquickjs::{Ctx, Exception, Function, Object, Result, Value};

use super::prelude;

/// Parts of the input, as JSON, by number.
struct Parts {
    texts: Vec<String>,
    /// Members of the event: name and number.
    event: Vec<(String, usize)>,
}

/// Makes `input`, and the globals `event` and `step`, of a JSON object with the members `trigger`, `context`, `event`,
/// `step` and `config`. Members of the event are members of the input too, unless those names are taken.
pub(super) fn install<'js>(ctx: &Ctx<'js>, json: &str) -> Result<Object<'js>> {
    let malformed = || Exception::throw_syntax(ctx, "the input is not a JSON object");
    let mut parts = Parts { texts: Vec::new(), event: Vec::new() };
    let mut top = Vec::new();
    for (name, text) in members(json).ok_or_else(malformed)? {
        if name == "event" {
            for (name, text) in members(text).ok_or_else(malformed)? {
                parts.event.push((name, parts.texts.len()));
                parts.texts.push(text.to_owned());
            }
        } else {
            top.push((name, parts.texts.len()));
            parts.texts.push(text.to_owned());
        }
    }
    let parts = Rc::new(parts);
    let input = Object::new(ctx.clone())?;
    for (name, at) in &parts.event {
        if !matches!(name.as_str(), "trigger" | "context" | "event" | "step" | "state" | "config") {
            define(ctx, &input, name, &parts, *at)?;
        }
    }
    let globals = ctx.globals();
    for (name, at) in &top {
        define(ctx, &input, name, &parts, *at)?;
        if name == "step" {
            define(ctx, &input, "state", &parts, *at)?;
            define(ctx, &globals, "step", &parts, *at)?;
        }
    }
    for object in [&input, &globals] {
        let parts = Rc::clone(&parts);
        object.prop("event", Accessor::from(move |ctx: Ctx<'js>| event(&ctx, &parts)).enumerable())?;
    }
    close(ctx, &input, "input")?;
    Ok(input)
}

/// The value of a getter of the input or the event; undefined for anything else. It runs no code of an Action.
pub(super) fn peek<'js>(ctx: &Ctx<'js>, object: Object<'js>, name: &str) -> Result<Value<'js>> {
    let read: Object = prelude::functions(ctx)?.get("read")?;
    for ours in ["input", "event"] {
        if read.get::<_, Value>(ours)? == *object.as_value() {
            return object.get(name);
        }
    }
    Ok(Value::new_undefined(ctx.clone()))
}

/// The event, made when it is first looked at.
fn event<'js>(ctx: &Ctx<'js>, parts: &Rc<Parts>) -> Result<Object<'js>> {
    let read: Object = prelude::functions(ctx)?.get("read")?;
    if let Some(event) = read.get::<_, Option<Object>>("event")? {
        return Ok(event);
    }
    let event = Object::new(ctx.clone())?;
    for (name, at) in &parts.event {
        define(ctx, &event, name, parts, *at)?;
    }
    close(ctx, &event, "event")?;
    Ok(event)
}

/// Makes an object whose properties are all final one that gets no others, and keeps it under `name`.
fn close<'js>(ctx: &Ctx<'js>, object: &Object<'js>, name: &str) -> Result<()> {
    let functions = prelude::functions(ctx)?;
    functions.get::<_, Function>("preventExtensions")?.call::<_, ()>((object.clone(),))?;
    functions.get::<_, Object>("read")?.set(name, object.clone())
}

/// A part as a member of `object`: plain values at once, others by a getter.
fn define<'js>(ctx: &Ctx<'js>, object: &Object<'js>, name: &str, parts: &Rc<Parts>, at: usize) -> Result<()> {
    let Some(text) = parts.texts.get(at) else { return Ok(()) };
    if !text.starts_with(['{', '[']) {
        return object.prop(name, Property::from(ctx.json_parse(text.as_str())?).enumerable());
    }
    let parts = Rc::clone(parts);
    object.prop(name, Accessor::from(move |ctx: Ctx<'js>| part(&ctx, &parts, at)).enumerable())
}

fn part<'js>(ctx: &Ctx<'js>, parts: &Parts, at: usize) -> Result<Value<'js>> {
    let functions = prelude::functions(ctx)?;
    let read: Object = functions.get("read")?;
    let key = u32::try_from(at).unwrap_or(u32::MAX);
    let known: Value = read.get(key)?;
    if !known.is_undefined() {
        return Ok(known);
    }
    let text = parts.texts.get(at).map_or("null", String::as_str);
    let value: Value = functions.get::<_, Function>("freezeAll")?.call((ctx.json_parse(text)?,))?;
    read.set(key, value.clone())?;
    Ok(value)
}

/// The members of a JSON object: names and the text of the values. It looks no closer: the engine's parser does.
fn members(json: &str) -> Option<Vec<(String, &str)>> {
    let mut rest = json.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let mut members = Vec::new();
    while !rest.is_empty() {
        let (name, after) = rest.split_at_checked(value_end(rest)?)?;
        let name: String = serde_json::from_str(name.trim()).ok()?;
        let after = after.trim_start().strip_prefix(':')?;
        let (value, after) = after.split_at_checked(value_end(after)?)?;
        members.push((name, value.trim()));
        rest = match after.trim_start().strip_prefix(',') {
            Some(next) => next.trim_start(),
            None if after.trim().is_empty() => "",
            None => return None,
        };
    }
    Some(members)
}

/// Where the value that `text` starts with ends: before a `,`, `:` or closing bracket that is not within it.
fn value_end(text: &str) -> Option<usize> {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            b',' | b':' if depth == 0 => return Some(at),
            _ => {}
        }
    }
    (depth == 0 && !quoted).then_some(text.len())
}
