//! Every case of the CEL conformance suite through machine code: the expected value, and what the interpreter gives.

use std::path::PathBuf;

use admit_compiler::cases;
use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::datum::Datum;
use admit_eval::error::EvalError;
use admit_eval::value::Value;
use admit_runtime::when::jit::{Compiled, Program};
use admit_runtime::when::{self, Frame};
use bumpalo::Bump;

#[test]
fn every_case_passes_as_machine_code_and_agrees_with_the_interpreter() {
    let shared = std::env::var_os("ADMIT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(shared.join("conformance/cel.json")) else {
        println!("conformance/cel.json is not there: 995 cases did not run");
        return;
    };
    let cases = cases::load(&text).expect("the file holds cases");
    let report = cases::run(&cases, &|program, bound| {
        let arena = Bump::new();
        let consts = Consts::new(&program.pool).map_err(|why| EvalError::Invalid(why.into()))?;
        let cx = Cx::new(&arena, &consts);
        let slots: Vec<Value<'_>> =
            bound.iter().map(|datum| datum.as_ref().map_or(Value::Absent, |datum| datum.borrow(&arena))).collect();
        let frame = Frame { slots: &slots, locals: &[], cx: &cx };
        let expected = when::value(&program.code, &frame).map(Datum::from);
        let compiled =
            Compiled::compile(&program.pool, &program.slots, &[Program::Value { expr: &program.code, locals: 0 }])
                .expect("every expression compiles: nothing falls back to the interpreter");
        cx.refill();
        let found = compiled.value(0, &frame).map(Datum::from);
        assert_eq!(format!("{found:?}"), format!("{expected:?}"), "{:?}", program.code);
        found
    });
    assert!(report.failed.is_empty(), "{report}");
    println!("{} cases passed as machine code", report.passed);
    assert_eq!(report.passed, cases.len());
}
