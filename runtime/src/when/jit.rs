//! Machine code for expressions: compiled once per flow, off the request path, freed with its last user.
//!
//! Code pages are written, then made readable and executable, never both writable and executable. Machine code calls
//! the functions of `admit-eval` that the interpreter is made of, never the interpreter, and no panic unwinds
//! through it.
#![expect(unsafe_code, reason = "machine code is called, and reads values by their layout")]

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use admit_eval::error::EvalError;
use admit_eval::value::Value;
use admit_plan::code::{Expr, Pool, Slot};
use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::ir::{AbiParam, UserFuncName, types};
use cranelift_codegen::isa::OwnedTargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{FuncId, Module, ModuleReloc, default_libcall_names};
use thiserror::Error;

use crate::when::jit::constants::{Constants, Table};
use crate::when::jit::helper::{Helper, Run};
use crate::when::{CaseError, Frame};

mod constants;
mod emit;
mod helper;
mod layout;

/// What a decision answers where no case holds.
const NO_CASE: i64 = -1;
/// What a value answers where it failed, and a decision whose first case failed; the others count down from there.
const FAILED: i64 = -2;
/// What code answers where a value does not have its declared type.
const BROKEN: i64 = i64::MIN;

/// The error of such a value.
const WRONG_TYPE: &str = "a value does not have its declared type";

/// The result of compiling.
type Result<T> = std::result::Result<T, CompileError>;

/// `(slots, locals, constants, run, out) -> status`
type Function = for<'a> unsafe extern "C" fn(
    *const Value<'a>,
    *const Value<'a>,
    *const Value<'static>,
    *mut Run<'_, 'a>,
    *mut Value<'a>,
) -> i64;

/// One function to compile.
#[derive(Clone, Debug)]
pub enum Program<'e> {
    /// The conditions of a decision, in order: answers the first that holds.
    Decision {
        /// The conditions.
        cases: Vec<&'e Expr>,
        /// How many locals are given with each call.
        locals: u32,
    },
    /// One expression.
    Value {
        /// The expression.
        expr: &'e Expr,
        /// How many locals are given with each call.
        locals: u32,
    },
}

/// Why nothing was compiled; the interpreter runs then.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// There is no machine code for this machine.
    #[error("no machine code for this machine: {0}")]
    Platform(Box<str>),
    /// The code names something that is not there; a verified plan never does.
    #[error("the code names {0} that does not exist")]
    BadCode(&'static str),
    /// A fault of ours.
    #[error("internal fault of the code generator: {0}")]
    Internal(Box<str>),
}

/// Machine code of some programs. Immutable; share it in an `Arc`.
pub struct Compiled {
    functions: Vec<Entry>,
    constants: Table,
    /// Slots that a call must give.
    slots: usize,
    /// Bytes of machine code.
    size: usize,
    /// Where the functions lie.
    _pages: Pages,
}

/// A module whose pages are given back when it is dropped.
struct Pages(Option<JITModule>);

/// A function, and whether it calls helpers.
type Emitted = (FuncId, bool);

/// The two functions of a program. Expressions have no effects, so one that fails is simply run again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// Gives up at the first error or doubt with [`FAILED`]: no registers are saved and no marks kept for errors.
    Quick,
    /// Records errors, and absorbs them as `&&` and `||` do.
    Whole,
}

/// A compiled program.
struct Entry {
    quick: Function,
    /// `quick` calls helpers.
    quick_calls: bool,
    whole: Function,
    locals: usize,
    is_decision: bool,
}

// SAFETY: after `compile` nothing in it changes. `JITModule` holds raw pointers to its own pages and closures without
// shared state; it is touched again only when it is dropped, by the one owner left. The table's values point into
// boxes it owns, and are only read.
unsafe impl Send for Compiled {}
// SAFETY: as above: shared references only read.
unsafe impl Sync for Compiled {}

impl Compiled {
    /// Compiles programs over the slots of one flow. Takes a few hundred microseconds for a decision: not for the path
    /// of a request.
    ///
    /// # Errors
    /// [`CompileError`]; never for a verified plan on x86-64 and AArch64.
    pub fn compile(pool: &Pool, slots: &[Slot], programs: &[Program<'_>]) -> Result<Self> {
        // A panic of the code generator is its fault, not the end of the process.
        match catch_unwind(AssertUnwindSafe(|| Self::compile_all(pool, slots, programs))) {
            Ok(compiled) => compiled,
            Err(_) => Err(CompileError::Internal("it panicked".into())),
        }
    }

    fn compile_all(pool: &Pool, slots: &[Slot], programs: &[Program<'_>]) -> Result<Self> {
        if !layout::is_known() {
            return Err(CompileError::Platform("its memory layout is not known".into()));
        }
        let mut pages = Pages(Some(JITModule::new(builder()?)));
        let Some(module) = &mut pages.0 else { return Err(CompileError::Internal("no module".into())) };
        let mut constants = Constants::default();
        let mut context = module.make_context();
        let mut reused = FunctionBuilderContext::new();
        let mut declared = Vec::with_capacity(programs.len());
        let mut size = 0;
        for program in programs {
            let mut function = |path: Path| {
                context.func.signature = signature(module);
                let id = module.declare_anonymous_function(&context.func.signature).map_err(internal)?;
                context.func.name = UserFuncName::user(0, id.as_u32());
                let ins = FunctionBuilder::new(&mut context.func, &mut reused);
                let calls = emit::emit(ins, module, (pool, slots), &mut constants, program, path)?;
                size += define(module, id, &mut context, path)?;
                module.clear_context(&mut context);
                Ok((id, calls))
            };
            declared.push((function(Path::Quick)?, function(Path::Whole)?));
        }
        module.finalize_definitions().map_err(internal)?;
        let entry = |(((quick, quick_calls), (whole, _)), program): (&(Emitted, Emitted), &Program<'_>)| Entry {
            quick: function(module, *quick),
            quick_calls: *quick_calls,
            whole: function(module, *whole),
            locals: program.locals() as usize,
            is_decision: matches!(program, Program::Decision { .. }),
        };
        let functions = declared.iter().zip(programs).map(entry).collect();
        Ok(Self { functions, constants: constants.finish(), slots: slots.len(), size, _pages: pages })
    }

    /// Runs a decision: the first case that holds, if any does.
    ///
    /// # Errors
    /// The case that failed, and how.
    #[inline]
    pub fn decide<'a>(
        &'a self,
        program: usize,
        frame: &Frame<'_, 'a>,
    ) -> std::result::Result<Option<usize>, Box<CaseError>> {
        let mut out = Value::Null;
        match self.call(program, true, frame, &mut out) {
            Ok(status) => Ok(usize::try_from(status).ok()),
            Err(failed) => Err(failed),
        }
    }

    /// Runs a value. It may borrow from the constants of the code, the slots and the arena.
    ///
    /// # Errors
    /// How the expression failed.
    #[inline]
    pub fn value<'a>(&'a self, program: usize, frame: &Frame<'_, 'a>) -> std::result::Result<Value<'a>, EvalError> {
        let mut out = Value::Null;
        match self.call(program, false, frame, &mut out) {
            Ok(_) => Ok(out),
            Err(failed) => Err(failed.error),
        }
    }

    /// Bytes of machine code.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Addresses of the code: for tests of where it lies.
    pub fn addresses(&self) -> impl Iterator<Item = usize> {
        self.functions.iter().flat_map(|entry| [entry.quick as usize, entry.whole as usize])
    }

    #[inline]
    fn call<'a>(
        &'a self,
        program: usize,
        is_decision: bool,
        frame: &Frame<'_, 'a>,
        out: &mut Value<'a>,
    ) -> std::result::Result<i64, Box<CaseError>> {
        let Some(entry) = self.functions.get(program).filter(|entry| entry.is_decision == is_decision) else {
            return Err(CaseError::refused("there is no such machine code"));
        };
        if frame.slots.len() < self.slots || frame.locals.len() < entry.locals {
            return Err(CaseError::refused("machine code was called without its values"));
        }
        if entry.quick_calls {
            return self.call_with_run(entry, frame, out);
        }
        let (slots, locals, constants) = (frame.slots.as_ptr(), frame.locals.as_ptr(), self.constants.as_ptr());
        // SAFETY: both functions were emitted with this signature and lie in pages that live as long as `self`. They read
        // no slot, local or constant beyond the numbers checked above and at compile time, test each tag before they
        // read a payload, read bytes of a string only within its length, and pass `run` and pointers to live, aligned
        // values to helpers of the signatures in `helper`: without helpers there is no use for a run. The constants
        // outlive `'a`, as `self` does.
        let status = unsafe { (entry.quick)(slots, locals, constants, std::ptr::null_mut(), out) };
        if status >= NO_CASE {
            return Ok(status);
        }
        self.call_whole(entry, frame, out)
    }

    /// Apart from [`Compiled::call`], which is then small enough to stand where it is called: a decision without
    /// helpers takes no longer than a few calls do.
    #[inline(never)]
    fn call_with_run<'a>(
        &'a self,
        entry: &Entry,
        frame: &Frame<'_, 'a>,
        out: &mut Value<'a>,
    ) -> std::result::Result<i64, Box<CaseError>> {
        let (slots, locals, constants) = (frame.slots.as_ptr(), frame.locals.as_ptr(), self.constants.as_ptr());
        let mut run = Run::new(frame, &self.constants.funcs);
        // SAFETY: as in `call`, which has checked the numbers of slots and locals.
        let status = unsafe { (entry.quick)(slots, locals, constants, &mut run, out) };
        if status >= NO_CASE {
            return Ok(status);
        }
        self.call_whole(entry, frame, out)
    }

    #[cold]
    fn call_whole<'a>(
        &'a self,
        entry: &Entry,
        frame: &Frame<'_, 'a>,
        out: &mut Value<'a>,
    ) -> std::result::Result<i64, Box<CaseError>> {
        let (slots, locals, constants) = (frame.slots.as_ptr(), frame.locals.as_ptr(), self.constants.as_ptr());
        // What the quick path took of the memory bound is given back: it begins again.
        frame.cx.refill();
        let mut run = Run::new(frame, &self.constants.funcs);
        // SAFETY: as in `call`, which has checked the numbers of slots and locals.
        let status = unsafe { (entry.whole)(slots, locals, constants, &mut run, out) };
        if status >= NO_CASE {
            return Ok(status);
        }
        let Some(error) = run.error().filter(|_| status != BROKEN) else {
            return Err(CaseError::refused(WRONG_TYPE));
        };
        Err(Box::new(CaseError { case: usize::try_from(FAILED.saturating_sub(status)).unwrap_or_default(), error }))
    }
}

impl CaseError {
    #[cold]
    fn refused(why: &str) -> Box<Self> {
        Box::new(Self { case: 0, error: EvalError::Invalid(why.into()) })
    }
}

impl Drop for Pages {
    fn drop(&mut self) {
        if let Some(module) = self.0.take() {
            // SAFETY: code runs only inside `Compiled::call`, which borrows the `Compiled` that owns these pages; no
            // borrow is left here, and function pointers never leave it. Before a `Compiled` is made nothing runs.
            unsafe { module.free_memory() };
        }
    }
}

impl fmt::Debug for Compiled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Compiled").field("functions", &self.functions.len()).field("size", &self.size).finish()
    }
}

impl Program<'_> {
    fn locals(&self) -> u32 {
        match self {
            Self::Decision { locals, .. } | Self::Value { locals, .. } => *locals,
        }
    }
}

/// The code of programs before it is machine code, as Cranelift prints it (`admit emit clif`).
///
/// # Errors
/// As [`Compiled::compile`].
pub fn listing(pool: &Pool, slots: &[Slot], programs: &[Program<'_>]) -> Result<String> {
    let mut pages = Pages(Some(JITModule::new(builder()?)));
    let Some(module) = &mut pages.0 else { return Err(CompileError::Internal("no module".into())) };
    let mut constants = Constants::default();
    let mut context = module.make_context();
    let mut reused = FunctionBuilderContext::new();
    let mut text = String::new();
    let both = programs.iter().flat_map(|program| [(program, Path::Quick), (program, Path::Whole)]);
    for (index, (program, path)) in both.enumerate() {
        context.func.signature = signature(module);
        context.func.name = UserFuncName::user(0, u32::try_from(index).unwrap_or(u32::MAX));
        let ins = FunctionBuilder::new(&mut context.func, &mut reused);
        emit::emit(ins, module, (pool, slots), &mut constants, program, path)?;
        let what = if path == Path::Quick { "quick" } else { "whole" };
        text.push_str(&format!("; program {}, the {what} path\n{}\n", index / 2, context.func.display()));
        module.clear_context(&mut context);
    }
    Ok(text)
}

fn function(module: &JITModule, id: FuncId) -> Function {
    let code = module.get_finalized_function(id);
    // SAFETY: the address is that of a function emitted with `signature`, which is `Function`'s: five words in, one out,
    // by the C convention of this machine.
    unsafe { std::mem::transmute::<*const u8, Function>(code) }
}

fn signature(module: &JITModule) -> cranelift_codegen::ir::Signature {
    let mut signature = module.make_signature();
    signature.params.extend([AbiParam::new(types::I64); 5]);
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

fn builder() -> Result<JITBuilder> {
    let mut builder = JITBuilder::with_isa(machine(Path::Quick)?, default_libcall_names());
    for helper in Helper::ALL {
        builder.symbol(helper.name(), helper.address());
    }
    Ok(builder)
}

/// This machine as Cranelift sees it. The whole path runs where something failed, so it is compiled fast, not well.
fn machine(path: Path) -> Result<OwnedTargetIsa> {
    static QUICK: OnceLock<Result<OwnedTargetIsa>> = OnceLock::new();
    static WHOLE: OnceLock<Result<OwnedTargetIsa>> = OnceLock::new();
    match path {
        Path::Quick => QUICK.get_or_init(|| new_machine("backtracking")).clone(),
        Path::Whole => WHOLE.get_or_init(|| new_machine("single_pass")).clone(),
    }
}

fn new_machine(registers: &str) -> Result<OwnedTargetIsa> {
    let mut flags = settings::builder();
    let verify = if cfg!(debug_assertions) { "true" } else { "false" };
    let wanted = [
        ("use_colocated_libcalls", "false"),
        ("is_pic", "false"),
        // What is emitted is straight already: `speed` makes it no faster, and takes twice as long.
        ("opt_level", "none"),
        ("regalloc_algorithm", registers),
        ("enable_verifier", verify),
        ("enable_probestack", "true"),
        ("probestack_strategy", "inline"),
        ("unwind_info", "false"),
    ];
    for (name, value) in wanted {
        flags.set(name, value).map_err(|error| CompileError::Platform(error.to_string().into()))?;
    }
    let native = cranelift_native::builder().map_err(|why| CompileError::Platform(why.into()))?;
    let isa =
        native.finish(settings::Flags::new(flags)).map_err(|error| CompileError::Platform(error.to_string().into()))?;
    if isa.pointer_bits() != 64 {
        return Err(CompileError::Platform("its addresses are not 64 bits".into()));
    }
    Ok(isa)
}

/// Compiles what was emitted, for the machine as the path sees it.
fn define(module: &mut JITModule, id: FuncId, context: &mut Context, path: Path) -> Result<usize> {
    let machine = machine(path)?;
    context
        .compile(&*machine, &mut ControlPlane::default())
        .map_err(|error| CompileError::Internal(error.inner.to_string().into()))?;
    let Some(code) = context.compiled_code() else { return Err(CompileError::Internal("nothing was compiled".into())) };
    let relocations: Vec<_> =
        code.buffer.relocs().iter().map(|at| ModuleReloc::from_mach_reloc(at, &context.func, id)).collect();
    let bytes = code.code_buffer();
    module.define_function_bytes(id, u64::from(code.buffer.alignment), bytes, &relocations).map_err(internal)?;
    Ok(bytes.len())
}

fn internal(error: cranelift_module::ModuleError) -> CompileError {
    CompileError::Internal(error.to_string().into())
}
