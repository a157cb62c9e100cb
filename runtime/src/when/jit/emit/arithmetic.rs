//! Arithmetic and comparison on numbers of known type: inline, and through the interpreter's own functions for what
//! overflows or divides by zero, so that the errors are the same.

use admit_plan::code::{BinOp, Expr};
use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::{InstBuilder, Value, types};

use crate::when::jit::emit::{Class, Emit, Held};
use crate::when::jit::helper::Helper;
use crate::when::jit::{CompileError, Result};

impl<'e> Emit<'e, '_> {
    pub(super) fn arithmetic_class(&self, op: BinOp, both: &(Expr, Expr)) -> Class {
        match (self.class(&both.0), self.class(&both.1)) {
            (Class::Int, Class::Int) => Class::Int,
            (Class::Uint, Class::Uint) => Class::Uint,
            // There is no `%` of doubles: the helper says so.
            (Class::Double, Class::Double) if op != BinOp::Rem => Class::Double,
            _ => Class::Memory,
        }
    }

    pub(super) fn arithmetic(&mut self, op: BinOp, both: &'e (Expr, Expr)) -> Result<Held> {
        let class = self.arithmetic_class(op, both);
        let cell = self.cell();
        let mark = self.cells_used;
        let left = self.value(&both.0)?;
        let right = self.value(&both.1)?;
        let quick = match (class, left, right) {
            (Class::Double, Held::Double(left), Held::Double(right)) => {
                self.release(mark);
                return Ok(Held::Double(self.of_doubles(op, left, right)));
            }
            (Class::Int, Held::Int(left), Held::Int(right)) => Some(self.of_ints(op, left, right)),
            (Class::Uint, Held::Uint(left), Held::Uint(right)) => Some(self.of_uints(op, left, right)),
            _ => None,
        };
        let slow = self.cold_block();
        let done = self.block();
        let result = quick.map(|(result, doubtful)| {
            let merged = self.ins.append_block_param(done, types::I64);
            let fine = self.block();
            self.branch_if(doubtful, slow, fine);
            self.at(fine);
            // Division traps on what is doubtful, so it stands behind the test.
            let result = match result {
                Quick::Ready(result) => result,
                Quick::Divide { left, right, signed } => self.divide(op, left, right, signed),
            };
            self.jump_with(done, result);
            merged
        });
        if result.is_none() {
            self.jump(slow);
        }
        self.at(slow);
        let (left, right) = (self.address(left), self.address(right));
        let number = self.int(Helper::operator(op));
        self.try_call(Helper::Binary, &[number, left, right, cell])?;
        self.release(mark);
        let Some(result) = result else {
            self.jump(done);
            self.at(done);
            return Ok(Held::Memory(cell));
        };
        match self.unpack(cell, class) {
            Held::Int(value) | Held::Uint(value) => self.jump_with(done, value),
            Held::Bool(_) | Held::Double(_) | Held::Str { .. } | Held::Memory(_) => {
                return Err(CompileError::Internal("an integer that is held as another class".into()));
            }
        }
        self.at(done);
        Ok(if class == Class::Int { Held::Int(result) } else { Held::Uint(result) })
    }

    pub(super) fn negation(&mut self, of: &'e Expr) -> Result<Held> {
        let cell = self.cell();
        let mark = self.cells_used;
        let held = self.value(of)?;
        let value = match held {
            Held::Double(value) => {
                self.release(mark);
                return Ok(Held::Double(self.ins.ins().fneg(value)));
            }
            Held::Int(value) => Some(value),
            Held::Bool(_) | Held::Uint(_) | Held::Str { .. } | Held::Memory(_) => None,
        };
        let result = value.map(|value| {
            let (slow, fine) = (self.cold_block(), self.block());
            let smallest = self.equals(value, i64::MIN);
            self.branch_if(smallest, slow, fine);
            self.at(slow);
            (value, fine)
        });
        let address = self.address(held);
        self.try_call(Helper::Neg, &[address, cell])?;
        self.release(mark);
        let Some((value, fine)) = result else { return Ok(Held::Memory(cell)) };
        // The smallest int has no negation: the helper has failed.
        let broken = self.breaking();
        self.jump(broken);
        self.at(fine);
        Ok(Held::Int(self.ins.ins().ineg(value)))
    }

    /// The comparison of two values of one known type; none where a helper must compare.
    pub(super) fn compare(&mut self, op: BinOp, left: Held, right: Held) -> Option<Value> {
        let (signed, unsigned, float) = match op {
            BinOp::Eq => (IntCC::Equal, IntCC::Equal, FloatCC::Equal),
            BinOp::Ne => (IntCC::NotEqual, IntCC::NotEqual, FloatCC::NotEqual),
            BinOp::Lt => (IntCC::SignedLessThan, IntCC::UnsignedLessThan, FloatCC::LessThan),
            BinOp::Le => (IntCC::SignedLessThanOrEqual, IntCC::UnsignedLessThanOrEqual, FloatCC::LessThanOrEqual),
            BinOp::Gt => (IntCC::SignedGreaterThan, IntCC::UnsignedGreaterThan, FloatCC::GreaterThan),
            BinOp::Ge => {
                (IntCC::SignedGreaterThanOrEqual, IntCC::UnsignedGreaterThanOrEqual, FloatCC::GreaterThanOrEqual)
            }
            BinOp::Add | BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::Rem | BinOp::In => return None,
        };
        match (left, right) {
            (Held::Int(left), Held::Int(right)) => Some(self.ins.ins().icmp(signed, left, right)),
            (Held::Uint(left), Held::Uint(right)) | (Held::Bool(left), Held::Bool(right)) => {
                Some(self.ins.ins().icmp(unsigned, left, right))
            }
            (Held::Double(left), Held::Double(right)) => Some(self.ins.ins().fcmp(float, left, right)),
            _ => None,
        }
    }

    fn of_doubles(&mut self, op: BinOp, left: Value, right: Value) -> Value {
        match op {
            BinOp::Sub => self.ins.ins().fsub(left, right),
            BinOp::Mul => self.ins.ins().fmul(left, right),
            BinOp::Div => self.ins.ins().fdiv(left, right),
            // `arithmetic_class` lets no other operator through.
            BinOp::Add
            | BinOp::Rem
            | BinOp::Eq
            | BinOp::Ne
            | BinOp::Lt
            | BinOp::Le
            | BinOp::Gt
            | BinOp::Ge
            | BinOp::In => self.ins.ins().fadd(left, right),
        }
    }

    /// The result, and whether it is doubtful.
    fn of_ints(&mut self, op: BinOp, left: Value, right: Value) -> (Quick, Value) {
        let (result, overflows) = match op {
            BinOp::Sub => self.ins.ins().ssub_overflow(left, right),
            BinOp::Mul => self.ins.ins().smul_overflow(left, right),
            BinOp::Div | BinOp::Rem => {
                // Zero and minus one: by zero, and what the smallest int may overflow.
                let shifted = self.ins.ins().iadd_imm_s(right, 1);
                let doubtful = self.ins.ins().icmp_imm_s(IntCC::UnsignedLessThanOrEqual, shifted, 1);
                return (Quick::Divide { left, right, signed: true }, doubtful);
            }
            BinOp::Add | BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::In => {
                self.ins.ins().sadd_overflow(left, right)
            }
        };
        (Quick::Ready(result), overflows)
    }

    fn of_uints(&mut self, op: BinOp, left: Value, right: Value) -> (Quick, Value) {
        let (result, overflows) = match op {
            BinOp::Sub => self.ins.ins().usub_overflow(left, right),
            BinOp::Mul => self.ins.ins().umul_overflow(left, right),
            BinOp::Div | BinOp::Rem => {
                return (Quick::Divide { left, right, signed: false }, self.equals(right, 0));
            }
            BinOp::Add | BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge | BinOp::In => {
                self.ins.ins().uadd_overflow(left, right)
            }
        };
        (Quick::Ready(result), overflows)
    }

    fn divide(&mut self, op: BinOp, left: Value, right: Value, signed: bool) -> Value {
        match (op == BinOp::Rem, signed) {
            (false, true) => self.ins.ins().sdiv(left, right),
            (false, false) => self.ins.ins().udiv(left, right),
            (true, true) => self.ins.ins().srem(left, right),
            (true, false) => self.ins.ins().urem(left, right),
        }
    }
}

/// A result of integers.
enum Quick {
    /// Computed, right where it is not doubtful.
    Ready(Value),
    /// To be computed where it is not doubtful.
    Divide { left: Value, right: Value, signed: bool },
}
