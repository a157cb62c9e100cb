//! A world: the QuickJS runtime that an invocation gets. It is prepared once, and an image is kept of its memory; after
//! each invocation all of that memory is put back, byte for byte: nothing of one is there for the next. The engine is not
//! trusted to bound itself: the worker's process is.

mod arena;
mod clock;
mod drive;
mod input;
mod json;
mod modules;
mod natives;
mod prelude;
mod rejected;
mod shell;

use std::cell::RefCell;
use std::mem::ManuallyDrop;
use std::rc::Rc;
use std::time::Instant;

use rquickjs::context::intrinsic;
use rquickjs::promise::PromiseState;
use rquickjs::{Context, Ctx, Module, Persistent, Runtime};

use self::arena::{Arena, Changes, Held, Image};
use self::input::{Names, Parts};
use self::modules::Modules;
use self::natives::Shared;
use self::shell::Shell;
use crate::code::Codes;
use crate::wire::{Ask, Effects, Failure, Invocation, LogLevel, Reply};

/// What a world needs of its worker.
pub trait Bridge {
    /// Sends a call to the host. `id` numbers the calls of an invocation from 0.
    fn ask(&mut self, id: u32, ask: Ask);
    /// Waits for an answer, whichever comes first; none by `deadline`, or a host that is gone, is `None`.
    fn wait(&mut self, deadline: Instant) -> Option<(u32, Reply)>;
    /// Sends a line of the log.
    fn log(&mut self, level: LogLevel, text: String);
}

/// A world. Made and run on one thread.
pub struct World {
    shared: Shared,
    modules: Modules,
    /// Actions that have run, by the hash of their code.
    known: Codes<Known>,
    state: State,
    context: Context,
    runtime: Runtime,
    image: Image,
    arena: Arena,
}

/// What the memory of a world is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// As it was prepared.
    New,
    /// As it is before an invocation of the Action with this hash.
    Ready([u8; 32]),
    /// An invocation of this Action has been there.
    Used([u8; 32]),
}

/// What is the same at the start of every invocation of an Action: its modules are compiled, its input has getters. Where
/// evaluating the modules asked for nothing that could differ (the input, the clock, chance, a call), they are evaluated too:
/// to do it again would come to the same.
struct Known {
    changes: Changes,
    /// Good while the changes are applied. It is no part of them, so the engine has not counted it, and it must not be
    /// counted down.
    start: Start,
    /// What the getters are called.
    names: Names,
    /// Memory and stack that it had, in bytes.
    room: (u64, u64),
}

type Start = ManuallyDrop<Persistent<Held<'static>>>;

/// The built-ins of a world. Without `Proxy`, `WeakRef`, `FinalizationRegistry` and `performance`, which would show
/// when the engine collects or how long it takes; without typed arrays, `ArrayBuffer`, `SharedArrayBuffer` and
/// `Atomics`, which no part of the api takes and where engines have had many of their memory errors. `Eval` is what
/// compiles modules; `eval` itself is taken away.
type Builtins = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::MapSet,
    intrinsic::Promise,
);

impl World {
    /// What a worker does before it shuts itself in, besides preparing a world: compiles the prelude, and lets the C
    /// library read the time zone, which it does once, from files.
    ///
    /// # Errors
    /// Says why the engine does not work.
    pub fn warm_up() -> Result<(), String> {
        prelude::compile_all();
        let zone = Runtime::new().and_then(|runtime| {
            let context = Context::custom::<(intrinsic::Date, intrinsic::Eval, intrinsic::RegExpCompiler)>(&runtime)?;
            context.with(|ctx| ctx.eval::<f64, _>("new Date(2026, 0, 1).getTimezoneOffset()"))
        });
        zone.map(drop).map_err(|error| format!("dates do not work: {error}"))
    }

    /// A new runtime with the chosen built-ins, locked down, and the `api` object in place. To be made before the worker
    /// shuts itself in: the pages of its image are made unwritable.
    ///
    /// # Errors
    /// Says why the engine could not set it up: no memory is left to the process.
    pub fn prepare() -> Result<Self, String> {
        Self::set_up().map_err(|error| format!("no world could be prepared: {error}"))
    }

    /// Runs an Action: `modules` are paths and JavaScript, the entry first, and `invocation.hash` is theirs alone. The world
    /// then wants to be [renewed](Self::renew), which need not keep the host waiting.
    ///
    /// # Errors
    /// Throwing, running out of time or memory, giving back too much or what makes no sense, never settling: nothing of
    /// what the Action wanted done is left.
    pub fn run(
        &mut self,
        invocation: &Invocation,
        modules: &Rc<[(String, String)]>,
        host: Rc<RefCell<dyn Bridge>>,
    ) -> Result<Effects, Failure> {
        let malformed = || Failure::Invalid("the input is not a JSON object".to_owned());
        let parts = Parts::of(&invocation.input).ok_or_else(malformed)?;
        if self.state != State::Ready(invocation.hash) {
            self.stand_new();
            self.stand_ready(invocation.hash);
        }
        let limits = invocation.limits;
        let room = (limits.memory, limits.stack);
        if self.known.get(&invocation.hash).is_some_and(|known| known.room != room) {
            self.stand_new();
        }
        let is_known = self.state != State::New;
        self.state = State::Used(invocation.hash);
        self.runtime.set_memory_limit(bytes(limits.memory));
        self.runtime.set_max_stack_size(bytes(limits.stack));
        self.modules.fill(Rc::clone(modules));
        *self.shared.shell.borrow_mut() = Shell::of(invocation, host);
        *self.shared.parts.borrow_mut() = parts;
        self.shared.now.set(milliseconds(invocation.now));
        self.shared.random.set(invocation.seed);
        self.shared.rejected.set(false);
        self.shared.asked.set(false);
        self.shared.clock.start(limits.wall, limits.cpu);
        let start = if is_known { self.start(&invocation.hash) } else { self.learn(invocation.hash, room, modules) };
        let shared = &self.shared;
        let driven = self.context.with(|ctx| drive::drive(&ctx, start, shared));
        let is_full =
            || u64::try_from(self.runtime.memory_usage().malloc_size).is_ok_and(|used| used > limits.memory / 2);
        let outcome = drive::judge(driven, &mut shared.shell.borrow_mut(), shared.clock.was_over(), is_full);
        shared.clock.stop();
        outcome
    }

    /// Puts everything back to how it was when the world was prepared; and then makes it ready for the Action that has just
    /// run, which is most often the next one too.
    pub fn renew(&mut self) {
        if let State::Used(hash) = self.state {
            self.stand_new();
            self.stand_ready(hash);
        }
    }

    fn stand_new(&mut self) {
        if self.state != State::New {
            *self.shared.shell.borrow_mut() = Shell::default();
            self.arena.restore(&self.image);
            self.state = State::New;
        }
    }

    /// In a new world, if the Action is known.
    fn stand_ready(&mut self, hash: [u8; 32]) {
        if let Some(known) = self.known.get(&hash) {
            self.arena.apply(&known.changes);
            self.state = State::Ready(hash);
        }
    }

    /// Where a known Action stands, in a world that is ready for it. Where the names of this input are others, another input
    /// is made.
    fn start(&mut self, hash: &[u8; 32]) -> rquickjs::Result<Start> {
        let known = self.known.get(hash).ok_or(rquickjs::Error::Unknown)?;
        let parts = self.shared.parts.borrow();
        if known.names != *parts.names() {
            self.context.with(|ctx| input::make(&ctx, parts.names()))?;
        }
        Ok(known.start.clone())
    }

    /// Compiles the modules in a new world, under the limits of the invocation, makes the input, and begins to evaluate;
    /// keeps what of it is the same every time.
    fn learn(&mut self, hash: [u8; 32], room: (u64, u64), modules: &[(String, String)]) -> rquickjs::Result<Start> {
        let names = self.shared.parts.borrow().names().clone();
        let compiled = self.context.with(|ctx| {
            let (path, source) = modules.first().ok_or(rquickjs::Error::Unknown)?;
            let module = Module::declare(ctx.clone(), path.as_str(), source.as_str())?;
            input::make(&ctx, &names)?;
            Ok::<_, rquickjs::Error>(hold(&ctx, Held::Compiled(module)))
        })?;
        let changes = self.arena.changes(&self.image);
        let mut known = Known { changes, start: compiled.clone(), names, room };
        let begun = self.begin(compiled);
        let evaluated = begun.as_ref().ok().and_then(|begun| self.evaluated(begun));
        if let Some(start) = &evaluated {
            known = Known { changes: self.arena.changes(&self.image), start: start.clone(), ..known };
        }
        self.known.insert(hash, known.changes.size(), known);
        evaluated.map_or(begun, Ok)
    }

    /// Begins to evaluate what was compiled.
    fn begin(&self, compiled: Start) -> rquickjs::Result<Start> {
        self.context.with(|ctx| match ManuallyDrop::into_inner(compiled).restore(&ctx)? {
            Held::Compiled(module) => {
                let (module, loaded) = module.eval()?;
                Ok(hold(&ctx, Held::Begun(module.into_declared(), loaded)))
            }
            further => Ok(hold(&ctx, further)),
        })
    }

    /// What to call, if modules have been evaluated, and that can have come out in no other way.
    fn evaluated(&self, begun: &Start) -> Option<Start> {
        let shared = &self.shared;
        if shared.asked.get() || shared.rejected.get() || shared.clock.is_over() || self.runtime.is_job_pending() {
            return None;
        }
        self.context.with(|ctx| {
            let Held::Begun(module, loaded) = ManuallyDrop::into_inner(begun.clone()).restore(&ctx).ok()? else {
                return None;
            };
            if loaded.state() != PromiseState::Resolved {
                return None;
            }
            match module.namespace().and_then(|exports| drive::entry(&exports)) {
                Ok(entry) => Some(hold(&ctx, Held::Evaluated(entry?))),
                Err(_) => {
                    ctx.catch();
                    None
                }
            }
        })
    }

    fn set_up() -> rquickjs::Result<Self> {
        let arena = Arena::new().ok_or(rquickjs::Error::Allocation)?;
        let runtime = Runtime::new_with_alloc(arena.clone())?;
        // The collector of cycles never runs: the memory limit, hit during a collection, has made the engine crash, and
        // a world is used too briefly to need it.
        runtime.set_gc_threshold(usize::MAX);
        let shared = Shared::default();
        let clock = Rc::clone(&shared.clock);
        runtime.set_interrupt_handler(Some(Box::new(move || clock.is_over())));
        let rejected = Rc::clone(&shared.rejected);
        runtime.set_host_promise_rejection_tracker(Some(Box::new(move |ctx, promise, reason, is_handled| {
            rejected.set(true);
            rejected::track(ctx, promise, reason, is_handled);
        })));
        let modules = Modules::default();
        runtime.set_loader(modules.clone(), modules.clone());
        let context = Context::custom::<Builtins>(&runtime)?;
        context.with(|ctx| prelude::install(&ctx, natives::install(&ctx, &shared)?))?;
        let image = arena.image().ok_or(rquickjs::Error::Allocation)?;
        Ok(Self { shared, modules, known: Codes::default(), state: State::New, context, runtime, image, arena })
    }
}

fn hold<'js>(ctx: &Ctx<'js>, held: Held<'js>) -> Start {
    ManuallyDrop::new(Persistent::save(ctx, held))
}

impl Drop for World {
    /// The engine is taken down as it was when it was prepared: with the references that Rust counts.
    fn drop(&mut self) {
        self.stand_new();
    }
}

fn bytes(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "times are below 2^53")]
fn milliseconds(time: i64) -> f64 {
    time as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nobody;

    impl Bridge for Nobody {
        fn ask(&mut self, _id: u32, _ask: Ask) {}

        fn wait(&mut self, _deadline: Instant) -> Option<(u32, Reply)> {
            None
        }

        fn log(&mut self, _level: LogLevel, _text: String) {}
    }

    fn run(world: &mut World, number: u8, code: &str, input: &str) -> Result<Effects, Failure> {
        run_at(world, number, code, input, 0)
    }

    fn run_at(world: &mut World, number: u8, code: &str, input: &str, now: i64) -> Result<Effects, Failure> {
        let invocation = Invocation {
            hash: [number; 32],
            name: "test@1.0.0".to_owned(),
            input: input.to_owned(),
            claims: Vec::new(),
            may_demand_mfa: true,
            limits: crate::wire::Limits { wall: 1_000, ..crate::wire::Limits::default() },
            now,
            seed: now.unsigned_abs(),
        };
        let modules: Rc<[_]> = [("action.js".to_owned(), code.to_owned())].into();
        world.run(&invocation, &modules, Rc::new(RefCell::new(Nobody)))
    }

    /// Each leaves something else behind: in globals, prototypes, symbols, atoms, shapes, jobs, promises, memory.
    const LITTERERS: [&str; 9] = [
        "globalThis.left = { a: 1 }; Object.prototype.left = 1; export const execute = () => ({ kind: 'continue' })",
        "for (let i = 0; i < 5_000; i++) globalThis['name' + i] = Symbol.for('s' + i); export const execute = () => {}",
        "export function execute() { for (const p of [Array, String, Map, Promise, RegExp, Date]) for (const k of Reflect.ownKeys(p.prototype)) try { delete p.prototype[k] } catch {} delete Math.random; delete globalThis.Date; globalThis.Math = 1 }",
        "export function execute() { const all = []; for (;;) all.push(new Array(1000).fill({})) }",
        "export function execute() { let s = 'x'; for (;;) s += s }",
        "export const execute = () => { Promise.reject(new Error('a')); (async () => { await api.fetch('https://a.test/'); })(); api.rateLimit('k', 1, 1) }",
        "export function execute(input, api) { api.state.set('a', { b: [input.event, input.step] }); console.log(event, new Error('x')); throw new RangeError('y') }",
        "export function execute() { for (;;); }",
        "this is no JavaScript",
    ];

    #[test]
    fn an_invocation_leaves_not_one_byte_behind() {
        let mut world = World::prepare().unwrap();
        let input = r#"{"trigger":"t","context":{},"event":{"user":{"id":"a"}},"step":{},"config":{}}"#;
        for round in 0..3 {
            for (number, code) in (0..).zip(LITTERERS) {
                let _ = run(&mut world, number, code, input);
                assert!(world.state == State::Used([number; 32]));
                assert_ne!(world.arena.changes(&world.image).size(), 0);
                world.renew();
                if let Some(known) = world.known.get(&[number; 32]) {
                    assert!(world.arena.changes(&world.image) == known.changes, "round {round}: {code}");
                } else {
                    assert_eq!(number, 8, "what compiles is known");
                }
                world.stand_new();
                assert_eq!(world.arena.changes(&world.image).size(), 0, "round {round}: {code}");
            }
        }
    }

    #[test]
    fn a_known_action_takes_inputs_with_other_names() {
        let mut world = World::prepare().unwrap();
        let code = "export function execute(input) { if (Object.keys(input).join() !== input.config.want) throw new Error(Object.keys(input).join()) }";
        for (event, want) in [
            (r#"{"user":{}}"#, "user,trigger,step,state,config,event"),
            (r#"{"user":{},"request":{"ip":"x"},"config":1}"#, "user,request,trigger,step,state,config,event"),
            ("{}", "trigger,step,state,config,event"),
            (r#"{"user":{}}"#, "user,trigger,step,state,config,event"),
        ] {
            let input = format!(r#"{{"trigger":"t","event":{event},"step":{{}},"config":{{"want":"{want}"}}}}"#);
            assert_eq!(run(&mut world, 1, code, &input), Ok(Effects::default()));
            world.renew();
        }
    }

    /// Whether a second invocation begins behind the evaluation of the modules.
    fn is_evaluated_once(world: &mut World, top: &str) -> bool {
        let code = format!("{top}\nexport async function execute() {{ return {{ kind: 'continue' }} }}");
        let input = r#"{"trigger":"t","event":{"user":{"id":"a"}},"step":{},"config":{}}"#;
        let first = run(world, 1, &code, input);
        world.renew();
        assert_eq!(run(world, 1, &code, input), first, "{top}");
        let is_evaluated = stands_evaluated(world);
        world.stand_new();
        world.known = Codes::default();
        is_evaluated
    }

    fn stands_evaluated(world: &mut World) -> bool {
        world.renew();
        let Some(known) = world.known.get(&[1; 32]) else { return false };
        let start = ManuallyDrop::into_inner(known.start.clone());
        world.context.with(|ctx| matches!(start.restore(&ctx), Ok(Held::Evaluated(_))))
    }

    #[test]
    fn modules_that_ask_for_nothing_are_evaluated_once() {
        let mut world = World::prepare().unwrap();
        for top in [
            "let n = 0",
            "const re = /a/g, map = new Map([[1, { a: 1 }]]), date = new Date(5)",
            "class A { static x = 1 }",
            "Object.prototype.x = globalThis; delete Math.random",
            "try { api.state.set() } catch {}",
        ] {
            assert!(is_evaluated_once(&mut world, top), "{top}");
        }
        for top in [
            "const t = Date.now()",
            "const t = new Date()",
            "const t = Date()",
            "const r = Math.random()",
            "const u = event.user",
            "const u = event",
            "const s = step.a",
            "console.log()",
            "api.state.set('a', 1)",
            "try { api.demandMfa() } catch {}",
            "try { api.session.setCustomClaim('a', 1) } catch {}",
            "try { api.user.setAppMetadata({}) } catch {}",
            "try { api.secrets.get('a') } catch {}",
            "api.fetch('https://a.test/').catch(() => {})",
            "api.rateLimit('a', 1, 1).catch(() => {})",
            "await null",
            "Promise.resolve().then(() => {})",
            "Promise.reject(1)",
            "throw 1",
        ] {
            assert!(!is_evaluated_once(&mut world, top), "{top}");
        }
    }

    #[test]
    fn what_modules_ask_for_is_of_their_own_invocation() {
        let mut world = World::prepare().unwrap();
        let code = "const all = [Date.now(), event.user.id, Math.random() > 2, 0]
            export function execute(input, api) { all[3]++; api.state.set('all', all) }";
        for (now, id) in [(5, "a"), (6, "b"), (5, "a")] {
            let input = format!(r#"{{"trigger":"t","event":{{"user":{{"id":"{id}"}}}},"step":{{}},"config":{{}}}}"#);
            let state = run_at(&mut world, 1, code, &input, now).unwrap().state;
            assert_eq!(state, [("all".to_owned(), format!(r#"[{now},"{id}",false,1]"#))]);
            world.renew();
        }
    }

    #[test]
    fn what_is_evaluated_once_is_changed_by_no_invocation() {
        let mut world = World::prepare().unwrap();
        let code = "const seen = { list: [], count: 0 }
            export function execute(input, api) { seen.list.push(input.trigger); seen.count++; api.state.set('n', seen) }";
        for trigger in ["a", "b", "c"] {
            let input = format!(r#"{{"trigger":"{trigger}","event":{{}},"step":{{}},"config":{{}}}}"#);
            let state = run(&mut world, 1, code, &input).unwrap().state;
            assert_eq!(state, [("n".to_owned(), format!(r#"{{"list":["{trigger}"],"count":1}}"#))]);
            world.renew();
        }
        assert!(stands_evaluated(&mut world));
    }
}
