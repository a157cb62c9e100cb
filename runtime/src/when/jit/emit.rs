//! From typed expression code to Cranelift's: one function per decision or value.
//!
//! Scalars and strings of known type are held in registers ([`Held`]); every other value stays in memory, where
//! helpers read it. No stored type is trusted: the tag of a value is tested before its payload is read, and a value
//! that does not have its declared type leaves the function with [`BROKEN`].
//!
//! Errors are continuations: [`Emit::fail`] is the block where an error of the expression at hand goes on. `&&`, `||`,
//! `all` and `exists` set one of their own, which is how they absorb errors.

use admit_plan::code::{Expr, LocalId, Pool, Slot, SlotId};
use admit_plan::types::{Kind, Type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    Block, BlockArg, FuncRef, InstBuilder, MemFlagsData, StackSlot, StackSlotData, StackSlotKind, Value, types,
};
use cranelift_frontend::FunctionBuilder;
use cranelift_jit::JITModule;
use cranelift_module::Module;

use crate::when::jit::constants::Constants;
use crate::when::jit::helper::{Asked, Helper};
use crate::when::jit::layout::{PAYLOAD, SECOND, Tag, VALUE_SIZE};
use crate::when::jit::{BROKEN, CompileError, FAILED, NO_CASE, Path, Program, Result};

mod arithmetic;
mod build;
mod logic;
mod membership;
mod text;
mod value;
mod walk;

/// How the value of an expression is held while code is emitted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Held {
    /// 0 or 1, eight bits.
    Bool(Value),
    Int(Value),
    Uint(Value),
    Double(Value),
    Str {
        ptr: Value,
        len: Value,
    },
    /// The address of a value, which is not absent.
    Memory(Value),
}

/// The variants of [`Held`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Bool,
    Int,
    Uint,
    Double,
    Str,
    Memory,
}

/// A bound variable.
#[derive(Clone, Copy)]
struct Bound<'e> {
    held: Held,
    /// Declared, where known.
    ty: Option<&'e Type>,
}

/// A function that is being emitted.
pub(super) struct Emit<'e, 'b> {
    ins: FunctionBuilder<'b>,
    module: &'e mut JITModule,
    pool: &'e Pool,
    slots: &'e [Slot],
    constants: &'e mut Constants,
    /// Helpers that this function has imported.
    imported: Vec<(Helper, FuncRef)>,
    /// Parameters of the function.
    slots_at: Value,
    constants_at: Value,
    run: Value,
    out: Value,
    locals: Vec<Bound<'e>>,
    /// Where an error goes on.
    fail: Block,
    /// Whether anything jumps there.
    fails: bool,
    /// Where a value that breaks its declared type goes.
    broken: Option<Block>,
    /// Cells for values in memory: a stack, reused once what was emitted has read them.
    cells: Vec<StackSlot>,
    cells_used: usize,
    /// Where the arguments of calls stand in a row.
    row_slot: Option<StackSlot>,
    /// It is [`Path::Quick`]: there is one block of errors, and nothing is recorded for it.
    quick: bool,
}

/// Emits the body of a function with the parameters `(slots, locals, constants, run, out)`; whether it calls helpers.
pub(super) fn emit<'e>(
    mut ins: FunctionBuilder<'_>,
    module: &'e mut JITModule,
    (pool, slots): (&'e Pool, &'e [Slot]),
    constants: &'e mut Constants,
    program: &'e Program<'e>,
    path: Path,
) -> Result<bool> {
    let entry = ins.create_block();
    ins.append_block_params_for_function_params(entry);
    ins.switch_to_block(entry);
    let &[slots_at, locals_at, constants_at, run, out] = ins.block_params(entry) else {
        return Err(CompileError::Internal("a function without its parameters".into()));
    };
    let fail = ins.create_block();
    ins.set_cold_block(fail);
    let mut emit = Emit {
        ins,
        module,
        pool,
        slots,
        constants,
        imported: Vec::new(),
        slots_at,
        constants_at,
        run,
        out,
        locals: Vec::new(),
        fail,
        fails: false,
        broken: None,
        cells: Vec::new(),
        cells_used: 0,
        row_slot: None,
        quick: path == Path::Quick,
    };
    for index in 0..program.locals() {
        let address = emit.ins.ins().iadd_imm_s(locals_at, i64::from(index) * i64::from(VALUE_SIZE));
        emit.locals.push(Bound { held: Held::Memory(address), ty: None });
    }
    match program {
        Program::Decision { cases, .. } => emit.decision(cases)?,
        Program::Value { expr, .. } => emit.whole_value(expr)?,
    }
    let calls = !emit.imported.is_empty();
    emit.finish();
    Ok(calls)
}

impl<'e> Emit<'e, '_> {
    fn decision(&mut self, cases: &[&'e Expr]) -> Result<()> {
        for (index, case) in cases.iter().enumerate() {
            let (taken, next) = (self.block(), self.block());
            if !self.quick {
                self.fail = self.cold_block();
                self.fails = false;
            }
            let failed = self.fail;
            self.branch(case, taken, next, Asked::When)?;
            let number = i64::try_from(index).unwrap_or(i64::MAX);
            self.at(taken);
            self.leave(number);
            if self.fails && !self.quick {
                self.at(failed);
                self.leave(FAILED - number);
            }
            self.at(next);
        }
        self.leave(NO_CASE);
        if self.fails && self.quick {
            self.at(self.fail);
            self.leave(FAILED);
        }
        Ok(())
    }

    fn whole_value(&mut self, expr: &'e Expr) -> Result<()> {
        let held = self.value(expr)?;
        self.store(held, self.out, 0);
        self.leave(0);
        if self.fails {
            self.at(self.fail);
            self.leave(FAILED);
        }
        Ok(())
    }

    fn leave(&mut self, status: i64) {
        let status = self.int(status);
        self.ins.ins().return_(&[status]);
    }

    fn finish(mut self) {
        if let Some(broken) = self.broken {
            self.at(broken);
            self.leave(BROKEN);
        }
        self.ins.seal_all_blocks();
        self.ins.finalize(self.module.target_config());
    }

    // Blocks.

    fn block(&mut self) -> Block {
        self.ins.create_block()
    }

    fn cold_block(&mut self) -> Block {
        let block = self.ins.create_block();
        self.ins.set_cold_block(block);
        block
    }

    /// What is emitted next stands in this block.
    fn at(&mut self, block: Block) {
        self.ins.switch_to_block(block);
    }

    fn jump(&mut self, to: Block) {
        self.ins.ins().jump(to, &[]);
    }

    fn jump_with(&mut self, to: Block, value: Value) {
        self.ins.ins().jump(to, &[BlockArg::Value(value)]);
    }

    fn branch_if(&mut self, condition: Value, then: Block, otherwise: Block) {
        self.ins.ins().brif(condition, then, &[], otherwise, &[]);
    }

    /// The block of errors; who asks jumps there.
    fn failing(&mut self) -> Block {
        self.fails = true;
        self.fail
    }

    fn breaking(&mut self) -> Block {
        if self.quick {
            return self.failing();
        }
        match self.broken {
            Some(block) => block,
            None => {
                let block = self.cold_block();
                self.broken = Some(block);
                block
            }
        }
    }

    /// Emits with another block of errors; also whether anything jumps there.
    fn failing_to<T>(&mut self, fail: Block, emit: impl FnOnce(&mut Self) -> Result<T>) -> Result<(T, bool)> {
        let outer = std::mem::replace(&mut self.fail, fail);
        let outer_fails = std::mem::replace(&mut self.fails, false);
        let emitted = emit(self);
        self.fail = outer;
        let fails = std::mem::replace(&mut self.fails, outer_fails);
        Ok((emitted?, fails))
    }

    // Small values.

    fn int(&mut self, value: i64) -> Value {
        self.ins.ins().iconst(types::I64, value)
    }

    fn bool(&mut self, value: bool) -> Value {
        self.ins.ins().iconst(types::I8, i64::from(value))
    }

    fn equals(&mut self, value: Value, constant: i64) -> Value {
        self.ins.ins().icmp_imm_s(IntCC::Equal, value, constant)
    }

    fn load(&mut self, ty: types::Type, address: Value, offset: i32) -> Value {
        self.ins.ins().load(ty, aligned(), address, offset)
    }

    fn tag(&mut self, address: Value) -> Value {
        self.load(types::I8, address, 0)
    }

    // Helpers.

    /// Calls a helper; the run is its first argument.
    fn call(&mut self, helper: Helper, arguments: &[Value]) -> Result<Value> {
        let callee = self.import(helper)?;
        let mut all = Vec::with_capacity(arguments.len() + 1);
        all.push(self.run);
        all.extend_from_slice(arguments);
        let call = self.ins.ins().call(callee, &all);
        self.ins
            .inst_results(call)
            .first()
            .copied()
            .ok_or_else(|| CompileError::Internal("a helper without a result".into()))
    }

    /// Calls a helper that answers zero, or not zero where it has recorded an error.
    fn try_call(&mut self, helper: Helper, arguments: &[Value]) -> Result<()> {
        let status = self.call(helper, arguments)?;
        let (fail, fine) = (self.failing(), self.block());
        self.branch_if(status, fail, fine);
        self.at(fine);
        Ok(())
    }

    /// Calls a helper that answers 0, 1, or 2 where it has recorded an error.
    fn test_call(&mut self, helper: Helper, arguments: &[Value]) -> Result<Value> {
        let answer = self.call(helper, arguments)?;
        let failed = self.equals(answer, 2);
        let (fail, fine) = (self.failing(), self.block());
        self.branch_if(failed, fail, fine);
        self.at(fine);
        Ok(self.ins.ins().ireduce(types::I8, answer))
    }

    fn import(&mut self, helper: Helper) -> Result<FuncRef> {
        if let Some((_, known)) = self.imported.iter().find(|(known, _)| *known == helper) {
            return Ok(*known);
        }
        let id = helper.declare(self.module)?;
        let reference = self.module.declare_func_in_func(id, self.ins.func);
        self.imported.push((helper, reference));
        Ok(reference)
    }

    // Memory.

    /// The address of a cell for one value. It stays taken until [`Emit::release`].
    fn cell(&mut self) -> Value {
        let slot = match self.cells.get(self.cells_used) {
            Some(slot) => *slot,
            None => {
                let data = StackSlotData::new(StackSlotKind::ExplicitSlot, VALUE_SIZE as u32, 3);
                let slot = self.ins.create_sized_stack_slot(data);
                self.cells.push(slot);
                slot
            }
        };
        self.cells_used += 1;
        self.ins.ins().stack_addr(types::I64, slot, 0)
    }

    /// Gives back the cells taken since `mark`.
    fn release(&mut self, mark: usize) {
        self.cells_used = mark;
    }

    /// The address of a value: its own, or that of a new cell where it is written.
    fn address(&mut self, held: Held) -> Value {
        match held {
            Held::Memory(address) => address,
            Held::Bool(_) | Held::Int(_) | Held::Uint(_) | Held::Double(_) | Held::Str { .. } => {
                let cell = self.cell();
                self.store(held, cell, 0);
                cell
            }
        }
    }

    /// Writes a value.
    fn store(&mut self, held: Held, to: Value, offset: i32) {
        let (tag, payload) = match held {
            Held::Bool(value) => (Tag::Bool, value),
            Held::Int(value) => (Tag::Int, value),
            Held::Uint(value) => (Tag::Uint, value),
            Held::Double(value) => (Tag::Double, value),
            Held::Str { ptr, len } => {
                self.ins.ins().store(aligned(), len, to, offset + SECOND);
                (Tag::Str, ptr)
            }
            Held::Memory(from) => {
                for word in 0..VALUE_SIZE / 8 {
                    let value = self.load(types::I64, from, word * 8);
                    self.ins.ins().store(aligned(), value, to, offset + word * 8);
                }
                return;
            }
        };
        let tag = self.ins.ins().iconst(types::I8, tag as i64);
        self.ins.ins().store(aligned(), tag, to, offset);
        self.ins.ins().store(aligned(), payload, to, offset + PAYLOAD);
    }

    /// The payload of a value that has this class by declaration; its tag is tested.
    fn unpack(&mut self, address: Value, class: Class) -> Held {
        let Some(tag) = class.tag() else { return Held::Memory(address) };
        let found = self.tag(address);
        let right = self.equals(found, tag as i64);
        let (fine, broken) = (self.block(), self.breaking());
        self.branch_if(right, fine, broken);
        self.at(fine);
        self.payload(address, class)
    }

    /// The payload of a value whose tag has been tested.
    fn payload(&mut self, address: Value, class: Class) -> Held {
        match class {
            Class::Bool => Held::Bool(self.load(types::I8, address, PAYLOAD)),
            Class::Int => Held::Int(self.load(types::I64, address, PAYLOAD)),
            Class::Uint => Held::Uint(self.load(types::I64, address, PAYLOAD)),
            Class::Double => Held::Double(self.load(types::F64, address, PAYLOAD)),
            Class::Str => {
                let ptr = self.load(types::I64, address, PAYLOAD);
                Held::Str { ptr, len: self.load(types::I64, address, SECOND) }
            }
            Class::Memory => Held::Memory(address),
        }
    }

    fn slot_address(&mut self, slot: SlotId) -> Value {
        self.ins.ins().iadd_imm_s(self.slots_at, i64::from(slot) * i64::from(VALUE_SIZE))
    }

    // Types.

    fn slot(&self, id: SlotId) -> Result<&'e Slot> {
        self.slots.get(id as usize).ok_or(CompileError::BadCode("a slot"))
    }

    fn local(&self, id: LocalId) -> Result<Bound<'e>> {
        self.locals.get(id as usize).copied().ok_or(CompileError::BadCode("a local"))
    }

    /// The declared type of what an expression gives, where there is one: never more than a hint, as every value in
    /// memory is tested before it is used.
    fn declared(&self, expr: &Expr) -> Option<&'e Type> {
        match expr {
            Expr::Slot(id) => self.slots.get(*id as usize).map(|slot| slot.ty.present()),
            Expr::Local(id) => self.locals.get(*id as usize).and_then(|bound| bound.ty),
            Expr::Select(of, name) => match &self.declared(of)?.kind {
                Kind::Record(fields) => {
                    let name = self.pool.strings.get(*name as usize)?;
                    let field = fields.iter().find(|field| field.name == *name)?;
                    Some(&field.ty).filter(|ty| !matches!(ty.kind, Kind::Optional(_)))
                }
                Kind::Map(_, value) => Some(value),
                _ => None,
            },
            Expr::Index(both) => match &self.declared(&both.0)?.kind {
                Kind::List(item) | Kind::Map(_, item) => Some(item),
                _ => None,
            },
            _ => None,
        }
    }
}

impl Class {
    fn of(ty: Option<&Type>) -> Self {
        match ty.map(|ty| &ty.kind) {
            Some(Kind::Bool) => Self::Bool,
            Some(Kind::Int(_)) => Self::Int,
            Some(Kind::Uint(_)) => Self::Uint,
            Some(Kind::Double(_)) => Self::Double,
            Some(Kind::String | Kind::Enum(_)) => Self::Str,
            _ => Self::Memory,
        }
    }

    fn tag(self) -> Option<Tag> {
        match self {
            Self::Bool => Some(Tag::Bool),
            Self::Int => Some(Tag::Int),
            Self::Uint => Some(Tag::Uint),
            Self::Double => Some(Tag::Double),
            Self::Str => Some(Tag::Str),
            Self::Memory => None,
        }
    }
}

/// Memory that is there and aligned: values.
fn aligned() -> MemFlagsData {
    MemFlagsData::new().with_notrap().with_aligned()
}

/// Memory that is there: the bytes of strings.
fn unaligned() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}
