//! Tests (language.md section 9): every clause against the flow, its labels and their types; constants are kept for the
//! test runner.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use admit_plan::code;
use admit_plan::types::{Field, Kind, Type};
use smol_str::SmolStr;

use super::constant::constant_in;
use super::known::{Known, OpenScope, Steps, What, ambiguous, steps_of};
use super::labels::default_label;
use super::same::bare;
use super::walk::Used;
use crate::ast::expr::{Expr, ExprKind, MapEntry, MapKey};
use crate::ast::{self, Item, Name, TestClauseKind};
use crate::diagnostic::{Diagnostic, Level};
use crate::nearest::nearest;
use crate::resolve::Index;
use crate::schema::{Block, Contract};
use crate::source::Span;
use crate::typed::facts::Facts;
use crate::typed::flow::{self, Source};
use crate::typed::infer::infer;
use crate::typed::tables::{Interner, Slots};
use crate::typed::test::{Answer, Expect, Outcome, Stub, Target, Test};

/// A checked test.
pub(super) struct CheckedTest {
    /// What it means; none if there is an error in it.
    pub typed: Option<Test>,
    /// What was found.
    pub diagnostics: Vec<Diagnostic>,
    /// Names of the project that it uses.
    pub used: Used,
}

/// Checks that each test has a name of its own: reports name it by nothing else.
pub(super) fn names(index: &Index<'_>, out: &mut Vec<Diagnostic>) {
    let mut first: HashMap<&str, Span> = HashMap::new();
    for (_, test) in &index.tests {
        let title = &test.title;
        match first.entry(&title.value) {
            Entry::Occupied(earlier) => out.push(
                Diagnostic::error("A0710", title.span, format!("another test says `{}` too", title.value))
                    .label(*earlier.get(), "the first one")
                    .help("say what is different about this one"),
            ),
            Entry::Vacant(place) => {
                place.insert(title.span);
            }
        }
    }
}

/// Checks one test.
pub(super) fn check_test(item: &Item, test: &ast::Test, index: &Index<'_>) -> CheckedTest {
    let mut out = Vec::new();
    if !item.broken && !test.clauses.iter().any(|clause| expects(&clause.kind)) {
        out.push(
            Diagnostic::error("A0709", test.title.span, "this test expects nothing")
                .help("say how the run ends: `expect session`, `expect deny \"reason\"`"),
        );
    }
    let flow = index.flows.get(test.of.text.as_str());
    let contract = index.library.contract(&test.of.text).filter(|_| flow.is_none_or(|flow| flow.flow.system));
    if flow.is_none() && contract.is_none() {
        if !index.broken {
            out.push(super::rules::unknown_flow("A0701", &test.of, index));
        }
        return CheckedTest { typed: None, diagnostics: out, used: Used::default() };
    }
    let mut cx = TestCx {
        index,
        contract,
        custom: flow.is_some_and(|flow| !flow.flow.system),
        steps: flow.map(|flow| steps_of(flow.flow, index)).unwrap_or_default(),
        // Labels of a flow that the project lacks are its default's, which is not here.
        blind: flow.is_none() || index.broken || flow.is_some_and(|flow| flow.item.broken),
        pool: Interner::default(),
        slots: Slots::default(),
        used: Used::default(),
        out,
        test: Test {
            title: test.title.value.clone(),
            flow: test.of.text.clone(),
            span: item.span,
            pool: code::Pool::default(),
            slots: Vec::new(),
            event: None,
            input: None,
            params: Vec::new(),
            secrets: Vec::new(),
            now: None,
            stubs: Vec::new(),
            fetches: Vec::new(),
            replies: Vec::new(),
            expects: Vec::new(),
        },
    };
    for clause in &test.clauses {
        cx.clause(&clause.kind, clause.span);
    }
    let sound = !item.broken && !cx.out.iter().any(|found| found.level == Level::Error);
    let mut typed = cx.test;
    typed.pool = cx.pool.into_pool();
    typed.slots = cx
        .slots
        .into_slots()
        .into_iter()
        .map(|slot| flow::Slot { source: slot.source, ty: slot.ty, maybe_absent: slot.maybe_absent })
        .collect();
    CheckedTest { typed: sound.then_some(typed), diagnostics: cx.out, used: cx.used }
}

/// Whether a clause is an expectation.
fn expects(clause: &TestClauseKind) -> bool {
    match clause {
        TestClauseKind::GivenEvent(_)
        | TestClauseKind::GivenNow(_)
        | TestClauseKind::GivenParams(_)
        | TestClauseKind::GivenSecrets(_)
        | TestClauseKind::GivenInput(_)
        | TestClauseKind::Stub(..)
        | TestClauseKind::StubError(..)
        | TestClauseKind::StubAfter(..)
        | TestClauseKind::StubFetch(..)
        | TestClauseKind::Reply(..) => false,
        TestClauseKind::ExpectOutcome(_)
        | TestClauseKind::ExpectDeny(_)
        | TestClauseKind::ExpectSuspended(_)
        | TestClauseKind::ExpectError(_)
        | TestClauseKind::ExpectRedirect(_)
        | TestClauseKind::ExpectRan(_)
        | TestClauseKind::ExpectNotRan(_)
        | TestClauseKind::ExpectBranch(..)
        | TestClauseKind::ExpectClaim(..)
        | TestClauseKind::Expect(_) => true,
    }
}

struct TestCx<'t, 'a> {
    index: &'t Index<'a>,
    contract: Option<&'a Contract>,
    custom: bool,
    steps: Steps,
    blind: bool,
    pool: Interner,
    slots: Slots<Source>,
    used: Used,
    out: Vec<Diagnostic>,
    test: Test,
}

impl<'a> TestCx<'_, 'a> {
    fn clause(&mut self, clause: &TestClauseKind, span: Span) {
        match clause {
            TestClauseKind::GivenEvent(expr) => self.given_event(expr),
            TestClauseKind::GivenNow(text) => self.given_now(text),
            TestClauseKind::GivenParams(expr) => self.given_params(expr),
            TestClauseKind::GivenSecrets(expr) => self.given_secrets(expr),
            TestClauseKind::GivenInput(expr) => {
                let Some(contract) = self.contract else {
                    self.error("A0703", expr.span, "a custom flow has no input")
                        .help("give `event.identifier` instead");
                    return;
                };
                let ty = optional_fields(&contract.input_type(), false);
                self.test.input = self.constant(expr, Some(&ty), "`given input`");
            }
            TestClauseKind::Stub(name, expr) => self.stub(name, Some(expr), 0, span),
            TestClauseKind::StubAfter(name, after, expr) => self.stub(name, expr.as_ref(), after.millis, span),
            TestClauseKind::StubError(name, text) => {
                if let Some((target, _)) = self.target(name) {
                    let answer = Answer::Error(text.value.as_str().into());
                    self.test.stubs.push(Stub { target, answer, span });
                }
            }
            TestClauseKind::StubFetch(url, expr) => {
                if let Some(code) = self.constant(expr, None, "`stub fetch`") {
                    self.test.fetches.push((url.value.as_str().into(), code));
                }
            }
            TestClauseKind::Reply(name, expr) => self.reply(name, expr),
            TestClauseKind::ExpectOutcome(name) => self.outcome(name, span),
            TestClauseKind::ExpectDeny(text) => self.expect(Expect::Deny(text.value.as_str().into()), span),
            TestClauseKind::ExpectSuspended(name) => {
                if self.label(name) {
                    self.expect(Expect::Suspended(name.text.clone()), span);
                }
            }
            TestClauseKind::ExpectError(name) => {
                if self.label(name) {
                    self.expect(Expect::Error(name.text.clone()), span);
                }
            }
            TestClauseKind::ExpectRedirect(text) => self.expect(Expect::Redirect(text.value.as_str().into()), span),
            TestClauseKind::ExpectRan(names) => {
                let known = names.iter().filter(|name| self.label(name)).count();
                if known == names.len() {
                    self.expect(Expect::Ran(names.iter().map(|name| name.text.clone()).collect()), span);
                }
            }
            TestClauseKind::ExpectNotRan(names) => {
                let known = names.iter().filter(|name| self.label(name)).count();
                if known == names.len() {
                    self.expect(Expect::NotRan(names.iter().map(|name| name.text.clone()).collect()), span);
                }
            }
            TestClauseKind::ExpectBranch(decision, branch) => self.branch(decision, branch, span),
            TestClauseKind::ExpectClaim(claim, expr) => {
                if let Some(code) = self.constant(expr, None, "the claim's value") {
                    self.expect(Expect::Claim(claim.value.as_str().into(), code), span);
                }
            }
            TestClauseKind::Expect(expr) => self.holds(expr, span),
        }
    }

    fn given_event(&mut self, expr: &Expr) {
        let event = self.index.event(self.contract);
        let ty = optional_fields(&event, true);
        if let Some(code) = self.constant(expr, Some(&ty), "`given event`") {
            self.test.event = Some(code);
        }
        let with_session = self.contract.is_some_and(|contract| contract.needs_session);
        if !self.custom && !with_session {
            self.made_by_blocks(expr, &mut Vec::new());
        }
    }

    /// Fields that a block provides or sets are given by stubs, not by the event.
    fn made_by_blocks(&mut self, expr: &Expr, path: &mut Vec<SmolStr>) {
        let ExprKind::Map(entries) = &bare(expr).kind else { return };
        for entry in entries {
            let Some(name) = key(entry) else { continue };
            path.push(name.text.clone());
            let maker = self.index.library.blocks.values().find(|block| {
                block.provides.iter().any(|provides| provides.path == *path)
                    || block.sets.iter().any(|sets| sets.path == *path)
            });
            if let Some(block) = maker {
                let message = format!("`event.{}` is made by a block of the flow, and is not given", path.join("."));
                let help = format!("stub the block: `stub {} {{ ... }}`", block.name);
                self.out.push(Diagnostic::error("A0704", name.span, message).help(help));
            } else {
                self.made_by_blocks(&entry.value, path);
            }
            path.pop();
        }
    }

    fn given_now(&mut self, text: &ast::Text) {
        if timestamp(&text.value) {
            self.test.now = Some(text.value.as_str().into());
        } else {
            self.error("A0705", text.span, &format!("`{}` is no point in time", text.value))
                .help("write it as RFC 3339 says: `\"2026-03-01T09:00:00Z\"`");
        }
    }

    fn given_params(&mut self, expr: &Expr) {
        let ExprKind::Map(entries) = &bare(expr).kind else {
            self.error("A0703", expr.span, "`given params` takes a record of params")
                .help("`given params { limit: 20 }`");
            return;
        };
        for entry in entries {
            let Some(name) = key(entry) else {
                self.error("A0703", entry.value.span, "a param is given by its name");
                continue;
            };
            let Some(param) = self.index.params.get(name.text.as_str()) else {
                let found = Diagnostic::error("A0702", name.span, format!("there is no param `{}`", name.text));
                let near = nearest(&name.text, self.index.params.keys().copied());
                self.out.push(with_near(found, near));
                continue;
            };
            self.used.params.insert(name.text.clone());
            let what = format!("the param `{}`", name.text);
            if let Some(code) = self.constant(&entry.value, Some(&param.ty), &what) {
                self.test.params.push((name.text.clone(), code));
            }
        }
    }

    /// A secret that is only given in tests is still one that nothing uses.
    fn given_secrets(&mut self, expr: &Expr) {
        let ExprKind::Map(entries) = &bare(expr).kind else {
            self.error("A0703", expr.span, "`given secrets` takes a record of secrets")
                .help("`given secrets { api-token: \"...\" }`");
            return;
        };
        for entry in entries {
            let Some(name) = key(entry) else {
                self.error("A0703", entry.value.span, "a secret is given by its name");
                continue;
            };
            if !self.index.secrets.contains_key(name.text.as_str()) {
                let found = Diagnostic::error("A0702", name.span, format!("there is no secret `{}`", name.text));
                let near = nearest(&name.text, self.index.secrets.keys().copied());
                self.out.push(with_near(found, near));
                continue;
            }
            let what = format!("the secret `{}`", name.text);
            if let Some(code) = self.constant(&entry.value, Some(&Kind::String.into()), &what) {
                self.test.secrets.push((name.text.clone(), code));
            }
        }
    }

    fn stub(&mut self, name: &Name, expr: Option<&Expr>, after: u64, span: Span) {
        let Some((target, known)) = self.target(name) else { return };
        let Some(expr) = expr else {
            let answer = Answer::Outputs { outputs: Vec::new(), user: None, after };
            self.test.stubs.push(Stub { target, answer, span });
            return;
        };
        let ExprKind::Map(entries) = &bare(expr).kind else {
            self.error("A0703", expr.span, "a stub takes a record of outputs").help("`stub risk { score: 10 }`");
            return;
        };
        let (mut outputs, mut user) = (Vec::new(), None);
        for entry in entries {
            let Some(field) = key(entry) else {
                self.error("A0703", entry.value.span, "an output is given by its name");
                continue;
            };
            let what = format!("the output `{}`", field.text);
            if let Some(ty) = output_of(&known.output, &field.text) {
                let code = self.constant(&entry.value, Some(ty.present()), &what);
                outputs.extend(code.map(|code| (field.text.clone(), code)));
            } else if field.text == "user" && self.provides_user(&known.what) {
                let event = self.index.event(self.contract);
                let ty = output_of(&event, "user").map(|user| optional_fields(user.present(), true));
                user = self.constant(&entry.value, ty.as_ref(), "the user");
            } else if known.output.kind != Kind::Error {
                let found =
                    Diagnostic::error("A0703", field.span, format!("`{}` has no output `{}`", name.text, field.text));
                let names = fields(&known.output).iter().map(|field| field.name.as_str());
                self.out.push(with_near(found, nearest(&field.text, names)));
            }
        }
        self.test.stubs.push(Stub { target, answer: Answer::Outputs { outputs, user, after }, span });
    }

    fn provides_user(&self, what: &What) -> bool {
        let What::Block(block) = what else { return false };
        self.index.library.block(block).is_some_and(|block| {
            block.provides.iter().any(|provides| provides.path.first().is_some_and(|path| path == "user"))
        })
    }

    fn reply(&mut self, name: &Name, expr: &Expr) {
        let Some((target, known)) = self.target(name) else { return };
        let prompt = match &known.what {
            What::Block(block) => self.index.library.block(block).and_then(Block::prompt_type),
            What::Action => self.index.library.block("mfa").and_then(Block::prompt_type),
            What::Flow | What::Decision(_) | What::Condition => None,
        };
        let Some(prompt) = prompt else {
            self.error("A0706", name.span, &format!("`{}` asks the user nothing", name.text))
                .help("a reply answers a block that prompts, such as `password_check`");
            return;
        };
        if let Some(code) = self.constant(expr, Some(&prompt), "the reply") {
            self.test.replies.push((target, code));
        }
    }

    fn outcome(&mut self, name: &Name, span: Span) {
        let outcome = match name.text.as_str() {
            "session" => Outcome::Session,
            "tokens" => Outcome::Tokens,
            "allow" => Outcome::Allow,
            "finalized" => Outcome::Finalized,
            _ => {
                let near = nearest(&name.text, ["session", "tokens", "allow", "finalized"]);
                let found = Diagnostic::error("A0707", name.span, format!("`{}` is no outcome", name.text));
                self.out.push(with_near(found, near).help("outcomes are `session`, `tokens`, `allow`, `finalized`, `deny \"reason\"`, `suspended LABEL` and `error LABEL`"));
                return;
            }
        };
        self.expect(Expect::Outcome(outcome), span);
    }

    fn branch(&mut self, decision: &Name, branch: &Name, span: Span) {
        if self.blind {
            self.expect(Expect::Branch(decision.text.clone(), branch.text.clone()), span);
            return;
        }
        let decisions: Vec<(&SmolStr, &Vec<SmolStr>)> = self
            .steps
            .iter()
            .filter_map(|(name, known)| match &known.what {
                What::Decision(branches) => Some((name, branches)),
                What::Block(_) | What::Action | What::Flow | What::Condition => None,
            })
            .collect();
        let Some((_, branches)) = decisions.iter().find(|(name, _)| **name == decision.text) else {
            let found = Diagnostic::error("A0702", decision.span, format!("there is no decision `{}`", decision.text));
            let near = nearest(&decision.text, decisions.iter().map(|(name, _)| name.as_str()));
            self.out.push(with_near(found, near));
            return;
        };
        if !branches.contains(&branch.text) {
            let message = format!("`{}` has no branch `{}`", decision.text, branch.text);
            let near = nearest(&branch.text, branches.iter().map(SmolStr::as_str));
            self.out.push(with_near(Diagnostic::error("A0702", branch.span, message), near));
            return;
        }
        self.expect(Expect::Branch(decision.text.clone(), branch.text.clone()), span);
    }

    fn holds(&mut self, expr: &Expr, span: Span) {
        if let ExprKind::Ident(name) = &expr.kind {
            self.outcome(name, span);
            return;
        }
        let mut found = Vec::new();
        let mut scope = OpenScope {
            index: self.index,
            steps: &self.steps,
            event: self.index.event(self.contract),
            pool: &mut self.pool,
            slots: &mut self.slots,
            used: &mut self.used,
            facts: Facts::nothing(),
        };
        let bool = Type::from(Kind::Bool);
        let expect = crate::typed::Expect { ty: Some(&bool), rules: None, what: "an expectation" };
        let typed = infer(expr, expect, &mut scope, &mut found);
        let sound = !found.iter().any(|found| found.level == Level::Error);
        self.out.append(&mut found);
        if sound {
            self.expect(Expect::Holds(typed.code), span);
        }
    }

    fn expect(&mut self, expect: Expect, span: Span) {
        self.test.expects.push((expect, span));
    }

    /// What a stub or reply names: a label, else a block type.
    fn target(&mut self, name: &Name) -> Option<(Target, Known)> {
        if let Some(known) = self.steps.get(&name.text).cloned() {
            if known.count > 1 {
                // `mfa` twice: the type of both, where the default label is the type's name.
                if self.index.library.block(&name.text).is_some() {
                    return Some((Target::Type(name.text.clone()), known));
                }
                self.out.push(ambiguous(name, &known));
                return None;
            }
            return match known.what {
                What::Block(_) | What::Action => Some((Target::Label(name.text.clone()), known)),
                What::Flow | What::Decision(_) | What::Condition => {
                    self.error("A0708", name.span, &format!("`{}` cannot be stubbed", name.text))
                        .help("only blocks and actions take stubs; decisions follow from what they answer");
                    None
                }
            };
        }
        if let Some(block) = self.index.library.block(&name.text) {
            let output = block.output_type(|_| None);
            let known = Known { what: What::Block(block.name.clone()), output, count: 1, span: name.span };
            return Some((Target::Type(name.text.clone()), known));
        }
        self.unknown_label(name);
        None
    }

    fn label(&mut self, name: &Name) -> bool {
        match self.steps.get(&name.text) {
            Some(known) if known.count > 1 => {
                let found = ambiguous(name, known);
                self.out.push(found);
                false
            }
            Some(_) => true,
            None if self.blind => true,
            None => {
                self.unknown_label(name);
                false
            }
        }
    }

    fn unknown_label(&mut self, name: &Name) {
        if self.blind {
            return;
        }
        let found = Diagnostic::error("A0702", name.span, format!("`{}` has no step `{}`", self.test.flow, name.text));
        let kebab = default_label(&name.text);
        let near = if self.steps.contains_key(&kebab) {
            Some(kebab.as_str())
        } else {
            nearest(&name.text, self.steps.keys().map(SmolStr::as_str))
                .or_else(|| nearest(&kebab, self.steps.keys().map(SmolStr::as_str)))
        };
        let found = with_near(found, near);
        self.out.push(found);
    }

    fn constant(&mut self, expr: &Expr, ty: Option<&Type>, what: &str) -> Option<code::Expr> {
        constant_in(expr, ty, what, &mut self.pool, &mut self.out)
    }

    fn error(&mut self, code: &'static str, span: Span, message: &str) -> Said<'_> {
        self.out.push(Diagnostic::error(code, span, message));
        Said(self.out.last_mut())
    }
}

/// The diagnostic just reported, to which help is added.
struct Said<'d>(Option<&'d mut Diagnostic>);

impl Said<'_> {
    fn help(self, help: &str) {
        if let Some(found) = self.0 {
            found.help.push(help.to_owned());
        }
    }
}

fn with_near(found: Diagnostic, near: Option<&str>) -> Diagnostic {
    match near {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found,
    }
}

fn key(entry: &MapEntry) -> Option<&Name> {
    match &entry.key {
        MapKey::Bare(name) => Some(name),
        MapKey::Expr(_) => None,
    }
}

fn fields(record: &Type) -> &[Field] {
    match &record.kind {
        Kind::Record(fields) => fields,
        _ => &[],
    }
}

fn output_of<'t>(record: &'t Type, name: &str) -> Option<&'t Type> {
    fields(record).iter().find(|field| field.name == name).map(|field| &field.ty)
}

/// The record in which every field may be left out; `deep`: in the records inside it too.
fn optional_fields(record: &Type, deep: bool) -> Type {
    let Kind::Record(fields) = &record.present().kind else { return record.clone() };
    let fields = fields.iter().map(|field| {
        let inner = field.ty.present();
        let inner = if deep { optional_fields(inner, deep) } else { inner.clone() };
        Field { name: field.name.clone(), ty: Type::optional(inner) }
    });
    Kind::Record(fields.collect()).into()
}

/// Whether a text is a timestamp of RFC 3339 section 5.6, in the years 1 to 9999.
fn timestamp(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>, least: u32, most: u32| {
        let digits = text.get(range).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<u32>().ok()).filter(|value| (least..=most).contains(value))
    };
    let mark = |at: usize, marks: &str| text.get(at..=at).is_some_and(|mark| marks.contains(mark));
    let (Some(year), Some(month), Some(day)) = (number(0..4, 1, 9999), number(5..7, 1, 12), number(8..10, 1, 31))
    else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let date = day <= days && mark(4, "-") && mark(7, "-") && mark(10, "Tt ");
    let time = number(11..13, 0, 23).is_some()
        && mark(13, ":")
        && number(14..16, 0, 59).is_some()
        && mark(16, ":")
        && number(17..19, 0, 59).is_some();
    let mut rest = text.get(19..).unwrap_or("");
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return false;
        }
        rest = fraction.get(digits..).unwrap_or("");
    }
    let offset = match rest.as_bytes() {
        b"Z" | b"z" => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => {
            let two = |a: &u8, b: &u8| (a.is_ascii_digit() && b.is_ascii_digit()).then(|| (a - b'0') * 10 + (b - b'0'));
            two(h1, h2).is_some_and(|hours| hours < 24) && two(m1, m2).is_some_and(|minutes| minutes < 60)
        }
        _ => false,
    };
    date && time && offset
}
