//! The synchronous walk: from node to node until the run ends or a block must wait. All values live in one arena that
//! is dropped before anything is awaited; what outlives it is copied out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use admit_eval::cx::Cx;
use admit_eval::value::{Instant, Value};
use admit_plan::bundle::{BlockNode, Case, FlowPlan, Node, NodeId, NodeKind, OnError};
use admit_plan::code::Expr;
use admit_plan::types::Type;
use bumpalo::Bump;
use smol_str::SmolStr;

use crate::block::{BlockError, Call, Done};
use crate::engine::{Engine, FlowTable};
use crate::event::{EventError, Limits};
use crate::execute::arena::Arena;
use crate::execute::config::Config;
use crate::execute::finish::Ending;
use crate::execute::view::View;
use crate::execute::{Work, job, slots};
use crate::explain;
use crate::expression::Failure;
use crate::host::Secret;
use crate::state::{Frame, Kept, Run};
use crate::texts::Written;
use crate::trace::{BlockEnd, Level, TraceEvent};
use crate::when;
use crate::when::jit::Compiled;

/// Why the walk stopped.
pub(crate) enum Pause {
    /// A block must wait.
    Wait(Invocation),
    /// The run ends, or suspends.
    End(Ending),
}

/// A block that must wait, with all that it needs copied out of the arena.
pub(crate) struct Invocation {
    pub(crate) node: NodeId,
    pub(crate) config: Config,
    pub(crate) now: Instant,
}

/// A block that has waited.
pub(crate) struct Finished {
    pub(crate) invocation: Invocation,
    pub(crate) nanos: u64,
    pub(crate) result: Result<Done, Fault>,
}

/// Why a block has not ended well.
pub(crate) enum Fault {
    /// It failed: its `on error` decides.
    Block(String),
    /// It is not what its declaration says, which no flow can have foreseen: the run ends in error, whatever the plan says.
    Internal(String),
    /// Engine time ran out: of the flow (none), or of the innermost custom flow whose own budget it was.
    Budget(Option<NodeId>),
}

impl Fault {
    /// Of a block that named an error that its declaration does not have.
    pub(super) fn undeclared(error: &BlockError) -> Self {
        Self::Internal(format!("internal error: the block failed with what its declaration does not name: {error}"))
    }
}

/// Where the walk goes.
pub(super) enum Go {
    To(Option<NodeId>),
    Stop(Pause),
}

pub(super) struct Walker<'w, 'h, 'a> {
    pub(super) work: &'w mut Work<'h>,
    pub(super) run: &'w mut Run,
    pub(super) engine: &'a Engine,
    pub(super) flow: &'a FlowPlan,
    pub(super) table: &'a FlowTable,
    pub(super) arena: &'a Bump,
    pub(super) cx: &'w Cx<'a>,
    pub(super) slots: &'a mut [Value<'a>],
    pub(super) now: Instant,
}

/// Walks from where the run is. `finished` is the block that the last walk stopped at.
///
/// # Errors
/// If the event is refused: only in the first walk of a run.
pub(crate) fn walk(work: &mut Work<'_>, run: &mut Run, finished: Option<Finished>) -> Result<Pause, EventError> {
    let engine = work.engine;
    let (Some(flow), Some(table)) = (engine.bundle.flows.get(run.flow), engine.flows.get(run.flow)) else {
        return Ok(Pause::End(Ending::error(None)));
    };
    let event = Arc::clone(&run.event);
    let arena = Arena::take();
    let arena = &*arena;
    let slots = arena.alloc_slice_fill_copy(flow.slots.len(), Value::Absent);
    table.shape.read(&event, Limits::default(), arena, slots)?;
    let now = work.host.now();
    let cx = engine.meaning.cx(arena);
    let mut walker = Walker { work, run, engine, flow, table, arena, cx: &cx, slots, now };
    walker.fill_slots();
    let mut go = match finished {
        None => Go::To(walker.run.at),
        Some(finished) => walker.ended_late(finished),
    };
    loop {
        match go {
            Go::Stop(pause) => return Ok(pause),
            Go::To(None) => {
                walker.run.at = None;
                return Ok(Pause::End(walker.fell_off()));
            }
            Go::To(Some(id)) => {
                walker.run.at = Some(id);
                go = walker.step(id);
            }
        }
    }
}

/// Reads the event only to refuse it.
///
/// # Errors
/// If it is refused.
pub(crate) fn check_event(engine: &Engine, run: &Run) -> Result<(), EventError> {
    let (Some(flow), Some(table)) = (engine.bundle.flows.get(run.flow), engine.flows.get(run.flow)) else {
        return Ok(());
    };
    let arena = Bump::new();
    let mut slots = vec![Value::Absent; flow.slots.len()];
    table.shape.read(&run.event, Limits::default(), &arena, &mut slots)
}

/// What the block asks that the run is suspended at; none if the run is at no such block.
pub(crate) fn prompt_of(engine: &Engine, run: &Run) -> Option<Type> {
    let flow = engine.bundle.flows.get(run.flow)?;
    let node = flow.nodes.get(run.at? as usize)?;
    let NodeKind::Block(block) = &node.kind else { return None };
    engine.block_type(block.block)?.prompt.clone()
}

impl<'a> Walker<'_, '_, 'a> {
    /// The value of an expression over the slots and these locals.
    pub(super) fn eval(&self, code: &Expr, locals: &[Value<'a>]) -> Result<Value<'a>, Failure> {
        self.cx.refill();
        Ok(when::value(code, &self.frame(locals))?)
    }

    pub(super) fn holds(&self, code: &Expr, locals: &[Value<'a>]) -> Result<bool, Failure> {
        truth(self.eval(code, locals)?)
    }

    fn frame<'r>(&'r self, locals: &'r [Value<'a>]) -> when::Frame<'r, 'a> {
        when::Frame { slots: self.slots, locals, cx: self.cx }
    }

    /// Machine code, where there is some and nobody wants to see the parts.
    fn code(&self) -> Option<&'a Compiled> {
        if self.work.options.explain { None } else { self.table.heat.code() }
    }

    pub(super) fn label(&self, node: &Node) -> SmolStr {
        self.engine.text(node.label).clone()
    }

    pub(super) fn node(&self, id: NodeId) -> Option<&'a Node> {
        self.flow.nodes.get(id as usize)
    }

    fn fill_slots(&mut self) {
        slots::fill_given(self);
        slots::fill_runtime(self);
        slots::fill_session(self);
        for id in &self.table.now {
            slots::put(self.slots, *id, Value::Timestamp(self.now));
        }
        for node in (0..).take(self.run.results.len()) {
            slots::fill_node(self, node);
        }
    }

    fn step(&mut self, id: NodeId) -> Go {
        let Some(node) = self.node(id) else { return Go::Stop(Pause::End(Ending::error(None))) };
        // Edges go forward only, so that every walk ends; a plan that was not verified so is stopped here.
        let go = match &node.kind {
            NodeKind::Stage { when, otherwise } => self.stage(id, node, when.as_ref(), *otherwise),
            NodeKind::Block(block) => self.block(id, node, block),
            NodeKind::Decision { .. } => self.decision(id, node),
            NodeKind::Condition { fields } => self.condition(id, node, fields),
            NodeKind::EnterFlow { flow, entry, .. } => {
                let (label, flow) = (self.label(node), self.engine.text(*flow).clone());
                self.work.trace.events.push(TraceEvent::Entered { label, flow });
                let since = self.work.elapsed();
                self.run.frames.push(Frame { enter: id, since });
                Go::To(Some(*entry))
            }
            NodeKind::LeaveFlow { enter } => self.leave(node, *enter),
        };
        match go {
            Go::To(Some(next)) if next <= id => Go::Stop(Pause::End(Ending::error(Some(self.label(node))))),
            go => go,
        }
    }

    fn stage(&mut self, id: NodeId, node: &'a Node, when: Option<&'a Expr>, otherwise: Option<NodeId>) -> Go {
        let label = self.label(node);
        match when.map_or(Ok(true), |when| self.observed(id, node, 0, when)) {
            Ok(runs) => {
                self.work.trace.events.push(TraceEvent::Stage { label, skipped: !runs });
                Go::To(if runs { node.next } else { otherwise })
            }
            Err(failure) => self.step_failed(node, self.said(&failure)),
        }
    }

    fn decision(&mut self, id: NodeId, node: &'a Node) -> Go {
        let NodeKind::Decision { cases, default } = &node.kind else { return Go::To(node.next) };
        let taken = match self.code() {
            Some(code) => {
                self.cx.refill();
                code.decide(self.table.program(id), &self.frame(&[])).map_err(|failed| Failure::Eval(failed.error))
            }
            None => self.decide(id, node, cases),
        };
        let taken = match taken {
            Ok(taken) => taken.and_then(|index| cases.get(index)).map(|case| &case.branch),
            Err(failure) => return self.step_failed(node, self.said(&failure)),
        };
        let Some(branch) = taken.or(default.as_ref()) else {
            return self.step_failed(node, "no case holds and there is no default".to_owned());
        };
        self.run.keep(id, Kept::Branch(branch.name));
        slots::fill_node(self, id);
        let (label, name) = (self.label(node), self.engine.text(branch.name).clone());
        self.work.trace.events.push(TraceEvent::Branch { label, branch: name });
        Go::To(branch.target.or(node.next))
    }

    fn condition(&mut self, id: NodeId, node: &'a Node, fields: &'a [(u32, Expr)]) -> Go {
        let mut values = Vec::with_capacity(fields.len());
        for (index, (_, code)) in (0..).zip(fields) {
            let value = match self.code() {
                Some(compiled) => {
                    self.cx.refill();
                    let program = self.table.program(id) + index as usize;
                    compiled.value(program, &self.frame(&[])).map_err(Failure::Eval).and_then(truth)
                }
                None => self.observed(id, node, index, code),
            };
            match value {
                Ok(value) => values.push(value),
                Err(failure) => return self.step_failed(node, self.said(&failure)),
            }
        }
        let named = fields.iter().zip(&values).map(|((name, _), value)| (self.engine.text(*name).clone(), *value));
        let event = TraceEvent::Condition { label: self.label(node), fields: named.collect() };
        self.work.trace.events.push(event);
        self.run.keep(id, Kept::Conditions(values));
        slots::fill_node(self, id);
        Go::To(node.next)
    }

    fn decide(&mut self, id: NodeId, node: &Node, cases: &'a [Case]) -> Result<Option<usize>, Failure> {
        for (index, case) in cases.iter().enumerate() {
            if self.observed(id, node, index as u32, &case.when)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// A truth value, explained in the trace where that was asked for.
    fn observed(&mut self, id: NodeId, node: &Node, index: u32, code: &'a Expr) -> Result<bool, Failure> {
        if self.work.options.explain {
            let values = explain::observe(code, self.slots, &self.flow.slots, self.cx);
            let label = self.label(node);
            self.work.trace.events.push(TraceEvent::Explained { node: id, label, expr: index, values });
        }
        self.holds(code, &[])
    }

    fn leave(&mut self, node: &'a Node, enter: NodeId) -> Go {
        match self.run.frames.pop() {
            Some(frame) if frame.enter == enter => {
                let label = self.node(enter).map(|node| self.label(node)).unwrap_or_default();
                self.work.trace.events.push(TraceEvent::Left { label });
                Go::To(node.next)
            }
            Some(_) | None => Go::Stop(Pause::End(Ending::error(Some(self.label(node))))),
        }
    }

    fn block(&mut self, id: NodeId, node: &'a Node, block: &'a BlockNode) -> Go {
        let Some(ty) = self.engine.block_type(block.block) else { return self.step_failed(node, String::new()) };
        if let Some(used) = &block.action
            && self.engine.action(used.action).is_some_and(|(action, _)| !action.enabled)
        {
            return self.skip(id, node, used);
        }
        let config = match Config::evaluate(self, block) {
            Ok(config) => config,
            Err(detail) => {
                self.started(node, block);
                return self.block_failed(id, node, block, 0, detail);
            }
        };
        if block.is_async {
            return self.queue(id, node, block, config);
        }
        self.started(node, block);
        if config.secrets.is_empty()
            && let Some(result) = self.run_now(id, node, block, ty, &config)
        {
            return self.ended(id, node, block, config.record, 0, result);
        }
        Go::Stop(Pause::Wait(Invocation { node: id, config, now: self.now }))
    }

    fn started(&mut self, node: &Node, block: &BlockNode) {
        let name = self.engine.block_type(block.block).map(|ty| self.engine.text(ty.name).clone()).unwrap_or_default();
        let event = TraceEvent::Started { label: self.label(node), block: name, now: Some(self.now) };
        self.work.trace.events.push(event);
    }

    /// Runs a block that waits for nothing; none if this is no such block.
    fn run_now(
        &mut self,
        id: NodeId,
        node: &Node,
        block: &BlockNode,
        ty: &admit_plan::bundle::BlockType,
        config: &Config,
    ) -> Option<Result<Done, Fault>> {
        let implementation = self.engine.implementation(block.block)?;
        let is_asked = self.run.memory.as_ref().is_some_and(|(asked, _)| *asked == id);
        let takes = ty.takes.iter().map(|name| self.engine.text(*name).as_str());
        let input = self.work.submitted.for_block(is_asked, takes);
        let mark = Mark::of(&self.work.unit);
        let no_secrets: [(String, Secret); 0] = [];
        let mut call = Call {
            tenant: &self.run.tenant,
            host: self.work.host,
            now: self.now,
            run_id: &self.run.id,
            flow: self.engine.text(self.flow.name),
            label: self.engine.text(node.label),
            config: &config.record,
            secrets: &no_secrets,
            types: &config.types,
            event: &View { run: self.run },
            input: input.as_ref(),
            memory: self.run.memory.as_ref().filter(|_| is_asked).map(|(_, memory)| memory),
            unit: &mut self.work.unit,
            time_left: block.timeout,
            action: None,
            session: self.run.session.as_ref(),
            claims: &self.run.claims,
            texts: &Written(&self.engine.bundle.texts),
        };
        let result = catch_unwind(AssertUnwindSafe(|| implementation.run_now(&mut call)));
        let result = match result {
            Ok(result) => result?.map_err(|error| {
                let undeclared = error.undeclared(self.engine.errors(block.block));
                undeclared.map_or_else(|| Fault::Block(error.to_string()), |_| Fault::undeclared(&error))
            }),
            Err(_) => Err(Fault::Block("the block panicked".to_owned())),
        };
        if result.is_err() {
            mark.roll_back(&mut self.work.unit);
        }
        Some(result)
    }

    fn ended_late(&mut self, finished: Finished) -> Go {
        let Finished { invocation, nanos, result } = finished;
        let id = invocation.node;
        let Some(node) = self.node(id) else { return Go::Stop(Pause::End(Ending::error(None))) };
        let NodeKind::Block(block) = &node.kind else { return Go::Stop(Pause::End(Ending::error(None))) };
        self.ended(id, node, block, invocation.config.record, nanos, result)
    }

    /// A block has ended in what its own `on error` says nothing of: the frame's does, or the run is over.
    pub(super) fn given_up(&mut self, node: &'a Node, nanos: u64, text: String, frame: Option<NodeId>) -> Go {
        let label = self.label(node);
        self.work.trace.events.push(TraceEvent::Ended { label, nanos, end: BlockEnd::Failed(text) });
        match frame {
            Some(enter) => self.unwind(node, Some(enter)),
            None => Go::Stop(Pause::End(Ending::error(Some(self.label(node))))),
        }
    }

    /// A decision, condition or stage has failed: it has no `on error` of its own.
    pub(super) fn step_failed(&mut self, node: &'a Node, text: String) -> Go {
        self.work.trace.events.push(TraceEvent::Log { label: self.label(node), level: Level::Error, text });
        self.unwind(node, None)
    }

    /// A block has failed: its `on error` decides.
    pub(super) fn block_failed(
        &mut self,
        id: NodeId,
        node: &'a Node,
        block: &BlockNode,
        nanos: u64,
        detail: String,
    ) -> Go {
        let label = self.label(node);
        self.work.trace.events.push(TraceEvent::Ended { label, nanos, end: BlockEnd::Failed(detail) });
        self.run.memory.take_if(|(asked, _)| *asked == id);
        // Nothing that prompts, mints or ends may be passed over by an error, whatever the plan says.
        let may_continue = self
            .engine
            .block_type(block.block)
            .is_some_and(|ty| !ty.effects.prompts && !ty.effects.mints && !ty.effects.ends);
        match block.on_error {
            OnError::Continue if may_continue => Go::To(node.next),
            OnError::Continue | OnError::Halt => self.unwind(node, None),
            OnError::Deny(reason) => self.deny(node, reason),
        }
    }

    /// An error that halts: the innermost custom flow whose `run flow` has another policy takes it, else it is the
    /// run's. With `upto`, frames inside that one are left whatever they say.
    fn unwind(&mut self, failed: &Node, mut upto: Option<NodeId>) -> Go {
        while let Some(frame) = self.run.frames.pop() {
            if upto.is_some_and(|enter| enter != frame.enter) {
                continue;
            }
            upto = None;
            let Some(node) = self.node(frame.enter) else { break };
            let NodeKind::EnterFlow { on_error, .. } = &node.kind else { break };
            match on_error {
                OnError::Halt => {}
                OnError::Continue => {
                    let text = "failed; the run goes on".to_owned();
                    self.work.trace.events.push(TraceEvent::Log {
                        label: self.label(node),
                        level: Level::Warning,
                        text,
                    });
                    return Go::To(node.next);
                }
                OnError::Deny(reason) => return self.deny(node, *reason),
            }
        }
        Go::Stop(Pause::End(Ending::error(Some(self.label(failed)))))
    }

    fn deny(&mut self, node: &Node, reason: u32) -> Go {
        let reason = self.engine.text(reason).clone();
        let label = Some(self.label(node));
        Go::Stop(Pause::End(Ending::Deny { reason, user_message: None, label }))
    }

    fn queue(&mut self, id: NodeId, node: &'a Node, block: &BlockNode, config: Config) -> Go {
        let queued = job::enqueue(self.engine, self.run, (id, node), block, config, self.now);
        let label = self.label(node);
        let end = match queued {
            Ok(write) => {
                self.work.unit.writes.push(write);
                BlockEnd::Queued
            }
            // Its failure never touches the run.
            Err(detail) => BlockEnd::Failed(detail),
        };
        self.work.trace.events.push(TraceEvent::Ended { label, nanos: 0, end });
        Go::To(node.next)
    }

    /// The end of the flow: well only where a session was settled before.
    fn fell_off(&mut self) -> Ending {
        match self.work.settled.take() {
            Some(settled) => Ending::Settled(settled),
            None => Ending::error(None),
        }
    }
}

fn truth(value: Value<'_>) -> Result<bool, Failure> {
    match value {
        Value::Bool(bool) => Ok(bool),
        _ => Err(Failure::NotABool),
    }
}

/// How much of a unit of work there was before a try.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    writes: usize,
    audit: usize,
}

impl Mark {
    pub(crate) fn of(unit: &crate::unit::Unit) -> Self {
        Self { writes: unit.writes.len(), audit: unit.audit.len() }
    }

    /// Takes back what a failed try has written; what it used stays used.
    pub(crate) fn roll_back(self, unit: &mut crate::unit::Unit) {
        unit.audit.truncate(self.audit);
        let mut index = 0;
        unit.writes.retain(|write| {
            index += 1;
            index <= self.writes || write.is_use()
        });
    }
}
