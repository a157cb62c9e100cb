//! Valid bundles made from choices: every kind of expression, node, type, source and config value, put together so
//! that verification takes them.

mod actions;
mod expr;
pub mod kinds;
mod types;

use admit_plan::bundle::{
    BlockNode, BlockType, Branch, Bundle, Case, ConfigValue, Debug, Effects, FlowPlan, Node, NodeDebug, NodeId,
    NodeKind, OnError, Param, SecretPart, SetEffect,
};
use admit_plan::code::{Escape, Pool, Set, Slot, Source, StrId};
use admit_plan::types::{Field, Kind, Type};
use smol_str::SmolStr;

use crate::choices::Choices;
use expr::Names;

/// Strings of every bundle: names first, then texts.
const STRINGS: &[&str] = &[
    "login",
    "flow",
    "deny",
    "settle",
    "plain",
    "ask",
    "branch",
    "all",
    "any",
    "alpha",
    "beta",
    "gamma",
    "delta",
    "epsilon",
    "zeta",
    "eta",
    "theta",
    "iota",
    "kappa",
    "lambda",
    "",
    "text \" with \n breaks",
    "\u{1f600}",
    "a@b.c",
    "run_custom_action",
    "mfa",
    "must_verify",
    "1.0.0",
    "1.10.0",
    "hooks.example.com",
    "login.post-auth",
];

/// A bundle that verification takes, unless an expression in it can cost too much.
pub fn bundle(choices: &mut Choices<'_>) -> Bundle {
    let pool = Pool {
        strings: STRINGS.iter().map(SmolStr::new).collect(),
        sets: vec![
            Set { ignore_case: false, entries: vec!["DE".into(), "US".into()] },
            Set { ignore_case: true, entries: vec!["a.example".into()] },
        ],
        regexes: vec!["^a+$".into(), "[0-9]{2}".into()],
    };
    let mut bundle = Bundle {
        project: "made".into(),
        catalogue: "1".into(),
        pool,
        blocks: blocks(choices),
        params: Vec::new(),
        secrets: vec![9, 10],
        event: None,
        actions: Vec::new(),
        texts: Vec::new(),
        flows: Vec::new(),
        debug: None,
    };
    if choices.one_in(2) {
        bundle.event = Some(types::record(choices, 2));
        bundle.actions = actions::actions(choices);
    }
    for name in [11, 12] {
        let names = Names { slots: 0, locals: 0 };
        let default = choices.one_in(2).then(|| expr::expr(choices, names, 2));
        bundle.params.push(Param { name, ty: types::ty(choices, 2), default });
    }
    // In the order of their names: `flow`, then `login`.
    for name in [1, 0].into_iter().take(1 + usize::from(choices.one_in(3))) {
        let flow = Flow { choices, bundle: &bundle, nodes: Vec::new() }.flow(name);
        bundle.flows.push(flow);
    }
    if choices.one_in(2) {
        bundle.debug = Some(debug(&bundle, choices));
    }
    bundle
}

/// `deny`, a settling terminal, a plain block, one that prompts, one that sends.
fn blocks(choices: &mut Choices<'_>) -> Vec<BlockType> {
    let ends = Effects { ends: true, ..Effects::default() };
    let settles = Effects { mints: true, ends: true, writes: true, ..Effects::default() };
    let reads = Effects { reads: true, ..Effects::default() };
    let prompts = Effects { prompts: true, ..Effects::default() };
    let sends = Effects { sends: true, ..Effects::default() };
    let nothing = || Type::from(Kind::Record([].into()));
    let mut block = |name, effects: Effects, output: Type| BlockType {
        name,
        output,
        prompt: effects.prompts.then(|| types::record(choices, 1)),
        effects,
        takes: if effects.prompts { vec![9] } else { Vec::new() },
    };
    let mut made = vec![block(2, ends, nothing()), block(3, settles, nothing())];
    for (name, effects) in [(4, reads), (5, prompts), (9, sends)] {
        let output = Type::from(Kind::Record(
            [
                Field { name: "alpha".into(), ty: Kind::Bool.into() },
                Field { name: "beta".into(), ty: Type::optional(Kind::String.into()) },
            ]
            .into(),
        ));
        made.push(block(name, effects, output));
    }
    let made_up = types::record(choices, 2);
    if let Some(last) = made.last_mut()
        && matches!(&made_up.kind, Kind::Record(fields) if !fields.is_empty())
    {
        last.output = made_up;
    }
    made.extend(actions::blocks());
    made
}

const DENY: u32 = 0;
const SETTLE: u32 = 1;

/// An edge to whatever comes next.
enum Hole {
    Next(NodeId),
    Otherwise(NodeId),
}

struct Flow<'a, 'b, 'c> {
    choices: &'a mut Choices<'b>,
    bundle: &'c Bundle,
    nodes: Vec<Node>,
}

/// Slots of every flow: those of fixed sources, then those of steps.
const FIXED: u32 = 7;
const STEPS: u32 = 3;

impl Flow<'_, '_, '_> {
    fn flow(mut self, name: StrId) -> FlowPlan {
        let mut holes = Vec::new();
        for _ in 0..=self.choices.below(3) {
            holes = self.stage(holes);
            holes = self.steps(3, holes, None);
        }
        let settle = self.block(SETTLE, holes);
        let mut holes = vec![Hole::Next(settle)];
        if self.choices.one_in(2) {
            let after = self.block(4, holes);
            holes = vec![Hole::Next(after)];
        }
        drop(holes);
        let slots = self.slots();
        let mut input = vec![Field { name: "alpha".into(), ty: Kind::String.into() }];
        input.push(Field { name: "beta".into(), ty: Type::optional(types::secret()) });
        FlowPlan {
            name,
            input: Kind::Record(input.into()).into(),
            budget: 1 + self.choices.below(60_000) as u64,
            needs_session: self.choices.one_in(2),
            ends: vec![SETTLE],
            slots,
            nodes: self.nodes,
            entry: 0,
        }
    }

    fn stage(&mut self, holes: Vec<Hole>) -> Vec<Hole> {
        let when = self.choices.one_in(3).then(|| expr::condition(self.choices, NAMES, 3));
        let skips = when.is_some();
        let id = self.push(9, NodeKind::Stage { when, otherwise: None }, holes);
        let mut onward = self.steps(1, vec![Hole::Next(id)], None);
        if skips {
            onward.push(Hole::Otherwise(id));
        }
        onward
    }

    fn steps(&mut self, depth: usize, mut holes: Vec<Hole>, inside: Option<NodeId>) -> Vec<Hole> {
        for _ in 0..self.choices.below(4) {
            if holes.is_empty() {
                break;
            }
            holes = self.step(depth, holes, inside);
        }
        holes
    }

    fn step(&mut self, depth: usize, holes: Vec<Hole>, inside: Option<NodeId>) -> Vec<Hole> {
        match self.choices.below(7) {
            5 if !self.bundle.actions.is_empty() => self.action(holes),
            1 => {
                let mut fields = Vec::new();
                for name in 9..10 + self.choices.below(3) as StrId {
                    fields.push((name, expr::condition(self.choices, NAMES, 3)));
                }
                let id = self.push(12, NodeKind::Condition { fields }, holes);
                vec![Hole::Next(id)]
            }
            2 | 3 if depth > 0 => self.decision(depth - 1, holes, inside),
            4 if depth > 0 && inside.is_none() => self.custom(depth - 1, holes),
            _ => {
                let block = 2 + self.choices.below(3) as u32;
                let id = self.block(block, holes);
                vec![Hole::Next(id)]
            }
        }
    }

    fn decision(&mut self, depth: usize, holes: Vec<Hole>, inside: Option<NodeId>) -> Vec<Hole> {
        let branch = |name: StrId| Branch { name, target: None };
        let mut cases = Vec::new();
        for name in 9..10 + self.choices.below(3) as StrId {
            cases.push(Case { when: expr::condition(self.choices, NAMES, 4), branch: branch(name) });
        }
        let count = cases.len();
        let default = self.choices.one_in(2).then(|| branch(15));
        let total = count + usize::from(default.is_some());
        let id = self.push(13, NodeKind::Decision { cases, default }, holes);
        let mut onward = Vec::new();
        let mut falls_out = false;
        for at in 0..total {
            let target = self.nodes.len() as NodeId;
            let holes = match self.choices.below(3) {
                0 => {
                    falls_out = true;
                    continue;
                }
                1 => {
                    self.block(DENY, Vec::new());
                    Vec::new()
                }
                _ => {
                    let first = self.block(2, Vec::new());
                    self.steps(depth, vec![Hole::Next(first)], inside)
                }
            };
            if let Some(Node { kind: NodeKind::Decision { cases, default }, .. }) = self.nodes.get_mut(id as usize) {
                let slot = cases.get_mut(at).map(|case| &mut case.branch).or(default.as_mut());
                if let Some(slot) = slot {
                    slot.target = Some(target);
                }
            }
            onward.extend(holes);
        }
        if falls_out {
            onward.push(Hole::Next(id));
        }
        onward
    }

    fn custom(&mut self, depth: usize, holes: Vec<Hole>) -> Vec<Hole> {
        let entry = self.nodes.len() as NodeId + 1;
        let budget = self.choices.one_in(2).then_some(500);
        let on_error = self.on_error();
        let enter = self.push(14, NodeKind::EnterFlow { flow: 16, entry, budget, on_error }, holes);
        let first = self.push(9, NodeKind::Stage { when: None, otherwise: None }, Vec::new());
        let inner = self.steps(depth, vec![Hole::Next(first)], Some(enter));
        let mut onward = vec![Hole::Next(enter)];
        if !inner.is_empty() {
            let leave = self.push(10, NodeKind::LeaveFlow { enter }, inner);
            onward.push(Hole::Next(leave));
        }
        onward
    }

    fn block(&mut self, block: u32, holes: Vec<Hole>) -> NodeId {
        let effects = self.bundle.blocks.get(block as usize).map(|block| block.effects).unwrap_or_default();
        let critical = effects.prompts || effects.mints || effects.ends;
        let is_async = !critical && self.choices.one_in(5);
        let on_error = match self.on_error() {
            OnError::Continue if critical => OnError::Halt,
            other => other,
        };
        let retry = (!(effects.prompts || effects.mints) && self.choices.one_in(3)).then_some((2, 100));
        let mut config = Vec::new();
        for name in 9..9 + self.choices.below(4) as StrId {
            config.push((name, self.config(2)));
        }
        let clauses = Names { slots: 0, locals: 2 };
        let (mut sets, mut provides, mut ensures) = (Vec::new(), Vec::new(), Vec::new());
        if !is_async && self.choices.one_in(2) {
            let to = self.choices.one_in(2).then(|| expr::expr(self.choices, clauses, 2));
            let when = self.choices.one_in(2).then(|| expr::condition(self.choices, clauses, 2));
            sets.push(SetEffect { path: vec![9, 10], to, when });
            provides.push((vec![11], self.choices.one_in(2).then(|| expr::condition(self.choices, clauses, 2))));
        }
        if self.choices.one_in(3) {
            ensures.push((expr::condition(self.choices, clauses, 2), None));
        }
        let timeout = 1 + self.choices.below(5_000) as u64;
        let node =
            BlockNode { block, action: None, config, timeout, retry, on_error, is_async, sets, provides, ensures };
        self.push(9 + block, NodeKind::Block(Box::new(node)), holes)
    }

    fn config(&mut self, depth: usize) -> ConfigValue {
        match self.choices.below(4) {
            1 => ConfigValue::Type(types::ty(self.choices, 2)),
            2 => ConfigValue::Secret(vec![
                SecretPart::Text(21),
                SecretPart::Secret(self.choices.below(2) as u32, Escape::Header),
                SecretPart::Expr(expr::expr(self.choices, NAMES, 1)),
            ]),
            3 if depth > 0 => ConfigValue::Record(vec![(9, self.config(depth - 1)), (10, self.config(depth - 1))]),
            _ => ConfigValue::Expr(expr::expr(self.choices, NAMES, 4)),
        }
    }

    fn on_error(&mut self) -> OnError {
        match self.choices.below(3) {
            1 => OnError::Continue,
            2 => OnError::Deny(13),
            _ => OnError::Halt,
        }
    }

    fn push(&mut self, label: StrId, kind: NodeKind, holes: Vec<Hole>) -> NodeId {
        let id = self.nodes.len() as NodeId;
        for hole in holes {
            match hole {
                Hole::Next(node) => {
                    if let Some(node) = self.nodes.get_mut(node as usize) {
                        node.next = Some(id);
                    }
                }
                Hole::Otherwise(node) => {
                    if let Some(Node { kind: NodeKind::Stage { otherwise, .. }, .. }) =
                        self.nodes.get_mut(node as usize)
                    {
                        *otherwise = Some(id);
                    }
                }
            }
        }
        self.nodes.push(Node { label, kind, next: None });
        id
    }

    /// The slots: those of fixed sources, then those of steps, absent where the step has not run.
    fn slots(&mut self) -> Vec<Slot> {
        let param = self.bundle.params.first().map(|param| param.ty.clone()).unwrap_or_else(|| Kind::Bool.into());
        let mut slots = Vec::new();
        for (source, ty) in [
            (Source::Event(vec![9]), types::present(self.choices)),
            (Source::Event(vec![10, 11]), Kind::Bool.into()),
            (Source::Event(vec![12]), Kind::String.into()),
            (Source::Input(vec![9]), Kind::String.into()),
            (Source::Session(vec![13]), Kind::String.into()),
            (Source::Param(0), param.present().clone()),
            (Source::Now, Kind::Timestamp.into()),
        ] {
            let always = matches!(source, Source::Input(_) | Source::Now) || self.choices.one_in(2);
            let maybe_absent = matches!(source, Source::Session(_) | Source::Param(_)) || !always;
            slots.push(Slot { source, ty, maybe_absent });
        }
        let mut from = 0;
        for spare in 0..STEPS {
            let found = self.nodes.iter().enumerate().skip(from).find_map(|(id, node)| Some((id, self.output(node)?)));
            let (source, ty) = match found {
                Some((id, (name, ty))) => {
                    from = id + 1;
                    (Source::Step(id as NodeId, vec![name]), ty)
                }
                None => (Source::Event(vec![14 + spare]), Kind::Dyn.into()),
            };
            slots.push(Slot { source, ty, maybe_absent: true });
        }
        slots
    }

    /// An output of the node, by the number of its name, and its type.
    fn output(&self, node: &Node) -> Option<(StrId, Type)> {
        match &node.kind {
            NodeKind::Block(block) => {
                let Kind::Record(fields) = &self.bundle.blocks.get(block.block as usize)?.output.kind else {
                    return None;
                };
                let field = fields.first()?;
                let name = STRINGS.iter().position(|text| *text == field.name)?;
                (!field.ty.labels.secret && !field.ty.present().labels.secret)
                    .then(|| (name as StrId, field.ty.present().clone()))
            }
            NodeKind::Decision { cases, default } => {
                let names = cases.iter().map(|case| case.branch.name).chain(default.as_ref().map(|one| one.name));
                let words: Option<Vec<SmolStr>> =
                    names.map(|name| STRINGS.get(name as usize).map(SmolStr::new)).collect();
                Some((6, Kind::Enum(words?.into()).into()))
            }
            NodeKind::Condition { .. } => Some((7, Kind::Bool.into())),
            NodeKind::Stage { .. } | NodeKind::EnterFlow { .. } | NodeKind::LeaveFlow { .. } => None,
        }
    }
}

/// What expressions of nodes may name.
const NAMES: Names = Names { slots: FIXED + STEPS, locals: 0 };

fn debug(bundle: &Bundle, choices: &mut Choices<'_>) -> Debug {
    let mut node = |_: &Node| NodeDebug {
        span: (0, 3, 3 + choices.below(300) as u32),
        line: 1 + choices.below(300) as u32,
        exprs: vec![vec!["a".into(), "".into()]],
    };
    let flows = bundle.flows.iter().map(|flow| flow.nodes.iter().map(&mut node).collect()).collect();
    let maps = bundle.actions.iter().map(actions::maps).collect();
    Debug { files: vec!["flows/made.admit".into()], flows, maps }
}
