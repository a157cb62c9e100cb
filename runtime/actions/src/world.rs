//! A world: the QuickJS runtime of one invocation. It is prepared while the worker idles, runs one Action, and is
//! dropped: nothing of it is there for the next. The engine is not trusted to bound itself: the worker's process is.

mod clock;
mod drive;
mod modules;
mod natives;
mod prelude;
mod shell;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use rquickjs::context::intrinsic;
use rquickjs::{Context, Object, Persistent, Runtime};

use self::clock::Clock;
use self::modules::Modules;
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
    /// The functions of the prelude; dropped before the runtime that they live in.
    prelude: Persistent<Object<'static>>,
    shell: Rc<RefCell<Shell>>,
    clock: Rc<Clock>,
    modules: Modules,
    context: Context,
    runtime: Runtime,
}

/// The built-ins of a world: without `Proxy`, `WeakRef`, `FinalizationRegistry` and `performance`. `Eval` is what compiles
/// modules; the prelude takes `eval` itself away.
type Builtins = (
    intrinsic::Date,
    intrinsic::Eval,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
);

impl World {
    /// A new runtime with the chosen built-ins, locked down, and the `api` object in place.
    ///
    /// # Errors
    /// Says why the engine could not set it up: no memory is left to the process.
    pub fn prepare() -> Result<Self, String> {
        Self::set_up().map_err(|error| format!("no world could be prepared: {error}"))
    }

    fn set_up() -> rquickjs::Result<Self> {
        let runtime = Runtime::new()?;
        // The collector of cycles never runs: the memory limit, hit during a collection, has made the engine crash, and
        // a world lives too briefly to need it.
        runtime.set_gc_threshold(usize::MAX);
        let clock = Rc::new(Clock::default());
        let handler = Rc::clone(&clock);
        runtime.set_interrupt_handler(Some(Box::new(move || handler.is_over())));
        let modules = Modules::default();
        runtime.set_loader(modules.clone(), modules.clone());
        let context = Context::custom::<Builtins>(&runtime)?;
        let shell = Rc::new(RefCell::new(Shell::default()));
        let prelude = context.with(|ctx| {
            let natives = natives::install(&ctx, &shell, &clock)?;
            let functions = prelude::install(&ctx, natives)?;
            Ok::<_, rquickjs::Error>(Persistent::save(&ctx, functions))
        })?;
        Ok(Self { prelude, shell, clock, modules, context, runtime })
    }

    /// Runs an Action: `modules` are paths and JavaScript, the entry first.
    ///
    /// # Errors
    /// Throwing, running out of time or memory, giving back too much or what makes no sense, never settling: nothing of
    /// what the Action wanted done is left.
    pub fn run(
        self,
        invocation: &Invocation,
        modules: &[(String, String)],
        host: Rc<RefCell<dyn Bridge>>,
    ) -> Result<Effects, Failure> {
        let limits = invocation.limits;
        self.runtime.set_memory_limit(bytes(limits.memory));
        self.runtime.set_max_stack_size(bytes(limits.stack));
        self.modules.fill(modules);
        self.clock.start(limits.wall, limits.cpu);
        *self.shell.borrow_mut() = Shell::of(invocation, Rc::clone(&host));
        let Self { prelude, shell, clock, modules: _, context, runtime } = self;
        let driven = context.with(|ctx| {
            let prelude = prelude.restore(&ctx)?;
            drive::drive(&ctx, &prelude, invocation, modules, &shell, &clock)
        });
        let is_full = || u64::try_from(runtime.memory_usage().malloc_size).is_ok_and(|used| used > limits.memory / 2);
        let outcome = drive::judge(driven, &shell, &clock, is_full);
        clock.stop();
        outcome
    }
}

fn bytes(limit: u64) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}
