//! Expressions as values.

use admit_plan::code::{BinOp, Expr, LocalId, Macro, SlotId};
use admit_plan::func::Func;
use admit_plan::types::Kind;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use crate::when::jit::emit::{Bound, Class, Emit, Held};
use crate::when::jit::helper::Helper;
use crate::when::jit::layout::{PAYLOAD, SECOND, Tag};
use crate::when::jit::{CompileError, Result};

impl<'e> Emit<'e, '_> {
    /// How the value of an expression will be held.
    pub(super) fn class(&self, expr: &Expr) -> Class {
        match expr {
            Expr::Bool(_)
            | Expr::Has(_)
            | Expr::HasField(..)
            | Expr::Not(_)
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::InSet(..)
            | Expr::Matches(..) => Class::Bool,
            Expr::Int(_) => Class::Int,
            Expr::Uint(_) => Class::Uint,
            Expr::Double(_) => Class::Double,
            Expr::Str(_) => Class::Str,
            Expr::Local(id) => match self.locals.get(*id as usize).map(|bound| bound.held) {
                Some(Held::Bool(_)) => Class::Bool,
                Some(Held::Int(_)) => Class::Int,
                Some(Held::Uint(_)) => Class::Uint,
                Some(Held::Double(_)) => Class::Double,
                Some(Held::Str { .. }) => Class::Str,
                Some(Held::Memory(_)) | None => Class::of(self.declared(expr)),
            },
            Expr::Slot(_) | Expr::Select(..) | Expr::Index(_) => Class::of(self.declared(expr)),
            Expr::Neg(of) => match self.class(of) {
                class @ (Class::Int | Class::Double) => class,
                Class::Bool | Class::Uint | Class::Str | Class::Memory => Class::Memory,
            },
            Expr::Binary(op, both) => match op {
                BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::Rem => self.arithmetic_class(*op, both),
                BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::In => Class::Bool,
            },
            Expr::Cond(parts) => {
                let class = self.class(&parts.1);
                if class == self.class(&parts.2) { class } else { Class::Memory }
            }
            Expr::Call(func, arguments) => self.call_class(*func, arguments),
            Expr::Comprehension(walk) => match walk.kind {
                Macro::All | Macro::Exists | Macro::ExistsOne => Class::Bool,
                Macro::Filter | Macro::Map | Macro::TransformMap | Macro::TransformMapEntry => Class::Memory,
            },
            // What stands inside a binder cannot be classed outside of it.
            Expr::Bind(_)
            | Expr::Null
            | Expr::Bytes(_)
            | Expr::Duration(_)
            | Expr::Type(_)
            | Expr::OptSlot(_)
            | Expr::OptSelect(..)
            | Expr::OptIndex(_)
            | Expr::List(_)
            | Expr::Map(_)
            | Expr::Template(_) => Class::Memory,
        }
    }

    /// Emits an expression; it is held as [`Emit::class`] says.
    pub(super) fn value(&mut self, expr: &'e Expr) -> Result<Held> {
        match expr {
            Expr::Null | Expr::Bytes(_) | Expr::Duration(_) | Expr::Type(_) => {
                let constant = self.constants.add(expr, self.pool)?;
                Ok(Held::Memory(self.constant_address(constant)))
            }
            Expr::Bool(value) => Ok(Held::Bool(self.bool(*value))),
            Expr::Int(value) => Ok(Held::Int(self.int(*value))),
            Expr::Uint(value) => Ok(Held::Uint(self.int(value.cast_signed()))),
            Expr::Double(value) => Ok(Held::Double(self.ins.ins().f64const(*value))),
            Expr::Str(id) => {
                let len = self.string(*id)?.len();
                let constant = self.constants.add(expr, self.pool)?;
                let address = self.constant_address(constant);
                let ptr = self.load(types::I64, address, PAYLOAD);
                let len = i64::try_from(len).map_err(|_| CompileError::BadCode("a string"))?;
                Ok(Held::Str { ptr, len: self.int(len) })
            }
            Expr::Slot(id) => self.slot_value(*id),
            Expr::Has(id) => {
                self.slot(*id)?;
                let address = self.slot_address(*id);
                let tag = self.tag(address);
                Ok(Held::Bool(self.ins.ins().icmp_imm_s(IntCC::NotEqual, tag, Tag::Absent as i64)))
            }
            Expr::OptSlot(id) => {
                self.slot(*id)?;
                let (address, cell) = (self.slot_address(*id), self.cell());
                self.try_call(Helper::OptSlot, &[address, cell])?;
                Ok(Held::Memory(cell))
            }
            Expr::Local(id) => self.local_value(*id, self.class(expr)),
            Expr::Select(of, name) => {
                let class = self.class(expr);
                let cell = self.of_name(Helper::Select, of, *name)?;
                Ok(self.unpack(cell, class))
            }
            Expr::OptSelect(of, name) => Ok(Held::Memory(self.of_name(Helper::OptSelect, of, *name)?)),
            Expr::HasField(of, name) => {
                let mark = self.cells_used;
                let held = self.value(of)?;
                let address = self.address(held);
                let name = self.name(*name)?;
                let answer = self.test_call(Helper::HasField, &[address, name])?;
                self.release(mark);
                Ok(Held::Bool(answer))
            }
            Expr::Index(both) => {
                let class = self.class(expr);
                let cell = self.of_two(Helper::Index, both)?;
                Ok(self.unpack(cell, class))
            }
            Expr::OptIndex(both) => Ok(Held::Memory(self.of_two(Helper::OptIndex, both)?)),
            Expr::Not(of) => self.not(of),
            Expr::Neg(of) => self.negation(of),
            Expr::Binary(op, both) => match op {
                BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::Rem => self.arithmetic(*op, both),
                BinOp::Eq | BinOp::Ne if self.are_text(both) => self.by_branch(expr),
                BinOp::In if self.is_quick_membership(expr) => self.by_branch(expr),
                BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::In => {
                    self.comparison(*op, both)
                }
            },
            Expr::And(_) | Expr::Or(_) => self.by_branch(expr),
            Expr::Cond(parts) => self.conditional(parts),
            Expr::List(items) => self.list(items),
            Expr::Map(entries) => self.map(entries),
            Expr::InSet(of, set) => {
                if self.is_quick_membership(expr) {
                    return self.by_branch(expr);
                }
                if self.pool.sets.get(*set as usize).is_none() {
                    return Err(CompileError::BadCode("a set"));
                }
                self.of_number(Helper::InSet, of, *set)
            }
            Expr::Matches(of, regex) => {
                if self.pool.regexes.get(*regex as usize).is_none() {
                    return Err(CompileError::BadCode("a regular expression"));
                }
                self.of_number(Helper::Matches, of, *regex)
            }
            Expr::Call(func, arguments) => self.function(expr, *func, arguments),
            Expr::Comprehension(walk) => self.comprehension(expr, walk),
            Expr::Bind(both) => {
                let cell = self.cell();
                self.bound(both, |this, body| {
                    let held = this.value(body)?;
                    this.store(held, cell, 0);
                    Ok(())
                })?;
                Ok(Held::Memory(cell))
            }
            Expr::Template(parts) => self.template(parts),
        }
    }

    /// Emits a body with one more local.
    pub(super) fn bound(
        &mut self,
        both: &'e (Expr, Expr),
        emit: impl FnOnce(&mut Self, &'e Expr) -> Result<()>,
    ) -> Result<()> {
        let mark = self.cells_used;
        let held = self.value(&both.0)?;
        let ty = self.declared(&both.0);
        self.locals.push(Bound { held, ty });
        let emitted = emit(self, &both.1);
        self.locals.pop();
        self.release(mark);
        emitted
    }

    /// A function by name; arguments in a row.
    fn function(&mut self, expr: &'e Expr, func: Func, arguments: &'e [Expr]) -> Result<Held> {
        if self.is_quick_text(func, arguments) {
            return self.by_branch(expr);
        }
        if func == Func::Size
            && let [of] = arguments
            && self.is_list(of)
        {
            return self.list_size(of);
        }
        if func.is_lazy()
            && let [of, other] = arguments
        {
            return self.lazy(func, of, other);
        }
        let cell = self.cell();
        let mark = self.cells_used;
        let mut held = Vec::with_capacity(arguments.len());
        for argument in arguments {
            held.push(self.value(argument)?);
        }
        self.call_with(func, &held, cell)?;
        self.release(mark);
        Ok(Held::Memory(cell))
    }

    /// A function whose second argument is evaluated only where the first, an optional, has no value.
    fn lazy(&mut self, func: Func, of: &'e Expr, other: &'e Expr) -> Result<Held> {
        let cell = self.cell();
        let mark = self.cells_used;
        let of = self.value(of)?;
        let address = self.address(of);
        let (other_kind, is_optional) = (self.cold_block(), self.block());
        let (full, empty, done) = (self.block(), self.block(), self.block());
        let tag = self.tag(address);
        let right = self.equals(tag, Tag::Optional as i64);
        self.branch_if(right, is_optional, other_kind);

        self.at(other_kind);
        let number = self.constants.add_func(func);
        let number = self.count(number)?;
        self.call(Helper::NoOverload, &[number, address])?;
        let fail = self.failing();
        self.jump(fail);

        self.at(is_optional);
        let inner = self.load(types::I64, address, PAYLOAD);
        self.branch_if(inner, full, empty);

        self.at(full);
        let given = if func == Func::OptOr { address } else { inner };
        self.store(Held::Memory(given), cell, 0);
        self.jump(done);

        self.at(empty);
        let other = self.value(other)?;
        self.call_with(func, &[Held::Memory(address), other], cell)?;
        self.jump(done);

        self.at(done);
        self.release(mark);
        Ok(Held::Memory(cell))
    }

    fn call_with(&mut self, func: Func, held: &[Held], cell: Value) -> Result<()> {
        let row = self.row(held);
        let func = self.constants.add_func(func);
        let (func, count) = (self.count(func)?, self.count(held.len())?);
        self.try_call(Helper::Call, &[func, row, count, cell])
    }

    fn call_class(&self, func: Func, arguments: &[Expr]) -> Class {
        if self.is_quick_text(func, arguments) {
            return Class::Bool;
        }
        match arguments {
            [of] if func == Func::Size && self.is_list(of) => Class::Int,
            _ => Class::Memory,
        }
    }

    /// Whether an expression is declared to be a list, and is one without a computation of its own.
    pub(super) fn is_list(&self, expr: &Expr) -> bool {
        matches!(self.declared(expr).map(|ty| &ty.kind), Some(Kind::List(_)))
    }

    fn list_size(&mut self, of: &'e Expr) -> Result<Held> {
        let mark = self.cells_used;
        let (_, len) = self.list_parts(of)?;
        self.release(mark);
        Ok(Held::Int(len))
    }

    /// Address of the first element and the length of what is declared a list.
    pub(super) fn list_parts(&mut self, of: &'e Expr) -> Result<(Value, Value)> {
        let address = match of {
            // Absent is no list either: one test does for both.
            Expr::Slot(id) if self.quick => self.slot_address(*id),
            _ => {
                let held = self.value(of)?;
                self.address(held)
            }
        };
        let tag = self.tag(address);
        let right = self.equals(tag, Tag::List as i64);
        let (fine, broken) = (self.block(), self.breaking());
        self.branch_if(right, fine, broken);
        self.at(fine);
        let first = self.load(types::I64, address, PAYLOAD);
        Ok((first, self.load(types::I64, address, SECOND)))
    }

    fn slot_value(&mut self, id: SlotId) -> Result<Held> {
        let slot = self.slot(id)?;
        let class = Class::of(Some(slot.ty.present()));
        let address = self.slot_address(id);
        let tag = self.tag(address);
        let fine = self.block();
        if self.quick {
            let fail = self.failing();
            match class.tag() {
                Some(expected) => {
                    let right = self.equals(tag, expected as i64);
                    self.branch_if(right, fine, fail);
                }
                None => {
                    let is_absent = self.equals(tag, Tag::Absent as i64);
                    self.branch_if(is_absent, fail, fine);
                }
            }
            self.at(fine);
            return Ok(self.payload(address, class));
        }
        let doubt = self.cold_block();
        match class.tag() {
            Some(expected) => {
                let right = self.equals(tag, expected as i64);
                self.branch_if(right, fine, doubt);
            }
            None => {
                let is_absent = self.equals(tag, Tag::Absent as i64);
                self.branch_if(is_absent, doubt, fine);
            }
        }
        self.at(doubt);
        let number = self.int(i64::from(id));
        self.call(Helper::SlotError, &[number])?;
        let fail = self.failing();
        self.jump(fail);
        self.at(fine);
        Ok(self.payload(address, class))
    }

    fn local_value(&mut self, id: LocalId, class: Class) -> Result<Held> {
        match self.local(id)?.held {
            Held::Memory(address) => Ok(self.unpack(address, class)),
            held @ (Held::Bool(_) | Held::Int(_) | Held::Uint(_) | Held::Double(_) | Held::Str { .. }) => Ok(held),
        }
    }

    /// `helper(value, name, cell)`; the cell.
    fn of_name(&mut self, helper: Helper, of: &'e Expr, name: u32) -> Result<Value> {
        let cell = self.cell();
        let mark = self.cells_used;
        let held = self.value(of)?;
        let address = self.address(held);
        let name = self.name(name)?;
        self.try_call(helper, &[address, name, cell])?;
        self.release(mark);
        Ok(cell)
    }

    /// `helper(left, right, cell)`; the cell.
    fn of_two(&mut self, helper: Helper, both: &'e (Expr, Expr)) -> Result<Value> {
        let cell = self.cell();
        let mark = self.cells_used;
        let left = self.value(&both.0)?;
        let right = self.value(&both.1)?;
        let (left, right) = (self.address(left), self.address(right));
        self.try_call(helper, &[left, right, cell])?;
        self.release(mark);
        Ok(cell)
    }

    /// `helper(value, number)` that answers yes or no.
    fn of_number(&mut self, helper: Helper, of: &'e Expr, number: u32) -> Result<Held> {
        let mark = self.cells_used;
        let held = self.value(of)?;
        let address = self.address(held);
        let number = self.int(i64::from(number));
        let answer = self.test_call(helper, &[address, number])?;
        self.release(mark);
        Ok(Held::Bool(answer))
    }

    fn name(&mut self, id: u32) -> Result<Value> {
        self.string(id)?;
        Ok(self.int(i64::from(id)))
    }

    pub(super) fn string(&self, id: u32) -> Result<&'e str> {
        self.pool.strings.get(id as usize).map(|text| text.as_str()).ok_or(CompileError::BadCode("a string"))
    }

    pub(super) fn constant_address(&mut self, index: u32) -> Value {
        let offset = i64::from(index) * i64::from(crate::when::jit::layout::VALUE_SIZE);
        self.ins.ins().iadd_imm_s(self.constants_at, offset)
    }

    pub(super) fn count(&mut self, count: usize) -> Result<Value> {
        let count = i64::try_from(count).map_err(|_| CompileError::BadCode("a count"))?;
        Ok(self.int(count))
    }
}
