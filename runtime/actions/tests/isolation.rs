//! What one invocation leaves behind for the next: nothing. A fingerprint of all that an Action can reach is the same
//! before and after every attempt to leave something.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests fail by panicking")]

#[path = "support/worlds.rs"]
mod support;

use admit_actions::wire::{Effects, Failure, Invocation, Limits};
use support::{EVENT, Ran, invocation, run, run_invocation, run_modules};

/// Walks everything that can be reached from the globals, `execute`'s arguments and the syntax's hidden prototypes, and
/// gives a hash of what it finds: paths, types, attributes, plain values.
const PROBE: &str = r"
let leftover = 0
export async function execute(input, api) {
  const seen = new Map()
  let hash = 0
  let count = 0
  const note = (text) => {
    count++
    for (let i = 0; i < text.length; i++) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  }
  const walk = (path, value) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return note(path + '=' + String(value))
    if (seen.has(value)) return note(path + '@' + seen.get(value))
    seen.set(value, path)
    note(path + ':' + typeof value + Object.isExtensible(value))
    if (path.length > 200) return
    for (const key of Reflect.ownKeys(value)) {
      const at = Object.getOwnPropertyDescriptor(value, key)
      const name = path + '.' + String(key)
      note(name + [at.writable, at.enumerable, at.configurable])
      for (const part of ['value', 'get', 'set']) if (part in at) walk(name + '/' + part, at[part])
    }
    walk(path + '/proto', Object.getPrototypeOf(value))
  }
  walk('globals', globalThis)
  walk('input', input)
  walk('api', api)
  walk('generator', function* () {})
  walk('async', async function () {})
  walk('async generator', async function* () {})
  walk('iterator', [][Symbol.iterator]())
  walk('string iterator', ''[Symbol.iterator]())
  walk('map iterator', new Map()[Symbol.iterator]())
  walk('set iterator', new Set()[Symbol.iterator]())
  walk('regexp iterator', 'a'.matchAll(/a/g))
  walk('error', new Error('x'))
  walk('regexp', /x/)
  walk('symbol', [Symbol.for('left'), Symbol.keyFor(Symbol.for('left'))].map(String))
  walk('clock', [Date.now(), new Date(), Math.random(), Math.random()])
  walk('module', leftover++)
  const { left, right } = (await (await api.fetch('https://a.test/')).json()) 
  walk('fetched', [left, right])
  api.state.set('print', [count, hash])
  console.log('the log is open')
}";

/// Each tries to leave something for whoever comes next.
const POISON: &[(&str, &str)] = &[
    ("a global", "globalThis.left = 'here'; globalThis.input = 1"),
    ("all globals deleted", "for (const key of Reflect.ownKeys(globalThis)) try { delete globalThis[key] } catch {}"),
    (
        "Object.prototype",
        "Object.prototype.left = 1; Object.defineProperty(Object.prototype, 'right', { get() { return 2 } })",
    ),
    ("Array.prototype", "Array.prototype.push = () => { throw 1 }; Array.prototype[3] = 'left'"),
    ("the prototype's prototype", "Object.setPrototypeOf(Array.prototype, { left: 1 })"),
    ("Function.prototype", "Function.prototype.left = 1; Function.prototype.call = () => 'left'"),
    ("Promise.prototype", "Promise.prototype.then = () => 'left'; Promise.all = null"),
    ("generators", "Object.getPrototypeOf(function* () {}).prototype.next = () => ({ done: true })"),
    ("iterators", "Object.getPrototypeOf([][Symbol.iterator]()).next = () => ({ done: true })"),
    (
        "frozen built-ins",
        "for (const name of ['Object', 'Array', 'Map', 'Promise', 'Math', 'JSON']) { Object.freeze(globalThis[name]); Object.freeze(globalThis[name].prototype ?? {}) }",
    ),
    (
        "a registered symbol",
        "globalThis[Symbol.for('left')] = 1; Object.prototype[Symbol.for('left')] = 2; Symbol.left = Symbol.for('left')",
    ),
    (
        "a well-known symbol",
        "Object.prototype[Symbol.toPrimitive] = () => 'left'; Array.prototype[Symbol.isConcatSpreadable] = false",
    ),
    ("errors", "Error.stackTraceLimit = 0; Error.prepareStackTrace = () => 'left'; Error.prototype.name = 'left'"),
    ("an error's stack", "try { null.x } catch (error) { error.left = 1; Object.getPrototypeOf(error).left = error }"),
    (
        "regular expressions",
        "RegExp.prototype.exec = () => null; /(left)/.exec('left'); RegExp.left = /x/g; RegExp.left.lastIndex = 5",
    ),
    ("the clock", "Date.now = () => 0; Date.prototype.getTime = () => 0; globalThis.Date = null"),
    ("the clock moved", "return Promise.all([1, 2, 3].map((i) => api.rateLimit('k' + i, 1, 1)))"),
    ("randomness", "for (let i = 0; i < 1000; i++) Math.random(); Math.random = () => 0.5"),
    ("JSON", "JSON.parse = JSON.stringify = () => 'left'; Object.prototype.toJSON = () => 'left'"),
    (
        "the input",
        "try { input.user.email = 'mallory@elsewhere.com' } catch {} try { event.left = 1 } catch {} try { Object.setPrototypeOf(input, { left: 1 }) } catch {}",
    ),
    (
        "the api",
        "try { api.deny = null } catch {} try { api.state.set = null } catch {} api.deny.left = 1; console.log.left = 1",
    ),
    ("pending microtasks", "const again = () => { globalThis.left = 1; queueMicrotask(again) }; queueMicrotask(again)"),
    ("pending promises", "globalThis.left = new Promise(() => {}); Promise.reject(new Error('left'))"),
    ("calls not awaited", "for (let i = 0; i < 5; i++) api.fetch('https://a.test/' + i); api.rateLimit('left', 1, 1)"),
    (
        "effects before an error",
        "api.state.set('left', 1); api.deny('left'); api.redirect('https://left.test/'); throw new Error('left')",
    ),
    ("a full log", "for (let i = 0; i < 1000; i++) console.log('left')"),
    ("a spent limit", "for (let i = 0; i < 20; i++) api.fetch('https://a.test/').catch(() => {})"),
    (
        "a secret",
        "globalThis.left = api.secrets.get('KEY'); Object.prototype.left = globalThis.left; Symbol.for(globalThis.left)",
    ),
    ("an interrupted loop", "Object.prototype.left = 1; for (;;);"),
    ("an interrupted regular expression", "Object.prototype.left = 1; /^(a+)+$/.test('a'.repeat(40) + '!')"),
    ("memory", "Object.prototype.left = []; for (;;) Object.prototype.left.push({})"),
    ("the stack", "const again = () => again() + 1; Object.prototype.left = 1; again()"),
    ("a module", "return import('./action.js').then((self) => { self.execute.left = 1 })"),
    ("classes", "class Left extends Map { get() { return 'left' } } Map.prototype.get = Left.prototype.get"),
    ("species", "Array[Symbol.species] = null; Object.defineProperty(Array, Symbol.species, { get() { return Map } })"),
    (
        "function constructors",
        "Object.getPrototypeOf(async () => {}).constructor = 'left'; Function.prototype.constructor = 'left'",
    ),
];

/// It takes long to look everywhere.
fn run_patiently(script: &str) -> Ran {
    let patient = Invocation { limits: Limits::default(), ..invocation(EVENT) };
    run_invocation(&[("action.js", script)], &patient)
}

fn print_of_a_world() -> String {
    let ran = run_patiently(PROBE);
    let effects = ran.outcome.unwrap();
    assert_eq!(ran.log.len(), 1, "{:?}", ran.log);
    effects.state.first().map(|(_, value)| value.clone()).unwrap()
}

#[test]
fn t6_nothing_that_an_invocation_does_is_seen_by_the_next() {
    let before = print_of_a_world();
    let count: u32 = before.trim_start_matches('[').split(',').next().unwrap().parse().unwrap();
    assert!(count > 3_000, "the probe sees {count} things");
    for (what, poison) in POISON {
        run(&format!("export function execute(input, api) {{\n{poison}\n}}"), EVENT).outcome.ok();
        assert_eq!(print_of_a_world(), before, "after {what}");
    }
    println!("{} ways, {count} things looked at", POISON.len());
}

#[test]
fn t6_the_probe_sees_what_an_invocation_leaves_in_its_own_world() {
    let before = print_of_a_world();
    let probe = PROBE.replace("const seen", "Object.prototype.left = 1; const seen");
    let ran = run_patiently(&probe);
    assert_ne!(ran.outcome.unwrap().state.first().unwrap().1, before);
}

#[test]
fn module_state_is_made_anew_for_every_invocation() {
    let modules = [
        (
            "action.js",
            "import { next } from './lib/count.js'\nexport function execute(input, api) { api.state.set('n', next()) }",
        ),
        ("lib/count.js", "let n = 0\nexport const next = () => ++n"),
    ];
    for _ in 0..3 {
        assert_eq!(run_modules(&modules, EVENT).outcome.unwrap().state, [("n".to_owned(), "1".to_owned())]);
    }
}

#[test]
fn the_same_invocation_gives_the_same_time_and_random_numbers() {
    let script =
        "export function execute(input, api) { api.state.set('x', [Math.random(), Math.random(), Date.now()]) }";
    let first = run(script, EVENT).outcome;
    assert!(first.is_ok());
    assert_eq!(run(script, EVENT).outcome, first);
}

#[test]
fn an_action_that_fails_wants_nothing_done() {
    let ran = run("export function execute(input, api) { api.deny('no'); throw new Error('late') }", EVENT);
    assert!(matches!(ran.outcome, Err(Failure::Threw(..))), "{:?}", ran.outcome);
    assert_eq!(run("export function execute() {}", EVENT).outcome, Ok(Effects::default()));
}
