//! `in`: a string in constant words or in a list of strings, inline.

use admit_plan::code::{BinOp, Expr};
use admit_plan::types::Kind;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, types};

use crate::when::jit::emit::{Class, Emit};
use crate::when::jit::layout::{PAYLOAD, SECOND, Tag, VALUE_SIZE};
use crate::when::jit::{CompileError, Result};

/// Larger sets are looked up by the interpreter's function.
const INLINE_WORDS: usize = 16;

impl<'e> Emit<'e, '_> {
    /// Whether [`Emit::branch_membership`] emits it.
    pub(super) fn is_quick_membership(&self, expr: &Expr) -> bool {
        match expr {
            Expr::Binary(BinOp::In, both) if self.class(&both.0) == Class::Str => {
                self.literal_words(&both.1).is_some() || self.is_list_of_strings(&both.1)
            }
            Expr::InSet(of, set) if self.class(of) == Class::Str => self.set_words(*set).is_some(),
            _ => false,
        }
    }

    /// Emits a membership as control flow; whether it is one.
    pub(super) fn branch_membership(&mut self, expr: &'e Expr, then: Block, otherwise: Block) -> Result<bool> {
        if !self.is_quick_membership(expr) {
            return Ok(false);
        }
        match expr {
            Expr::Binary(BinOp::In, both) => {
                if let Some(words) = self.literal_words(&both.1) {
                    let (ptr, len) = self.text(&both.0)?;
                    self.words(ptr, len, &words, then, otherwise)?;
                } else {
                    self.in_list(&both.0, &both.1, then, otherwise)?;
                }
            }
            Expr::InSet(of, set) => {
                let Some(words) = self.set_words(*set) else { return Ok(false) };
                let (ptr, len) = self.text(of)?;
                self.words(ptr, len, &words, then, otherwise)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Walks a list for an equal string; elements of other kinds are equal to none.
    fn in_list(&mut self, of: &'e Expr, list: &'e Expr, then: Block, otherwise: Block) -> Result<()> {
        let constant = match of {
            Expr::Str(id) => Some(self.string(*id)?),
            _ => None,
        };
        let known = match constant {
            Some(text) => i64::try_from(text.len()).map_err(|_| CompileError::BadCode("a string"))?,
            None => 0,
        };
        let needle = match constant {
            Some(_) => None,
            None => Some(self.text(of)?),
        };
        let (first, count) = self.list_parts(list)?;
        let bytes = self.ins.ins().imul_imm_s(count, i64::from(VALUE_SIZE));
        let end = self.ins.ins().iadd(first, bytes);
        let (head, body, text, bytes, next) = (self.block(), self.block(), self.block(), self.block(), self.block());
        let at = self.ins.append_block_param(head, types::I64);
        self.jump_with(head, first);

        self.at(head);
        let over = self.ins.ins().icmp(IntCC::Equal, at, end);
        self.branch_if(over, otherwise, body);

        self.at(body);
        let len = self.load(types::I64, at, SECOND);
        let same_length = match needle {
            Some((_, needle_len)) => self.ins.ins().icmp(IntCC::Equal, len, needle_len),
            None => self.equals(len, known),
        };
        self.branch_if(same_length, text, next);

        self.at(text);
        let tag = self.tag(at);
        let is_text = self.equals(tag, Tag::Str as i64);
        self.branch_if(is_text, bytes, next);

        self.at(bytes);
        let ptr = self.load(types::I64, at, PAYLOAD);
        match (constant, needle) {
            (Some(constant), _) => {
                let same = self.same_bytes(ptr, constant.as_bytes())?;
                self.branch_if(same, then, next);
            }
            (None, Some(needle)) => self.same_text((ptr, len), needle, then, next)?,
            (None, None) => self.jump(next),
        }

        self.at(next);
        let following = self.ins.ins().iadd_imm_s(at, i64::from(VALUE_SIZE));
        self.ins.ins().jump(head, &[BlockArg::Value(following)]);
        Ok(())
    }

    fn is_list_of_strings(&self, list: &Expr) -> bool {
        match self.declared(list).map(|ty| &ty.kind) {
            Some(Kind::List(item)) => matches!(item.kind, Kind::String | Kind::Enum(_)),
            _ => false,
        }
    }

    /// The words of a list literal of constant strings.
    fn literal_words(&self, list: &Expr) -> Option<Vec<&'e str>> {
        let Expr::List(items) = list else { return None };
        if items.len() > INLINE_WORDS {
            return None;
        }
        items
            .iter()
            .map(|item| match &item.value {
                Expr::Str(id) if !item.optional => self.string(*id).ok(),
                _ => None,
            })
            .collect()
    }

    /// The words of a small set that are matched by their exact bytes.
    fn set_words(&self, set: u32) -> Option<Vec<&'e str>> {
        let set = self.pool.sets.get(set as usize)?;
        if set.ignore_case || set.entries.len() > INLINE_WORDS {
            return None;
        }
        Some(set.entries.iter().map(|word| word.as_str()).collect())
    }
}
