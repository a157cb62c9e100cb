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
