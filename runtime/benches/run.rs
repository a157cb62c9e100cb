//! A whole run in process, event bytes to outcome with trace, against parsing the event with hand-written structs:
//! `cargo bench -p admit-runtime --bench run`. Ten blocks that wait for nothing: three decisions, two conditions, four
//! blocks with outputs, `allow`. Medians of 11 interleaved runs; the ratio is what counts: at most 4 microseconds
//! where the structs parse in 1.35.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a benchmark that cannot run says why and stops")]

use std::future::{Future as _, ready};
use std::hint::black_box;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::bundle::{BlockNode, BlockType, Branch, Bundle, Case, Effects, FlowPlan, Node, NodeKind, OnError};
use admit_plan::code::{BinOp, Expr, Pool, Slot, SlotId, Source, StrId};
use admit_plan::types::{Field, Kind, Range, Type};
use admit_plan::verify::verify;
use admit_runtime::block::{Block, BlockError, Call, Done, Output, Registry, Settled};
use admit_runtime::engine::Engine;
use admit_runtime::execute::{Known, Options, Outcome, Start};
use admit_runtime::feeds::{Feeds, MailServers, NoFeeds};
use admit_runtime::host::{
    BoxFuture, ChallengeOf, Counted, Credential, FoundChallenge, Host, HostError, HttpError, HttpRequest, HttpResponse,
    RunCommit, Secret, SignIn, Store, StoreError, StoredRun, Tried, WaitingRun,
};
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::{CredentialInfo, InboxEntry, Session};
use serde::Deserialize;

const RUNS: usize = 11;
const ROUNDS: u32 = 40;
const TIMES: u32 = 500;

fn main() {
    let Some(whole) = event() else {
        println!("run: conformance/event.json is not there, 1 benchmark did not run");
        return;
    };
    let submitted = without_runtime_groups(&whole);
    let (bundle, registry) = flow();
    let engine = Engine::from_verified(verify(bundle).expect("it verifies"), &registry).expect("it loads");
    engine.compile().expect("it compiles");
    let params = engine.params(&[]).expect("there are none");
    let host = Bench { drawn: AtomicU64::new(1), start: time::Instant::now() };
    let tenant: TenantId = "cymmetri".parse().expect("a slug");
    let run = || {
        let start = Start { flow: "login", event: black_box(&submitted), input: None, known: Known::default() };
        let run = pin!(engine.start(&host, &tenant, &params, start, Options::default()));
        let Poll::Ready(answer) = run.poll(&mut Context::from_waker(Waker::noop())) else {
            unreachable!("no block of it waits");
        };
        let answer = answer.expect("it runs");
        assert!(matches!(answer.outcome, Outcome::Allow), "{:?}", answer.trace);
        black_box(answer);
    };
    let hand = || {
        let event: Event<'_> = serde_json::from_slice(black_box(&whole)).expect("the event is read");
        black_box(event);
    };
    let measure = |side: &dyn Fn()| {
        let start = time::Instant::now();
        for _ in 0..TIMES {
            side();
        }
        start.elapsed().as_secs_f64() * 1e6 / f64::from(TIMES * ROUNDS)
    };
    // The sides take turns within a run, so that what else the machine does meets both alike.
    let both: Vec<(f64, f64)> = (0..RUNS)
        .map(|_| (0..ROUNDS).fold((0.0, 0.0), |(ours, theirs), _| (ours + measure(&run), theirs + measure(&hand))))
        .collect();
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[RUNS / 2]
    };
    let ours = median(both.iter().map(|both| both.0).collect());
    let hand = median(both.iter().map(|both| both.1).collect());
    let (ratio, limit) = (median(both.iter().map(|both| both.0 / both.1).collect()), 4.0 / 1.35);
    let verdict = if ratio <= limit { "holds" } else { "MISSED" };
    println!(
        "a run of ten blocks: {ours:.2} µs, structs by hand {hand:.2} µs: {ratio:.2} times (limit {limit:.2}): {verdict}"
    );
}

/// The event as hand-written structs read it, as far as a login names it.
#[derive(Deserialize)]
struct Event<'a> {
    #[expect(dead_code, reason = "read, and not used further")]
    authentication: Authentication,
    #[expect(dead_code, reason = "read, and not used further")]
    #[serde(borrow)]
    request: Request<'a>,
    #[expect(dead_code, reason = "read, and not used further")]
    user: User<'a>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read, and not used further")]
struct Authentication {
    risk_score: i64,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read, and not used further")]
struct Request<'a> {
    #[serde(borrow)]
    geo: Geo<'a>,
    asn: Asn,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read, and not used further")]
struct Geo<'a> {
    country: Option<&'a str>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read, and not used further")]
struct Asn {
    is_tor: bool,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read, and not used further")]
struct User<'a> {
    email: Option<&'a str>,
    #[serde(borrow)]
    groups: Vec<&'a str>,
}

fn event() -> Option<Vec<u8>> {
    let shared = std::env::var_os("ADMIT_SHARED").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"));
    std::fs::read(shared.join("conformance/event.json")).ok()
}

fn without_runtime_groups(whole: &[u8]) -> Vec<u8> {
    let mut event: serde_json::Value = serde_json::from_slice(whole).expect("JSON");
    if let Some(event) = event.as_object_mut() {
        for group in ["user", "authentication", "tenant"] {
            event.remove(group);
        }
    }
    serde_json::to_vec(&event).expect("JSON")
}

struct Builder {
    pool: Pool,
    slots: Vec<Slot>,
    nodes: Vec<Node>,
}

impl Builder {
    fn str(&mut self, text: &str) -> StrId {
        let strings = &mut self.pool.strings;
        let id = strings.iter().position(|known| known == text).unwrap_or_else(|| {
            strings.push(text.into());
            strings.len() - 1
        });
        id as StrId
    }

    fn slot(&mut self, source: Source, ty: Type, maybe_absent: bool) -> SlotId {
        self.slots.push(Slot { source, ty, maybe_absent });
        (self.slots.len() - 1) as SlotId
    }

    fn event(&mut self, path: &str, ty: Type, maybe_absent: bool) -> SlotId {
        let path = path.split('.').map(|part| self.str(part)).collect();
        self.slot(Source::Event(path), ty, maybe_absent)
    }

    fn push(&mut self, label: &str, kind: NodeKind) {
        let label = self.str(label);
        let next = Some(self.nodes.len() as u32 + 1);
        self.nodes.push(Node { label, kind, next });
    }

    fn block(&mut self, label: &str, block: u32) {
        let node = BlockNode {
            action: None,
            block,
            config: Vec::new(),
            timeout: 500,
            retry: None,
            on_error: OnError::Halt,
            is_async: false,
            sets: Vec::new(),
            provides: Vec::new(),
            ensures: Vec::new(),
        };
        self.push(label, NodeKind::Block(Box::new(node)));
    }

    fn decision(&mut self, label: &str, when: Expr) {
        let yes = self.str("yes");
        let no = self.str("no");
        let cases = vec![Case { when, branch: Branch { name: yes, target: None } }];
        self.push(label, NodeKind::Decision { cases, default: Some(Branch { name: no, target: None }) });
    }
}

/// The flow: each step reads what one before it gave, or the event.
fn flow() -> (Bundle, Registry) {
    let mut build = Builder {
        pool: Pool { strings: vec!["login".into()], ..Pool::default() },
        slots: Vec::new(),
        nodes: Vec::new(),
    };
    let score = Kind::Int(Range { min: Some(0), max: Some(100) });
    let record = |fields: Vec<Field>| Type::from(Kind::Record(fields.into()));
    let output = record(vec![
        Field { name: "score".into(), ty: score.clone().into() },
        Field { name: "word".into(), ty: Kind::String.into() },
    ]);
    let (signal, allow) = (build.str("signal"), build.str("allow"));
    let ends = Effects { ends: true, ..Effects::default() };
    let block = |name, output, effects| BlockType { name, output, prompt: None, effects, takes: Vec::new() };
    let blocks = vec![block(signal, output, Effects::default()), block(allow, record(Vec::new()), ends)];

    let is_tor = build.event("request.asn.is_tor", Kind::Bool.into(), false);
    let is_vpn = build.event("request.asn.is_vpn", Kind::Bool.into(), false);
    let country = build.event("request.geo.country", Kind::String.into(), true);
    let language = build.event("request.language", Kind::String.into(), true);
    build.block("signal-1", 0);
    build.block("signal-2", 0);
    let path = vec![build.str("score")];
    let score = build.slot(Source::Step(0, path), score.into(), false);
    let high = || Expr::Binary(BinOp::Ge, Box::new((Expr::Slot(score), Expr::Int(80))));
    build.decision("gate-1", Expr::Or(vec![Expr::Slot(is_tor), high()]));
    let fields = vec![(build.str("tor"), Expr::Slot(is_tor)), (build.str("vpn"), Expr::Slot(is_vpn))];
    build.push("network", NodeKind::Condition { fields });
    build.block("signal-3", 0);
    let india = build.str("IN");
    let there = Expr::Binary(BinOp::Eq, Box::new((Expr::Slot(country), Expr::Str(india))));
    build.decision("gate-2", Expr::And(vec![high(), Expr::Not(Box::new(there))]));
    let french = build.str("fr-FR");
    let speaks = Expr::Binary(BinOp::Eq, Box::new((Expr::Slot(language), Expr::Str(french))));
    let fields = vec![(build.str("french"), speaks), (build.str("high"), high())];
    build.push("person", NodeKind::Condition { fields });
    build.block("signal-4", 0);
    let path = vec![build.str("all")];
    let all = build.slot(Source::Step(6, path), Kind::Bool.into(), false);
    build.decision("gate-3", Expr::Slot(all));
    build.block("allow", 1);
    if let Some(last) = build.nodes.last_mut() {
        last.next = None;
    }

    let flow = FlowPlan {
        name: 0,
        input: record(Vec::new()),
        budget: 10_000,
        needs_session: false,
        ends: vec![1],
        slots: build.slots,
        nodes: build.nodes,
        entry: 0,
    };
    let bundle = Bundle {
        project: "bench".into(),
        catalogue: "1".into(),
        pool: build.pool,
        blocks,
        params: Vec::new(),
        secrets: Vec::new(),
        event: None,
        actions: Vec::new(),
        texts: Vec::new(),
        flows: vec![flow],
        debug: None,
    };
    let mut registry = Registry::default();
    registry.add(Arc::new(Signal));
    registry.add(Arc::new(Allow));
    (bundle, registry)
}

struct Signal;

impl Block for Signal {
    fn name(&self) -> &'static str {
        "signal"
    }

    fn run<'a>(&'a self, mut call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(async move { self.run_now(&mut call).expect("it waits for nothing") })
    }

    fn run_now(&self, _call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        let fields = vec![("score".to_owned(), Datum::Int(42)), ("word".to_owned(), Datum::Str("medium".into()))];
        Some(Ok(Done::Output(Output { fields, ..Output::default() })))
    }
}

struct Allow;

impl Block for Allow {
    fn name(&self) -> &'static str {
        "allow"
    }

    fn run<'a>(&'a self, _call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(ready(Ok(Done::Settle(Settled::Allow))))
    }

    fn run_now(&self, _call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        Some(Ok(Done::Settle(Settled::Allow)))
    }
}

/// A host whose clock is the machine's, and whose store takes what it is given and forgets it.
struct Bench {
    drawn: AtomicU64,
    start: time::Instant,
}

fn nothing<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, HostError>> {
    Box::pin(ready(Err(HostError::NotFound("not in a benchmark".to_owned()))))
}

fn no_rows<'a, T: Send + 'a>() -> BoxFuture<'a, Result<T, StoreError>> {
    Box::pin(ready(Err(StoreError::NotFound)))
}

impl Host for Bench {
    fn now(&self) -> Instant {
        let since = time::SystemTime::now().duration_since(time::UNIX_EPOCH).unwrap_or_default();
        Instant { seconds: since.as_secs() as i64, nanos: since.subsec_nanos() }
    }

    fn monotonic(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }

    fn random(&self, buffer: &mut [u8]) {
        let mut word = self.drawn.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
        for byte in buffer {
            word = word.rotate_left(11).wrapping_mul(0x2545_F491_4F6C_DD1D);
            *byte = word as u8;
        }
    }

    fn sleep(&self, _nanos: u64) -> BoxFuture<'_, ()> {
        Box::pin(ready(()))
    }

    fn blocking(&self, _job: Box<dyn FnOnce() -> Datum + Send>) -> BoxFuture<'_, Result<Datum, HostError>> {
        nothing()
    }

    fn store(&self) -> &dyn Store {
        self
    }

    fn http<'a>(&'a self, _: &'a TenantId, _: HttpRequest) -> BoxFuture<'a, Result<HttpResponse, HttpError>> {
        Box::pin(ready(Err(HttpError::Refused("not in a benchmark".to_owned()))))
    }

    fn feeds(&self) -> std::sync::Arc<dyn Feeds> {
        std::sync::Arc::new(NoFeeds)
    }

    fn mail_servers<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<MailServers, HostError>> {
        nothing()
    }

    fn secret<'a>(&'a self, _: &'a TenantId, _: &'a str) -> BoxFuture<'a, Result<Secret, HostError>> {
        nothing()
    }

    fn actions(&self) -> Option<&dyn admit_runtime::action::Actions> {
        None
    }

    fn may_redirect(&self, _tenant: &TenantId, _url: &str) -> bool {
        false
    }

    fn sign_jwt<'a>(&'a self, _: &'a TenantId, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<String, HostError>> {
        nothing()
    }

    fn verify_jwt<'a>(&'a self, _: &'a TenantId, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Datum, HostError>> {
        nothing()
    }
}

impl Store for Bench {
    fn user_by_identifier<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        no_rows()
    }

    fn user<'a>(&'a self, _: &'a TenantId, _: &'a str) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        no_rows()
    }

    fn credentials<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Vec<Credential>, StoreError>> {
        no_rows()
    }

    fn pending_user<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        no_rows()
    }

    fn credential_list<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
    ) -> BoxFuture<'a, Result<Vec<CredentialInfo>, StoreError>> {
        no_rows()
    }

    fn credential_by_external_id<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Credential>, StoreError>> {
        no_rows()
    }

    fn try_challenge<'a>(
        &'a self,
        _: &'a TenantId,
        _: ChallengeOf<'a>,
        _: &'a [u8],
        _: Instant,
    ) -> BoxFuture<'a, Result<Tried, StoreError>> {
        no_rows()
    }

    fn open_challenge<'a>(
        &'a self,
        _: &'a TenantId,
        _: ChallengeOf<'a>,
    ) -> BoxFuture<'a, Result<Option<Datum>, StoreError>> {
        no_rows()
    }

    fn challenge_by_secret<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: &'a [u8],
        _: Instant,
    ) -> BoxFuture<'a, Result<Option<FoundChallenge>, StoreError>> {
        no_rows()
    }

    fn session<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: Instant,
    ) -> BoxFuture<'a, Result<Option<Session>, StoreError>> {
        no_rows()
    }

    fn sign_ins<'a>(&'a self, _: &'a TenantId, _: &'a str, _: u32) -> BoxFuture<'a, Result<Vec<SignIn>, StoreError>> {
        no_rows()
    }

    fn count_in<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: u64,
        now: Instant,
    ) -> BoxFuture<'a, Result<Counted, StoreError>> {
        Box::pin(ready(Ok(Counted { count: 1, ends_at: now })))
    }

    fn reset_count<'a>(&'a self, _: &'a TenantId, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        no_rows()
    }

    fn note_failure<'a>(&'a self, _: &'a TenantId, _: &'a str, _: Instant) -> BoxFuture<'a, Result<(), StoreError>> {
        no_rows()
    }

    fn failures<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: Instant,
        _: u32,
    ) -> BoxFuture<'a, Result<Vec<Instant>, StoreError>> {
        no_rows()
    }

    fn forget_failures<'a>(&'a self, _: &'a TenantId, _: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        no_rows()
    }

    fn commit<'a>(&'a self, _: &'a TenantId, commit: RunCommit) -> BoxFuture<'a, Result<(), StoreError>> {
        black_box(commit);
        Box::pin(ready(Ok(())))
    }

    fn inbox<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: Option<&'a str>,
        _: u32,
    ) -> BoxFuture<'a, Result<Vec<InboxEntry>, StoreError>> {
        no_rows()
    }

    fn mark_read<'a>(
        &'a self,
        _: &'a TenantId,
        _: &'a str,
        _: &'a str,
        _: Instant,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        no_rows()
    }

    fn waiting_run<'a>(
        &'a self,
        _: &'a TenantId,
        _: [u8; 32],
    ) -> BoxFuture<'a, Result<Option<WaitingRun>, StoreError>> {
        Box::pin(async { Ok(None) })
    }

    fn take_run<'a>(
        &'a self,
        _: &'a TenantId,
        _: [u8; 32],
        _: Instant,
    ) -> BoxFuture<'a, Result<StoredRun, StoreError>> {
        no_rows()
    }
}
