//! Runs scripts in worlds, against a host that answers at once.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Instant;

use admit_actions::wire::{Ask, Effects, Failure, Invocation, Limits, LogLevel, Rate, Reply, Response};
use admit_actions::world::{Bridge, World};

/// An event with all groups.
pub const EVENT: &str = r#"{"identifier":"alice@cymmetri.com","request":{"ip":"203.0.113.9"},"user":{"id":"usr_123","email":"alice@cymmetri.com","groups":["staff","admins"],"app_metadata":{"tier":"enterprise"}}}"#;

/// What an invocation gave.
#[derive(Debug, PartialEq)]
pub struct Ran {
    pub outcome: Result<Effects, Failure>,
    pub log: Vec<(LogLevel, String)>,
    pub asked: Vec<Ask>,
}

/// Runs `script` as an Action on `event`, with limits for tests.
pub fn run(script: &str, event: &str) -> Ran {
    run_modules(&[("action.js", script)], event)
}

/// Runs modules, the entry first.
pub fn run_modules(modules: &[(&str, &str)], event: &str) -> Ran {
    run_invocation(modules, &invocation(event))
}

/// Runs modules for an invocation, and once more in the same world put back, with what was compiled the first time: it has
/// to go the same way.
pub fn run_invocation(modules: &[(&str, &str)], invocation: &Invocation) -> Ran {
    thread_local! {
        static WORLD: RefCell<(World, u64)> = RefCell::new((World::prepare().expect("a world"), 0));
    }
    let modules: Rc<[_]> = modules.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    WORLD.with_borrow_mut(|(world, number)| {
        *number += 1;
        let mut invocation = invocation.clone();
        invocation.hash[..8].copy_from_slice(&number.to_le_bytes());
        let mut run = || {
            let host = Rc::new(RefCell::new(Host::default()));
            let outcome = world.run(&invocation, &modules, Rc::clone(&host) as Rc<RefCell<dyn Bridge>>);
            world.renew();
            let mut host = host.borrow_mut();
            Ran { outcome, log: std::mem::take(&mut host.log), asked: std::mem::take(&mut host.asked) }
        };
        let first = run();
        let second = run();
        // Which of two limits is met first is a matter of how busy the machine is.
        let is_limited = |ran: &Ran| matches!(ran.outcome, Err(Failure::TimedOut | Failure::OutOfMemory));
        if !(is_limited(&first) && is_limited(&second)) {
            assert_eq!(first, second, "what an invocation gives, the next one on the same world gives");
        }
        first
    })
}

/// An invocation on `event`.
pub fn invocation(event: &str) -> Invocation {
    Invocation {
        hash: [0; 32],
        name: "test@1.0.0".into(),
        input: format!(
            r#"{{"trigger":"login.post-auth","context":{{"run":"run_1"}},"event":{event},"step":{{"risk-evaluate":{{"score":42}}}},"config":{{"domains":["cymmetri.com"]}}}}"#
        ),
        claims: vec!["tier".into(), "region".into()],
        may_demand_mfa: true,
        limits: Limits { wall: 300, cpu: 200, ..Limits::default() },
        now: 1_700_000_000_000,
        seed: 7,
    }
}

/// Answers in the order of the calls; every answer takes 25 ms of the Action's clock.
#[derive(Default)]
struct Host {
    answers: VecDeque<(u32, Reply)>,
    asked: Vec<Ask>,
    log: Vec<(LogLevel, String)>,
}

impl Bridge for Host {
    fn ask(&mut self, id: u32, ask: Ask) {
        let reply = match &ask {
            Ask::Fetch { url, .. } if url.contains("refused") => Reply::Fetch(Err(format!("`{url}` is not allowed"))),
            Ask::Fetch { url, body, .. } => {
                let text = body.clone().map_or_else(|| url.clone(), |body| String::from_utf8(body).unwrap());
                let status = if url.contains("missing") { 404 } else { 200 };
                let headers = vec![
                    ("content-type".into(), "application/json".into()),
                    ("x-many".into(), "1".into()),
                    ("x-many".into(), "2".into()),
                ];
                let body =
                    if url.contains("large") { vec![b'x'; 700_000] } else { format!(r#"{{"got":{text:?}}}"#).into() };
                Reply::Fetch(Ok(Response { status, headers, body, waited: 25 }))
            }
            Ask::Secret(name) if name == "KEY" => Reply::Secret(Ok("s3cret".into())),
            Ask::Secret(name) => Reply::Secret(Err(format!("secret `{name}` is not declared"))),
            Ask::RateLimit { limit, window, .. } => Reply::RateLimit(Ok(Rate {
                allowed: *limit >= 3,
                count: 3,
                remaining: limit.saturating_sub(3),
                retry_after: *window,
                waited: 25,
            })),
        };
        self.asked.push(ask);
        self.answers.push_back((id, reply));
    }

    fn wait(&mut self, _deadline: Instant) -> Option<(u32, Reply)> {
        self.answers.pop_front()
    }

    fn log(&mut self, level: LogLevel, text: String) {
        self.log.push((level, text));
    }
}
