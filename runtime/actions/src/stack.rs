//! Stacks in terms of the source: `action.ts:12:5 in check`. Both the stack and the source map are taken for hostile.

use admit_runtime::action::ActionCall;
use sourcemap::SourceMap;

use crate::text;

const MOST_FRAMES: usize = 10;
const LONGEST_NAME: usize = 64;
const LONGEST_LINE: usize = 256;
/// A source map at most, in bytes.
const LARGEST_MAP: usize = 4 << 20;

/// A place in a module's JavaScript, as the engine writes it: `    at check (lib/a.js:3:9)`.
struct Place<'a> {
    function: &'a str,
    path: &'a str,
    line: u32,
    column: u32,
}

/// The stack, one place a line, outermost last.
pub(crate) fn mapped(stack: &str, call: &ActionCall<'_>) -> String {
    let mut maps: Vec<Option<SourceMap>> = Vec::new();
    maps.resize_with(call.action.modules.len(), || None);
    let lines = stack.lines().take(4 * MOST_FRAMES).filter_map(|line| {
        let place = place(line)?;
        let module = call.action.modules.iter().position(|module| module.path == place.path)?;
        Some(source_place(&place, module, call, &mut maps))
    });
    lines.take(MOST_FRAMES).collect::<Vec<_>>().join("\n")
}

fn source_place(place: &Place<'_>, module: usize, call: &ActionCall<'_>, maps: &mut [Option<SourceMap>]) -> String {
    let map = maps.get_mut(module).and_then(|known| {
        if known.is_none() {
            *known = call.maps.get(module).and_then(Option::as_deref).and_then(read);
        }
        known.as_ref()
    });
    let token = map.and_then(|map| map.lookup_token(place.line.checked_sub(1)?, place.column.checked_sub(1)?));
    let found = token
        .and_then(|token| Some((token.get_source()?.to_owned(), token.get_src_line() + 1, token.get_src_col() + 1)));
    let (path, line, column) = found.unwrap_or_else(|| (place.path.to_owned(), place.line, place.column));
    let mut text = format!("{path}:{line}:{column}");
    if !place.function.is_empty() {
        text.push_str(" in ");
        text.push_str(&text::clean(place.function, LONGEST_NAME));
    }
    text::clean(&text, LONGEST_LINE)
}

fn read(map: &str) -> Option<SourceMap> {
    if map.len() > LARGEST_MAP {
        return None;
    }
    SourceMap::from_slice(map.as_bytes()).ok()
}

/// Reads `at FUNCTION (PATH:LINE:COLUMN)` and `at PATH:LINE:COLUMN`.
fn place(line: &str) -> Option<Place<'_>> {
    let rest = line.trim_start().strip_prefix("at ")?;
    let (function, at) = match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
        Some((function, at)) => (function, at),
        None => ("", rest),
    };
    let (at, column) = at.rsplit_once(':')?;
    let (path, line) = at.rsplit_once(':')?;
    let function = if matches!(function, "<anonymous>" | "<eval>") { "" } else { function };
    Some(Place { function, path, line: line.parse().ok()?, column: column.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use admit_plan::bundle::{Action, Module};
    use admit_runtime::action::Revealed;
    use admit_runtime::tenant::TenantId;

    use super::*;

    /// The stack of an Action of one module, whose map says that its first line is the third of the source.
    fn through(map: &str, stack: &str) -> String {
        let modules = vec![Module { path: "action.js".into(), code: String::new() }];
        let action = Action {
            slug: 0,
            version: 0,
            hash: Action::hash_of(&modules),
            modules,
            defaults: Vec::new(),
            fetch: Vec::new(),
            claims: Vec::new(),
            secrets: Vec::new(),
            prompts: false,
            enabled: true,
        };
        let tenant: TenantId = "cymmetri".parse().unwrap();
        let call = ActionCall {
            tenant: &tenant,
            name: "test@1.0.0",
            action: &action,
            maps: &[Some(map.to_owned())],
            input: "{}",
            fetch: &[],
            claims: &[],
            secrets: &[],
            may_demand_mfa: false,
            wall: 1,
            now: admit_eval::value::Instant { seconds: 0, nanos: 0 },
            revealed: &Revealed::default(),
            idempotency_key: "",
        };
        mapped(stack, &call)
    }

    const MAP: &str = r#"{"version":3,"sources":["action.ts"],"names":[],"mappings":"AAEA,IAAI"}"#;

    #[test]
    fn places_are_those_of_the_source() {
        let stack = "    at check (action.js:1:6)\n    at <anonymous> (action.js:1:1)\n    at native (native)\n";
        assert_eq!(through(MAP, stack), "action.ts:3:5 in check\naction.ts:3:1");
        assert_eq!(through("{}", stack), "action.js:1:6 in check\naction.js:1:1", "without a map that can be read");
    }

    #[test]
    fn hostile_stacks_and_maps_come_to_nothing() {
        for stack in [
            "at (((((((((:::::",
            "at x (action.js:0:0)",
            "at x (action.js:99999999999:1)",
            "at x (other.js:1:1)",
            "at x (../action.js:1:1)",
        ] {
            let text = through(MAP, stack);
            assert!(text.is_empty() || text == "action.js:0:0 in x", "{stack}: {text}");
        }
        let endless = "    at f (action.js:1:1)\n".repeat(100_000);
        assert_eq!(through(MAP, &endless).lines().count(), MOST_FRAMES);
        for map in ["", "[]", r#"{"version":3,"sources":[],"names":[],"mappings":"AAAA,gggggggggggggggggg"}"#, "\0"] {
            assert!(through(map, "at f (action.js:1:1)").ends_with(" in f"), "{map}");
        }
        assert_eq!(through(MAP, "at \u{1b}[2J (action.js:1:1)"), "action.ts:3:1 in \u{fffd}[2J");
    }
}
