//! Making lists, maps and text: helpers that add to something in the arena.

use admit_plan::code::{Entry, Expr, Item, Part};
use cranelift_codegen::ir::{InstBuilder, StackSlotData, StackSlotKind, Value, types};

use crate::when::jit::Result;
use crate::when::jit::emit::{Emit, Held};
use crate::when::jit::helper::Helper;
use crate::when::jit::layout::VALUE_SIZE;

impl<'e> Emit<'e, '_> {
    /// Values in a row of memory, for a call; its address.
    pub(super) fn row(&mut self, held: &[Held]) -> Value {
        // A row is written when all arguments are ready, and read at once: one place serves every call.
        let size = VALUE_SIZE as u32 * held.len().max(1) as u32;
        let slot = match self.row_slot {
            Some(slot) => slot,
            None => self.ins.create_sized_stack_slot(StackSlotData::new(StackSlotKind::ExplicitSlot, size, 3)),
        };
        self.row_slot = Some(slot);
        if let Some(data) = self.ins.func.sized_stack_slots.get_mut(slot) {
            data.size = data.size.max(size);
        }
        let row = self.ins.ins().stack_addr(types::I64, slot, 0);
        for (index, held) in held.iter().enumerate() {
            self.store(*held, row, index as i32 * VALUE_SIZE);
        }
        row
    }

    pub(super) fn list(&mut self, items: &'e [Item]) -> Result<Held> {
        let cell = self.cell();
        let capacity = self.count(items.len())?;
        let list = self.call(Helper::ListNew, &[capacity])?;
        for item in items {
            let mark = self.cells_used;
            let held = self.value(&item.value)?;
            let address = self.address(held);
            let helper = if item.optional { Helper::ListPushOptional } else { Helper::ListPush };
            self.try_call(helper, &[list, address])?;
            self.release(mark);
        }
        self.try_call(Helper::ListDone, &[list, cell])?;
        Ok(Held::Memory(cell))
    }

    pub(super) fn map(&mut self, entries: &'e [Entry]) -> Result<Held> {
        let cell = self.cell();
        let capacity = self.count(entries.len())?;
        let map = self.call(Helper::MapNew, &[capacity])?;
        for entry in entries {
            let mark = self.cells_used;
            let key = self.value(&entry.key)?;
            let key = self.address(key);
            let value = self.value(&entry.value)?;
            let value = self.address(value);
            let helper = if entry.optional { Helper::MapPutOptional } else { Helper::MapPut };
            self.try_call(helper, &[map, key, value])?;
            self.release(mark);
        }
        self.try_call(Helper::MapDone, &[map, cell])?;
        Ok(Held::Memory(cell))
    }

    pub(super) fn template(&mut self, parts: &'e [Part]) -> Result<Held> {
        let cell = self.cell();
        let text = self.call(Helper::TextNew, &[])?;
        for part in parts {
            match part {
                Part::Text(id) => {
                    self.string(*id)?;
                    let id = self.int(i64::from(*id));
                    self.try_call(Helper::TextPush, &[text, id])?;
                }
                Part::Hole(expr, escape) => self.hole(text, expr, *escape as i64)?,
            }
        }
        self.try_call(Helper::TextDone, &[text, cell])?;
        Ok(Held::Memory(cell))
    }

    fn hole(&mut self, text: Value, expr: &'e Expr, escape: i64) -> Result<()> {
        let mark = self.cells_used;
        let held = self.value(expr)?;
        let address = self.address(held);
        let escape = self.int(escape);
        self.try_call(Helper::TextHole, &[text, address, escape])?;
        self.release(mark);
        Ok(())
    }
}
