//! The login decision as machine code against the same code hand-written in Rust, in one run:
//! `cargo bench -p admit-runtime --bench when`. Medians of 11 interleaved runs; the ratios are what counts.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark stops where its premises do not hold")]

use std::hint::black_box;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::value::Value;
use admit_plan::code::{BinOp, Expr, Item, Pool, Slot, SlotId, Source, StrId};
use admit_plan::func::Func;
use admit_plan::types::{Kind, Range, Type};
use admit_runtime::event::{Limits, Shape};
use admit_runtime::when::Frame;
use admit_runtime::when::jit::{Compiled, Program};
use bumpalo::Bump;
use serde::Deserialize;

/// Runs of each side; the medians count.
const RUNS: usize = 11;

fn main() {
    let Some(bytes) = event() else {
        println!("when: conformance/event.json is not there, 1 benchmark did not run");
        return;
    };
    let login = Login::new();
    let programs = [Program::Decision { cases: login.cases.iter().collect(), locals: 0 }];
    let compiled = Compiled::compile(&login.pool, &login.slots, &programs).expect("the decision compiles");
    println!("machine code of the decision: {} bytes", compiled.size());

    ready_slots(&bytes, &login, &compiled);
    from_bytes(&bytes, &login, &compiled);
    compile(&login, &programs);
}

fn ready_slots(bytes: &[u8], login: &Login, compiled: &Compiled) {
    let arena = Bump::new();
    let mut slots = [Value::Absent; 5];
    let shape = Shape::new(&login.pool, &login.slots);
    shape.read(bytes, limits(), &arena, &mut slots).expect("the event is read");
    let by_serde: Event<'_> = serde_json::from_slice(bytes).expect("the event is read");
    let cx = Cx::new(&arena, &login.consts);
    let frame = Frame { slots: &slots, locals: &[], cx: &cx };
    for (what, risk) in [("third case, over the groups", 42), ("second case, over the country", 70)] {
        let mut slots = slots;
        slots[1] = Value::Int(risk);
        let frame = Frame { slots: &slots, ..frame };
        let hand = || {
            let event = black_box(&by_serde);
            by_hand(
                event.request.asn.is_tor,
                black_box(risk),
                event.request.geo.country,
                event.user.email,
                &event.user.groups,
            )
        };
        let code = || compiled.decide(0, black_box(&frame));
        assert_eq!(code(), Ok(usize::try_from(hand()).ok()));
        ratio(
            &format!("decision over ready slots, {what}"),
            300_000,
            2.5,
            || drop(black_box(code())),
            || {
                black_box(hand());
            },
        );
    }
}

fn from_bytes(bytes: &[u8], login: &Login, compiled: &Compiled) {
    let shape = Shape::new(&login.pool, &login.slots);
    let mut arena = Bump::with_capacity(4096);
    let code = || {
        arena.reset();
        let mut slots = [Value::Absent; 5];
        shape.read(black_box(bytes), limits(), &arena, &mut slots).expect("the event is read");
        let cx = Cx::new(&arena, &login.consts);
        let frame = Frame { slots: &slots, locals: &[], cx: &cx };
        drop(black_box(compiled.decide(0, &frame)));
    };
    let hand = || {
        let event: Event<'_> = serde_json::from_slice(black_box(bytes)).expect("the event is read");
        black_box(by_hand(
            event.request.asn.is_tor,
            event.authentication.risk_score,
            event.request.geo.country,
            event.user.email,
            &event.user.groups,
        ));
    };
    ratio("decision from the event's bytes", 20_000, 1.5, code, hand);
}

fn compile(login: &Login, programs: &[Program<'_>]) {
    let mut times: Vec<Duration> = (0..RUNS * 5)
        .map(|_| {
            let start = Instant::now();
            let compiled = Compiled::compile(&login.pool, &login.slots, programs);
            let time = start.elapsed();
            drop(black_box(compiled));
            time
        })
        .collect();
    times.sort();
    let median = times[times.len() / 2];
    println!("compiling the decision: {median:?} (limit 500µs): {}", verdict(median < Duration::from_micros(500)));
}

/// Prints the medians of both sides and their ratio.
fn ratio(what: &str, times: u32, limit: f64, mut ours: impl FnMut(), mut hand: impl FnMut()) {
    let run = |side: &mut dyn FnMut()| {
        let start = Instant::now();
        for _ in 0..times {
            side();
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(times)
    };
    let mut both: Vec<(f64, f64)> = (0..RUNS).map(|_| (run(&mut ours), run(&mut hand))).collect();
    both.sort_by(|a, b| a.0.total_cmp(&b.0));
    let ours = both[RUNS / 2].0;
    both.sort_by(|a, b| a.1.total_cmp(&b.1));
    let hand = both[RUNS / 2].1;
    let ratio = ours / hand;
    println!(
        "{what}: {ours:.1} ns, by hand {hand:.1} ns: {ratio:.2} times (limit {limit}): {}",
        verdict(ratio <= limit)
    );
}

fn verdict(holds: bool) -> &'static str {
    if holds { "holds" } else { "MISSED" }
}

fn limits() -> Limits {
    Limits { runtime_groups: true, ..Limits::default() }
}

fn event() -> Option<Vec<u8>> {
    let shared = std::env::var_os("ADMIT_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    std::fs::read(shared.join("conformance/event.json")).ok()
}

#[inline(never)]
fn by_hand(is_tor: bool, risk_score: i64, country: &str, email: &str, groups: &[&str]) -> i64 {
    if is_tor || risk_score >= 80 {
        0
    } else if risk_score >= 60 && !["US", "IN"].contains(&country) {
        1
    } else if email.ends_with("@cymmetri.com") && groups.contains(&"admins") {
        2
    } else {
        -1
    }
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    request: Request<'a>,
    authentication: Authentication,
    #[serde(borrow)]
    user: User<'a>,
}

#[derive(Deserialize)]
struct Request<'a> {
    asn: Asn,
    #[serde(borrow)]
    geo: Geo<'a>,
}

#[derive(Deserialize)]
struct Asn {
    is_tor: bool,
}

#[derive(Deserialize)]
struct Geo<'a> {
    country: &'a str,
}

#[derive(Deserialize)]
struct Authentication {
    risk_score: i64,
}

#[derive(Deserialize)]
struct User<'a> {
    email: &'a str,
    #[serde(borrow)]
    groups: Vec<&'a str>,
}

/// The decision of the benchmark as typed code.
struct Login {
    pool: Pool,
    consts: Consts,
    slots: Vec<Slot>,
    cases: Vec<Expr>,
}

impl Login {
    fn new() -> Self {
        let mut pool = Pool::default();
        let score = Kind::Int(Range { min: Some(0), max: Some(100) });
        let slots = [
            ("request.asn.is_tor", Kind::Bool.into()),
            ("authentication.risk_score", score.into()),
            ("request.geo.country", Kind::String.into()),
            ("user.email", Kind::String.into()),
            ("user.groups", Type::list(Kind::String.into())),
        ];
        let slots = slots.map(|(path, ty): (&str, Type)| Slot {
            source: Source::Event(path.split('.').map(|name| text(&mut pool, name)).collect()),
            ty,
            maybe_absent: false,
        });
        let mut word = |word: &str| Expr::Str(text(&mut pool, word));
        let item = |value| Item { value, optional: false };
        let cases = vec![
            Expr::Or(vec![slot(0), binary(BinOp::Ge, slot(1), Expr::Int(80))]),
            Expr::And(vec![
                binary(BinOp::Ge, slot(1), Expr::Int(60)),
                Expr::Not(Box::new(binary(BinOp::In, slot(2), Expr::List(vec![item(word("US")), item(word("IN"))])))),
            ]),
            Expr::And(vec![
                Expr::Call(Func::EndsWith, vec![slot(3), word("@cymmetri.com")]),
                binary(BinOp::In, word("admins"), slot(4)),
            ]),
        ];
        let consts = Consts::new(&pool).expect("the pool has no regular expressions");
        Self { pool, consts, slots: slots.into(), cases }
    }
}

fn text(pool: &mut Pool, text: &str) -> StrId {
    pool.strings.push(text.into());
    pool.strings.len() as StrId - 1
}

fn slot(id: SlotId) -> Expr {
    Expr::Slot(id)
}

fn binary(op: BinOp, left: Expr, right: Expr) -> Expr {
    Expr::Binary(op, Box::new((left, right)))
}
