//! Conditions: control flow instead of values, and `&&` and `||` that absorb errors.

use admit_plan::code::{BinOp, Expr};
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};
use cranelift_frontend::Variable;

use crate::when::jit::Result;
use crate::when::jit::emit::{Class, Emit, Held};
use crate::when::jit::helper::{Asked, Helper};

/// The mark of an error that waits for the other operands: none yet.
const NO_ERROR: i64 = -1;

/// An error that an operator holds back until its other operands are known.
pub(super) struct Waiting {
    mark: Variable,
    used: bool,
}

impl<'e> Emit<'e, '_> {
    /// Emits a condition: goes on in one of two blocks, or where errors go.
    pub(super) fn branch(&mut self, expr: &'e Expr, then: Block, otherwise: Block, asked: Asked) -> Result<()> {
        let mark = self.cells_used;
        match expr {
            Expr::Bool(value) => self.jump(if *value { then } else { otherwise }),
            Expr::Not(of) if self.class(of) == Class::Bool => self.branch(of, otherwise, then, asked)?,
            Expr::And(operands) => self.connective(operands, then, otherwise, true)?,
            Expr::Or(operands) => self.connective(operands, then, otherwise, false)?,
            Expr::Bind(both) => self.bound(both, |this, body| this.branch(body, then, otherwise, asked))?,
            _ if self.branch_membership(expr, then, otherwise)? => {}
            _ if self.branch_text(expr, then, otherwise)? => {}
            _ if self.branch_walk(expr, then, otherwise)? => {}
            _ => {
                let held = self.value(expr)?;
                let truth = self.truth(held, asked)?;
                self.branch_if(truth, then, otherwise);
            }
        }
        self.release(mark);
        Ok(())
    }

    /// The value of a condition that is emitted as control flow.
    pub(super) fn by_branch(&mut self, expr: &'e Expr) -> Result<Held> {
        let (then, otherwise, done) = (self.block(), self.block(), self.block());
        let result = self.ins.append_block_param(done, types::I8);
        // What is emitted as control flow is a bool; nobody need ask.
        self.branch(expr, then, otherwise, Asked::Cond)?;
        for (block, value) in [(then, true), (otherwise, false)] {
            self.at(block);
            let value = self.bool(value);
            self.jump_with(done, value);
        }
        self.at(done);
        Ok(Held::Bool(result))
    }

    /// A value as a condition: an error where it is no bool.
    pub(super) fn truth(&mut self, held: Held, asked: Asked) -> Result<Value> {
        match held {
            Held::Bool(value) => Ok(value),
            Held::Int(_) | Held::Uint(_) | Held::Double(_) | Held::Str { .. } | Held::Memory(_) => {
                let address = self.address(held);
                let asked = self.int(asked as i64);
                self.test_call(Helper::Truth, &[address, asked])
            }
        }
    }

    pub(super) fn conditional(&mut self, parts: &'e (Expr, Expr, Expr)) -> Result<Held> {
        let (condition, yes, no) = parts;
        let class = self.class(yes);
        let class = if class == self.class(no) { class } else { Class::Memory };
        let (then, otherwise, done) = (self.block(), self.block(), self.block());
        let merged = match class {
            Class::Bool => Some(Held::Bool(self.ins.append_block_param(done, types::I8))),
            Class::Int => Some(Held::Int(self.ins.append_block_param(done, types::I64))),
            Class::Uint => Some(Held::Uint(self.ins.append_block_param(done, types::I64))),
            Class::Double => Some(Held::Double(self.ins.append_block_param(done, types::F64))),
            Class::Str | Class::Memory => None,
        };
        let cell = self.cell();
        self.branch(condition, then, otherwise, Asked::Cond)?;
        for (block, part) in [(then, yes), (otherwise, no)] {
            self.at(block);
            let mark = self.cells_used;
            let held = self.value(part)?;
            match held {
                Held::Bool(value) | Held::Int(value) | Held::Uint(value) | Held::Double(value) if merged.is_some() => {
                    self.jump_with(done, value);
                }
                Held::Bool(_) | Held::Int(_) | Held::Uint(_) | Held::Double(_) | Held::Str { .. } | Held::Memory(_) => {
                    self.store(held, cell, 0);
                    self.jump(done);
                }
            }
            self.release(mark);
        }
        self.at(done);
        Ok(match merged {
            Some(held) => held,
            None => self.payload(cell, class),
        })
    }

    pub(super) fn not(&mut self, of: &'e Expr) -> Result<Held> {
        let mark = self.cells_used;
        let held = self.value(of)?;
        let answer = match held {
            Held::Bool(value) => self.equals(value, 0),
            Held::Int(_) | Held::Uint(_) | Held::Double(_) | Held::Str { .. } | Held::Memory(_) => {
                let address = self.address(held);
                self.test_call(Helper::Not, &[address])?
            }
        };
        self.release(mark);
        Ok(Held::Bool(answer))
    }

    /// `==` and the like as a value.
    pub(super) fn comparison(&mut self, op: BinOp, both: &'e (Expr, Expr)) -> Result<Held> {
        let mark = self.cells_used;
        let left = self.value(&both.0)?;
        let right = self.value(&both.1)?;
        let answer = match self.compare(op, left, right) {
            Some(answer) => answer,
            None => {
                let (left, right) = (self.address(left), self.address(right));
                let op = self.int(Helper::operator(op));
                self.test_call(Helper::Test, &[op, left, right])?
            }
        };
        self.release(mark);
        Ok(Held::Bool(answer))
    }

    /// `a && b && ...` where `all`, else `a || b || ...`: the first operand that decides ends it; an error of an
    /// operand waits, and counts only if no other operand decides.
    fn connective(&mut self, operands: &'e [Expr], then: Block, otherwise: Block, all: bool) -> Result<()> {
        let asked = if all { Asked::And } else { Asked::Or };
        let decided = if all { otherwise } else { then };
        let undecided = if all { then } else { otherwise };
        let mut waiting = self.waiting();
        let mut forget = decided;
        for (index, operand) in operands.iter().enumerate() {
            let next = self.block();
            let failed = self.cold_block();
            // The last operand has nothing to wait for, unless an error waits already.
            let last = self.quick || (index + 1 == operands.len() && !waiting.used);
            // Where an operand decides: an error that waits is dropped first.
            let (then, otherwise) = if all { (next, forget) } else { (forget, next) };
            if last {
                self.branch(operand, then, otherwise, asked)?;
            } else {
                let ((), fails) = self.failing_to(failed, |this| this.branch(operand, then, otherwise, asked))?;
                if fails {
                    if !waiting.used {
                        forget = self.block();
                    }
                    self.at(failed);
                    self.wait(&mut waiting)?;
                    self.jump(next);
                }
            }
            self.at(next);
        }
        if waiting.used {
            self.raise_waiting(&waiting, undecided)?;
            self.at(forget);
            self.forget_waiting(&waiting)?;
            self.jump(decided);
        } else {
            self.jump(undecided);
        }
        Ok(())
    }

    /// No error waits yet.
    pub(super) fn waiting(&mut self) -> Waiting {
        let mark = self.ins.declare_var(types::I64);
        let none = self.int(NO_ERROR);
        self.ins.def_var(mark, none);
        Waiting { mark, used: false }
    }

    /// In a block of errors: the error just recorded waits, unless one does already.
    pub(super) fn wait(&mut self, waiting: &mut Waiting) -> Result<()> {
        waiting.used = true;
        let mark = self.ins.use_var(waiting.mark);
        let mark = self.call(Helper::Wait, &[mark])?;
        self.ins.def_var(waiting.mark, mark);
        Ok(())
    }

    /// Goes on in `fine`, or raises the error that waits.
    pub(super) fn raise_waiting(&mut self, waiting: &Waiting, fine: Block) -> Result<()> {
        let mark = self.ins.use_var(waiting.mark);
        let none = self.equals(mark, NO_ERROR);
        let raise = self.cold_block();
        self.branch_if(none, fine, raise);
        self.at(raise);
        self.call(Helper::Raise, &[mark])?;
        let fail = self.failing();
        self.jump(fail);
        Ok(())
    }

    /// Drops the error that waits, if one does.
    pub(super) fn forget_waiting(&mut self, waiting: &Waiting) -> Result<()> {
        let mark = self.ins.use_var(waiting.mark);
        let waits = self.ins.ins().icmp_imm_s(IntCC::NotEqual, mark, NO_ERROR);
        let (drop, done) = (self.cold_block(), self.block());
        self.branch_if(waits, drop, done);
        self.at(drop);
        self.call(Helper::Forget, &[mark])?;
        self.jump(done);
        self.at(done);
        Ok(())
    }
}
