//! A world: the QuickJS runtime of one invocation. It is prepared while the worker idles, runs one Action, and is
//! dropped: nothing of it is there for the next. The engine is not trusted to bound itself: the worker's process is.

mod clock;
mod drive;
mod input;
mod modules;
mod natives;
mod prelude;
mod rejected;
mod shell;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use rquickjs::context::intrinsic;
use rquickjs::{Context, Runtime};

use self::modules::Modules;
use self::natives::Shared;
use self::shell::Shell;
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

/// A prepared world. Made and run on one thread.
pub struct World {
    shared: Shared,
    modules: Modules,
    context: Context,
    runtime: Runtime,
}

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

/// A world that has run. There is nothing to do with it but to drop it.
pub struct Used {
    _context: Context,
    _runtime: Runtime,
}

impl World {
    /// What a worker does before it shuts itself in: compiles the prelude, and lets the C library read the time zone,
    /// which it does once, from files.
    ///
    /// # Errors
    /// As [`World::prepare`].
    pub fn warm_up() -> Result<(), String> {
        prelude::compile_all();
        let world = Self::prepare()?;
        let zone = world.context.with(|ctx| ctx.eval::<f64, _>("new Date(2026, 0, 1).getTimezoneOffset()"));
        zone.map(drop).map_err(|error| format!("dates do not work: {error}"))
    }

    /// A new runtime with the chosen built-ins, locked down, and the `api` object in place.
    ///
    /// # Errors
    /// Says why the engine could not set it up: no memory is left to the process.
    pub fn prepare() -> Result<Self, String> {
        Self::set_up().map_err(|error| format!("no world could be prepared: {error}"))
    }

    /// Runs an Action: `modules` are paths and JavaScript, the entry first. What is left of the world is given back, so
    /// that the host need not wait until it is taken down.
    ///
    /// # Errors
    /// Throwing, running out of time or memory, giving back too much or what makes no sense, never settling: nothing of
    /// what the Action wanted done is left.
    pub fn run(
        self,
        invocation: &Invocation,
        modules: &[(String, String)],
        host: Rc<RefCell<dyn Bridge>>,
    ) -> (Result<Effects, Failure>, Used) {
        let Self { shared, modules: importable, context, runtime } = self;
        let limits = invocation.limits;
        runtime.set_memory_limit(bytes(limits.memory));
        runtime.set_max_stack_size(bytes(limits.stack));
        importable.fill(modules);
        *shared.shell.borrow_mut() = Shell::of(invocation, host);
        shared.now.set(milliseconds(invocation.now));
        shared.random.set(invocation.seed);
        shared.clock.start(limits.wall, limits.cpu);
        let driven = context.with(|ctx| drive::drive(&ctx, invocation, modules, &shared));
        let is_full = || u64::try_from(runtime.memory_usage().malloc_size).is_ok_and(|used| used > limits.memory / 2);
        let outcome = drive::judge(driven, &mut shared.shell.borrow_mut(), shared.clock.was_over(), is_full);
        shared.clock.stop();
        (outcome, Used { _context: context, _runtime: runtime })
    }

    fn set_up() -> rquickjs::Result<Self> {
        let runtime = Runtime::new()?;
        // The collector of cycles never runs: the memory limit, hit during a collection, has made the engine crash, and
        // a world lives too briefly to need it.
        runtime.set_gc_threshold(usize::MAX);
        let shared = Shared::default();
        let clock = Rc::clone(&shared.clock);
        runtime.set_interrupt_handler(Some(Box::new(move || clock.is_over())));
        runtime.set_host_promise_rejection_tracker(Some(Box::new(rejected::track)));
        let modules = Modules::default();
        runtime.set_loader(modules.clone(), modules.clone());
        let context = Context::custom::<Builtins>(&runtime)?;
        context.with(|ctx| prelude::install(&ctx, natives::install(&ctx, &shared)?))?;
        Ok(Self { shared, modules, context, runtime })
    }
}

fn bytes(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "times are below 2^53")]
fn milliseconds(time: i64) -> f64 {
    time as f64
}
