//! Macros over lists and maps: the loop, its variables and its test are machine code.

use admit_plan::code::{Comprehension, Expr, Macro};
use admit_plan::types::{Kind, Type};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};
use cranelift_frontend::Variable;

use crate::when::jit::emit::{Bound, Emit, Held};
use crate::when::jit::helper::{Asked, Helper};
use crate::when::jit::layout::{PAYLOAD, SECOND, VALUE_SIZE};
use crate::when::jit::{CompileError, Result};

/// A loop over rows of one or two values.
struct Walk {
    head: Block,
    /// The row.
    at: Value,
    /// The next row.
    next: Value,
}

impl<'e> Emit<'e, '_> {
    /// Emits `all` and `exists` as control flow; whether it is one of them.
    pub(super) fn branch_walk(&mut self, expr: &'e Expr, then: Block, otherwise: Block) -> Result<bool> {
        let Expr::Comprehension(walk) = expr else { return Ok(false) };
        let all = match walk.kind {
            Macro::All => true,
            Macro::Exists => false,
            Macro::ExistsOne | Macro::Filter | Macro::Map | Macro::TransformMap | Macro::TransformMapEntry => {
                return Ok(false);
            }
        };
        let Some(test) = &walk.cond else { return Err(CompileError::BadCode("a macro without its test")) };
        let range = self.range(walk)?;
        let (decided, undecided) = if all { (otherwise, then) } else { (then, otherwise) };
        let mut waiting = self.waiting();
        let (done, forget) = (self.block(), self.block());
        let row = self.begin(range, walk, done);
        let (next, failed) = (self.block(), self.cold_block());
        let ((), fails) = self.with_row(walk, row.at, |this| {
            let (then, otherwise) = if all { (next, forget) } else { (forget, next) };
            if this.quick {
                return this.branch(test, then, otherwise, Asked::Predicate).map(|()| ((), false));
            }
            this.failing_to(failed, |this| this.branch(test, then, otherwise, Asked::Predicate))
        })?;
        if fails {
            self.at(failed);
            self.wait(&mut waiting)?;
            self.jump(next);
        }
        self.at(next);
        self.repeat(&row);
        self.at(forget);
        if fails {
            self.forget_waiting(&waiting)?;
        }
        self.jump(decided);
        self.at(done);
        if fails {
            self.raise_waiting(&waiting, undecided)?;
        } else {
            self.jump(undecided);
        }
        Ok(true)
    }

    pub(super) fn comprehension(&mut self, expr: &'e Expr, walk: &'e Comprehension) -> Result<Held> {
        match walk.kind {
            Macro::All | Macro::Exists => self.by_branch(expr),
            Macro::ExistsOne => self.exists_one(walk),
            // No macro of the language filters with two variables.
            Macro::Filter if walk.two_vars => Err(CompileError::BadCode("a macro")),
            Macro::Filter => self.collect(walk, [Helper::ListNew, Helper::ListPush, Helper::ListDone]),
            Macro::Map => self.collect(walk, [Helper::ListNew, Helper::ListPushMade, Helper::ListDone]),
            Macro::TransformMap => self.collect(walk, [Helper::MapNew, Helper::MapPutMade, Helper::MapDone]),
            Macro::TransformMapEntry => self.collect(walk, [Helper::MapNew, Helper::MapMerge, Helper::MapDone]),
        }
    }

    fn exists_one(&mut self, walk: &'e Comprehension) -> Result<Held> {
        let Some(test) = &walk.cond else { return Err(CompileError::BadCode("a macro without its test")) };
        let range = self.range(walk)?;
        let count = self.ins.declare_var(types::I64);
        let zero = self.int(0);
        self.ins.def_var(count, zero);
        let done = self.block();
        let row = self.begin(range, walk, done);
        let (found, next) = (self.block(), self.block());
        self.with_row(walk, row.at, |this| this.branch(test, found, next, Asked::Predicate))?;
        self.at(found);
        self.increment(count);
        self.jump(next);
        self.at(next);
        self.repeat(&row);
        self.at(done);
        let count = self.ins.use_var(count);
        Ok(Held::Bool(self.equals(count, 1)))
    }

    /// The macros that make a list or a map: how one is begun, added to and ended.
    fn collect(&mut self, walk: &'e Comprehension, [new, add, end]: [Helper; 3]) -> Result<Held> {
        let cell = self.cell();
        let range = self.range(walk)?;
        let capacity = self.int(0);
        let made = self.call(new, &[capacity])?;
        let done = self.block();
        let row = self.begin(range, walk, done);
        let next = self.block();
        self.with_row(walk, row.at, |this| {
            if let Some(test) = &walk.cond {
                let wanted = this.block();
                this.branch(test, wanted, next, Asked::Predicate)?;
                this.at(wanted);
            }
            let mark = this.cells_used;
            let address = match &walk.value {
                Some(value) => {
                    let held = this.value(value)?;
                    this.address(held)
                }
                None if walk.kind == Macro::Filter => row.at,
                None => return Err(CompileError::BadCode("a macro without its value")),
            };
            if add == Helper::MapPutMade {
                this.try_call(add, &[made, row.at, address])?;
            } else {
                this.try_call(add, &[made, address])?;
            }
            this.release(mark);
            Ok(())
        })?;
        self.jump(next);
        self.at(next);
        self.repeat(&row);
        self.at(done);
        self.try_call(end, &[made, cell])?;
        Ok(Held::Memory(cell))
    }

    /// The rows of what is walked: first address and the address after the last.
    fn range(&mut self, walk: &'e Comprehension) -> Result<(Value, Value)> {
        let cell = self.cell();
        let held = self.value(&walk.range)?;
        let address = self.address(held);
        let two = self.int(i64::from(walk.two_vars));
        // Also for a list that could be walked as it lies: the helper takes the elements from the bound on steps.
        self.try_call(Helper::Rows, &[address, two, cell])?;
        // It leaves a list of values there, the rows one after another.
        let (first, count) = (self.load(types::I64, cell, PAYLOAD), self.load(types::I64, cell, SECOND));
        let bytes = self.ins.ins().imul_imm_s(count, i64::from(VALUE_SIZE));
        Ok((first, self.ins.ins().iadd(first, bytes)))
    }

    /// Begins the loop; what is emitted next runs for each row.
    fn begin(&mut self, (first, end): (Value, Value), walk: &Comprehension, done: Block) -> Walk {
        let (head, body) = (self.block(), self.block());
        let at = self.ins.append_block_param(head, types::I64);
        self.jump_with(head, first);
        self.at(head);
        let over = self.ins.ins().icmp(IntCC::Equal, at, end);
        self.branch_if(over, done, body);
        self.at(body);
        let size = i64::from(VALUE_SIZE) * if walk.two_vars { 2 } else { 1 };
        let next = self.ins.ins().iadd_imm_s(at, size);
        Walk { head, at, next }
    }

    fn repeat(&mut self, walk: &Walk) {
        self.ins.ins().jump(walk.head, &[BlockArg::Value(walk.next)]);
    }

    /// Emits with the variables of a row bound.
    fn with_row<T>(
        &mut self,
        walk: &'e Comprehension,
        at: Value,
        emit: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let (first, second) = self.row_types(walk);
        let before = self.locals.len();
        self.locals.push(Bound { held: Held::Memory(at), ty: first });
        if walk.two_vars {
            let second_at = self.ins.ins().iadd_imm_s(at, i64::from(VALUE_SIZE));
            self.locals.push(Bound { held: Held::Memory(second_at), ty: second });
        }
        let emitted = emit(self);
        self.locals.truncate(before);
        emitted
    }

    /// Declared types of the variables, where known.
    fn row_types(&self, walk: &Comprehension) -> (Option<&'e Type>, Option<&'e Type>) {
        match self.declared(&walk.range).map(|ty| &ty.kind) {
            Some(Kind::List(item)) if walk.two_vars => (None, Some(item)),
            Some(Kind::List(item)) => (Some(item), None),
            Some(Kind::Map(key, value)) => (Some(key), walk.two_vars.then_some(value)),
            _ => (None, None),
        }
    }

    fn increment(&mut self, variable: Variable) {
        let value = self.ins.use_var(variable);
        let value = self.ins.ins().iadd_imm_s(value, 1);
        self.ins.def_var(variable, value);
    }
}
