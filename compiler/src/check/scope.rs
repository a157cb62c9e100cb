//! What names mean where an expression of a flow stands.

use admit_plan::types::{Kind, Type};
use smol_str::{SmolStr, ToSmolStr, format_smolstr};

use super::labels::{Label, Loose, default_label};
use super::state::State;
use super::walk::{Frame, Walk};
use crate::ast::{Known, Name};
use crate::diagnostic::Diagnostic;
use crate::typed::facts::Facts;
use crate::typed::flow::{Source, StepId};
use crate::typed::scope::{Absent, Access, Mode, Read, Resolved, Root, Scope};
use crate::typed::tables::{Interner, SlotInfo};

/// Where an expression stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// A config field: a secret may stand in it, if its type says so.
    Config,
    /// `when`, or a field of a condition.
    Condition,
}

/// The scope of an expression in a flow.
pub(super) struct FlowScope<'w, 'a, 'i> {
    /// The walk.
    pub walk: &'w mut Walk<'a, 'i>,
    /// What is known here.
    pub state: &'w State,
    /// Where it stands.
    pub standing: Standing,
}

/// Roots by their number, which `resolve` hands to `read`.
const EVENT: u32 = 0;
const INPUT: u32 = 1;
const SESSION: u32 = 2;
const PARAM: u32 = 3;
const SECRET: u32 = 4;
const NOW: u32 = 5;
const PARENT_UNKNOWN: u32 = 6;
/// Steps count from here, two numbers each: own, parent's.
const STEPS: u32 = 16;

impl Scope for FlowScope<'_, '_, '_> {
    fn resolve(&mut self, chain: &[Name], _root: bool, out: &mut Vec<Diagnostic>) -> Resolved {
        let Some(first) = chain.first() else { return Resolved::Refused };
        let second = chain.get(1);
        match first.text.as_str() {
            "event" => root(1, "event".into(), self.walk.frame.event.clone(), EVENT),
            "now" => root(1, "now".into(), Kind::Timestamp.into(), NOW),
            "input" => self.input(first, out),
            "session" => self.session(first, out),
            "step" => self.step(first, second, false, out),
            "parent" => self.parent(chain, out),
            "params" => self.param(second, first, out),
            "lists" => self.list(second, first, out),
            "secrets" => self.secret(second, first, out),
            _ => Resolved::Unknown {
                used: 1,
                what: "name",
                candidates: ROOTS.iter().map(|root| (*root).into()).collect(),
            },
        }
    }

    fn read(&mut self, read: &Read<'_>, out: &mut Vec<Diagnostic>) -> Access {
        let path = read.path.to_vec();
        match read.root.id {
            EVENT => self.read_event(read, path),
            INPUT => {
                if let Some(field) = secret_in(&read.root.ty, read.path) {
                    out.push(
                        Diagnostic::error(
                            "A0240",
                            read.span,
                            match read.place.strip_prefix("input.") {
                                Some(whole) if whole == field => format!("`{}` is secret", read.place),
                                _ => format!("`{}` holds the secret `input.{field}`", read.place),
                            },
                        )
                        .help("only a block that takes it may read it; it is never a value"),
                    );
                    return Access::Refused;
                }
                self.slot(Source::Input(path), read, None)
            }
            SESSION => self.slot(Source::Session(path), read, None),
            PARAM => {
                let name = read.root.place.strip_prefix("params.").unwrap_or_default().to_smolstr();
                self.slot(Source::Param(name), read, None)
            }
            SECRET => {
                let name = read.root.place.strip_prefix("secrets.").unwrap_or_default().to_smolstr();
                let id = self.walk.secret_id(name);
                self.slot(Source::Secret(id), read, None)
            }
            NOW => self.slot(Source::Now, read, None),
            PARENT_UNKNOWN => {
                let name = read.root.place.strip_prefix("parent.step.").unwrap_or_default().to_smolstr();
                self.slot(Source::ParentStep(name, path), read, None)
            }
            step => self.read_step(step, read, path),
        }
    }

    fn facts(&self) -> &Facts {
        &self.state.facts
    }

    fn imply(&self, facts: &mut Facts, learnt: &Facts) {
        self.state.imply(facts, learnt);
    }

    fn pool(&mut self) -> &mut Interner {
        &mut self.walk.pool
    }

    fn constants(&self) -> &admit_plan::code::Pool {
        self.walk.pool.pool()
    }

    fn slot(&self, id: admit_plan::code::SlotId) -> Option<SlotInfo<'_>> {
        self.walk.slots.info(id)
    }

    fn mode(&self) -> Mode {
        Mode::Declared
    }
}

/// Names that an expression of a flow can begin with.
const ROOTS: &[&str] = &["event", "step", "input", "params", "lists", "secrets", "session", "now", "parent"];

impl FlowScope<'_, '_, '_> {
    fn input(&mut self, name: &Name, out: &mut Vec<Diagnostic>) -> Resolved {
        match self.walk.frame.contract {
            Some(contract) => root(1, "input".into(), contract.input_type(), INPUT),
            None if self.walk.frame.flow.system => Resolved::Refused,
            None => {
                out.push(
                    Diagnostic::error("A0241", name.span, "a custom flow does not see `input`")
                        .help("it sees `event`, `params` and `parent.step`; what the user typed is `event.identifier`"),
                );
                Resolved::Refused
            }
        }
    }

    fn session(&mut self, name: &Name, out: &mut Vec<Diagnostic>) -> Resolved {
        if self.state.settled.is_some() && !self.state.unsettled {
            return root(1, "session".into(), self.walk.index.library.session.ty(), SESSION);
        }
        let mut found = Diagnostic::error("A0238", name.span, "there is no session here yet");
        if let Some(terminal) = self.state.settled {
            found = found.label(terminal, "made here, but not on every path");
        }
        out.push(found.help("`session` is readable only below the terminal that makes it, such as `issue_session`"));
        Resolved::Refused
    }

    fn param(&mut self, name: Option<&Name>, family: &Name, out: &mut Vec<Diagnostic>) -> Resolved {
        let Some(name) = name else { return alone(family, out) };
        let index = self.walk.index;
        if let Some(param) = index.params.get(name.text.as_str()) {
            self.walk.used.params.insert(name.text.clone());
            return root(2, format_smolstr!("params.{}", name.text), param.ty.clone(), PARAM);
        }
        self.missing("param", "params", index.params.keys().copied())
    }

    fn list(&mut self, name: Option<&Name>, family: &Name, out: &mut Vec<Diagnostic>) -> Resolved {
        let Some(name) = name else { return alone(family, out) };
        if let Some(set) = self.walk.lists.get(&name.text) {
            return Resolved::List { used: 2, set: *set };
        }
        let index = self.walk.index;
        let Some(list) = index.lists.get(name.text.as_str()) else {
            return self.missing("list", "lists", index.lists.keys().copied());
        };
        self.walk.used.lists.insert(name.text.clone());
        let set = match list.set {
            Some(set) => self.walk.pool.set(set.entries.clone(), set.ignore_case),
            None => self.walk.pool.set(Vec::new(), list.list.ignore_case),
        };
        self.walk.lists.insert(name.text.clone(), set);
        Resolved::List { used: 2, set }
    }

    fn secret(&mut self, name: Option<&Name>, family: &Name, out: &mut Vec<Diagnostic>) -> Resolved {
        let Some(name) = name else { return alone(family, out) };
        let index = self.walk.index;
        if !index.secrets.contains_key(name.text.as_str()) {
            return self.missing("secret", "secrets", index.secrets.keys().copied());
        }
        self.walk.used.secrets.insert(name.text.clone());
        if self.standing == Standing::Condition {
            out.push(
                Diagnostic::error(
                    "A0239",
                    family.span.to(name.span),
                    format!("the secret `{}` is read in a condition", name.text),
                )
                .help("a secret may only stand in a config field that takes one, such as `headers` of `call_webhook`"),
            );
            return Resolved::Refused;
        }
        let mut ty: Type = Kind::String.into();
        ty.labels.secret = true;
        root(2, format_smolstr!("secrets.{}", name.text), ty, SECRET)
    }

    fn missing<'n>(&self, what: &'static str, family: &str, known: impl Iterator<Item = &'n str>) -> Resolved {
        if self.walk.index.broken {
            // It may stand in an item that did not parse.
            return Resolved::Refused;
        }
        let candidates = known.map(|name| format_smolstr!("{family}.{name}")).collect();
        Resolved::Unknown { used: 2, what, candidates }
    }

    fn parent(&mut self, chain: &[Name], out: &mut Vec<Diagnostic>) -> Resolved {
        let Some(first) = chain.first() else { return Resolved::Refused };
        if self.walk.frame.flow.system {
            out.push(
                Diagnostic::error("A0241", first.span, "a system flow has no parent")
                    .help("`parent.step` is what a custom flow sees of the flow that runs it"),
            );
            return Resolved::Refused;
        }
        let Some(step) = chain.get(1).filter(|step| step.text == "step") else {
            out.push(
                Diagnostic::error("A0241", first.span, "of its parent, a custom flow sees only `parent.step`")
                    .help("`event` and `params` are the parent's already"),
            );
            return Resolved::Refused;
        };
        match chain.get(2) {
            None => alone(step, out),
            Some(name) if self.walk.parent.is_none() => {
                root(3, format_smolstr!("parent.step.{}", name.text), Kind::Dyn.into(), PARENT_UNKNOWN)
            }
            Some(name) => self.step(step, Some(name), true, out),
        }
    }

    fn step(&mut self, family: &Name, name: Option<&Name>, parent: bool, out: &mut Vec<Diagnostic>) -> Resolved {
        let Some(name) = name else { return alone(family, out) };
        let used = if parent { 3 } else { 2 };
        let prefix = if parent { "parent.step" } else { "step" };
        let frame = if parent { self.walk.parent.as_ref() } else { Some(&self.walk.frame) };
        let Some(frame) = frame else { return Resolved::Refused };
        let Some(label) = frame.labels.get(&name.text) else {
            if frame.broken || lacks(frame, &name.text) {
                return Resolved::Refused;
            }
            let candidates = frame.labels.keys().map(|known| format_smolstr!("{prefix}.{known}")).collect::<Vec<_>>();
            let candidates = sorted(candidates);
            return Resolved::Unknown { used, what: "block", candidates };
        };
        let span = family.span.to(name.span);
        if label.count > 1 {
            out.push(
                Diagnostic::error(
                    "A0207",
                    span,
                    format!("`{prefix}.{}` could be any of {} steps", name.text, label.count),
                )
                .label(label.span, "the first of them")
                .help("give the one that is meant a name of its own with `as`"),
            );
            return Resolved::Refused;
        }
        if let Loose::Async(place) = label.loose {
            out.push(
                Diagnostic::error("A0236", span, format!("`{prefix}.{}` has no results: it is `async`", name.text))
                    .label(place, "it is queued here, and runs after the request")
                    .help("take `async` away to wait for it"),
            );
            return Resolved::Refused;
        }
        let Some(id) = label.id else {
            out.push(
                Diagnostic::error("A0235", span, format!("`{prefix}.{}` runs only further down", name.text))
                    .label(label.span, format!("this {} comes later", label.what))
                    .help("a step can be read only below the place where it runs"),
            );
            return Resolved::Refused;
        };
        let place = format_smolstr!("{prefix}.{}", name.text);
        let number = STEPS + id.0 * 2 + u32::from(parent);
        root(used, place, label.output.clone(), number)
    }

    fn read_step(&mut self, number: u32, read: &Read<'_>, path: Vec<SmolStr>) -> Access {
        let parent = number % 2 == 1;
        let id = StepId((number - STEPS) / 2);
        let frame = if parent { self.walk.parent.as_ref() } else { Some(&self.walk.frame) };
        let name = read.root.place.rsplit('.').next().unwrap_or_default();
        let label = frame.and_then(|frame| frame.labels.get(name)).cloned();
        self.walk.used.reads.insert(read.place.to_smolstr());
        let there = self.state.facts.is_present(&read.root.place);
        let absent = match label {
            Some(label) if !there => Some(not_run(&read.root.place, &label)),
            Some(_) | None => None,
        };
        self.slot(Source::Step(id, path), read, absent)
    }

    fn read_event(&mut self, read: &Read<'_>, path: Vec<SmolStr>) -> Access {
        let mut absent = None;
        let fields = self.walk.index.library.event.walk(&path);
        for (depth, field) in fields.iter().enumerate() {
            let Some(known) = field.known else { continue };
            let below = path.get(..=depth).unwrap_or(&path);
            let place = format_smolstr!("event.{}", below.join("."));
            if !self.standalone() && !self.state.facts.is_present(&place) && !self.lacks_maker(below) {
                absent = Some(self.not_known(&place, below, known));
                break;
            }
        }
        self.slot(Source::Event(path), read, absent)
    }

    /// The flow lacks a milestone that would make it known: that has been said.
    fn lacks_maker(&self, path: &[SmolStr]) -> bool {
        let frame = self.walk.parent.as_ref().unwrap_or(&self.walk.frame);
        let Some(contract) = frame.contract else { return false };
        contract.milestones().filter(|(_, milestone)| frame.missing.contains(&milestone.span)).any(|(_, milestone)| {
            let blocks = milestone.alternatives.iter().filter_map(|one| self.walk.index.library.block(&one.block));
            blocks.into_iter().any(|block| {
                block.provides.iter().any(|one| one.path == path) || block.sets.iter().any(|one| one.path == path)
            })
        })
    }

    /// A custom flow checked by itself: what a caller could provide is known.
    fn standalone(&self) -> bool {
        !self.walk.frame.flow.system && self.walk.parent.is_none()
    }

    fn not_known(&self, place: &SmolStr, path: &[SmolStr], known: Known) -> Absent {
        let library = self.walk.index.library;
        let mut makers: Vec<&str> = Vec::new();
        for block in library.blocks.values() {
            let makes = match known {
                Known::Provided => block.provides.iter().any(|provides| provides.path == path),
                Known::Set => block.sets.iter().any(|sets| sets.path == path),
            };
            if makes {
                makers.push(&block.name);
            }
        }
        let mut absent = Absent {
            place: place.clone(),
            code: "A0237",
            message: format!("`{place}` is not known here"),
            labels: Vec::new(),
            help: Vec::new(),
            guard: true,
        };
        let here = self.walk.frame.instances.iter().find(|instance| makers.contains(&instance.block.as_str()));
        if let Some(instance) = here {
            let condition = library.block(&instance.block).and_then(|block| {
                let provided =
                    block.provides.iter().find(|provides| provides.path == path).and_then(|one| one.when.as_ref());
                let set = block.sets.iter().find(|sets| sets.path == path).and_then(|one| one.when.as_ref());
                super::effects::single_output(provided.or(set)?)
            });
            let said = match condition {
                Some(result) => format!("this makes it known where its `{result}` is known true"),
                None => "this makes it known, on some paths".to_owned(),
            };
            absent.labels.push(crate::diagnostic::Label { span: instance.span, message: said });
        }
        if !makers.is_empty() {
            let list = makers.iter().map(|maker| format!("`{maker}`")).collect::<Vec<_>>().join(", ");
            let verb = if makers.len() == 1 { "makes" } else { "make" };
            absent.help.push(format!("{list} {verb} it known"));
        }
        absent
    }

    fn slot(&mut self, source: Source, read: &Read<'_>, absent: Option<Absent>) -> Access {
        let maybe_absent = read.optional || absent.is_some();
        let slot = self.walk.slots.slot(source, read.place, read.ty, maybe_absent);
        Access::Slot { slot, absent }
    }
}

/// The flow lacks the milestone that would have this label: that has been said.
fn lacks(frame: &Frame<'_>, label: &str) -> bool {
    frame.contract.is_some_and(|contract| {
        contract.milestones().any(|(_, milestone)| {
            frame.missing.contains(&milestone.span)
                && milestone.alternatives.iter().any(|one| default_label(&one.block) == label)
        })
    })
}

/// Why a step's results may be missing.
fn not_run(place: &SmolStr, label: &Label) -> Absent {
    let (message, label_text, span) = match (&label.branch, label.loose) {
        (_, Loose::Continues(span)) => (
            format!("`{place}` may have no results here: an error of it is passed over"),
            "an error leaves no results".to_owned(),
            span,
        ),
        (Some((branch, decision)), _) => (
            format!("`{place}` may not have run here"),
            format!("runs only in the branch `{branch}` of `{decision}`"),
            label.span,
        ),
        (None, _) => {
            (format!("`{place}` may not have run here"), "runs here, but not on every path".to_owned(), label.span)
        }
    };
    Absent {
        place: place.clone(),
        code: "A0107",
        message,
        labels: vec![crate::diagnostic::Label { span, message: label_text }],
        help: Vec::new(),
        guard: true,
    }
}

/// The secret field that a path into `input` names or holds.
fn secret_in(ty: &Type, path: &[SmolStr]) -> Option<SmolStr> {
    let Kind::Record(fields) = &ty.present().kind else { return None };
    match path.split_first() {
        None => fields.iter().find(|field| is_secret(&field.ty)).map(|field| field.name.clone()),
        Some((name, rest)) => {
            let field = fields.iter().find(|field| field.name == *name)?;
            if is_secret(&field.ty) {
                return Some(field.name.clone());
            }
            secret_in(&field.ty, rest)
        }
    }
}

fn is_secret(ty: &Type) -> bool {
    ty.labels.secret || ty.present().labels.secret
}

fn root(used: usize, place: SmolStr, ty: Type, id: u32) -> Resolved {
    Resolved::Root(Root { used, place, ty, id })
}

fn alone(family: &Name, out: &mut Vec<Diagnostic>) -> Resolved {
    out.push(
        Diagnostic::error("A0242", family.span, format!("`{}` alone is no value", family.text))
            .help(format!("name one of them: `{}.name`", family.text)),
    );
    Resolved::Refused
}

fn sorted(mut names: Vec<SmolStr>) -> Vec<SmolStr> {
    names.sort_unstable();
    names
}
