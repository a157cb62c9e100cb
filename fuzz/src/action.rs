//! Actions that nobody would write in good faith: small programs that loop, grow, recurse and wait.

use crate::choices::Choices;
use crate::histogram;

/// How statements nest at most.
const DEPTH: usize = 3;

/// Statements that hold no others: kind and text.
const PLAIN: &[(&str, &str)] = &[
    ("endless loop", "for (;;);"),
    ("await loop", "for (;;) await 0;"),
    ("promise chain", "{ const next = () => Promise.resolve().then(next); await next(); }"),
    ("settled too often", "await Promise.race(Array.from({ length: 1e5 }, () => Promise.resolve(1)));"),
    ("never settled", "await new Promise(() => {});"),
    ("array join", "new Array(4294967295).join('');"),
    ("array reverse", "{ const a = []; a.length = 4294967295; a.reverse(); }"),
    ("array sort", "Array.from({ length: 1e6 }, (_, i) => -i).sort((a, b) => a - b);"),
    ("array growth", "{ const a = []; for (;;) a.push(a.length); }"),
    ("array concat", "{ let a = [1]; for (;;) a = a.concat(a); }"),
    ("string repeat", "'x'.repeat(1 << 29);"),
    ("string growth", "{ let s = 'x'; for (;;) s += s; }"),
    ("string search", "{ const s = 'a'.repeat(1e6); for (;;) s.indexOf('b'.repeat(1e3)); }"),
    ("string replace", "'a'.repeat(2e6).replaceAll('a', 'bb');"),
    ("string pad", "'a'.padStart(1 << 28, 'ab');"),
    ("backtracking", "/^(a+)+$/.test('a'.repeat(40) + 'b');"),
    ("regex size", "new RegExp('(a{1000}){1000}').test('a');"),
    ("recursion", "{ const f = n => f(n + 1) + 1; f(0); }"),
    ("deep json", "JSON.parse('['.repeat(1e6));"),
    ("wide json", "JSON.stringify(Array.from({ length: 1e6 }, (_, i) => ({ i })));"),
    ("bigint", "{ let n = 3n; for (;;) n *= n; }"),
    ("map growth", "{ const m = new Map(); for (;;) m.set({}, m.size); }"),
    ("typed array", "new Uint8Array(1 << 30).fill(1);"),
    ("prototype", "Object.prototype.then = r => r(1); Array.prototype.push = () => { for (;;); };"),
    ("globals", "globalThis.JSON = null; globalThis.Promise = null; globalThis.kept = 1;"),
    ("log flood", "for (let i = 0; i < 1e5; i++) console.log('x'.repeat(1e3));"),
    ("state flood", "for (let i = 0; i < 1e5; i++) api.state.set('k' + i, 'x'.repeat(1e3));"),
    ("fetch flood", "await Promise.allSettled(Array.from({ length: 1e3 }, () => api.fetch('https://a.example/')));"),
    ("secret", "await api.secrets.get('none');"),
    ("rate limit", "await api.rateLimit('k', 1, 60);"),
    ("deny", "api.deny('x'.repeat(1e5));"),
    ("thrown", "throw { get message() { for (;;); } };"),
    ("evaluated", "(0, eval)('for (;;);');"),
];

/// Ends of an Action: what it returns.
const ENDS: &[(&str, &str)] = &[
    ("continue", "return { kind: 'continue' };"),
    ("block", "return { kind: 'block', code: 'x'.repeat(1e4), reason: '\\u001b[2J' };"),
    ("unknown kind", "return { kind: 'what' };"),
    ("getter", "return { get kind() { for (;;); } };"),
    ("toJSON", "api.state.set('k', { toJSON() { for (;;); } });"),
    ("cycle", "{ const a = {}; a.a = a; api.state.set('k', a); return a; }"),
    ("thenable", "return { then(done) { done(this); } };"),
    ("nothing", ""),
];

/// Statements around others.
const AROUND: &[&str] = &["try", "finally", "loop", "function", "microtask", "condition"];

/// Every kind that [`program`] counts.
pub fn kinds() -> impl Iterator<Item = &'static str> {
    PLAIN.iter().chain(ENDS).map(|(kind, _)| *kind).chain(AROUND.iter().copied())
}

/// A program.
pub fn program(choices: &mut Choices<'_>) -> String {
    let mut body = String::new();
    for _ in 0..=choices.below(3) {
        body.push_str(&statement(choices, DEPTH));
        body.push('\n');
    }
    let end = counted(choices, ENDS);
    format!("export async function execute(input, api) {{\n{body}{end}\n}}\n")
}

fn statement(choices: &mut Choices<'_>, depth: usize) -> String {
    if depth == 0 || !choices.one_in(3) {
        return counted(choices, PLAIN).to_owned();
    }
    let kind = choices.pick(AROUND);
    histogram::count(kind);
    let inner = statement(choices, depth - 1);
    match kind {
        "try" => format!("try {{ {inner} }} catch {{ {} }}", statement(choices, depth - 1)),
        "finally" => format!("try {{ {inner} }} finally {{ {} }}", statement(choices, depth - 1)),
        "loop" => format!("for (let i = 0; i < 1e3; i++) {{ {inner} }}"),
        "function" => format!("await (async () => {{ {inner} }})();"),
        "microtask" => format!("Promise.resolve().then(async () => {{ {inner} }});"),
        _ => format!("if (Math.random() < 2) {{ {inner} }}"),
    }
}

fn counted<'t>(choices: &mut Choices<'_>, of: &[(&'t str, &'t str)]) -> &'t str {
    let Some((kind, text)) = of.get(choices.below(of.len())) else { return "" };
    histogram::count(kind);
    text
}
