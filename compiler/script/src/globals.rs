//! The names that every module of an Action sees, and advice where it takes another for granted.

/// Built-ins of the language, and what the runtime adds.
const GLOBALS: &[&str] = &[
    "AggregateError",
    "Array",
    "ArrayBuffer",
    "BigInt",
    "BigInt64Array",
    "BigUint64Array",
    "Boolean",
    "DataView",
    "Date",
    "Error",
    "EvalError",
    "Float32Array",
    "Float64Array",
    "Infinity",
    "Int16Array",
    "Int32Array",
    "Int8Array",
    "Iterator",
    "JSON",
    "Map",
    "Math",
    "NaN",
    "Number",
    "Object",
    "Promise",
    "RangeError",
    "ReferenceError",
    "Reflect",
    "RegExp",
    "Set",
    "String",
    "Symbol",
    "SyntaxError",
    "TypeError",
    "URIError",
    "Uint16Array",
    "Uint32Array",
    "Uint8Array",
    "Uint8ClampedArray",
    "WeakMap",
    "WeakSet",
    "api",
    "arguments",
    "console",
    "decodeURI",
    "decodeURIComponent",
    "encodeURI",
    "encodeURIComponent",
    "event",
    "globalThis",
    "isFinite",
    "isNaN",
    "parseFloat",
    "parseInt",
    "step",
    "undefined",
];

/// Whether an Action sees the name.
pub(crate) fn is_known(name: &str) -> bool {
    GLOBALS.contains(&name)
}

/// What to do instead of a name that is not there.
pub(crate) fn instead(name: &str) -> Option<&'static str> {
    Some(match name {
        "eval" | "Function" => "an Action runs no code that is made while it runs: write the code itself",
        "fetch" | "XMLHttpRequest" | "WebSocket" => "call `api.fetch`, and declare the host under `fetch`",
        "setTimeout" | "setInterval" | "setImmediate" | "requestAnimationFrame" => {
            "an Action has no timers: await what you wait for"
        }
        "module" | "exports" => "Actions are ES modules: write `export async function execute(input) { ... }`",
        "process" | "Deno" | "Bun" => {
            "an Action has no environment: take values from its config, and secrets from `api.secrets`"
        }
        "window" | "document" | "self" | "global" => {
            "an Action runs neither in a browser nor in Node.js; `globalThis` is there"
        }
        "Proxy" | "WeakRef" | "FinalizationRegistry" | "SharedArrayBuffer" | "Atomics" | "WebAssembly" => {
            "the sandbox leaves it out"
        }
        _ => return None,
    })
}
