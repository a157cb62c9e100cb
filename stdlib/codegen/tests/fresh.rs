//! What the generator writes stands in the tree.

use admit_stdlib_codegen::{COMMAND, generate, stale, stdlib};

#[test]
fn what_is_generated_is_fresh() {
    let files = generate(&stdlib()).unwrap();
    let stale = stale(&stdlib(), &files).unwrap();
    assert!(stale.is_empty(), "these files are not what the declarations say; run `{COMMAND}`:\n{}", stale.join("\n"));
}
