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
use rquickjs::{Context, Module, Persistent, Runtime};

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

/// What is the same at the start of many invocations of an Action: its modules are compiled, its input has getters. No code
/// of it has run.
struct Known {
    changes: Changes,
    /// The entry: good while the changes are applied. It is no part of them, so the engine has not counted it, and it must
    /// not be counted down.
    entry: Entry,
    /// What the getters are called.
    names: Names,
}

type Entry = ManuallyDrop<Persistent<Held<'static>>>;

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
        let is_known = self.state != State::New;
        self.state = State::Used(invocation.hash);
        let limits = invocation.limits;
        self.runtime.set_memory_limit(bytes(limits.memory));
        self.runtime.set_max_stack_size(bytes(limits.stack));
        self.modules.fill(Rc::clone(modules));
        *self.shared.shell.borrow_mut() = Shell::of(invocation, host);
        *self.shared.parts.borrow_mut() = parts;
        self.shared.now.set(milliseconds(invocation.now));
        self.shared.random.set(invocation.seed);
        self.shared.rejected.set(false);
        self.shared.clock.start(limits.wall, limits.cpu);
        let entry = if is_known { self.entry(&invocation.hash) } else { self.learn(invocation.hash, modules) };
        let shared = &self.shared;
        let driven = self.context.with(|ctx| drive::drive(&ctx, entry, shared));
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

    /// The entry of a known Action, in a world that stands ready for it. Where the names of this input are others, another
    /// input is made.
    fn entry(&mut self, hash: &[u8; 32]) -> rquickjs::Result<Entry> {
        let known = self.known.get(hash).ok_or(rquickjs::Error::Unknown)?;
        let parts = self.shared.parts.borrow();
        if known.names != *parts.names() {
            self.context.with(|ctx| input::make(&ctx, parts.names()))?;
        }
        Ok(known.entry.clone())
    }

    /// Compiles the modules in a new world, under the limits of the invocation, and makes the input; keeps what that made of
    /// the world.
    fn learn(&mut self, hash: [u8; 32], modules: &[(String, String)]) -> rquickjs::Result<Entry> {
        let names = self.shared.parts.borrow().names().clone();
        let entry = self.context.with(|ctx| {
            let (path, source) = modules.first().ok_or(rquickjs::Error::Unknown)?;
            let entry = Module::declare(ctx.clone(), path.as_str(), source.as_str())?;
            input::make(&ctx, &names)?;
            Ok::<_, rquickjs::Error>(ManuallyDrop::new(Persistent::save(&ctx, Held(entry))))
        })?;
        let changes = self.arena.changes(&self.image);
        let known = Known { changes, entry: entry.clone(), names };
        self.known.insert(hash, known.changes.size(), known);
        Ok(entry)
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
        let invocation = Invocation {
            hash: [number; 32],
            name: "test@1.0.0".to_owned(),
            input: input.to_owned(),
            claims: Vec::new(),
            may_demand_mfa: true,
            limits: crate::wire::Limits { wall: 1_000, ..crate::wire::Limits::default() },
            now: 0,
            seed: u64::from(number),
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
}
