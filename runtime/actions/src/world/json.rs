//! JSON that the host has written: where its parts are, without reading them, and parts as frozen values. They are made
//! frozen: to freeze what the engine's own parser makes takes twice the time of parsing it.

use std::borrow::Cow;
use std::ops::Range;

use rquickjs::object::Property;
use rquickjs::{Array, Ctx, Error, Exception, Function, Object, Result, Value};

/// Arrays and objects within each other at most.
const DEEPEST: usize = 512;

/// A JSON text as a value, frozen all the way down.
///
/// # Errors
/// It is no JSON, or no memory is left.
pub(super) fn frozen<'js>(ctx: &Ctx<'js>, functions: &Object<'js>, text: &str) -> Result<Value<'js>> {
    let (freeze, close) = (functions.get("freeze")?, functions.get("preventExtensions")?);
    let mut maker = Maker { ctx, text, scan: Scan::of(text), freeze, close, depth: 0, failed: None };
    maker.scan.space();
    let made = maker.value();
    match (made, maker.failed) {
        (Some(value), None) => Ok(value),
        (_, Some(failed)) => Err(failed),
        (None, None) => Err(Exception::throw_syntax(ctx, "a part of the input is not JSON")),
    }
}

/// Makes values. Properties are defined, not set: no code of an Action runs.
struct Maker<'a, 'js> {
    ctx: &'a Ctx<'js>,
    text: &'a str,
    scan: Scan<'a>,
    freeze: Function<'js>,
    close: Function<'js>,
    depth: usize,
    /// What the engine said.
    failed: Option<Error>,
}

impl<'a, 'js> Maker<'a, 'js> {
    fn value(&mut self) -> Option<Value<'js>> {
        match self.scan.next()? {
            b'{' => self.nested(Self::object),
            b'[' => self.nested(Self::array),
            b'"' => {
                let start = self.scan.at;
                self.scan.string()?;
                let text = self.string(start..self.scan.at)?;
                let string = rquickjs::String::from_str(self.ctx.clone(), &text);
                self.kept(string).map(rquickjs::String::into_value)
            }
            _ => {
                let place = self.scan.value()?;
                self.plain(self.text.get(place)?)
            }
        }
    }

    fn nested(&mut self, make: fn(&mut Self) -> Option<Value<'js>>) -> Option<Value<'js>> {
        self.depth += 1;
        let made = if self.depth > DEEPEST { None } else { make(self) };
        self.depth -= 1;
        made
    }

    fn object(&mut self) -> Option<Value<'js>> {
        let object = Object::new(self.ctx.clone());
        let object = self.kept(object)?;
        self.items(b'}', |this| {
            let start = this.scan.at;
            this.scan.string()?;
            let name = this.string(start..this.scan.at)?;
            this.scan.take(b':')?;
            this.scan.space();
            let value = this.value()?;
            let defined = object.prop(&*name, Property::from(value).enumerable());
            this.kept(defined)
        })?;
        let closed = self.close.call::<_, ()>((object.clone(),));
        self.kept(closed)?;
        Some(object.into_value())
    }

    fn array(&mut self) -> Option<Value<'js>> {
        let array = Array::new(self.ctx.clone());
        let array = self.kept(array)?.into_object();
        let mut index = 0_u32;
        self.items(b']', |this| {
            let value = this.value()?;
            let defined = array.prop(index, Property::from(value).writable().enumerable().configurable());
            index = index.checked_add(1)?;
            this.kept(defined)
        })?;
        let frozen = self.freeze.call::<_, ()>((array.clone(),));
        self.kept(frozen)?;
        Some(array.into_value())
    }

    /// Calls `each` at each item of what has just been opened and ends with `end`.
    fn items(&mut self, end: u8, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.scan.at += 1;
        self.scan.space();
        if self.scan.next()? == end {
            self.scan.at += 1;
            return Some(());
        }
        loop {
            each(self)?;
            self.scan.space();
            let byte = self.scan.next()?;
            self.scan.at += 1;
            if byte == end {
                return Some(());
            }
            if byte != b',' {
                return None;
            }
            self.scan.space();
        }
    }

    fn plain(&self, text: &str) -> Option<Value<'js>> {
        let ctx = self.ctx.clone();
        Some(match text {
            "null" => Value::new_null(ctx),
            "true" => Value::new_bool(ctx, true),
            "false" => Value::new_bool(ctx, false),
            // Zero is left out for the sake of `-0`.
            _ => match text.parse::<i32>() {
                Ok(number) if number != 0 => Value::new_int(ctx, number),
                _ => Value::new_number(
                    ctx,
                    text.parse().ok().filter(|_| !text.ends_with(|last: char| last.is_alphabetic()))?,
                ),
            },
        })
    }

    /// What a string in quotes says.
    fn string(&self, place: Range<usize>) -> Option<Cow<'a, str>> {
        let text = self.text.get(place)?;
        if text.contains('\\') {
            return serde_json::from_str::<String>(text).ok().map(Into::into);
        }
        text.strip_prefix('"')?.strip_suffix('"').map(Into::into)
    }

    fn kept<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.failed = Some(error)).ok()
    }
}

/// A place in a JSON text.
pub(super) struct Scan<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// Its start.
    pub(super) fn of(text: &'a str) -> Self {
        Self { text: text.as_bytes(), at: 0 }
    }

    /// The byte at this place; none at the end.
    pub(super) fn next(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Goes past white space.
    pub(super) fn space(&mut self) {
        while self.next().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        self.space();
        if self.next()? != byte {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// An object: `each` is called behind the colon of each member, with the place of its name, and goes past its value.
    pub(super) fn members(&mut self, each: &mut dyn FnMut(&mut Self, Range<usize>) -> Option<()>) -> Option<()> {
        self.take(b'{')?;
        self.space();
        if self.next()? == b'}' {
            self.at += 1;
            return Some(());
        }
        loop {
            self.space();
            let start = self.at;
            self.string()?;
            let name = start..self.at;
            self.take(b':')?;
            self.space();
            each(self, name)?;
            self.space();
            let closes = self.next()? == b'}';
            self.take(if closes { b'}' } else { b',' })?;
            if closes {
                return Some(());
            }
        }
    }

    /// Goes past a value and gives its place.
    pub(super) fn value(&mut self) -> Option<Range<usize>> {
        let start = self.at;
        let mut depth = 0_usize;
        loop {
            match self.next() {
                Some(b'"') => {
                    self.string()?;
                    if depth == 0 {
                        break;
                    }
                    continue;
                }
                Some(b'{' | b'[') => depth += 1,
                Some(b'}' | b']') if depth > 0 => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        break;
                    }
                }
                Some(b'}' | b']' | b',') | None if depth == 0 => break,
                Some(_) => {}
                None => return None,
            }
            self.at += 1;
        }
        let text = self.text.get(start..self.at)?.trim_ascii_end();
        (!text.is_empty()).then_some(start..start + text.len())
    }

    /// Goes past a string.
    fn string(&mut self) -> Option<()> {
        self.take(b'"')?;
        loop {
            match self.next()? {
                b'"' => break,
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        Some(())
    }
}
