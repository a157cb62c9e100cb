//! The functions of the `api` object and of `console`, and a few that only the prelude sees. While one of them holds a
//! borrow of the shell it calls no JavaScript.

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::rc::Rc;

use rquickjs::function::IntoJsFunc;
use rquickjs::object::Property;
use rquickjs::prelude::{Opt, Rest};
use rquickjs::{Ctx, Error, Exception, Function, Object, Promise, Result, Value};

use super::clock::Clock;
use super::input::Parts;
use super::shell::{Refused, Shell};
use super::{Bridge, input, prelude};
use crate::wire::{Ask, LogLevel, Reply};

/// What the natives share with the host's side of the world.
#[derive(Clone, Default)]
pub(super) struct Shared {
    /// The state of the invocation.
    pub(super) shell: Rc<RefCell<Shell>>,
    /// Its deadlines.
    pub(super) clock: Rc<Clock>,
    /// The time that the Action sees, in milliseconds since 1970.
    pub(super) now: Rc<Cell<f64>>,
    /// The state of `Math.random`.
    pub(super) random: Rc<Cell<u64>>,
    /// A promise was rejected that nothing handled then.
    pub(super) rejected: Rc<Cell<bool>>,
    /// Something was asked for that is not the same in every invocation: any native that an Action can call.
    pub(super) asked: Rc<Cell<bool>>,
    /// The input, in parts.
    pub(super) parts: Rc<RefCell<Parts>>,
}

/// The state of the invocation for natives: whoever looks at it has asked for something.
#[derive(Clone)]
struct Seen {
    shell: Rc<RefCell<Shell>>,
    asked: Rc<Cell<bool>>,
}

impl Seen {
    fn borrow(&self) -> Ref<'_, Shell> {
        self.asked.set(true);
        self.shell.borrow()
    }

    fn borrow_mut(&self) -> RefMut<'_, Shell> {
        self.asked.set(true);
        self.shell.borrow_mut()
    }
}

/// Makes them, as an object that only the prelude sees, and holds for as long as the world is there: each is a closure of
/// Rust, which the engine would free if an Action could let go of the last reference to it. None is made later.
pub(super) fn install<'js>(ctx: &Ctx<'js>, shared: &Shared) -> Result<Object<'js>> {
    let natives = Natives { ctx, object: Object::new(ctx.clone())?, shared };
    natives.effects()?;
    natives.log()?;
    natives.calls()?;
    natives.add("define", |object: Object<'js>, name: String, value: Value<'js>, writable: bool| {
        let property = Property::from(value);
        object.prop(name, if writable { property.writable().configurable() } else { property })
    })?;
    natives.add("peek", |ctx: Ctx<'js>, object: Object<'js>, name: String| input::peek(&ctx, object, &name))?;
    let Shared { parts, asked, .. } = shared.clone();
    natives.add("part", move |ctx: Ctx<'js>, at: usize| {
        asked.set(true);
        input::part(&ctx, &parts, at)
    })?;
    let Shared { parts, asked, .. } = shared.clone();
    natives.add("event", move |ctx: Ctx<'js>| {
        asked.set(true);
        input::event(&ctx, &parts)
    })?;
    natives.object.set("stepPart", input::STEP)?;
    let Shared { now, asked, .. } = shared.clone();
    natives.add("now", move || {
        asked.set(true);
        now.get()
    })?;
    let Shared { random, asked, .. } = shared.clone();
    natives.add("random", move || {
        asked.set(true);
        draw(&random)
    })?;
    let shell = natives.shell();
    natives.add("overflow", move |ctx: Ctx<'js>, what: String| {
        let refused = shell.borrow_mut().overflow(&format!("`{}`", start(&what)));
        Err::<(), _>(throw(&ctx, refused))
    })?;
    Ok(natives.object)
}

struct Natives<'a, 'js> {
    ctx: &'a Ctx<'js>,
    object: Object<'js>,
    shared: &'a Shared,
}

impl<'js> Natives<'_, 'js> {
    fn add<P, F>(&self, name: &str, native: F) -> Result<()>
    where
        F: IntoJsFunc<'js, P> + 'js,
    {
        self.object.set(name, Function::new(self.ctx.clone(), native)?.with_name(name)?)
    }

    fn shell(&self) -> Seen {
        let Shared { shell, asked, .. } = self.shared.clone();
        Seen { shell, asked }
    }

    fn effects(&self) -> Result<()> {
        let shell = self.shell();
        self.add("deny", move |ctx: Ctx<'js>, reason: Opt<Value<'js>>| {
            let reason = match given(reason) {
                Some(reason) => text(&ctx, Some(reason), "the reason")?,
                None => String::new(),
            };
            refuse(&ctx, shell.borrow_mut().deny(reason))
        })?;
        let shell = self.shell();
        self.add("demandMfa", move |ctx: Ctx<'js>| refuse(&ctx, shell.borrow_mut().demand_mfa()))?;
        let shell = self.shell();
        self.add("redirect", move |ctx: Ctx<'js>, url: Opt<Value<'js>>| {
            let url = text(&ctx, given(url), "the URL")?;
            refuse(&ctx, shell.borrow_mut().redirect(url))
        })?;
        let shell = self.shell();
        self.add("set", move |ctx: Ctx<'js>, key: Opt<Value<'js>>, value: Opt<Value<'js>>| {
            let key = text(&ctx, given(key), "the key")?;
            let value = json(&ctx, &shell, value, &key)?;
            refuse(&ctx, shell.borrow_mut().set_state(key, value))
        })?;
        let shell = self.shell();
        self.add("setCustomClaim", move |ctx: Ctx<'js>, name: Opt<Value<'js>>, value: Opt<Value<'js>>| {
            let name = text(&ctx, given(name), "the name of a claim")?;
            let declared = shell.borrow().may_claim(&name);
            refuse(&ctx, declared)?;
            let value = json(&ctx, &shell, value, &name)?;
            refuse(&ctx, shell.borrow_mut().set_claim(name, value))
        })?;
        let shell = self.shell();
        self.add("setAppMetadata", move |ctx: Ctx<'js>, patch: Opt<Value<'js>>| {
            let patch = json(&ctx, &shell, patch, "patch")?;
            if !patch.starts_with('{') {
                return Err(Exception::throw_type(&ctx, "the patch must be an object"));
            }
            refuse(&ctx, shell.borrow_mut().patch(patch))
        })
    }

    fn log(&self) -> Result<()> {
        let levels = [
            ("debug", LogLevel::Debug),
            ("log", LogLevel::Info),
            ("info", LogLevel::Info),
            ("warn", LogLevel::Warn),
            ("error", LogLevel::Error),
        ];
        for (name, level) in levels {
            let shell = self.shell();
            self.add(name, move |ctx: Ctx<'js>, values: Rest<Value<'js>>| log(&ctx, &shell, level, values.0))?;
        }
        let shell = self.shell();
        self.add("logAt", move |ctx: Ctx<'js>, level: Opt<Value<'js>>, values: Rest<Value<'js>>| {
            let level = match text(&ctx, given(level), "the level")?.as_str() {
                "debug" => LogLevel::Debug,
                "info" => LogLevel::Info,
                "warn" => LogLevel::Warn,
                "error" => LogLevel::Error,
                _ => return Err(Exception::throw_type(&ctx, "the level must be `debug`, `info`, `warn` or `error`")),
            };
            log(&ctx, &shell, level, values.0)
        })
    }

    fn calls(&self) -> Result<()> {
        let shell = self.shell();
        self.add("fetch", move |ctx: Ctx<'js>, url: Opt<Value<'js>>, init: Opt<Value<'js>>| {
            promised(&ctx, &shell, |ctx| {
                let url = text(ctx, given(url), "the URL")?;
                let init = init.0.unwrap_or_else(|| Value::new_undefined(ctx.clone()));
                let read: Object = prelude::call(ctx, "admit:fetch", "request", (init,))?;
                let (method, headers): (String, String) = (read.get("method")?, read.get("headers")?);
                let body: Option<String> = read.get("body")?;
                request(method, url, &headers, body).map_err(|refused| throw(ctx, refused))
            })
        })?;
        let shell = self.shell();
        let limit = move |ctx: Ctx<'js>, key: Opt<Value<'js>>, limit: Opt<Value<'js>>, window: Opt<Value<'js>>| {
            promised(&ctx, &shell, |ctx| {
                Ok(Ask::RateLimit {
                    key: text(ctx, given(key), "the key")?,
                    limit: count(ctx, given(limit), "the limit")?,
                    window: count(ctx, given(window), "the window")?,
                })
            })
        };
        self.add("rateLimit", limit)?;
        let (shell, clock) = (self.shell(), Rc::clone(&self.shared.clock));
        self.add("get", move |ctx: Ctx<'js>, name: Opt<Value<'js>>| {
            let name = text(&ctx, given(name), "the name of a secret")?;
            let host = shell.borrow().host();
            let sent = shell.borrow_mut().ask_now(Ask::Secret(name));
            let (Some(host), id) = (host, sent.map_err(|refused| throw(&ctx, refused))?) else {
                return Err(Exception::throw_message(&ctx, "no Action runs"));
            };
            await_secret(&host, &shell, &clock, id).map_err(|text| Exception::throw_message(&ctx, &text))
        })
    }
}

/// Sends what `ask` gives, and makes the promise of the answer; what it throws rejects the promise.
fn promised<'js>(ctx: &Ctx<'js>, shell: &Seen, ask: impl FnOnce(&Ctx<'js>) -> Result<Ask>) -> Result<Promise<'js>> {
    let (promise, resolve, reject) = ctx.promise()?;
    let sent = ask(ctx).and_then(|ask| {
        let sent = shell.borrow_mut().call(ask);
        sent.map_err(|refused| throw(ctx, refused))
    });
    match sent {
        Ok(id) => {
            let kit: Object = prelude::functions(ctx)?.get("kit")?;
            kit.get::<_, Object>("resolves")?.set(id, resolve)?;
            kit.get::<_, Object>("rejects")?.set(id, reject)?;
        }
        Err(Error::Exception) => reject.call::<_, ()>((ctx.catch(),))?,
        Err(other) => return Err(other),
    }
    Ok(promise)
}

fn await_secret(
    host: &RefCell<dyn Bridge>,
    shell: &Seen,
    clock: &Clock,
    id: u32,
) -> std::result::Result<String, String> {
    loop {
        let answer = host.borrow_mut().wait(clock.deadline());
        match answer {
            Some((at, Reply::Secret(secret))) if at == id => return secret,
            Some(other) => shell.borrow_mut().early.push_back(other),
            None => {
                clock.end();
                return Err("time ran out".into());
            }
        }
    }
}

fn log<'js>(ctx: &Ctx<'js>, shell: &Seen, level: LogLevel, values: Vec<Value<'js>>) -> Result<()> {
    let Some(room) = shell.borrow_mut().may_log() else { return Ok(()) };
    let plain = match values.as_slice() {
        [] => Some(String::new()),
        [only] => only.as_string().and_then(|only| only.to_string().ok()).filter(|only| only.len() <= room),
        _ => None,
    };
    let line = match plain {
        Some(line) => line,
        None => prelude::call(ctx, "admit:text", "format", (room, Rest(values)))?,
    };
    shell.borrow_mut().log(level, line);
    Ok(())
}

/// The JSON of a value that is called `path`.
fn json<'js>(ctx: &Ctx<'js>, shell: &Seen, value: Opt<Value<'js>>, path: &str) -> Result<String> {
    let room = shell.borrow().limits.output;
    let value = value.0.unwrap_or_else(|| Value::new_undefined(ctx.clone()));
    prelude::call(ctx, "admit:json", "json", (value, path, room))
}

fn request(method: String, url: String, headers: &str, body: Option<String>) -> std::result::Result<Ask, Refused> {
    match method.as_str() {
        "GET" | "HEAD" if body.is_some() => Err(Refused::Type(format!("a {method} request has no body"))),
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => {
            let mut lines = headers.split('\n');
            let mut pairs = Vec::new();
            while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            Ok(Ask::Fetch { method, url, headers: pairs, body: body.map(String::into_bytes) })
        }
        _ => Err(Refused::Type(format!("`api.fetch` knows no method `{}`", start(&method)))),
    }
}

/// An argument that is there and not undefined.
fn given(argument: Opt<Value<'_>>) -> Option<Value<'_>> {
    argument.0.filter(|value| !value.is_undefined())
}

fn text<'js>(ctx: &Ctx<'js>, value: Option<Value<'js>>, what: &str) -> Result<String> {
    let Some(text) = value.as_ref().and_then(Value::as_string) else {
        return Err(Exception::throw_type(ctx, &format!("{what} must be a string")));
    };
    text.to_string().map_err(|_| Exception::throw_type(ctx, &format!("{what} must be well-formed Unicode")))
}

fn count<'js>(ctx: &Ctx<'js>, value: Option<Value<'js>>, what: &str) -> Result<u64> {
    let number = value.as_ref().and_then(Value::as_number).unwrap_or(0.0);
    if number < 1.0 || number > f64::from(u32::MAX) || number.fract() != 0.0 {
        return Err(Exception::throw_type(ctx, &format!("{what} must be a whole number of at least 1")));
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked above")]
    Ok(number as u64)
}

/// SplitMix64, as a number from 0 to below 1.
fn draw(state: &Cell<u64>) -> f64 {
    let next = state.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    state.set(next);
    let mixed = (next ^ (next >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    let bits = ((mixed ^ (mixed >> 31)) >> 11) as f64;
    bits / 9_007_199_254_740_992.0
}

fn start(text: &str) -> &str {
    text.get(..text.floor_char_boundary(40)).unwrap_or_default()
}

fn refuse(ctx: &Ctx<'_>, done: std::result::Result<(), Refused>) -> Result<()> {
    done.map_err(|refused| throw(ctx, refused))
}

fn throw(ctx: &Ctx<'_>, refused: Refused) -> Error {
    match refused {
        Refused::Type(text) => Exception::throw_type(ctx, &text),
        Refused::Range(text) => Exception::throw_range(ctx, &text),
    }
}
