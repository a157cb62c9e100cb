//! What a world costs, in CPU time of one thread: running the domain allowlist of the product's page in it, and putting it
//! back; beside the least that the engine takes for a runtime and a context of its own with the same built-ins. Then how
//! much memory 100,000 invocations leave behind.
//!
//! The event is `conformance/event.json` of the folder that `ADMIT_SHARED` names (`../shared` without it).
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run stops")]

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use admit_actions::wire::{Ask, Effects, Invocation, Limits, LogLevel, Reply};
use admit_actions::world::{Bridge, World};
use rustix::time::{ClockId, clock_gettime};

const ALLOWLIST: &str = "export async function execute(input) {
  const email = input.user?.email
  if (email?.endsWith('@cymmetri.com')) {
    return { kind: 'continue' }
  }
  return {
    kind: 'block',
    reason: 'Sign-in is restricted to Cymmetri employees.',
    code: 'domain_not_allowed',
  }
}
";
const ROUNDS: usize = 11;
const RUNS: u32 = 2_000;
const MANY: u32 = 100_000;

fn main() {
    World::warm_up().unwrap();
    let mut world = World::prepare().unwrap();
    let invocation = invocation();
    let mut rounds: Vec<[f64; 3]> = (0..ROUNDS).map(|_| round(&mut world, &invocation)).collect();
    let mut median = |part: usize| {
        rounds.sort_unstable_by(|a, b| a.get(part).unwrap().total_cmp(b.get(part).unwrap()));
        *rounds.get(ROUNDS / 2).unwrap().get(part).unwrap()
    };
    let [run, renew, bare] = [median(0), median(1), median(2)];
    let all = run + renew;
    println!("run {run:.1} us, put back {renew:.1} us: {all:.1} us (limit 180)");
    println!("an engine of its own, made and taken down, alone: {bare:.1} us; ratio {:.2}", all / bare);
    for _ in 0..1_000 {
        once(&mut world, &invocation);
    }
    let before = resident();
    for _ in 0..MANY {
        once(&mut world, &invocation);
    }
    println!("{MANY} invocations: {} KiB more than after 1000 (limit 2048)", resident().saturating_sub(before) >> 10);
}

fn round(world: &mut World, invocation: &Invocation) -> [f64; 3] {
    let mut times = [Duration::ZERO; 3];
    for _ in 0..RUNS {
        let [run, renew] = once(world, invocation);
        let start = cpu();
        let runtime = rquickjs::Runtime::new().unwrap();
        std::hint::black_box(rquickjs::Context::custom::<Builtins>(&runtime).unwrap());
        std::mem::drop(runtime);
        for (sum, time) in times.iter_mut().zip([run, renew, cpu() - start]) {
            *sum += time;
        }
    }
    times.map(|time| time.as_secs_f64() * 1e6 / f64::from(RUNS))
}

type Builtins = (
    rquickjs::context::intrinsic::Date,
    rquickjs::context::intrinsic::Eval,
    rquickjs::context::intrinsic::RegExp,
    rquickjs::context::intrinsic::Json,
    rquickjs::context::intrinsic::MapSet,
    rquickjs::context::intrinsic::Promise,
);

fn once(world: &mut World, invocation: &Invocation) -> [Duration; 2] {
    let modules: Rc<[_]> = [("action.js".to_owned(), ALLOWLIST.to_owned())].into();
    let start = cpu();
    let outcome = world.run(invocation, &modules, Rc::new(RefCell::new(Nobody)));
    let ran = cpu();
    world.renew();
    let renewed = cpu();
    assert_eq!(outcome, Ok(Effects::default()));
    [ran - start, renewed - ran]
}

fn invocation() -> Invocation {
    let shared = std::env::var_os("ADMIT_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    let event = std::fs::read_to_string(shared.join("conformance/event.json")).unwrap();
    Invocation {
        hash: [0; 32],
        name: "domain-allowlist@1.0.0".to_owned(),
        input: format!(
            r#"{{"trigger":"login.post-auth","context":{{}},"event":{event},"step":{{"risk-evaluate":{{"score":42}}}},"config":{{}}}}"#
        ),
        claims: Vec::new(),
        may_demand_mfa: false,
        limits: Limits::default(),
        now: 1_790_000_000_000,
        seed: 1,
    }
}

struct Nobody;

impl Bridge for Nobody {
    fn ask(&mut self, _id: u32, _ask: Ask) {}

    fn wait(&mut self, _deadline: Instant) -> Option<(u32, Reply)> {
        None
    }

    fn log(&mut self, _level: LogLevel, _text: String) {}
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.cast_unsigned(), u32::try_from(time.tv_nsec).unwrap())
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4_096
}
