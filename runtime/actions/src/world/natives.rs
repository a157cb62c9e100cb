//! The host's functions that the prelude calls. None of them calls JavaScript; arguments are what the prelude has checked.

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::prelude::Opt;
use rquickjs::{Ctx, Error, Exception, Function, Object, Result};

use super::clock::Clock;
use super::shell::{Ended, Refused, Shell};
use crate::wire::{Ask, Failure, LogLevel, Reply};

type Shared = Rc<RefCell<Shell>>;

/// Makes them, as an object that only the prelude sees.
pub(super) fn install<'js>(ctx: &Ctx<'js>, shell: &Shared, clock: &Rc<Clock>) -> Result<Object<'js>> {
    let natives = Object::new(ctx.clone())?;
    let own = || Rc::clone(shell);

    let shell = own();
    let effect = move |ctx: Ctx<'js>, kind: u32, first: Opt<Option<String>>, second: Opt<Option<String>>| {
        apply(&mut shell.borrow_mut(), kind, first.0.flatten(), second.0.flatten())
            .map_err(|refused| throw(&ctx, refused))
    };
    natives.set("effect", Function::new(ctx.clone(), effect)?)?;

    let shell = own();
    let overflow = move |ctx: Ctx<'js>, what: String| {
        let refused = shell.borrow_mut().overflow(&format!("`{}`", start(&what)));
        Err::<(), _>(throw(&ctx, refused))
    };
    natives.set("overflow", Function::new(ctx.clone(), overflow)?)?;

    let shell = own();
    let invalid = move |ctx: Ctx<'js>, text: String| {
        shell.borrow_mut().fail(Failure::Invalid(text.clone()));
        Err::<(), _>(throw(&ctx, Refused::Type(text)))
    };
    natives.set("invalid", Function::new(ctx.clone(), invalid)?)?;

    let shell = own();
    natives.set("done", Function::new(ctx.clone(), move || shell.borrow_mut().ended = Some(Ended::Well))?)?;

    let shell = own();
    let failed = move |text: String, stack: String, null: bool| {
        shell.borrow_mut().ended = Some(Ended::Threw(text, stack, null));
    };
    natives.set("failed", Function::new(ctx.clone(), failed)?)?;

    let shell = own();
    natives.set("mayLog", Function::new(ctx.clone(), move || shell.borrow_mut().may_log())?)?;

    let shell = own();
    let log = move |level: u32, text: String| shell.borrow_mut().log(level_of(level), text);
    natives.set("log", Function::new(ctx.clone(), log)?)?;

    let shell = own();
    let fetch = move |ctx: Ctx<'js>, method: String, url: String, headers: String, body: Opt<Option<String>>| {
        let ask = request(method, url, &headers, body.0.flatten().map(String::into_bytes))
            .and_then(|ask| shell.borrow_mut().call(ask));
        ask.map_err(|refused| throw(&ctx, refused))
    };
    natives.set("fetch", Function::new(ctx.clone(), fetch)?)?;

    let shell = own();
    let rate = move |ctx: Ctx<'js>, key: String, limit: f64, window: f64| {
        let ask = Ask::RateLimit { key, limit: whole(limit), window: whole(window) };
        let asked = shell.borrow_mut().call(ask);
        asked.map_err(|refused| throw(&ctx, refused))
    };
    natives.set("rate", Function::new(ctx.clone(), rate)?)?;

    let shell = own();
    let clock = Rc::clone(clock);
    let secret = move |ctx: Ctx<'js>, name: String| {
        read_secret(&shell, &clock, name).map_err(|text| Exception::throw_message(&ctx, &text))
    };
    natives.set("secret", Function::new(ctx.clone(), secret)?)?;
    Ok(natives)
}

/// The effects, numbered as in `api.js`.
fn apply(
    shell: &mut Shell,
    kind: u32,
    first: Option<String>,
    second: Option<String>,
) -> std::result::Result<(), Refused> {
    match kind {
        1 => shell.deny(first.unwrap_or_default()),
        2 => shell.block(first, second),
        3 => shell.demand_mfa(),
        4 => shell.redirect(first.unwrap_or_default()),
        5 => shell.set_state(first.unwrap_or_default(), second.unwrap_or_default()),
        6 => shell.set_claim(first.unwrap_or_default(), second.unwrap_or_default()),
        7 => shell.patch(first.unwrap_or_default()),
        _ => Err(Refused::Type("no such effect".into())),
    }
}

fn read_secret(shell: &Shared, clock: &Clock, name: String) -> std::result::Result<String, String> {
    let host = shell.borrow().host().ok_or("no Action runs")?;
    let id = shell.borrow_mut().send(Ask::Secret(name));
    loop {
        // The borrow of the host ends before the shell's begins.
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

fn request(method: String, url: String, headers: &str, body: Option<Vec<u8>>) -> std::result::Result<Ask, Refused> {
    match method.as_str() {
        "GET" | "HEAD" if body.is_some() => Err(Refused::Type(format!("a {method} request has no body"))),
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" => {
            let mut lines = headers.lines();
            let mut pairs = Vec::new();
            while let (Some(name), Some(value)) = (lines.next(), lines.next()) {
                pairs.push((name.to_owned(), value.to_owned()));
            }
            Ok(Ask::Fetch { method, url, headers: pairs, body })
        }
        _ => Err(Refused::Type(format!("`api.fetch` knows no method `{}`", start(&method)))),
    }
}

fn level_of(level: u32) -> LogLevel {
    match level {
        0 => LogLevel::Debug,
        2 => LogLevel::Warn,
        3 => LogLevel::Error,
        _ => LogLevel::Info,
    }
}

/// The prelude has checked that it is one.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
fn whole(number: f64) -> u64 {
    number as u64
}

fn start(text: &str) -> &str {
    text.get(..text.floor_char_boundary(40)).unwrap_or_default()
}

fn throw(ctx: &Ctx<'_>, refused: Refused) -> Error {
    match refused {
        Refused::Type(text) => Exception::throw_type(ctx, &text),
        Refused::Range(text) => Exception::throw_range(ctx, &text),
    }
}
