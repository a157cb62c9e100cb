//! What `execute` gets. An Action reads little of it, so the parts are read from JSON, and frozen, when they are first
//! looked at: until then they are getters, which only the prelude can make and nobody can replace. Which getters an input
//! has depends on the names of its parts alone, so that it can be made ahead.

use std::cell::RefCell;
use std::ops::Range;

use rquickjs::object::{AsProperty, PropertyFlags};
use rquickjs::{Ctx, Function, Object, Result, Value, qjs};

use super::json::{self, Scan};
use super::prelude;

/// Parts that have the same number in every input.
const FIXED: [&str; 4] = [r#""trigger""#, r#""context""#, r#""step""#, r#""config""#];
/// The number of the part `step`.
pub(super) const STEP: usize = 2;

/// The input, in parts by number.
#[derive(Default)]
pub(super) struct Parts {
    json: String,
    /// Where each stands in the JSON; nowhere, if it is not there.
    places: Vec<Range<usize>>,
    names: Names,
}

/// Names of parts, as JSON and in their order.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Names {
    text: String,
    /// Where each stands in the text, and its number; the event's after those beside the event.
    top: Vec<(Range<usize>, usize)>,
    event: Vec<(Range<usize>, usize)>,
}

/// A property that cannot be changed and is read by a function.
struct Getter<'js>(Function<'js>);

impl<'js> AsProperty<'js, ()> for Getter<'js> {
    fn config(self, ctx: &Ctx<'js>) -> Result<(PropertyFlags, Value<'js>, Value<'js>, Value<'js>)> {
        let flags = qjs::JS_PROP_HAS_GET | qjs::JS_PROP_HAS_ENUMERABLE | qjs::JS_PROP_ENUMERABLE;
        let undefined = || Value::new_undefined(ctx.clone());
        Ok((flags.cast_signed(), undefined(), self.0.into_value(), undefined()))
    }
}

impl Parts {
    /// The parts of a JSON object with the members `trigger`, `context`, `event`, `step` and `config`; none of what is no
    /// such object. It looks no closer: the engine's parser does.
    pub(super) fn of(json: &str) -> Option<Self> {
        let mut parts = Self { json: json.to_owned(), ..Self::default() };
        parts.places.resize(FIXED.len(), 0..0);
        let mut scan = Scan::of(json);
        scan.members(&mut |scan, name| {
            let name = json.get(name)?;
            if name == r#""event""# && scan.next() == Some(b'{') {
                return scan.members(&mut |scan, name| {
                    let place = scan.value()?;
                    let number = parts.push(place);
                    let name = parts.names.push(json.get(name)?);
                    parts.names.event.push((name, number));
                    Some(())
                });
            }
            let place = scan.value()?;
            let number = match FIXED.iter().position(|fixed| *fixed == name) {
                Some(number) => {
                    *parts.places.get_mut(number)? = place;
                    number
                }
                None => parts.push(place),
            };
            let name = parts.names.push(name);
            parts.names.top.push((name, number));
            Some(())
        })?;
        scan.space();
        scan.next().is_none().then_some(parts)
    }

    /// The names of its parts.
    pub(super) fn names(&self) -> &Names {
        &self.names
    }

    fn push(&mut self, place: Range<usize>) -> usize {
        self.places.push(place);
        self.places.len() - 1
    }

    fn text(&self, number: usize) -> Option<&str> {
        let place = self.places.get(number).filter(|place| !place.is_empty())?;
        self.json.get(place.clone())
    }
}

impl Names {
    fn push(&mut self, name: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(name);
        start..self.text.len()
    }

    /// The name of a member, unless it is one of `taken`.
    fn name(&self, place: &Range<usize>, taken: &[&str]) -> Option<String> {
        let name = self.text.get(place.clone()).and_then(|name| serde_json::from_str::<String>(name).ok());
        name.filter(|name| !taken.contains(&name.as_str()))
    }
}

/// Defines a member that is read by the getter of a part.
fn define<'js>(object: &Object<'js>, functions: &Object<'js>, name: &str, number: usize) -> Result<()> {
    let number = u32::try_from(number).unwrap_or(u32::MAX);
    let ready: Option<Function> = functions.get::<_, Object>("getters")?.get(number)?;
    let getter = match ready {
        Some(getter) => getter,
        None => functions.get::<_, Function>("getter")?.call((number,))?,
    };
    object.prop(name, Getter(getter))
}

/// Makes the input of parts with these names, for [`made`] to give. Members of the event are members of the input too,
/// unless those names are taken.
pub(super) fn make<'js>(ctx: &Ctx<'js>, names: &Names) -> Result<()> {
    let functions = prelude::functions(ctx)?;
    let input = Object::new(ctx.clone())?;
    for (place, number) in &names.event {
        if let Some(name) = names.name(place, &["trigger", "context", "event", "step", "state", "config"]) {
            define(&input, &functions, &name, *number)?;
        }
    }
    for (place, number) in &names.top {
        if let Some(name) = names.name(place, &["event", "state"]) {
            define(&input, &functions, &name, *number)?;
        }
        if *number == STEP {
            define(&input, &functions, "state", STEP)?;
        }
    }
    input.prop("event", Getter(functions.get("eventGetter")?))?;
    close(&functions, &input)?;
    functions.get::<_, Object>("read")?.set("input", input)
}

/// The input that was made.
pub(super) fn made<'js>(functions: &Object<'js>) -> Result<Object<'js>> {
    functions.get::<_, Object>("read")?.get("input")
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
pub(super) fn event<'js>(ctx: &Ctx<'js>, parts: &RefCell<Parts>) -> Result<Object<'js>> {
    let functions = prelude::functions(ctx)?;
    let event = Object::new(ctx.clone())?;
    let names = &parts.borrow().names;
    for (place, number) in &names.event {
        if let Some(name) = names.name(place, &[]) {
            define(&event, &functions, &name, *number)?;
        }
    }
    close(&functions, &event)?;
    Ok(event)
}

/// A part as a value, frozen all the way down.
pub(super) fn part<'js>(ctx: &Ctx<'js>, parts: &RefCell<Parts>, number: usize) -> Result<Value<'js>> {
    match parts.borrow().text(number) {
        Some(text) => json::frozen(ctx, &prelude::functions(ctx)?, text),
        None => Ok(Value::new_undefined(ctx.clone())),
    }
}

/// Makes an object whose properties are all final one that gets no others.
fn close<'js>(functions: &Object<'js>, object: &Object<'js>) -> Result<()> {
    functions.get::<_, Function>("preventExtensions")?.call::<_, ()>((object.clone(),))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers, names and texts of the parts.
    fn parts(json: &str) -> Option<String> {
        let parts = Parts::of(json)?;
        let show = |members: &[(Range<usize>, usize)]| {
            let texts = members.iter().map(|(name, number)| {
                format!("{number} {} {}", &parts.names.text[name.clone()], parts.text(*number).unwrap())
            });
            texts.collect::<Vec<_>>().join("; ")
        };
        Some(format!("{} | {}", show(&parts.names.top), show(&parts.names.event)))
    }

    #[test]
    fn an_input_is_taken_apart_without_being_read() {
        assert_eq!(parts("{}").unwrap(), " | ");
        assert_eq!(
            parts(r#" { "config" : {"a":[1,"}]\"{"]} , "event":{"id":"x\\","user":{"n":null}, "n": -1.5e3 },"x":[], "step":{}} "#)
                .unwrap(),
            r#"3 "config" {"a":[1,"}]\"{"]}; 7 "x" []; 2 "step" {} | 4 "id" "x\\"; 5 "user" {"n":null}; 6 "n" -1.5e3"#
        );
        assert_eq!(parts(r#"{"event":[1],"trigger":true}"#).unwrap(), r#"4 "event" [1]; 0 "trigger" true | "#);
    }

    #[test]
    fn what_is_no_object_has_no_parts() {
        for json in [
            "",
            "[]",
            "{",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{\"a\":[1}",
            "{\"a\":\"x}",
            "{} {}",
            "{\"a\" 1}",
            "{a:1}",
        ] {
            assert_eq!(parts(json), None, "{json}");
        }
    }
}
