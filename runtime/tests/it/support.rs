//! A builder of small bundles, and blocks that behave as they are told.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::bundle::{
    BlockId, BlockNode, BlockType, Branch, Bundle, Case, ConfigValue, Effects, FlowPlan, Node, NodeId, NodeKind,
    OnError, SetEffect,
};
use admit_plan::code::{BinOp, Expr, Pool, Slot, SlotId, Source, StrId};
use admit_plan::types::{Field, Kind, Labels, Range, Type};
use admit_plan::verify::{Verified, verify};
use admit_runtime::block::{Block, BlockError, Call, Done, Finalized, Output, Prompt, Registry, Settled};
use admit_runtime::engine::Engine;
use admit_runtime::execute::{Answer, Known, Options, Outcome, Start, StepError, resume};
use admit_runtime::host::{BoxFuture, HostError};
use admit_runtime::tenant::TenantId;
use admit_runtime::testing::{TestHost, block_on};
use admit_runtime::unit::{AuditEntry, Session, Write};

/// The event of most tests.
pub const EVENT: &str = r#"{"request": {"ip": "203.0.113.9", "asn": {"is_tor": false}}}"#;

pub const NOW: Instant = Instant { seconds: 1_767_268_800, nanos: 0 };

/// A flow under construction. Nodes are added in order; edges are by number.
pub struct Flow {
    pub bundle: Bundle,
    pub registry: Registry,
}

/// What a test block does.
#[derive(Clone)]
pub enum Does {
    /// Gives these outputs (and a user), waiting for nothing.
    Now(Vec<(&'static str, Datum)>),
    /// The same, after a wait of this many milliseconds.
    After(u64, Vec<(&'static str, Datum)>),
    /// Gives a user.
    User(&'static str),
    /// Fails.
    Fails,
    /// Fails with an error of this name.
    Names(&'static str),
    /// Fails this often, then gives nothing.
    FailsTimes(u32),
    /// Panics, before or after its first wait.
    Panics,
    PanicsLate,
    PanicsNow,
    /// Never ends.
    Hangs,
    /// Asks until it is answered, then gives `verified`.
    Asks,
    /// Ends the run in deny.
    Denies,
    /// Settles.
    Allow,
    Finalize,
    /// Makes a session as it should.
    Session,
    /// Makes a session that it should not: a lie about the user, the level, or the unit of work.
    SessionOf(&'static str),
    SessionAt(&'static str),
    SessionUnstored,
    /// Writes to the unit of work, then fails.
    WritesAndFails,
    /// Writes an audit entry and a job.
    Writes,
    /// Says what it was given.
    Echo,
    /// Says what it sees of the event in audit.
    Reports,
}

pub struct Fake {
    name: &'static str,
    does: Does,
    runs: Arc<AtomicU32>,
}

pub fn text(value: &str) -> Datum {
    Datum::Str(value.into())
}

pub fn record(fields: impl IntoIterator<Item = (&'static str, Datum)>) -> Datum {
    Datum::Map(fields.into_iter().map(|(name, value)| (text(name), value)).collect())
}

pub fn record_type(fields: &[(&str, Type)]) -> Type {
    let field = |(name, ty): &(&str, Type)| Field { name: (*name).into(), ty: ty.clone() };
    Kind::Record(fields.iter().map(field).collect()).into()
}

pub fn bool_type() -> Type {
    Kind::Bool.into()
}

pub fn string_type() -> Type {
    Kind::String.into()
}

pub fn labelled(ty: Type, pii: bool, secret: bool) -> Type {
    Type { labels: Labels { pii, secret }, ..ty }
}

pub fn words(words: &[&str]) -> Type {
    Kind::Enum(words.iter().map(|word| (*word).into()).collect()).into()
}

pub fn aal_type() -> Type {
    words(&["aal0", "aal1", "aal2", "aal3"])
}

pub fn score_type() -> Type {
    Kind::Int(Range { min: Some(0), max: Some(100) }).into()
}

pub fn tenant() -> TenantId {
    TenantId::from_str("acme").unwrap()
}

pub fn host() -> TestHost {
    TestHost::new(NOW, 7)
}

pub fn user(id: &str) -> Datum {
    record([("id", text(id)), ("email", text("a@x.io")), ("blocked", Datum::Bool(false))])
}

impl Flow {
    /// A flow `login` with an optional secret password and an identifier, and the terminals `allow`, `finalize`,
    /// `deny` and `issue_session` declared.
    pub fn new() -> Self {
        let flow = FlowPlan {
            name: 0,
            input: record_type(&[
                ("identifier", Type::optional(labelled(string_type(), true, false))),
                ("password", Type::optional(labelled(string_type(), false, true))),
            ]),
            budget: 10_000,
            needs_session: false,
            ends: Vec::new(),
            slots: Vec::new(),
            nodes: Vec::new(),
            entry: 0,
        };
        let bundle = Bundle {
            project: "test".into(),
            catalogue: "1".into(),
            pool: Pool { strings: vec!["login".into()], ..Pool::default() },
            blocks: Vec::new(),
            params: Vec::new(),
            secrets: Vec::new(),
            event: None,
            actions: Vec::new(),
            texts: Vec::new(),
            flows: vec![flow],
            debug: None,
        };
        Self { bundle, registry: Registry::default() }
    }

    pub fn flow(&mut self) -> &mut FlowPlan {
        &mut self.bundle.flows[0]
    }

    pub fn str(&mut self, text: &str) -> StrId {
        let strings = &mut self.bundle.pool.strings;
        let id = strings.iter().position(|known| known == text).unwrap_or_else(|| {
            strings.push(text.into());
            strings.len() - 1
        });
        id as StrId
    }

    pub fn slot(&mut self, source: Source, ty: Type, maybe_absent: bool) -> SlotId {
        let slots = &mut self.flow().slots;
        if let Some(known) = slots.iter().position(|slot| slot.source == source) {
            return known as SlotId;
        }
        slots.push(Slot { source, ty, maybe_absent });
        (slots.len() - 1) as SlotId
    }

    pub fn path(&mut self, path: &str) -> Vec<StrId> {
        path.split('.').map(|part| self.str(part)).collect()
    }

    pub fn event(&mut self, path: &str, ty: Type, maybe_absent: bool) -> Expr {
        let path = self.path(path);
        Expr::Slot(self.slot(Source::Event(path), ty, maybe_absent))
    }

    pub fn step(&mut self, node: NodeId, field: &str, ty: Type) -> Expr {
        let path = self.path(field);
        Expr::Slot(self.slot(Source::Step(node, path), ty, false))
    }

    /// Declares a block type that does this, with outputs.
    pub fn declare(&mut self, name: &'static str, output: Type, effects: Effects, does: Does) -> BlockId {
        let runs = Arc::default();
        self.registry.add(Arc::new(Fake { name, does, runs }));
        let name = self.str(name);
        let code = self.str("code");
        let takes = self.str("password");
        let prompt = effects.prompts.then(|| {
            record_type(&[("code", labelled(string_type(), false, true)), ("hint", Type::optional(string_type()))])
        });
        let _ = code;
        let takes = if effects.prompts { vec![takes] } else { Vec::new() };
        self.bundle.blocks.push(BlockType { name, output, prompt, effects, takes });
        (self.bundle.blocks.len() - 1) as BlockId
    }

    /// Declares a terminal and lets the flow end in it.
    pub fn terminal(&mut self, name: &'static str, does: Does) -> BlockId {
        let mints = name == "issue_session";
        let effects = Effects { ends: true, mints, ..Effects::default() };
        let id = self.declare(name, record_type(&[]), effects, does);
        if name != "deny" {
            self.flow().ends.push(id);
        }
        id
    }

    pub fn push(&mut self, label: &str, kind: NodeKind, next: Option<NodeId>) -> NodeId {
        let label = self.str(label);
        let nodes = &mut self.flow().nodes;
        nodes.push(Node { label, kind, next });
        (nodes.len() - 1) as NodeId
    }

    /// A block without config.
    pub fn block(&mut self, label: &str, block: BlockId, next: Option<NodeId>) -> NodeId {
        self.push(label, NodeKind::Block(Box::new(plain(block))), next)
    }

    pub fn node(&mut self, id: NodeId) -> &mut BlockNode {
        match &mut self.flow().nodes[id as usize].kind {
            NodeKind::Block(block) => block,
            _ => panic!("node {id} is no block"),
        }
    }

    pub fn config(&mut self, id: NodeId, name: &str, value: Expr) {
        let name = self.str(name);
        self.node(id).config.push((name, ConfigValue::Expr(value)));
    }

    pub fn sets(&mut self, id: NodeId, path: &str, to: Option<Expr>, when: Option<Expr>) {
        let path = self.path(path);
        self.node(id).sets.push(SetEffect { path, to, when });
    }

    pub fn provides_user(&mut self, id: NodeId) {
        let path = self.path("user");
        self.node(id).provides.push((path, None));
    }

    pub fn decision(
        &mut self,
        label: &str,
        cases: Vec<(Expr, &str, Option<NodeId>)>,
        default: Option<(&str, Option<NodeId>)>,
        next: Option<NodeId>,
    ) -> NodeId {
        let cases = cases
            .into_iter()
            .map(|(when, name, target)| Case { when, branch: Branch { name: self.str(name), target } })
            .collect();
        let default = default.map(|(name, target)| Branch { name: self.str(name), target });
        self.push(label, NodeKind::Decision { cases, default }, next)
    }

    pub fn equals(&mut self, left: Expr, word: &str) -> Expr {
        let word = self.str(word);
        Expr::Binary(BinOp::Eq, Box::new((left, Expr::Str(word))))
    }

    pub fn verified(&self) -> Verified {
        verify(self.bundle.clone()).unwrap_or_else(|refusal| panic!("{refusal}"))
    }

    pub fn engine(&self) -> Arc<Engine> {
        Engine::from_verified(self.verified(), &self.registry).unwrap()
    }

    /// Runs it once on the host.
    pub fn start(&self, host: &TestHost) -> Answer {
        self.start_with(host, EVENT, None).unwrap()
    }

    pub fn start_with(&self, host: &TestHost, event: &str, input: Option<Datum>) -> Result<Answer, StepError> {
        let engine = self.engine();
        let params = engine.params(&[]).unwrap();
        let start = Start { flow: "login", event: event.as_bytes(), input, known: Known::default() };
        block_on(engine.start(host, &tenant(), &params, start, Options::default()))
    }

    pub fn resume(&self, host: &TestHost, token: &str, input: Datum) -> Result<Answer, StepError> {
        // A new engine each time, as in another process.
        let engine = self.engine();
        let params = engine.params(&[]).unwrap();
        let bundles = |hash: [u8; 32]| (hash == engine.hash()).then(|| (engine.clone(), params.clone()));
        block_on(resume(&bundles, host, &tenant(), token, Some(input), Options::default()))
    }
}

pub fn plain(block: BlockId) -> BlockNode {
    BlockNode {
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
    }
}

pub const READS: Effects =
    Effects { reads: true, writes: false, sends: false, prompts: false, mints: false, ends: false };
pub const PROMPTS: Effects =
    Effects { reads: true, writes: true, sends: false, prompts: true, mints: false, ends: false };

/// A flow that looks a user up, checks a factor that rises to aal1, and makes a session: nodes 0, 1 and 2. The steps
/// do as told.
pub fn sign_in(lookup: Does, check: Does, issue: Does) -> Flow {
    let mut flow = Flow::new();
    let lookup = flow.declare("identity_lookup", record_type(&[]), READS, lookup);
    let check = flow.declare("password_check", record_type(&[]), READS, check);
    let issue = flow.terminal("issue_session", issue);
    let aal1 = flow.str("aal1");
    flow.block("identity-lookup", lookup, Some(1));
    flow.provides_user(0);
    flow.block("password-check", check, Some(2));
    flow.sets(1, "authentication.aal", Some(Expr::Str(aal1)), None);
    flow.block("issue-session", issue, None);
    flow
}

pub fn outcome(answer: &Answer) -> &'static str {
    answer.outcome.word()
}

pub fn reason(answer: &Answer) -> String {
    match &answer.outcome {
        Outcome::Deny { reason, .. } => reason.to_string(),
        other => panic!("not denied: {other:?}"),
    }
}

pub fn token(answer: &Answer) -> String {
    match &answer.outcome {
        Outcome::Suspended { resume_token, .. } => resume_token.clone(),
        other => panic!("not suspended: {other:?}; {:?}", answer.trace),
    }
}

/// Labels that ran, in order.
pub fn ran(answer: &Answer) -> Vec<String> {
    answer.trace.events.iter().filter_map(|event| event.ran_label()).map(ToString::to_string).collect()
}

pub fn failure(answer: &Answer) -> String {
    answer.trace.failure().map(|(label, text)| format!("{label}: {text}")).unwrap_or_default()
}

/// No session anywhere: neither told nor stored.
pub fn assert_no_session(host: &TestHost, answer: &Answer, what: &str) {
    assert!(!matches!(answer.outcome, Outcome::Session { .. }), "{what} ended in a session");
    assert!(host.store.sessions(&tenant()).is_empty(), "{what} stored a session");
}

impl Block for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(self.act(call))
    }

    fn run_now(&self, call: &mut Call<'_>) -> Option<Result<Done, BlockError>> {
        let done = match &self.does {
            Does::Now(fields) => output(fields),
            Does::Allow => Done::Settle(Settled::Allow),
            Does::Finalize => Done::Settle(Settled::Finalized(Finalized::default())),
            Does::Denies => denied(call),
            Does::PanicsNow => panic!("as told"),
            _ => return None,
        };
        Some(Ok(done))
    }
}

impl Fake {
    async fn act(&self, call: Call<'_>) -> Result<Done, BlockError> {
        let failed = || Err(HostError::Failed("as told".to_owned()).into());
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        match &self.does {
            Does::Now(fields) => Ok(output(fields)),
            Does::After(millis, fields) => {
                call.host.sleep(millis * 1_000_000).await;
                Ok(output(fields))
            }
            Does::User(id) => Ok(Done::Output(Output { user: Some(user(id)), ..Output::default() })),
            Does::Fails => failed(),
            Does::Names(name) => Err(BlockError::Named { name, detail: "as told".to_owned() }),
            Does::FailsTimes(times) if run < *times => failed(),
            Does::FailsTimes(_) => Ok(output(&[])),
            Does::Panics => panic!("as told"),
            Does::PanicsLate | Does::PanicsNow => {
                call.host.sleep(1).await;
                panic!("as told")
            }
            Does::Hangs => std::future::pending().await,
            Does::Asks => Ok(asks(&call)),
            Does::Denies => Ok(denied(&call)),
            Does::Allow => Ok(Done::Settle(Settled::Allow)),
            Does::Finalize => Ok(Done::Settle(Settled::Finalized(Finalized::default()))),
            Does::Session => Ok(session(call, None, None, true)),
            Does::SessionOf(user) => Ok(session(call, Some(user), None, true)),
            Does::SessionAt(aal) => Ok(session(call, None, Some(aal), true)),
            Does::SessionUnstored => Ok(session(call, None, None, false)),
            Does::WritesAndFails => {
                write(call);
                failed()
            }
            Does::Writes => {
                write(call);
                Ok(output(&[]))
            }
            Does::Echo => Ok(echo(&call)),
            Does::Reports => {
                let seen = ["request.ip", "authentication.aal", "user.id"].map(|path| call.event.get(path));
                let data = Datum::List(seen.into_iter().flatten().collect());
                let (kind, actor, target) = ("test.saw".to_owned(), "test".to_owned(), call.label.to_owned());
                call.unit.audit.push(AuditEntry { kind, actor, target, outcome: "success".to_owned(), data });
                Ok(output(&[]))
            }
        }
    }
}

fn output(fields: &[(&'static str, Datum)]) -> Done {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    Done::Output(Output { fields, ..Output::default() })
}

fn denied(call: &Call<'_>) -> Done {
    let reason = match call.config {
        Datum::Map(entries) => entries.iter().find(|(key, _)| *key == text("reason")).map(|(_, value)| value),
        _ => None,
    };
    let reason = match reason {
        Some(Datum::Str(reason)) => reason.to_string(),
        _ => "told_to".to_owned(),
    };
    Done::Deny { reason, user_message: None }
}

fn asks(call: &Call<'_>) -> Done {
    let asked = match call.memory {
        Some(Datum::Int(asked)) => *asked,
        _ => 0,
    };
    let secrets = call.input.map(|input| &input.secrets);
    let code = secrets.and_then(|secrets| secrets.iter().find(|(name, _)| name == "code" || name == "password"));
    match code {
        Some((_, code)) if code.expose() == b"right" => output(&[("verified", Datum::Bool(true))]),
        Some(_) if asked >= 3 => output(&[("verified", Datum::Bool(false))]),
        Some(_) | None => Done::Prompt(Prompt {
            challenge: record([("kind", text("code")), ("asked", Datum::Int(asked))]),
            memory: Datum::Int(asked + 1),
            expires_in: 60,
            wants: vec!["code", "password"],
            takes: Vec::new(),
        }),
    }
}

fn session(call: Call<'_>, user: Option<&str>, aal: Option<&str>, store: bool) -> Done {
    let known = call.event.get("user.id");
    let known = match &known {
        Some(Datum::Str(id)) => id.to_string(),
        _ => "usr_none".to_owned(),
    };
    let level = call.event.get("authentication.aal");
    let level = match &level {
        Some(Datum::Str(level)) => level.to_string(),
        _ => "aal0".to_owned(),
    };
    let session = Session {
        id: "ses_1".to_owned(),
        user_id: user.map_or(known, str::to_owned),
        aal: aal.map_or(level, str::to_owned),
        methods: Vec::new(),
        issued_at: call.now,
        expires_at: call.now,
        client_id: None,
        idle_seconds: None,
    };
    let record = record([
        ("id", text(&session.id)),
        ("user_id", text(&session.user_id)),
        ("aal", text(&session.aal)),
        ("issued_at", Datum::Timestamp(session.issued_at)),
    ]);
    if store {
        call.unit.writes.push(Write::InsertSession(session));
    }
    Done::Settle(Settled::Session { session: record, token: "tok".to_owned(), cookie: None })
}

fn write(call: Call<'_>) {
    call.unit.audit.push(AuditEntry {
        kind: "test.wrote".to_owned(),
        actor: "test".to_owned(),
        target: call.label.to_owned(),
        outcome: "success".to_owned(),
        data: Datum::Null,
    });
    let at = call.now;
    let (user_id, ip) = ("usr_1".to_owned(), "203.0.113.9".to_owned());
    call.unit.writes.push(Write::RecordSignIn { user_id, at, device: None, country: None, position: None, ip });
}

/// What it sees, as outputs.
fn echo(call: &Call<'_>) -> Done {
    let seen = |path: &str| call.event.get(path).map_or_else(|| "absent".to_owned(), |value| format!("{value:?}"));
    let input = call.input.map_or_else(String::new, |input| {
        let fields = input.fields.iter().map(|(name, _)| name.as_str());
        let secrets = input.secrets.iter().map(|(name, _)| name.as_str());
        fields.chain(secrets).collect::<Vec<_>>().join(",")
    });
    let secrets = call.secrets.iter().map(|(path, secret)| format!("{path}={}", secret.expose().escape_ascii()));
    let secrets: Vec<String> = secrets.collect();
    output(&[
        ("ip", text(&seen("request.ip"))),
        ("aal", text(&seen("authentication.aal"))),
        ("user", text(&seen("user.id"))),
        ("input", text(&input)),
        ("secrets", text(&secrets.join(";"))),
        ("config", text(&format!("{:?}", call.config))),
    ])
}
