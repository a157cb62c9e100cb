//! Machine code against the interpreter, on generated programs.

use std::time::Duration;

use admit_fuzz::drive::drive;
use admit_fuzz::targets::when_agree;
use proptest::prelude::*;

#[test]
fn generated_programs_hold_every_kind_of_code_and_agree() {
    let report = drive(&when_agree::TARGET, Duration::from_secs(30), 1, 500);
    if let Some(crash) = report.crash {
        when_agree::run(&crash);
    }
    println!("{} inputs: {:?}", report.inputs, report.counts);
    assert!(report.missing.is_empty(), "never produced: {:?}\n{:?}", report.missing, report.counts);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_choices_agree(data in prop::collection::vec(any::<u8>(), 0..400)) {
        when_agree::run(&data);
    }
}
