//! Steps laid out as nodes: in the order of the source, so that every edge goes forward.

use admit_plan::bundle::{
    ActionUse, BlockNode, Branch, Case, ConfigValue, FlowPlan, Node, NodeDebug, NodeId, NodeKind, OnError, SetEffect,
};
use admit_plan::code;
use admit_plan::types::Type;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::constants::{Constants, Names, Used};
use super::{Builder, Fault, debug, nothing, number};
use crate::source::Span;
use crate::typed::flow::{self, Block, Decision, Expr, Flow, Role, RunAction, RunFlow, Stage, Step, StepId, StepKind};

/// The flow as a plan, with the debug table of its nodes.
pub(super) fn flow(builder: &mut Builder<'_>, flow: &Flow) -> Result<(FlowPlan, Vec<NodeDebug>), Fault> {
    let fault = |what: &str| Fault { span: flow.span, what: what.to_owned() };
    let contract = flow.contract.as_ref().ok_or_else(|| fault("a custom flow by itself"))?;
    let mut layout = Layout {
        builder,
        flow,
        used: Used::default(),
        nodes: Vec::new(),
        debug: Vec::new(),
        node_of: FxHashMap::default(),
        entered: Vec::new(),
    };
    // Holes left over fall off the end: nothing follows.
    let _off_the_end = layout.stages(&flow.stages, Vec::new())?;
    let slots = layout.slots()?;
    let Layout { builder, nodes, debug, .. } = layout;
    let ends = contract.ends.iter();
    let ends = ends.filter_map(|name| builder.block_ids.get(&(name.clone(), nothing())).copied()).collect();
    let plan = FlowPlan {
        name: builder.constants.string(&flow.name),
        input: contract.input.clone(),
        budget: flow.budget.ok_or_else(|| fault("a system flow without a budget"))?,
        needs_session: contract.needs_session,
        ends,
        slots,
        nodes,
        entry: 0,
    };
    Ok((plan, debug))
}

struct Layout<'a, 'b> {
    builder: &'a mut Builder<'b>,
    flow: &'a Flow,
    used: Used,
    nodes: Vec<Node>,
    debug: Vec<NodeDebug>,
    node_of: FxHashMap<StepId, NodeId>,
    /// The custom flow that is laid out, if any: its `EnterFlow`, and the holes that its `allow`s leave.
    entered: Vec<(NodeId, Vec<Hole>)>,
}

/// An edge to whatever comes next.
struct Hole {
    node: NodeId,
    edge: Edge,
}

enum Edge {
    Next,
    /// `otherwise` of a stage.
    Otherwise,
}

/// Slots and secrets of the flow, while the builder's constants are borrowed.
struct Renumber<'a> {
    used: &'a mut Used,
    secrets: &'a mut Vec<code::StrId>,
    names: &'a [SmolStr],
    slots: &'a [flow::Slot],
    node_of: &'a FxHashMap<StepId, NodeId>,
}

impl Names for Renumber<'_> {
    fn slot(&mut self, id: code::SlotId) -> code::SlotId {
        self.used.slot(id)
    }

    fn is_never_there(&self, id: code::SlotId) -> bool {
        let source = self.slots.get(id as usize).map(|slot| &slot.source);
        matches!(source, Some(flow::Source::Step(step, _)) if !self.node_of.contains_key(step))
    }

    fn secret(&mut self, id: u32, constants: &mut Constants) -> u32 {
        let Some(name) = self.names.get(id as usize) else { return u32::MAX };
        let name = constants.string(name);
        let at = self.secrets.iter().position(|known| *known == name);
        number(at.unwrap_or_else(|| {
            self.secrets.push(name);
            self.secrets.len() - 1
        }))
    }
}

impl Layout<'_, '_> {
    fn stages(&mut self, stages: &[Stage], mut holes: Vec<Hole>) -> Result<Vec<Hole>, Fault> {
        let mut before: Option<&Expr> = None;
        for stage in stages {
            // A stage for where the one before it does not run (`post-failure`) needs no condition of its own: it is led to from
            // there alone. So the plan shows by its edges that one of both runs.
            let is_rest = before.zip(stage.when.as_ref()).is_some_and(|(other, when)| is_negation(other, when));
            let mut past = Vec::new();
            if is_rest && let Some(skip) = holes.pop() {
                past = std::mem::replace(&mut holes, vec![skip]);
            }
            let condition = stage.when.as_ref().filter(|_| !is_rest);
            let when = condition.map(|when| self.expr(when));
            let skips = when.is_some();
            let kind = NodeKind::Stage { when, otherwise: None };
            let id = self.push(&stage.name, kind, stage.span, condition, holes);
            holes = self.steps(&stage.steps, vec![Hole { node: id, edge: Edge::Next }])?;
            holes.append(&mut past);
            if skips {
                holes.push(Hole { node: id, edge: Edge::Otherwise });
            }
            before = condition;
        }
        Ok(holes)
    }

    fn steps(&mut self, steps: &[Step], mut holes: Vec<Hole>) -> Result<Vec<Hole>, Fault> {
        for step in steps {
            holes = self.step(step, holes)?;
        }
        Ok(holes)
    }

    /// Lays a step out where `holes` lead, and gives the holes that lead on from it.
    fn step(&mut self, step: &Step, holes: Vec<Hole>) -> Result<Vec<Hole>, Fault> {
        let here = number(self.nodes.len());
        self.node_of.insert(step.id, here);
        match &step.kind {
            StepKind::Block(block) => self.block(step, block, holes),
            StepKind::Decision(decision) => self.decision(step, decision, holes),
            StepKind::Condition(fields) => {
                let mut code = Vec::with_capacity(fields.len());
                for (name, expr) in fields {
                    code.push((self.string(name), self.expr(expr)));
                }
                let exprs = fields.iter().map(|(_, expr)| expr);
                let id = self.push(&step.label, NodeKind::Condition { fields: code }, step.span, exprs, holes);
                Ok(vec![Hole { node: id, edge: Edge::Next }])
            }
            StepKind::RunFlow(run) => self.run_flow(step, run, holes),
            StepKind::RunAction(run) => self.run_action(step, run, holes),
        }
    }

    fn block(&mut self, step: &Step, block: &Block, holes: Vec<Hole>) -> Result<Vec<Hole>, Fault> {
        if block.role == Role::Leaves {
            let Some((enter, _)) = self.entered.last() else {
                return Err(Fault { span: step.span, what: "an `allow` that leaves no custom flow".to_owned() });
            };
            let id = self.push(&step.label, NodeKind::LeaveFlow { enter: *enter }, step.span, None, holes);
            if let Some((_, left)) = self.entered.last_mut() {
                left.push(Hole { node: id, edge: Edge::Next });
            }
            return Ok(Vec::new());
        }
        let node = self.block_node(block, step.span)?;
        let id = self.push(&step.label, NodeKind::Block(Box::new(node)), step.span, None, holes);
        Ok(match block.role {
            Role::Ends => Vec::new(),
            Role::Plain | Role::Settles | Role::Leaves => vec![Hole { node: id, edge: Edge::Next }],
        })
    }

    fn block_node(&mut self, block: &Block, span: Span) -> Result<BlockNode, Fault> {
        let id = self.builder.block(&block.ty, &block.output, span)?;
        let config = self.config(&block.config);
        let sets = block.sets.iter().map(|set| SetEffect {
            path: set.path.iter().map(|part| self.builder.constants.string(part)).collect(),
            to: set.to.as_ref().map(|code| self.builder.constants.import(&self.flow.pool).constant(code)),
            when: set.when.as_ref().map(|code| self.builder.constants.import(&self.flow.pool).constant(code)),
        });
        let sets = sets.collect();
        let mut provides = Vec::with_capacity(block.provides.len());
        for (path, when) in &block.provides {
            let path = path.iter().map(|part| self.string(part)).collect();
            provides.push((path, when.as_ref().map(|code| self.local(code))));
        }
        let mut ensures = Vec::with_capacity(block.ensures.len());
        for (what, when) in &block.ensures {
            ensures.push((self.local(what), when.as_ref().map(|code| self.local(code))));
        }
        Ok(BlockNode {
            block: id,
            action: None,
            config,
            timeout: block.modifiers.timeout,
            retry: block.modifiers.retry,
            on_error: self.on_error(&block.modifiers.on_error),
            is_async: block.modifiers.is_async,
            sets,
            provides,
            ensures,
        })
    }

    /// An Action, and below it the block that it may demand: where that goes on, the Action does.
    fn run_action(&mut self, step: &Step, run: &RunAction, holes: Vec<Hole>) -> Result<Vec<Hole>, Fault> {
        let key = (run.slug.clone(), run.version.clone());
        let Some(action) = self.builder.pinned.get(&key).copied() else {
            return Err(Fault { span: step.span, what: format!("the Action `{}`, which nothing pins", run.slug) });
        };
        let here = number(self.nodes.len());
        let node = BlockNode {
            block: self.builder.action_block(&run.output),
            action: Some(Box::new(ActionUse {
                action,
                trigger: self.string(&run.trigger),
                demand: run.demand.is_some().then(|| here.saturating_add(1)),
                fetch: run.fetch.iter().map(|host| self.string(host)).collect(),
                claims: run.claims.iter().map(|claim| self.string(claim)).collect(),
            })),
            config: self.config(&run.config),
            timeout: run.modifiers.timeout,
            retry: run.modifiers.retry,
            on_error: self.on_error(&run.modifiers.on_error),
            is_async: run.modifiers.is_async,
            sets: Vec::new(),
            provides: Vec::new(),
            ensures: Vec::new(),
        };
        let id = self.push(&step.label, NodeKind::Block(Box::new(node)), step.span, None, holes);
        let mut onward = vec![Hole { node: id, edge: Edge::Next }];
        if let Some(demand) = &run.demand {
            let node = self.block_node(&demand.block, step.span)?;
            self.node_of.insert(demand.id, number(self.nodes.len()));
            let id = self.push(&demand.label, NodeKind::Block(Box::new(node)), step.span, None, Vec::new());
            onward.push(Hole { node: id, edge: Edge::Next });
        }
        Ok(onward)
    }

    fn config(&mut self, fields: &[flow::Config]) -> Vec<(code::StrId, ConfigValue)> {
        let mut config = Vec::with_capacity(fields.len());
        for field in fields {
            let name = self.string(&field.name);
            let Builder { constants, secrets, .. } = &mut *self.builder;
            let mut names = Renumber {
                used: &mut self.used,
                secrets,
                names: &self.flow.secrets,
                slots: &self.flow.slots,
                node_of: &self.node_of,
            };
            config.push((name, constants.import(&self.flow.pool).config(&field.value, &mut names)));
        }
        config
    }

    fn decision(&mut self, step: &Step, decision: &Decision, holes: Vec<Hole>) -> Result<Vec<Hole>, Fault> {
        let mut cases = Vec::with_capacity(decision.cases.len());
        for case in &decision.cases {
            let branch = Branch { name: self.string(&case.branch.name), target: None };
            cases.push(Case { when: self.expr(&case.when), branch });
        }
        let default = decision.default.as_ref().map(|branch| Branch { name: self.string(&branch.name), target: None });
        let exprs = decision.cases.iter().map(|case| &case.when);
        let id = self.push(&step.label, NodeKind::Decision { cases, default }, step.span, exprs, holes);
        let mut onward = Vec::new();
        let mut falls_out = false;
        let branches = decision.cases.iter().map(|case| &case.branch).chain(&decision.default);
        for (at, branch) in branches.enumerate() {
            if branch.steps.is_empty() {
                falls_out = true;
                continue;
            }
            let target = number(self.nodes.len());
            if let Some(Node { kind: NodeKind::Decision { cases, default }, .. }) = self.nodes.get_mut(id as usize) {
                let slot = match cases.get_mut(at) {
                    Some(case) => Some(&mut case.branch),
                    None => default.as_mut(),
                };
                if let Some(slot) = slot {
                    slot.target = Some(target);
                }
            }
            onward.extend(self.steps(&branch.steps, Vec::new())?);
        }
        if falls_out {
            onward.push(Hole { node: id, edge: Edge::Next });
        }
        Ok(onward)
    }

    fn run_flow(&mut self, step: &Step, run: &RunFlow, holes: Vec<Hole>) -> Result<Vec<Hole>, Fault> {
        let entry = number(self.nodes.len()).saturating_add(1);
        let kind = NodeKind::EnterFlow {
            flow: self.string(&run.flow),
            entry,
            budget: run.budget,
            on_error: self.on_error(&run.on_error),
        };
        let id = self.push(&step.label, kind, step.span, None, holes);
        self.entered.push((id, Vec::new()));
        let open = self.stages(&run.stages, Vec::new())?;
        let left = self.entered.pop();
        if !open.is_empty() {
            return Err(Fault { span: step.span, what: "a custom flow that falls off its end".to_owned() });
        }
        let mut onward = vec![Hole { node: id, edge: Edge::Next }];
        onward.extend(left.map(|(_, holes)| holes).unwrap_or_default());
        Ok(onward)
    }

    /// Adds a node where `holes` lead.
    fn push<'e>(
        &mut self,
        label: &SmolStr,
        kind: NodeKind,
        span: Span,
        exprs: impl IntoIterator<Item = &'e Expr>,
        holes: Vec<Hole>,
    ) -> NodeId {
        let id = number(self.nodes.len());
        for hole in holes {
            let Some(node) = self.nodes.get_mut(hole.node as usize) else { continue };
            match (hole.edge, &mut node.kind) {
                (Edge::Next, _) => node.next = Some(id),
                (Edge::Otherwise, NodeKind::Stage { otherwise, .. }) => *otherwise = Some(id),
                (Edge::Otherwise, _) => {}
            }
        }
        let label = self.string(label);
        self.nodes.push(Node { label, kind, next: None });
        self.debug.push(debug::node(&mut self.builder.files, self.builder.sources, span, exprs));
        id
    }

    /// The slots that the code names, in the plan's terms.
    fn slots(&mut self) -> Result<Vec<code::Slot>, Fault> {
        let order = std::mem::take(&mut self.used.order);
        order.into_iter().map(|id| self.slot(id)).collect()
    }

    fn slot(&mut self, id: code::SlotId) -> Result<code::Slot, Fault> {
        let fault = |what: String| Fault { span: self.flow.span, what };
        let Some(slot) = self.flow.slots.get(id as usize) else { return Err(fault(format!("slot {id}"))) };
        let constants = &mut self.builder.constants;
        let mut path = |parts: &[SmolStr]| parts.iter().map(|part| constants.string(part)).collect::<Vec<_>>();
        let source = match &slot.source {
            flow::Source::Event(parts) => code::Source::Event(path(parts)),
            flow::Source::Input(parts) => code::Source::Input(path(parts)),
            flow::Source::Session(parts) => code::Source::Session(path(parts)),
            flow::Source::Now => code::Source::Now,
            flow::Source::Step(step, parts) => match self.node_of.get(step) {
                Some(node) => code::Source::Step(*node, path(parts)),
                None => return Err(fault(format!("an output of step {}, which the flow does not have", step.0))),
            },
            flow::Source::Param(name) => match self.builder.params.get(name) {
                Some(param) => code::Source::Param(*param),
                None => return Err(fault(format!("the param `{name}`, which the project does not have"))),
            },
            flow::Source::ParentStep(name, _) => return Err(fault(format!("`parent.step.{name}` of no parent"))),
            flow::Source::Secret(_) => return Err(fault("a secret in an expression".to_owned())),
            flow::Source::Variable(name) => return Err(fault(format!("the variable `{name}`"))),
        };
        let maybe_absent = slot.maybe_absent || self.known_later(&slot.source);
        Ok(code::Slot { source, ty: plain(&slot.ty), maybe_absent })
    }

    /// A field of the event that is known only after some block. Where it is read the checker knows that it is there,
    /// but perhaps by a guard in the same expression: the slot itself may be empty.
    fn known_later(&self, source: &flow::Source) -> bool {
        match source {
            flow::Source::Event(path) => {
                self.builder.library.event.walk(path).iter().any(|field| field.known.is_some())
            }
            flow::Source::Input(_)
            | flow::Source::Step(..)
            | flow::Source::ParentStep(..)
            | flow::Source::Session(_)
            | flow::Source::Param(_)
            | flow::Source::Secret(_)
            | flow::Source::Now
            | flow::Source::Variable(_) => false,
        }
    }

    fn expr(&mut self, expr: &Expr) -> code::Expr {
        let Builder { constants, secrets, .. } = &mut *self.builder;
        let mut names = Renumber {
            used: &mut self.used,
            secrets,
            names: &self.flow.secrets,
            slots: &self.flow.slots,
            node_of: &self.node_of,
        };
        constants.import(&self.flow.pool).expr(&expr.code, &mut names)
    }

    /// Code over the locals of a block's clauses.
    fn local(&mut self, code: &code::Expr) -> code::Expr {
        self.builder.constants.import(&self.flow.pool).constant(code)
    }

    fn on_error(&mut self, on_error: &flow::OnError) -> OnError {
        on_error.to_plan(|reason| self.builder.constants.string(reason))
    }

    fn string(&mut self, text: &str) -> code::StrId {
        self.builder.constants.string(text)
    }
}

/// A slot's type: what it holds when it is there.
fn plain(ty: &Type) -> Type {
    ty.present().clone()
}

/// One holds exactly where the other does not.
fn is_negation(one: &Expr, other: &Expr) -> bool {
    let negates = |one: &code::Expr, other: &code::Expr| matches!(other, code::Expr::Not(inner) if **inner == *one);
    negates(&one.code, &other.code) || negates(&other.code, &one.code)
}
