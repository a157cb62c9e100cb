//! Machine code: where it lies, how long it lives, what it answers.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::Arc;

use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::error::EvalError;
use admit_eval::value::Value;
use admit_plan::code::{BinOp, Expr, Pool, Slot, SlotId, Source};
use admit_plan::types::{Kind, Type};
use admit_runtime::when::hot::Heat;
use admit_runtime::when::jit::{CompileError, Compiled, Program, listing};
use admit_runtime::when::{self, Frame};
use bumpalo::Bump;

fn slots(types: &[Type]) -> Vec<Slot> {
    types.iter().map(|ty| Slot { source: Source::Now, ty: ty.clone(), maybe_absent: true }).collect()
}

fn at_least(slot: SlotId, limit: i64) -> Expr {
    Expr::Binary(BinOp::Ge, Box::new((Expr::Slot(slot), Expr::Int(limit))))
}

/// What a decision answers by machine code, which is what it answers by the interpreter.
fn decide(types: &[Type], cases: &[Expr], values: &[Value<'_>]) -> Result<Option<usize>, (usize, EvalError)> {
    let (pool, slots, arena) = (Pool::default(), slots(types), Bump::new());
    let consts = Consts::new(&pool).unwrap();
    let cx = Cx::new(&arena, &consts);
    let frame = Frame { slots: values, locals: &[], cx: &cx };
    let program = Program::Decision { cases: cases.iter().collect(), locals: 0 };
    let compiled = Compiled::compile(&pool, &slots, &[program]).unwrap();
    let found = compiled.decide(0, &frame);
    assert_eq!(found, when::decide(cases, &frame));
    found.map_err(|failed| (failed.case, failed.error))
}

/// The rights of the page that holds an address, as `/proc/self/maps` shows them; none if it is not mapped.
fn rights(address: usize) -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let within =
            usize::from_str_radix(start, 16).ok()? <= address && address < usize::from_str_radix(end, 16).ok()?;
        within.then(|| rest.chars().take(4).collect())
    })
}

#[test]
#[cfg(target_os = "linux")]
fn t35_code_is_executable_and_not_writable_and_goes_with_its_last_user() {
    let case = at_least(0, 80);
    let program = Program::Decision { cases: vec![&case], locals: 0 };
    let compiled = Arc::new(Compiled::compile(&Pool::default(), &slots(&[Kind::INT.into()]), &[program]).unwrap());
    let addresses: Vec<usize> = compiled.addresses().collect();
    assert_eq!(addresses.len(), 2, "a quick path and a whole one");
    for address in &addresses {
        assert_eq!(rights(*address).as_deref(), Some("r-xp"));
    }
    let other = Arc::clone(&compiled);
    drop(compiled);
    assert_eq!(rights(addresses[0]).as_deref(), Some("r-xp"), "a user is left");
    drop(other);
    // Another mapping may have taken the place, but no code is left there.
    assert_ne!(rights(addresses[0]).as_deref(), Some("r-xp"));
}

#[test]
fn the_first_case_that_holds_is_taken() {
    let cases = [at_least(0, 80), at_least(0, 60)];
    let answer = |score| decide(&[Kind::INT.into()], &cases, &[Value::Int(score)]);
    assert_eq!(answer(80), Ok(Some(0)));
    assert_eq!(answer(79), Ok(Some(1)));
    assert_eq!(answer(59), Ok(None));
}

#[test]
fn a_case_that_fails_ends_the_decision_with_its_number() {
    let cases = [Expr::Bool(false), at_least(0, 80), Expr::Bool(true)];
    assert_eq!(decide(&[Kind::INT.into()], &cases, &[Value::Absent]), Err((1, EvalError::Absent(0))));
}

#[test]
fn an_operand_that_decides_absorbs_the_errors_of_the_others() {
    let types = [Kind::INT.into(), Kind::Bool.into(), Kind::Bool.into()];
    let values = [Value::Absent, Value::Bool(true), Value::Absent];
    let or = [Expr::Or(vec![at_least(0, 1), Expr::Slot(2), Expr::Slot(1)])];
    assert_eq!(decide(&types, &or, &values), Ok(Some(0)));
    let and = [Expr::And(vec![at_least(0, 1), Expr::Slot(2), Expr::Slot(1)])];
    assert_eq!(decide(&types, &and, &values), Err((0, EvalError::Absent(0))), "the first error counts");
    let nested = [Expr::And(vec![Expr::Or(vec![Expr::Slot(2), Expr::Slot(2)]), Expr::Not(Box::new(Expr::Slot(1)))])];
    assert_eq!(decide(&types, &nested, &values), Ok(None));
}

#[test]
fn a_value_that_is_not_of_its_slots_type_is_an_error_and_nothing_else() {
    let (pool, arena) = (Pool::default(), Bump::new());
    let slots = slots(&[Kind::String.into(), Type::list(Kind::String.into())]);
    let consts = Consts::new(&pool).unwrap();
    let cx = Cx::new(&arena, &consts);
    let same = Expr::Binary(BinOp::Eq, Box::new((Expr::Slot(0), Expr::Slot(0))));
    let within = Expr::Binary(BinOp::In, Box::new((Expr::Slot(0), Expr::Slot(1))));
    let programs = [&same, &within].map(|case| Program::Decision { cases: vec![case], locals: 0 });
    let compiled = Compiled::compile(&pool, &slots, &programs).unwrap();
    let wrong = [
        [Value::Int(1), Value::Int(1)],
        [Value::Str("a"), Value::Uint(u64::MAX)],
        [Value::Double(f64::NAN), Value::List(&[])],
    ];
    for values in wrong {
        for program in [0, 1] {
            let answer = compiled.decide(program, &Frame { slots: &values, locals: &[], cx: &cx });
            if program == 0 && matches!(values[0], Value::Str(_)) {
                assert_eq!(answer, Ok(Some(0)));
            } else {
                assert!(answer.unwrap_err().to_string().contains("declared type"));
            }
        }
    }
    let too_few = compiled.decide(0, &Frame { slots: &[], locals: &[], cx: &cx });
    assert!(too_few.unwrap_err().to_string().contains("without its values"));
}

#[test]
fn code_that_names_what_is_not_there_is_refused() {
    for expr in [Expr::Slot(3), Expr::Local(0), Expr::Str(9), Expr::InSet(Box::new(Expr::Null), 1)] {
        let program = Program::Value { expr: &expr, locals: 0 };
        let refused = Compiled::compile(&Pool::default(), &[], &[program]).unwrap_err();
        assert!(matches!(refused, CompileError::BadCode(_)), "{expr:?}: {refused}");
    }
}

#[test]
fn given_locals_are_the_outermost_ones() {
    let (pool, arena) = (Pool::default(), Bump::new());
    let consts = Consts::new(&pool).unwrap();
    let cx = Cx::new(&arena, &consts);
    let sum = |left, right| Expr::Binary(BinOp::Add, Box::new((left, right)));
    let expr = Expr::Bind(Box::new((Expr::Int(5), sum(sum(Expr::Local(0), Expr::Local(1)), Expr::Local(2)))));
    let compiled = Compiled::compile(&pool, &[], &[Program::Value { expr: &expr, locals: 2 }]).unwrap();
    let locals = [Value::Int(30), Value::Int(200)];
    let frame = Frame { slots: &[], locals: &locals, cx: &cx };
    assert!(matches!(compiled.value(0, &frame), Ok(Value::Int(235))));
    assert!(matches!(when::value(&expr, &frame), Ok(Value::Int(235))));
}

#[test]
fn deep_code_compiles() {
    let mut expr = Expr::Slot(0);
    for _ in 0..248 {
        expr = Expr::Not(Box::new(Expr::Or(vec![expr, Expr::Slot(0)])));
    }
    let types: [Type; 1] = [Kind::Bool.into()];
    assert_eq!(decide(&types, &[expr], &[Value::Bool(false)]), Ok(None));
}

#[test]
fn a_listing_is_the_same_every_time() {
    let case = at_least(0, 80);
    let print = || {
        let program = Program::Decision { cases: vec![&case], locals: 0 };
        listing(&Pool::default(), &slots(&[Kind::INT.into()]), &[program]).unwrap()
    };
    assert_eq!(print(), print());
    assert!(print().contains("icmp"));
}

#[test]
fn a_hot_flow_is_compiled_elsewhere_and_used_from_then_on() {
    let heat = Arc::new(Heat::new(2));
    let mut compilations = 0;
    for _ in 0..5 {
        if heat.count() {
            compilations += 1;
            let heat = Arc::clone(&heat);
            std::thread::spawn(move || {
                let program = Program::Value { expr: &Expr::Bool(true), locals: 0 };
                heat.set(Arc::new(Compiled::compile(&Pool::default(), &[], &[program]).unwrap()));
            })
            .join()
            .unwrap();
        }
    }
    assert_eq!(compilations, 1);
    assert!(heat.code().is_some());
}
