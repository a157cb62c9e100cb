//! The plan targets over a fixed run of inputs: no promise broken, every kind produced.

use std::time::Duration;

use admit_fuzz::drive::drive;
use admit_fuzz::targets::TARGETS;

#[test]
fn the_plan_targets_hold_and_produce_every_kind() {
    for name in ["plan-roundtrip", "hostile-plan"] {
        let target = TARGETS.iter().find(|target| target.name == name).unwrap();
        let report = drive(target, Duration::from_secs(20), 7, 600);
        assert_eq!(report.crash, None, "{name}");
        assert_eq!(report.missing, Vec::<String>::new(), "{name}: {:?}", report.counts);
        assert_eq!(report.inputs, 600, "{name} is too slow");
    }
}
