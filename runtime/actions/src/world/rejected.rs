//! Promises that were rejected and that nobody looked at: the log tells of them, because nothing else does.

use std::cell::RefCell;

use rquickjs::{Ctx, Object, Result, Value};

use super::prelude;
use super::shell::Shell;
use crate::wire::LogLevel;

/// As many are kept: the first tell enough.
const MOST: u32 = 5;

/// What the engine calls when a promise is rejected that nothing handles, and again when something does after all.
pub(super) fn track<'js>(ctx: Ctx<'js>, promise: Value<'js>, reason: Value<'js>, is_handled: bool) {
    if keep(&ctx, &promise, reason, is_handled).is_err() {
        // There is no memory to keep it. What the engine was doing goes on without an error of ours.
        ctx.catch();
    }
}

/// Tells the log of those that are left.
///
/// # Errors
/// Memory or time ran out.
pub(super) fn report(ctx: &Ctx<'_>, shell: &RefCell<Shell>) -> Result<()> {
    let rejected: Object = prelude::functions(ctx)?.get("rejected")?;
    for slot in 0..MOST {
        let Some(entry) = rejected.get::<_, Option<Object>>(slot)? else { continue };
        let described: Object = prelude::call(ctx, "admit:text", "describe", (entry.get::<_, Value>("reason")?,))?;
        let text: String = described.get("text")?;
        shell.borrow_mut().log(LogLevel::Error, format!("a promise was rejected, and nothing handled it: {text}"));
    }
    Ok(())
}

fn keep<'js>(ctx: &Ctx<'js>, promise: &Value<'js>, reason: Value<'js>, is_handled: bool) -> Result<()> {
    let rejected: Object = prelude::functions(ctx)?.get("rejected")?;
    for slot in 0..MOST {
        let entry: Option<Object> = rejected.get(slot)?;
        match entry {
            Some(entry) if is_handled && entry.get::<_, Value>("promise")? == *promise => return rejected.remove(slot),
            None if !is_handled => {
                let entry = Object::new_proto(ctx.clone(), None)?;
                entry.set("promise", promise.clone())?;
                entry.set("reason", reason)?;
                return rejected.set(slot, entry);
            }
            Some(_) | None => {}
        }
    }
    Ok(())
}
