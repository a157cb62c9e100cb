//! What an Action gets, what it may give back, and what becomes of mistakes: scripts in, effects out.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "helpers of tests fail by panicking")]

#[path = "support/worlds.rs"]
mod support;

use admit_actions::wire::{Ask, Effects, Failure, LogLevel, Verdict};
use support::{EVENT, run};

const ALLOWLIST: &str = r"export async function execute(input) {
  const email = input.user?.email
  if (email?.endsWith('@cymmetri.com')) {
    return { kind: 'continue' }
  }
  return {
    kind: 'block',
    reason: 'Sign-in is restricted to Cymmetri employees.',
    code: 'domain_not_allowed',
  }
}";

#[test]
fn the_domain_allowlist_of_the_documentation_lets_its_domain_in() {
    assert_eq!(run(ALLOWLIST, EVENT).outcome, Ok(Effects::default()));
}

#[test]
fn the_domain_allowlist_of_the_documentation_blocks_others() {
    let event = EVENT.replace("@cymmetri.com", "@elsewhere.com");
    let verdict =
        Verdict::Block(Some("domain_not_allowed".into()), Some("Sign-in is restricted to Cymmetri employees.".into()));
    assert_eq!(run(ALLOWLIST, &event).outcome, Ok(Effects { verdict, ..Effects::default() }));
}

#[test]
fn an_endless_loop_ends_at_the_deadline() {
    assert_eq!(run("export function execute() { for (;;) {} }", EVENT).outcome, Err(Failure::TimedOut));
}

#[test]
fn calls_effects_and_log_lines_reach_the_host() {
    let ran = run(
        r"export async function execute(input, api) {
            const [a, b] = await Promise.all([api.fetch('https://a.test/', { method: 'post', body: 'hi' }), api.rateLimit('k', 5, 60)])
            api.state.set('key', { got: (await a.json()).got, at: Date.now(), secret: api.secrets.get('KEY'), left: b.remaining })
            console.log('user %s', input.user.id, { a: [1, 'x'] })
        }",
        EVENT,
    );
    let state = vec![("key".into(), r#"{"got":"hi","at":1700000000050,"secret":"s3cret","left":2}"#.into())];
    assert_eq!(ran.outcome, Ok(Effects { state, ..Effects::default() }));
    assert_eq!(ran.log, [(LogLevel::Info, "user usr_123 { a: [ 1, 'x' ] }".to_owned())]);
    assert_eq!(ran.asked.len(), 3);
}

/// Runs the body of an `execute(input, api)` and gives its effects.
fn effects(body: &str) -> Effects {
    run(&format!("export async function execute(input, api) {{\n{body}\n}}"), EVENT).outcome.unwrap()
}

/// Runs the body of an `execute(input, api)` and gives what it threw.
fn thrown(body: &str) -> String {
    match run(&format!("export async function execute(input, api) {{\n{body}\n}}"), EVENT).outcome {
        Err(Failure::Threw(text, _)) => text,
        other => panic!("{other:?}"),
    }
}

fn invalid(script: &str) -> String {
    match run(script, EVENT).outcome {
        Err(Failure::Invalid(text)) => text,
        other => panic!("{other:?}"),
    }
}

fn state(body: &str) -> String {
    let effects = effects(&format!("api.state.set('it', await (async () => {{ {body} }})())"));
    effects.state.into_iter().find(|(key, _)| key == "it").unwrap().1
}

#[test]
fn the_input_has_the_event_its_groups_and_what_ran() {
    assert_eq!(state("return input.trigger"), r#""login.post-auth""#);
    assert_eq!(
        state("return [input.user.id, input.event.user.id, event.user.id]"),
        r#"["usr_123","usr_123","usr_123"]"#
    );
    assert_eq!(state("return [input.state['risk-evaluate'].score, step['risk-evaluate'].score]"), "[42,42]");
    assert_eq!(
        state("return [input.config.domains[0], input.context.run, input.request.ip, input.identifier]"),
        r#"["cymmetri.com","run_1","203.0.113.9","alice@cymmetri.com"]"#
    );
    assert_eq!(state("return [api === globalThis.api, input.step === input.state]"), "[true,true]");
}

#[test]
fn the_input_is_frozen_all_the_way_down() {
    for change in [
        "input.x = 1",
        "input.user.email = ''",
        "event.user.groups.push('x')",
        "step['risk-evaluate'].score = 0",
        "input.config.domains[0] = ''",
    ] {
        assert!(thrown(change).starts_with("TypeError"), "{change}");
    }
}

#[test]
fn both_contracts_give_every_effect() {
    assert_eq!(effects("return { kind: 'continue' }"), Effects::default());
    assert_eq!(effects(""), Effects::default());
    let deny = |reason: &str| Effects { verdict: Verdict::Deny(reason.into()), ..Effects::default() };
    assert_eq!(effects("api.deny('no')"), deny("no"));
    assert_eq!(effects("api.access.deny('no')"), deny("no"));
    let mfa = Effects { demand_mfa: true, ..Effects::default() };
    assert_eq!(effects("api.demandMfa()"), mfa);
    assert_eq!(effects("return { kind: 'demand_mfa' }"), mfa);
    let redirect = Effects { redirect: Some("https://a.test/".into()), ..Effects::default() };
    assert_eq!(effects("api.redirect('https://b.test/'); api.redirect('https://a.test/')"), redirect);
    assert_eq!(effects("return { kind: 'redirect', url: 'https://a.test/' }"), redirect);
    let block = Effects { verdict: Verdict::Block(None, None), ..Effects::default() };
    assert_eq!(effects("return { kind: 'block' }"), block);
    let given = effects(
        "api.session.setCustomClaim('tier', 'a'); api.accessToken.setCustomClaim('tier', ['b', 1, null, { c: true }])
         api.user.setAppMetadata({ a: 1 }); api.user.setAppMetadata({ b: undefined })
         api.state.set('x', 1); api.state.set('y', 2); api.state.set('x', 3)",
    );
    assert_eq!(given.claims, [("tier".to_owned(), r#"["b",1,null,{"c":true}]"#.to_owned())]);
    assert_eq!(given.app_metadata, [r#"{"a":1}"#, "{}"]);
    assert_eq!(given.state, [("y".to_owned(), "2".to_owned()), ("x".to_owned(), "3".to_owned())]);
}

#[test]
fn the_first_denial_stands_and_outdoes_all_else() {
    let body = "api.deny('first'); api.deny('second'); api.demandMfa(); api.redirect('https://a.test/'); return { kind: 'block', code: 'late' }";
    assert_eq!(effects(body), Effects { verdict: Verdict::Deny("first".into()), ..Effects::default() });
    assert_eq!(effects("api.redirect('https://a.test/'); return { kind: 'block' }").redirect, None);
}

#[test]
fn the_entry_is_execute_else_the_only_function_else_the_default() {
    let deny = |script: &str| run(script, EVENT).outcome.unwrap().verdict;
    let is = |reason: &str| Verdict::Deny(reason.into());
    assert_eq!(
        deny("export default (i, api) => api.deny('d')\nexport const execute = (i, api) => api.deny('e')"),
        is("e")
    );
    assert_eq!(deny("export const handler = (i, api) => api.deny('h')\nexport const other = 1"), is("h"));
    assert_eq!(deny("export default (i, api) => api.deny('d')\nexport const help = () => 1"), is("d"));
    assert_eq!(deny("export const execute = () => globalThis.api.deny('global')"), is("global"));
    assert_eq!(invalid("export const x = 1"), "the Action exports no function: export `execute`");
    assert_eq!(
        invalid("export const a = () => 1\nexport const b = () => 2"),
        "the Action exports no function: export `execute`"
    );
}

#[test]
fn what_execute_returns_must_make_sense() {
    let of = |returned: &str| invalid(&format!("export function execute() {{ return {returned} }}"));
    let kinds = "the kinds are `continue`, `block`, `demand_mfa` and `redirect`";
    assert_eq!(of("{ kind: 'allow' }"), format!("`execute` returned kind `allow`: {kinds}"));
    assert_eq!(of("{}"), format!("what `execute` returned has no `kind`: {kinds}"));
    assert_eq!(of("null"), "`execute` must return an object with a `kind`, or nothing, not null");
    assert_eq!(of("true"), "`execute` must return an object with a `kind`, or nothing, not bool");
    assert_eq!(of("{ kind: 'block', reason: 1 }"), "`reason` of what `execute` returned must be a string");
    assert_eq!(of("{ kind: 'redirect' }"), "a redirect needs a URL");
    assert_eq!(of("new Promise(() => {})"), "the Action never settles: it waits for a promise that nothing resolves");
}

#[test]
fn what_is_not_json_is_refused_where_it_is_set() {
    for (value, says) in [
        ("undefined", "TypeError: `x` is undefined, which is not a JSON value"),
        ("() => 1", "TypeError: `x` is a function, which is not a JSON value"),
        ("{ a: [Symbol()] }", "TypeError: `x.a[0]` is a symbol, which is not a JSON value"),
        ("1n", "TypeError: `x` is a bigint, which is not a JSON value"),
        ("NaN", "TypeError: `x` is NaN, which JSON has no number for"),
        ("[-Infinity]", "TypeError: `x[0]` is -Infinity, which JSON has no number for"),
        ("new Date()", "TypeError: `x` is not a plain object"),
        ("{ m: new Map() }", "TypeError: `x.m` is not a plain object"),
        ("new (class { a = 1 })()", "TypeError: `x` is not a plain object"),
    ] {
        assert_eq!(thrown(&format!("api.state.set('x', {value})")), says);
    }
    assert_eq!(
        state(
            r#"return { a: undefined, b: [undefined, , null], c: -0, d: 'ü\u2028"', e: Object.create(null), f: 1e21 }"#
        ),
        "{\"b\":[null,null,null],\"c\":0,\"d\":\"ü\u{2028}\\\"\",\"e\":{},\"f\":1e+21}"
    );
}

#[test]
fn the_api_refuses_wrong_arguments() {
    for (call, says) in [
        ("api.deny({})", "TypeError: the reason must be a string"),
        ("api.redirect()", "TypeError: the URL must be a string"),
        ("api.redirect('')", "TypeError: a redirect needs a URL"),
        ("api.state.set(1, 1)", "TypeError: the key must be a string"),
        ("api.user.setAppMetadata([1])", "TypeError: the patch must be an object"),
        (
            "api.session.setCustomClaim('admin', 1)",
            "TypeError: claim `admin` is not declared: name it in `claims` of the Action",
        ),
        ("api.log('fatal', 'x')", "TypeError: the level must be `debug`, `info`, `warn` or `error`"),
        ("api.secrets.get('OTHER')", "Error: secret `OTHER` is not declared"),
        ("await api.rateLimit('k', 0, 1)", "TypeError: the limit must be a whole number of at least 1"),
        ("await api.rateLimit('k', 1, 1.5)", "TypeError: the window must be a whole number of at least 1"),
        ("await api.fetch()", "TypeError: the URL must be a string"),
        ("await api.fetch('https://a.test/', { method: 'TRACE' })", "TypeError: `api.fetch` knows no method `TRACE`"),
        ("await api.fetch('https://a.test/', { body: 'x' })", "TypeError: a GET request has no body"),
        (
            "await api.fetch('https://a.test/', { method: 'post', body: {} })",
            "TypeError: `body` must be a string: write objects with `JSON.stringify`",
        ),
        (
            "await api.fetch('https://a.test/', { signal: 1 })",
            "TypeError: `api.fetch` knows `method`, `headers` and `body`, not `signal`",
        ),
        ("await api.fetch('https://refused.test/')", "TypeError: `https://refused.test/` is not allowed"),
    ] {
        assert_eq!(thrown(call), says, "{call}");
    }
    let mut invocation = support::invocation(EVENT);
    invocation.may_demand_mfa = false;
    let ran =
        support::run_invocation(&[("action.js", "export const execute = () => ({ kind: 'demand_mfa' })")], &invocation);
    let says = "this Action may not demand a second factor: declare `effects prompts`";
    assert_eq!(ran.outcome, Err(Failure::Invalid(says.into())));
}

#[test]
fn fetch_sends_what_is_asked_and_gives_what_comes() {
    let ran = run(
        r"export async function execute(input, api) {
            const response = await api.fetch('https://a.test/missing', { method: 'put', headers: { 'X-A': '1', b: undefined }, body: 'ü' })
            const { status, ok, url, headers } = response
            api.state.set('it', [status, ok, url, headers.get('Content-Type'), headers.get('no'), headers.has('X-MANY'), [...headers.entries()], await response.text(), await response.json()])
          }",
        EVENT,
    );
    assert_eq!(
        ran.asked,
        [Ask::Fetch {
            method: "PUT".into(),
            url: "https://a.test/missing".into(),
            headers: vec![("X-A".into(), "1".into())],
            body: Some("ü".into()),
        }]
    );
    let value = ran.outcome.unwrap().state.remove(0).1;
    let expected = r#"[404,false,"https://a.test/missing","application/json",null,true,[["content-type","application/json"],["x-many","1, 2"]],"{\"got\":\"ü\"}",{"got":"ü"}]"#;
    assert_eq!(value, expected);
}

#[test]
fn the_clock_moves_when_the_host_is_awaited_and_only_then() {
    let body = "const times = [Date.now()]; for (let i = 0; i < 1e5; i++); times.push(new Date().getTime(), Date.parse(Date()) % 1000)
        await null; times.push(Date.now()); await api.rateLimit('k', 3, 60); times.push(Date.now()); return times.map((t) => t % 1e6)";
    assert_eq!(state(body), "[0,0,0,0,25]");
    assert_eq!(
        state("return await api.rateLimit('k', 2, 60)"),
        r#"{"allowed":false,"count":3,"remaining":0,"retryAfter":60}"#
    );
}

#[test]
fn what_is_thrown_is_told_with_where() {
    let script = "function deep() {\n  throw new TypeError('wrong', { cause: 'a reason' })\n}\nexport const execute = async () => deep()\n";
    let Err(Failure::Threw(text, stack)) = run(script, EVENT).outcome else { panic!("it ends well") };
    assert_eq!(text, "TypeError: wrong (caused by a reason)");
    assert_eq!(stack.lines().next(), Some("    at deep (action.js:2:13)"));
    assert!(stack.contains("(action.js:4:"), "{stack}");
    let Err(Failure::Threw(text, stack)) = run("export function execute() {\n  let 1x\n}", EVENT).outcome else {
        panic!("it parses")
    };
    assert!(text.starts_with("SyntaxError: ") && stack.contains("action.js:2:"), "{text} {stack}");
    let Err(Failure::Threw(_, stack)) =
        run("export function execute(input, api) {\n  api.state.set('a', 1n)\n}", EVENT).outcome
    else {
        panic!("it ends well")
    };
    assert_eq!(stack, "    at execute (action.js:2:13)\n");
    assert_eq!(thrown("throw 'text'"), "text (thrown, but not an Error)");
    assert_eq!(thrown("throw { code: 1 }"), "{ code: 1 } (thrown, but not an Error)");
    assert_eq!(thrown("class Mine extends Error { name = 'Mine' }; throw new Mine('m')"), "Mine: m");
    assert_eq!(thrown("await Promise.reject(new RangeError('r'))"), "RangeError: r");
    assert_eq!(thrown("const f = () => f() + 1; f()"), "RangeError: Maximum call stack size exceeded");
    assert_eq!(run("export const execute = () => { throw null }", EVENT).outcome, Err(Failure::OutOfMemory));
}

#[test]
fn modules_import_each_other_and_nothing_else() {
    let modules = [
        (
            "src/action.js",
            "import { a } from './lib/a.js'\nimport b from '../b.js'\nexport const execute = (input, api) => api.deny(a + b)",
        ),
        ("b.js", "export default 'b'"),
        ("src/lib/a.js", "export { a } from './../c.js'"),
        ("src/c.js", "export const a = 'a'"),
    ];
    let verdict = support::run_modules(&modules, EVENT).outcome.unwrap().verdict;
    assert_eq!(verdict, Verdict::Deny("ab".into()));
    for name in ["fs", "./no.js", "https://a.test/x.js", "/action.js", "../action.js", "admit:json"] {
        let Err(Failure::Threw(text, _)) =
            run(&format!("import '{name}'\nexport const execute = () => 1"), EVENT).outcome
        else {
            panic!("{name}")
        };
        assert!(text.contains("only the Action's own modules can be imported"), "{text}");
    }
}

#[test]
fn the_console_writes_as_node_does_on_one_line() {
    for (values, line) in [
        ("'a', 1, -0, true, null, undefined, 2n, Symbol('s')", "a 1 -0 true null undefined 2n Symbol(s)"),
        (
            "{ a: 'x', 'b-c': [1, [2, [3, [4]]]], f() {}, d: { e: { f: { g: 1 } } } }",
            "{ a: 'x', 'b-c': [ 1, [ 2, [Array] ] ], f: [Function: f], d: { e: { f: [Object] } } }",
        ),
        (
            "new Map([['k', { v: 1 }]]), new Set(), new Date(0), /a b/",
            "Map(1) { 'k' => { v: 1 } } Set(0) {} 1970-01-01T00:00:00.000Z RegExp {}",
        ),
        (
            "new (class Mine { x = 1 })(), Object.create(null), [], {}",
            "Mine { x: 1 } [Object: null prototype] {} [] {}",
        ),
        (
            "[1, , 'it\\'s'], { get a() { return 1 }, set b(x) {} }",
            "[ 1, empty, \"it's\" ] { a: [Getter], b: [Setter] }",
        ),
        ("'%s is %d%% of %j, %i', 'a', 1.5, { b: 1 }, 2.9, 'rest'", "a is 1.5% of { b: 1 }, 2 rest"),
        ("'%s'", "%s"),
        ("", ""),
    ] {
        let ran = run(&format!("export const execute = () => console.warn({values})"), EVENT);
        assert_eq!(ran.outcome, Ok(Effects::default()));
        assert_eq!(ran.log, [(LogLevel::Warn, line.to_owned())]);
    }
    let ran = run(
        "export const execute = (i, api) => { const a = []; a[0] = a; api.log('debug', a); console.error(new Error('e')) }",
        EVENT,
    );
    assert_eq!(ran.log[0], (LogLevel::Debug, "[ [Circular] ]".to_owned()));
    assert_eq!(ran.log[1], (LogLevel::Error, "Error: e\n    at execute (action.js:1:101)\n".to_owned()));
}

#[test]
fn the_log_ends_with_a_line_that_says_so() {
    let ran = run("export const execute = () => { for (let i = 0; i < 300; i++) console.log('line', i) }", EVENT);
    assert_eq!(ran.log.len(), 101);
    let says = "an Action may log 100 lines and 16384 bytes: the rest is dropped";
    assert_eq!(ran.log.last(), Some(&(LogLevel::Warn, says.to_owned())));
    let ran = run("export const execute = () => { for (let i = 0; i < 9; i++) console.log('x'.repeat(5000)) }", EVENT);
    let text: usize = ran.log.iter().take(4).map(|(_, text)| text.len()).sum();
    assert_eq!((ran.log.len(), text), (5, 16 << 10));
}

#[test]
fn limits_of_fetch_and_output_hold() {
    assert_eq!(
        thrown("for (let i = 0; i < 11; i++) await api.fetch('https://a.test/')"),
        "RangeError: an Action may call `api.fetch` 10 times"
    );
    assert_eq!(
        thrown("await api.fetch('https://a.test/', { method: 'POST', body: 'x'.repeat(3e5) })"),
        "RangeError: the body of a request may have 262144 bytes, not 300000"
    );
    assert_eq!(
        thrown("await api.fetch('https://a.test/large'); await api.fetch('https://a.test/large')"),
        "TypeError: the answers to `api.fetch` have more than 1048576 bytes together"
    );
    let ran =
        run("export const execute = (i, api) => { try { api.state.set('a', 'x'.repeat(66000)) } catch {} }", EVENT);
    assert_eq!(ran.outcome, Err(Failure::TooMuch("`a` is too much: an Action gives back at most 65536 bytes".into())));
}

#[test]
fn the_whole_input_can_be_looked_at_set_and_logged() {
    let value: serde_json::Value = serde_json::from_str(&state("return input")).unwrap();
    assert_eq!(value["event"]["user"], value["user"]);
    assert_eq!(value["state"]["risk-evaluate"]["score"], 42);
    assert_eq!(state("return JSON.parse(JSON.stringify(event)).user.groups"), r#"["staff","admins"]"#);
    let keys = r#"["identifier","request","user","trigger","context","step","state","config","event"]"#;
    assert_eq!(state("return Object.keys({ ...input })"), keys);
    assert_eq!(
        state("return [Object.isFrozen(input), Object.isFrozen(event), input.user === event.user]"),
        "[true,true,true]"
    );
    let ran = run("export const execute = (input) => console.log(input.event, step)", EVENT);
    let line = "{ identifier: 'alice@cymmetri.com', request: { ip: '203.0.113.9' }, user: { id: 'usr_123', email: 'alice@cymmetri.com', groups: [ 'staff', 'admins' ], app_metadata: { tier: 'enterprise' } } } { 'risk-evaluate': { score: 42 } }";
    assert_eq!(ran.log, [(LogLevel::Info, line.to_owned())]);
}

#[test]
fn names_in_the_event_are_only_names() {
    let event = r#"{ "__proto__": {"x": 1}, "constructor": "c", "trigger": "fake", "config": {"fake": true}, "a\"b\u0041": [ "}" , {"k": "\\\""} ], "toString": null }"#;
    let ran = run(
        "export const execute = (input, api) => api.state.set('it', [input.trigger, input.config.fake, input.__proto__, {}.x, event.config, input['a\\\"bA'], input.constructor, event.trigger, input.toString])",
        event,
    );
    let value = ran.outcome.unwrap().state.remove(0).1;
    assert_eq!(value, r#"["login.post-auth",null,{"x":1},null,{"fake":true},["}",{"k":"\\\""}],"c","fake",null]"#);
}

#[test]
fn only_known_globals_are_there() {
    let expected = "AggregateError Array AsyncDisposableStack BigInt Boolean Date DisposableStack Error EvalError Function Infinity InternalError Iterator JSON Map Math NaN Number Object Promise RangeError ReferenceError Reflect RegExp Set String SuppressedError Symbol SyntaxError TypeError URIError WeakMap WeakSet api console decodeURI decodeURIComponent encodeURI encodeURIComponent escape event globalThis isFinite isNaN parseFloat parseInt queueMicrotask step undefined unescape";
    let found = state("return Object.getOwnPropertyNames(globalThis).sort().join(' ')");
    assert_eq!(found.trim_matches('"'), expected);
}

#[test]
fn a_rejection_that_nobody_handles_is_told_in_the_log() {
    let ran = run(
        "export async function execute(input, api) {
          api.fetch('https://a.test/', { method: 'TRACE' })
          const late = Promise.reject(new Error('handled late'))
          await null
          await late.catch(() => {})
          try { await Promise.reject(1) } catch {}
        }",
        EVENT,
    );
    assert_eq!(ran.outcome, Ok(Effects::default()));
    let says = "a promise was rejected, and nothing handled it: TypeError: `api.fetch` knows no method `TRACE`";
    assert_eq!(ran.log, [(LogLevel::Error, says.to_owned())]);
    let ran = run("export const execute = () => { for (let i = 0; i < 1000; i++) Promise.reject(i) }", EVENT);
    assert_eq!((ran.outcome, ran.log.len()), (Ok(Effects::default()), 5));
}

#[test]
fn dates_are_dates() {
    let body = "class Mine extends Date { year() { return this.getUTCFullYear() } }
        const local = new Date(2024, 1, 3, 4, 5, 6, 7)
        const all = [new Date(Date.UTC(2024, 1)), new Date('2024-02-03'), new Date(5), new Date(new Date(6))]
        return [...all.map((d) => d.toISOString()), new Mine(0).year(), new Mine() instanceof Mine, new Mine() instanceof Date,
          typeof Date(), [local.getMonth(), local.getDate(), local.getHours(), local.getMilliseconds()], Date.UTC(1970, 0, 1, 0, 0, 1), new Date(0).constructor === Date]";
    let expected = r#"["2024-02-01T00:00:00.000Z","2024-02-03T00:00:00.000Z","1970-01-01T00:00:00.005Z","1970-01-01T00:00:00.006Z",1970,true,true,"string",[1,3,4,7],1000,true]"#;
    assert_eq!(state(body), expected);
}
