//! Comparing strings: by length and bytes, short constants with a load or two and no call.

use admit_plan::code::{BinOp, Expr};
use admit_plan::func::Func;
use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, InstBuilder, Value, types};

use crate::when::jit::emit::{Class, Emit, Held, unaligned};
use crate::when::jit::helper::Helper;
use crate::when::jit::{CompileError, Result};

/// Longer constants are compared by a call.
const INLINE_BYTES: usize = 64;

impl<'e> Emit<'e, '_> {
    pub(super) fn are_text(&self, both: &(Expr, Expr)) -> bool {
        self.class(&both.0) == Class::Str && self.class(&both.1) == Class::Str
    }

    /// Whether a call is a test of a string against a constant end.
    pub(super) fn is_quick_text(&self, func: Func, arguments: &[Expr]) -> bool {
        matches!(func, Func::StartsWith | Func::EndsWith)
            && matches!(arguments, [of, Expr::Str(_)] if self.class(of) == Class::Str)
    }

    /// Emits a comparison of strings as control flow; whether it is one.
    pub(super) fn branch_text(&mut self, expr: &'e Expr, then: Block, otherwise: Block) -> Result<bool> {
        match expr {
            Expr::Binary(op @ (BinOp::Eq | BinOp::Ne), both) if self.are_text(both) => {
                let (same, other) = if *op == BinOp::Eq { (then, otherwise) } else { (otherwise, then) };
                match (&both.0, &both.1) {
                    (of, Expr::Str(id)) | (Expr::Str(id), of) => {
                        let (ptr, len) = self.text(of)?;
                        let constant = self.string(*id)?;
                        self.words(ptr, len, &[constant], same, other)?;
                    }
                    (left, right) => {
                        let left = self.text(left)?;
                        let right = self.text(right)?;
                        self.same_text(left, right, same, other)?;
                    }
                }
                Ok(true)
            }
            Expr::Call(func, arguments) if self.is_quick_text(*func, arguments) => {
                let [of, Expr::Str(id)] = arguments.as_slice() else { return Ok(false) };
                let (ptr, len) = self.text(of)?;
                let constant = self.string(*id)?.as_bytes();
                let size = i64::try_from(constant.len()).map_err(|_| CompileError::BadCode("a string"))?;
                let long = self.ins.ins().icmp_imm_s(IntCC::UnsignedGreaterThanOrEqual, len, size);
                let check = self.block();
                self.branch_if(long, check, otherwise);
                self.at(check);
                let ptr = if *func == Func::EndsWith {
                    let end = self.ins.ins().iadd(ptr, len);
                    self.ins.ins().iadd_imm_s(end, -size)
                } else {
                    ptr
                };
                let same = self.same_bytes(ptr, constant)?;
                self.branch_if(same, then, otherwise);
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    /// A string's address and length in bytes.
    pub(super) fn text(&mut self, of: &'e Expr) -> Result<(Value, Value)> {
        match self.value(of)? {
            Held::Str { ptr, len } => Ok((ptr, len)),
            Held::Bool(_) | Held::Int(_) | Held::Uint(_) | Held::Double(_) | Held::Memory(_) => {
                Err(CompileError::Internal("a string that is held as another class".into()))
            }
        }
    }

    /// Goes on in `same` if the string is one of the words, which need not be sorted.
    pub(super) fn words(&mut self, ptr: Value, len: Value, words: &[&str], same: Block, other: Block) -> Result<()> {
        let mut by_length: Vec<&str> = words.to_vec();
        by_length.sort_by_key(|word| word.len());
        for group in by_length.chunk_by(|left, right| left.len() == right.len()) {
            let Some(size) = group.first().map(|word| word.len()) else { continue };
            let size = i64::try_from(size).map_err(|_| CompileError::BadCode("a string"))?;
            let (check, next) = (self.block(), self.block());
            let right_length = self.equals(len, size);
            self.branch_if(right_length, check, next);
            self.at(check);
            for word in group {
                let is_it = self.same_bytes(ptr, word.as_bytes())?;
                let no = self.block();
                self.branch_if(is_it, same, no);
                self.at(no);
            }
            self.jump(other);
            self.at(next);
        }
        self.jump(other);
        Ok(())
    }

    /// Goes on in `same` if two strings are equal.
    pub(super) fn same_text(
        &mut self,
        left: (Value, Value),
        right: (Value, Value),
        same: Block,
        other: Block,
    ) -> Result<()> {
        let same_length = self.ins.ins().icmp(IntCC::Equal, left.1, right.1);
        let check = self.block();
        self.branch_if(same_length, check, other);
        self.at(check);
        let answer = self.call(Helper::SameBytes, &[left.0, right.0, left.1])?;
        self.branch_if(answer, same, other);
        Ok(())
    }

    /// Whether as many bytes as the constant has, which must be there, are the constant's.
    pub(super) fn same_bytes(&mut self, ptr: Value, constant: &[u8]) -> Result<Value> {
        if constant.len() > INLINE_BYTES {
            let text = self.constants.add_text(constant)?;
            let address = self.constant_address(text);
            let known = self.load(types::I64, address, crate::when::jit::layout::PAYLOAD);
            let count = self.count(constant.len())?;
            let answer = self.call(Helper::SameBytes, &[ptr, known, count])?;
            return Ok(self.ins.ins().ireduce(types::I8, answer));
        }
        let mut difference = None;
        for (offset, width) in chunks(constant.len()) {
            let bytes = constant.get(offset..offset + width).unwrap_or_default();
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(bytes) {
                *to = *from;
            }
            // Only little-endian machines are compiled for: the first byte is the lowest.
            let word = i64::from_le_bytes(word);
            let ty = types::Type::int_with_byte_size(width as u16)
                .ok_or_else(|| CompileError::Internal("a chunk of odd width".into()))?;
            let offset = i32::try_from(offset).map_err(|_| CompileError::BadCode("a string"))?;
            let loaded = self.ins.ins().load(ty, unaligned(), ptr, offset);
            let known = self.ins.ins().iconst(ty, within_width(word, width));
            let differs = self.ins.ins().bxor(loaded, known);
            difference = Some(match difference {
                None => differs,
                Some(before) => self.ins.ins().bor(before, differs),
            });
        }
        Ok(match difference {
            Some(difference) => self.equals(difference, 0),
            None => self.bool(true),
        })
    }
}

/// Offsets and widths of the loads that cover `len` bytes, all of one width; the last overlaps the one before it.
fn chunks(len: usize) -> Vec<(usize, usize)> {
    let width = match len {
        0 => return Vec::new(),
        1 => 1,
        2..=3 => 2,
        4..=7 => 4,
        _ => 8,
    };
    let mut chunks: Vec<_> = (0..len / width).map(|index| (index * width, width)).collect();
    if !len.is_multiple_of(width) {
        chunks.push((len - width, width));
    }
    chunks
}

/// A constant of `width` bytes as Cranelift wants it: without bits above its type.
fn within_width(word: i64, width: usize) -> i64 {
    let unused = 64 - 8 * width as u32;
    if unused == 0 { word } else { (word.cast_unsigned() << unused >> unused).cast_signed() }
}

#[cfg(test)]
mod tests {
    use super::chunks;

    #[test]
    fn chunks_cover_every_byte_and_none_beyond() {
        for len in 0..=64 {
            let mut covered = vec![false; len];
            for (offset, width) in chunks(len) {
                for byte in &mut covered[offset..offset + width] {
                    *byte = true;
                }
            }
            assert!(covered.iter().all(|byte| *byte), "{len}");
        }
    }
}
