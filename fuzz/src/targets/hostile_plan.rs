//! `hostile-plan`: whatever the bytes, they are refused with a reason, or are a plan that can be printed and written.

use admit_plan::encode::{encode, resealed};
use admit_plan::listing;
use admit_plan::verify::load;

use super::Target;
use crate::choices::Choices;
use crate::histogram::count;
use crate::plan;

pub(super) const TARGET: Target = Target {
    name: "hostile-plan",
    promise: "any bytes, also with their hashes put right, are refused with a reason or are a plan that verifies",
    run,
    kinds,
};

/// Where the core begins, behind magic, version, hash and length.
const CORE: usize = 46;

fn run(bytes: &[u8]) {
    try_load("raw", bytes);
    let mut choices = Choices::new(bytes);
    let changes = choices.below(8);
    let places: Vec<(u8, u8, u8)> = (0..changes).map(|_| (choices.byte(), choices.byte(), choices.byte())).collect();
    let Ok(mut plan) = encode(&plan::bundle(&mut choices)) else { return };
    for (high, low, change) in places {
        let at = CORE + (usize::from(high) * 256 + usize::from(low)) % plan.len().saturating_sub(CORE).max(1);
        match change % 4 {
            // Left out, or written twice: everything behind it moves.
            0 if at < plan.len() => {
                plan.remove(at);
                lengthen(&mut plan, -1);
            }
            1 if at < plan.len() => {
                plan.insert(at, change);
                lengthen(&mut plan, 1);
            }
            _ => {
                if let Some(byte) = plan.get_mut(at) {
                    *byte ^= change | 1;
                }
            }
        }
    }
    try_load("damaged", &plan);
    if let Some(sealed) = resealed(&plan) {
        try_load("resealed", &sealed);
    }
}

/// Keeps the stated length of the core right, so that the change is seen behind the header.
fn lengthen(plan: &mut [u8], by: i32) {
    if let Some(length) = plan.get_mut(CORE - 4..CORE).and_then(|bytes| bytes.first_chunk_mut::<4>()) {
        *length = u32::from_le_bytes(*length).wrapping_add_signed(by).to_le_bytes();
    }
}

fn try_load(how: &str, bytes: &[u8]) {
    match load(bytes) {
        Ok(verified) => {
            assert_eq!(encode(verified.bundle()).as_deref(), Ok(bytes), "the bytes are not canonical");
            assert!(!listing::bundle(verified.bundle()).is_empty(), "nothing to print");
            count(&format!("{how} accepted"));
        }
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty(), "a refusal without a reason");
            count(&format!("{how} refused"));
        }
    }
}

fn kinds() -> Vec<String> {
    ["raw refused", "damaged accepted", "damaged refused", "resealed accepted", "resealed refused"]
        .map(str::to_owned)
        .to_vec()
}
