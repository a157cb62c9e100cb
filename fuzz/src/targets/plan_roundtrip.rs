//! `plan-roundtrip`: what is written is what is read, byte for byte and value for value.

use admit_plan::encode::{Refusal, content_hash, encode};
use admit_plan::listing;
use admit_plan::verify::load;

use super::Target;
use crate::choices::Choices;
use crate::histogram::count;
use crate::plan;

pub(super) const TARGET: Target = Target {
    name: "plan-roundtrip",
    promise: "a bundle that was encoded decodes, verifies and encodes to the same, with its debug table or without",
    run,
    kinds,
};

fn run(bytes: &[u8]) {
    let mut bundle = plan::bundle(&mut Choices::new(bytes));
    plan::kinds::bundle(&bundle);
    let encoded = encode(&bundle).unwrap_or_else(|refusal| broken(&refusal));
    let verified = match load(&encoded) {
        Ok(verified) => verified,
        // Sizes are not known to the generator, so what it makes may cost too much.
        Err(Refusal::Invalid { what, .. }) if what.contains("cost") => return count("refused for its cost"),
        Err(refusal) => broken(&refusal),
    };
    assert_eq!(*verified.bundle(), bundle, "the bundle that was read is another");
    assert_eq!(encode(verified.bundle()).as_ref(), Ok(&encoded), "the bytes that were written again are others");
    assert_eq!(content_hash(&bundle), Ok(verified.hash()), "the content hash is another");
    assert!(listing::bundle(&bundle).contains("flow "), "the listing has no flow");
    if bundle.debug.take().is_some() {
        let stripped = encode(&bundle).unwrap_or_else(|refusal| broken(&refusal));
        assert!(encoded.starts_with(&stripped), "stripping changed what it left");
        assert_eq!(load(&stripped).map(|stripped| stripped.hash()), Ok(verified.hash()), "stripping changed the hash");
    }
    count("sound");
}

fn kinds() -> Vec<String> {
    let mut kinds = plan::kinds::all();
    kinds.push("sound".to_owned());
    kinds
}

/// The promise is broken.
#[expect(clippy::panic, reason = "a target panics where its promise is broken")]
fn broken(refusal: &Refusal) -> ! {
    panic!("a sound bundle was refused: {refusal}")
}
