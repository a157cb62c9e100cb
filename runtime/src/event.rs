//! The event: one pass over its JSON, guided by the plan, straight into the slots that the flow's expressions name.
//!
//! Only the paths that a flow names are decoded (runtime.md section 1); the rest is skipped without a tree, but read
//! as strictly: a key that occurs twice in any object, bad UTF-8, a lone surrogate, nesting over [`MAX_DEPTH`] or
//! bytes after the end refuse the event wherever they are.

use admit_eval::value::Value;
use admit_plan::code::{Pool, Slot};
use bumpalo::Bump;

pub use crate::event::error::{EventError, Fault, Segment};
pub use crate::event::shape::Shape;
pub(crate) use crate::event::shape::empty;

mod convert;
mod cursor;
mod error;
mod shape;
mod text;
mod typed;

/// Objects and arrays that may stand inside one another (RFC 8259 section 9 lets a reader set a limit).
pub const MAX_DEPTH: u32 = 32;

/// Groups that only the runtime sets; a submitted event that holds one is refused.
pub const RUNTIME_GROUPS: [&str; 3] = ["user", "authentication", "tenant"];

/// What an event may be.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Longest event, in bytes.
    pub max_bytes: usize,
    /// The event may hold [`RUNTIME_GROUPS`]: tests and simulations only.
    pub runtime_groups: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 64 * 1024, runtime_groups: false }
    }
}

impl Shape {
    /// Reads an event into `out`, one value per slot of the flow: slots of other sources are left alone, event slots
    /// that the event does not hold become [`Value::Absent`], or false or empty where the slot says that it is never absent. Strings without escapes borrow from `bytes`, all else
    /// lives in `arena`. A field with `null` is absent, unless its type holds null.
    ///
    /// # Errors
    /// Everything that RFC 8259 does not allow, and what [`Fault`] lists. `out` then holds a mix of old and new.
    pub fn read<'a>(
        &self,
        bytes: &'a [u8],
        limits: Limits,
        arena: &'a Bump,
        out: &mut [Value<'a>],
    ) -> Result<(), EventError> {
        typed::read(self, bytes, limits, arena, out)
    }
}

/// As [`Shape::new`] and [`Shape::read`] in one step, for flows that are run once.
///
/// # Errors
/// As [`Shape::read`].
pub fn read_once<'a>(
    pool: &Pool,
    slots: &[Slot],
    bytes: &'a [u8],
    limits: Limits,
    arena: &'a Bump,
    out: &mut [Value<'a>],
) -> Result<(), EventError> {
    Shape::new(pool, slots).read(bytes, limits, arena, out)
}
