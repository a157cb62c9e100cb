//! Limits: what an Action may use, and what is said when it is over.

use std::time::{Duration, Instant};

use admit_actions::Options;
use admit_actions::wire::Limits;
use admit_runtime::action::ActionError;

use crate::support::{Bench, MARGIN, NOTHING, options};

fn bench(limits: Limits) -> Bench {
    let bench = Bench::new(Options { limits, ..options() });
    Bench { wall: 300, ..bench }
}

#[tokio::test]
async fn time_is_up_whether_code_runs_waits_or_loops_inside_the_engine() {
    let bench = bench(Limits::default());
    for code in [
        "for (;;);",
        "for (;;) await 0;",
        "await new Promise(() => {}); api.fetch('https://slow.example/');",
        "new Array(4294967295).join('')",
        "/^(a+)+$/.test('a'.repeat(40) + 'b')",
        "const next = () => Promise.resolve().then(next); await next();",
        "try { for (;;); } finally { for (;;); }",
    ] {
        let start = Instant::now();
        let result = bench.run(&format!("export async function execute(input, api) {{ {code} }}")).await;
        let took = start.elapsed();
        assert!(took < Duration::from_millis(300) + MARGIN, "{code}: {took:?}");
        let ended =
            matches!(result, Err(ActionError::TimedOut(300) | ActionError::OutOfMemory(_) | ActionError::Invalid(_)));
        assert!(ended, "{code}: {result:?}");
        assert_eq!(bench.run(NOTHING).await, Ok(Default::default()), "after {code}");
    }
}

#[tokio::test]
async fn cpu_time_is_up_before_wall_time() {
    let bench = bench(Limits { cpu: 50, ..Limits::default() });
    let start = Instant::now();
    assert_eq!(bench.run("export function execute() { for (;;); }").await, Err(ActionError::TimedOut(300)));
    assert!(start.elapsed() < Duration::from_millis(300) + MARGIN);
}

#[tokio::test]
async fn memory_is_up() {
    let bench = Bench { wall: 20_000, ..bench(Limits::default()) };
    let code = "export function execute() { const all = []; for (;;) all.push('x'.repeat(100_000) + all.length); }";
    assert_eq!(bench.run(code).await, Err(ActionError::OutOfMemory(16)));
    assert_eq!(bench.run(NOTHING).await, Ok(Default::default()));
}

#[tokio::test]
async fn an_error_says_what_and_where() {
    let bench = bench(Limits::default());
    let code =
        "function check() {\n  throw new TypeError('no \\x1b[31mtier')\n}\nexport function execute() { check() }\n";
    let Err(ActionError::Threw { message, stack }) = bench.run(code).await else { panic!("it did not throw") };
    assert_eq!(message, "TypeError: no \u{fffd}[31mtier");
    let first = stack.lines().next().unwrap_or_default();
    assert!(first.starts_with("action.js:2:") && first.ends_with(" in check"), "{stack}");
}
