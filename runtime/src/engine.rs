//! The engine: a verified bundle with everything that can be known before a run worked out once, shared by all runs.

use std::sync::Arc;
use std::thread;

use admit_eval::datum::Datum;
use admit_plan::bundle::{Action, ActionId, BlockId, BlockType, Bundle, FlowPlan, Node, NodeId, NodeKind};
use admit_plan::code::{Slot, SlotId, Source, StrId};
use admit_plan::encode::Refusal;
use admit_plan::types::{Kind, Type};
use admit_plan::verify::Verified;
use smol_str::SmolStr;
use thiserror::Error;

use crate::action::RunAction;
use crate::block::{Block, Registry};
use crate::event::{RUNTIME_GROUPS, Shape};
use crate::expression::Meaning;
use crate::trace::has_labels;
use crate::typed::conform;
use crate::when::hot::{self, Heat};
use crate::when::jit::{CompileError, Compiled, Program};

/// A loaded bundle: immutable, shared.
pub struct Engine {
    pub(crate) bundle: Arc<Bundle>,
    pub(crate) hash: [u8; 32],
    pub(crate) meaning: Meaning,
    pub(crate) flows: Vec<Arc<FlowTable>>,
    blocks: Vec<BlockEntry>,
    actions: Vec<ActionEntry>,
    defaults: Vec<Option<Datum>>,
}

/// Values of a tenant's params, checked; made once per tenant and bundle.
#[derive(Clone, Debug, PartialEq)]
pub struct Params {
    pub(crate) values: Vec<Datum>,
}

/// Why a bundle is not run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadError {
    /// The bytes are no bundle, or the bundle does not verify.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Its constants do not compile: a regular expression is too large, say.
    #[error("the bundle's constants are refused: {0}")]
    Constants(String),
    /// A block type without implementation.
    #[error("the bundle needs the block `{0}`, which this runtime does not have")]
    UnknownBlock(SmolStr),
    /// A param's default does not evaluate to its type.
    #[error("the default of param `{name}`: {detail}")]
    Param {
        /// The param.
        name: SmolStr,
        /// What is wrong.
        detail: String,
    },
    /// A default of an Action's output does not evaluate.
    #[error("the Action `{name}`: the default of `{output}`: {detail}")]
    Action {
        /// Slug and version.
        name: String,
        /// The output.
        output: SmolStr,
        /// What is wrong.
        detail: String,
    },
}

/// Why a tenant's params are refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ParamError {
    /// No such param.
    #[error("there is no param `{0}`")]
    Unknown(SmolStr),
    /// A param without default and without value.
    #[error("param `{0}` has no default and needs a value")]
    Missing(SmolStr),
    /// A value of another type.
    #[error("param `{name}`: {detail}")]
    Type {
        /// The param.
        name: SmolStr,
        /// What is wrong.
        detail: String,
    },
}

/// What is worked out of a flow when it is loaded.
pub(crate) struct FlowTable {
    /// What it reads of an event.
    pub(crate) shape: Shape,
    /// Slots by the node whose results they read.
    pub(crate) by_node: Vec<Vec<SlotId>>,
    /// Event slots that the runtime or a block sets.
    pub(crate) runtime: Vec<SlotId>,
    /// Slots of `input`, `session`, params and secrets: filled when a segment begins.
    pub(crate) given: Vec<SlotId>,
    /// Slots of `session.*`.
    pub(crate) session: Vec<SlotId>,
    /// Slots of `now`.
    pub(crate) now: Vec<SlotId>,
    /// Counts runs, and holds the machine code of the conditions once the flow is hot.
    pub(crate) heat: Heat,
    /// Per node: its first program in the machine code. A decision has one, a condition one for each field, a stage
    /// with a condition one.
    programs: Vec<usize>,
    /// Per node: the `run flow` whose custom flow it stands in. Empty where the flow runs no Action.
    scopes: Vec<Option<NodeId>>,
    /// Nodes that run because an Action demands a second factor.
    demands: Vec<NodeId>,
}

/// What is worked out of an Action when it is loaded.
pub(crate) struct ActionEntry {
    /// Slug and version: `tag@1.2.0`.
    pub(crate) name: String,
    /// Outputs by default.
    pub(crate) defaults: Vec<(SmolStr, Datum)>,
}

struct BlockEntry {
    implementation: Arc<dyn Block>,
    /// Outputs hold labelled values and are masked in the trace.
    masked: bool,
    /// The errors that its declaration names.
    errors: &'static [&'static str],
}

impl Engine {
    /// Loads a bundle from the bytes that `admit build` wrote.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn load(bytes: &[u8], registry: &Registry) -> Result<Arc<Self>, LoadError> {
        Self::from_verified(admit_plan::verify::load(bytes)?, registry)
    }

    /// Loads a bundle that was verified already.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn from_verified(plan: Verified, registry: &Registry) -> Result<Arc<Self>, LoadError> {
        Self::made(plan.bundle().clone(), plan.hash().0, registry)
    }

    /// The same bundle, with Actions by slug that are off: they are skipped, as those are that their declaration disables. Their
    /// bundle is still this one: runs that wait go on with either.
    ///
    /// # Errors
    /// See [`LoadError`]; what was loaded once is not refused.
    pub fn without(&self, is_off: &dyn Fn(&str) -> bool, registry: &Registry) -> Result<Arc<Self>, LoadError> {
        let mut bundle = (*self.bundle).clone();
        let off: Vec<bool> = bundle.actions.iter().map(|action| is_off(self.text(action.slug))).collect();
        for (action, off) in bundle.actions.iter_mut().zip(off) {
            action.enabled &= !off;
        }
        Self::made(bundle, self.hash, registry)
    }

    /// Of a bundle that was verified.
    fn made(bundle: Bundle, hash: [u8; 32], registry: &Registry) -> Result<Arc<Self>, LoadError> {
        let bundle = Arc::new(bundle);
        let blocks = bundle
            .blocks
            .iter()
            .map(|block| {
                let name = string(&bundle, block.name);
                let own = || (name == RunAction::NAME).then(|| Arc::new(RunAction) as Arc<dyn Block>);
                let implementation = registry.get(name).cloned().or_else(own);
                let implementation = implementation.ok_or_else(|| LoadError::UnknownBlock(name.clone()))?;
                Ok(BlockEntry { implementation, masked: has_labels(&block.output), errors: registry.errors(name) })
            })
            .collect::<Result<_, LoadError>>()?;
        let meaning = Meaning::of(&bundle.pool).map_err(LoadError::Constants)?;
        let flows = bundle.flows.iter().map(|flow| Arc::new(FlowTable::of(&bundle, flow))).collect();
        let defaults = defaults(&bundle, &meaning)?;
        let actions = bundle.actions.iter().map(|action| ActionEntry::of(&bundle, &meaning, action));
        let actions = actions.collect::<Result<_, LoadError>>()?;
        Ok(Arc::new(Self { bundle, hash, meaning, flows, blocks, actions, defaults }))
    }

    /// The bundle's content hash: what a suspended run is bound to.
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The bundle.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// The params of a tenant: its own values over the defaults.
    ///
    /// # Errors
    /// If a value names no param or is not of its type, or a param is left without value.
    pub fn params(&self, overrides: &[(SmolStr, Datum)]) -> Result<Params, ParamError> {
        let known = |name: &SmolStr| self.bundle.params.iter().any(|param| self.text(param.name) == name);
        if let Some((unknown, _)) = overrides.iter().find(|(name, _)| !known(name)) {
            return Err(ParamError::Unknown(unknown.clone()));
        }
        let mut values = Vec::with_capacity(self.bundle.params.len());
        for (param, default) in self.bundle.params.iter().zip(&self.defaults) {
            let name = self.text(param.name);
            let value = match (overrides.iter().find(|(given, _)| given == name), default) {
                (Some((_, value)), _) => conform(value.clone(), &param.ty)
                    .map_err(|detail| ParamError::Type { name: name.clone(), detail })?,
                (None, Some(default)) => default.clone(),
                (None, None) => return Err(ParamError::Missing(name.clone())),
            };
            values.push(value);
        }
        Ok(Params { values })
    }

    /// The params that the bundle declares: name, type, and the default where there is one.
    pub fn declared_params(&self) -> impl Iterator<Item = (&SmolStr, &Type, Option<&Datum>)> {
        let params = self.bundle.params.iter().zip(&self.defaults);
        params.map(|(param, default)| (self.text(param.name), &param.ty, default.as_ref()))
    }

    /// Makes machine code of every flow's conditions now, instead of when it gets hot: for servers that start, and
    /// benchmarks. Takes milliseconds.
    ///
    /// # Errors
    /// If this machine has none; the flows are interpreted then.
    pub fn compile(&self) -> Result<(), CompileError> {
        self.flows.iter().zip(&self.bundle.flows).try_for_each(|(table, flow)| table.compile(&self.bundle, flow))
    }

    /// Counts a run of a flow; one that gets hot by it is compiled on a thread of its own, off the request's path.
    pub(crate) fn count_run(&self, index: usize) {
        let Some(table) = self.flows.get(index) else { return };
        if !table.heat.count() {
            return;
        }
        let (bundle, table) = (Arc::clone(&self.bundle), Arc::clone(table));
        let compile = move || {
            if let Some(flow) = bundle.flows.get(index) {
                // Without machine code the interpreter goes on: it is the meaning.
                let _ = table.compile(&bundle, flow);
            }
        };
        let _ = thread::Builder::new().name("admit-compile".to_owned()).spawn(compile);
    }

    /// A string of the pool. Ids are verified when the bundle is loaded.
    pub(crate) fn text(&self, id: StrId) -> &SmolStr {
        string(&self.bundle, id)
    }

    pub(crate) fn flow_index(&self, name: &str) -> Option<usize> {
        self.bundle.flows.iter().position(|flow| self.text(flow.name) == name)
    }

    pub(crate) fn block_type(&self, id: BlockId) -> Option<&BlockType> {
        self.bundle.blocks.get(id as usize)
    }

    pub(crate) fn implementation(&self, id: BlockId) -> Option<&Arc<dyn Block>> {
        self.blocks.get(id as usize).map(|entry| &entry.implementation)
    }

    pub(crate) fn errors(&self, id: BlockId) -> &'static [&'static str] {
        self.blocks.get(id as usize).map_or(&[], |entry| entry.errors)
    }

    pub(crate) fn action(&self, id: ActionId) -> Option<(&Action, &ActionEntry)> {
        Some((self.bundle.actions.get(id as usize)?, self.actions.get(id as usize)?))
    }

    /// Source maps of an Action's modules, in their order.
    pub(crate) fn maps(&self, id: ActionId) -> &[Option<String>] {
        let maps = self.bundle.debug.as_ref().and_then(|debug| debug.maps.get(id as usize));
        maps.map_or(&[], Vec::as_slice)
    }

    pub(crate) fn is_masked(&self, id: BlockId) -> bool {
        self.blocks.get(id as usize).is_none_or(|entry| entry.masked)
    }
}

impl FlowTable {
    fn of(bundle: &Bundle, flow: &FlowPlan) -> Self {
        let mut table = Self {
            shape: Shape::new(&bundle.pool, &read_slots(bundle, flow)),
            by_node: vec![Vec::new(); flow.nodes.len()],
            runtime: Vec::new(),
            given: Vec::new(),
            session: Vec::new(),
            now: Vec::new(),
            heat: Heat::default(),
            programs: Vec::new(),
            scopes: Vec::new(),
            demands: Vec::new(),
        };
        let uses = flow.nodes.iter().filter_map(|node| match &node.kind {
            NodeKind::Block(block) => block.action.as_deref(),
            NodeKind::Stage { .. }
            | NodeKind::Decision { .. }
            | NodeKind::Condition { .. }
            | NodeKind::EnterFlow { .. }
            | NodeKind::LeaveFlow { .. } => None,
        });
        let demands: Vec<Option<NodeId>> = uses.map(|used| used.demand).collect();
        if !demands.is_empty() {
            table.scopes = scopes(flow);
            table.demands = demands.into_iter().flatten().collect();
        }
        let set: Vec<&[StrId]> = flow.nodes.iter().flat_map(set_paths).collect();
        for (id, slot) in (0..).zip(&flow.slots) {
            match &slot.source {
                Source::Event(path) => {
                    let name = path.first().map(|first| string(bundle, *first).as_str());
                    let by_runtime = name.is_some_and(|name| RUNTIME_GROUPS.contains(&name) || name == "identifier");
                    if by_runtime || set.iter().any(|set| set.starts_with(path) || path.starts_with(set)) {
                        table.runtime.push(id);
                    }
                }
                Source::Step(node, _) => {
                    if let Some(slots) = table.by_node.get_mut(*node as usize) {
                        slots.push(id);
                    }
                }
                Source::Session(_) => table.session.push(id),
                Source::Input(_) | Source::Param(_) => table.given.push(id),
                Source::Now => table.now.push(id),
                // A secret is never a value, and a flow has no free variables: both stay absent.
                Source::Secret(_) | Source::Variable(_) => {}
            }
        }
        let mut first = 0;
        for node in &flow.nodes {
            table.programs.push(first);
            first += programs(node).len();
        }
        table
    }

    /// The number of a node's first program in the machine code.
    pub(crate) fn program(&self, node: NodeId) -> usize {
        self.programs.get(node as usize).copied().unwrap_or(usize::MAX)
    }

    /// The `run flow` whose custom flow a node stands in; none: the system flow's own.
    pub(crate) fn scope(&self, node: NodeId) -> Option<NodeId> {
        self.scopes.get(node as usize).copied().flatten()
    }

    /// The node runs because an Action demanded a second factor.
    pub(crate) fn is_demanded(&self, node: NodeId) -> bool {
        self.demands.contains(&node)
    }

    fn compile(&self, bundle: &Bundle, flow: &FlowPlan) -> Result<(), CompileError> {
        let programs: Vec<Program<'_>> = flow.nodes.iter().flat_map(programs).collect();
        if !programs.is_empty() {
            let began = std::time::Instant::now();
            self.heat.set(Arc::new(Compiled::compile(&bundle.pool, &flow.slots, &programs)?));
            hot::count_compiled(began.elapsed());
        }
        Ok(())
    }
}

impl ActionEntry {
    fn of(bundle: &Bundle, meaning: &Meaning, action: &Action) -> Result<Self, LoadError> {
        let name = format!("{}@{}", string(bundle, action.slug), string(bundle, action.version));
        let default = |(output, code): &(StrId, admit_plan::code::Expr)| {
            let output = string(bundle, *output).clone();
            match meaning.constant(code) {
                Ok(value) => Ok((output, value)),
                Err(error) => Err(LoadError::Action { name: name.clone(), output, detail: error.to_string() }),
            }
        };
        let defaults = action.defaults.iter().map(default).collect::<Result<_, LoadError>>()?;
        Ok(Self { name, defaults })
    }
}

/// What stands in each custom flow: all that is reached from its entry before it is left. Inner flows have greater
/// numbers than those that they stand in, so that they have the last word.
fn scopes(flow: &FlowPlan) -> Vec<Option<NodeId>> {
    let mut scopes = vec![None; flow.nodes.len()];
    for (id, node) in (0..).zip(&flow.nodes) {
        let NodeKind::EnterFlow { entry, .. } = &node.kind else { continue };
        let mut seen = vec![false; flow.nodes.len()];
        let mut open = vec![*entry];
        while let Some(at) = open.pop() {
            let (Some(node), Some(seen)) = (flow.nodes.get(at as usize), seen.get_mut(at as usize)) else { continue };
            if std::mem::replace(seen, true) {
                continue;
            }
            if let Some(scope) = scopes.get_mut(at as usize) {
                *scope = Some(id);
            }
            match &node.kind {
                NodeKind::LeaveFlow { enter } if *enter == id => continue,
                NodeKind::Stage { otherwise, .. } => open.extend(*otherwise),
                NodeKind::Decision { cases, default } => {
                    let branches = cases.iter().map(|case| &case.branch).chain(default);
                    open.extend(branches.filter_map(|branch| branch.target));
                }
                NodeKind::Block(block) => open.extend(block.action.as_ref().and_then(|used| used.demand)),
                NodeKind::EnterFlow { entry, .. } => open.push(*entry),
                NodeKind::Condition { .. } | NodeKind::LeaveFlow { .. } => {}
            }
            open.extend(node.next);
        }
    }
    scopes
}

/// The slots as the event's reader sees them: the event need not hold an identifier that the flow's input brings.
fn read_slots(bundle: &Bundle, flow: &FlowPlan) -> Vec<Slot> {
    let brought = match &flow.input.kind {
        Kind::Record(fields) => fields.iter().any(|field| field.name == "identifier"),
        _ => false,
    };
    let is_identifier = |source: &Source| matches!(source, Source::Event(path) if matches!(path.as_slice(), [only] if string(bundle, *only) == "identifier"));
    let slots = flow.slots.iter().cloned();
    slots
        .map(|slot| Slot { maybe_absent: slot.maybe_absent || (brought && is_identifier(&slot.source)), ..slot })
        .collect()
}

/// What is compiled of a node, in order.
fn programs(node: &Node) -> Vec<Program<'_>> {
    match &node.kind {
        NodeKind::Decision { cases, .. } => {
            vec![Program::Decision { cases: cases.iter().map(|case| &case.when).collect(), locals: 0 }]
        }
        NodeKind::Condition { fields } => fields.iter().map(|(_, expr)| Program::Value { expr, locals: 0 }).collect(),
        NodeKind::Stage { when, .. } => when.iter().map(|expr| Program::Value { expr, locals: 0 }).collect(),
        NodeKind::Block(_) | NodeKind::EnterFlow { .. } | NodeKind::LeaveFlow { .. } => Vec::new(),
    }
}

fn set_paths(node: &Node) -> Vec<&[StrId]> {
    match &node.kind {
        NodeKind::Block(block) => {
            let sets = block.sets.iter().map(|set| set.path.as_slice());
            sets.chain(block.provides.iter().map(|(path, _)| path.as_slice())).collect()
        }
        NodeKind::Stage { .. }
        | NodeKind::Decision { .. }
        | NodeKind::Condition { .. }
        | NodeKind::EnterFlow { .. }
        | NodeKind::LeaveFlow { .. } => Vec::new(),
    }
}

fn defaults(bundle: &Bundle, meaning: &Meaning) -> Result<Vec<Option<Datum>>, LoadError> {
    let default = |param: &admit_plan::bundle::Param| {
        let Some(code) = &param.default else { return Ok(None) };
        let refuse = |detail: String| LoadError::Param { name: string(bundle, param.name).clone(), detail };
        let value = meaning.constant(code).map_err(|error| refuse(error.to_string()))?;
        conform(value, &param.ty).map(Some).map_err(refuse)
    };
    bundle.params.iter().map(default).collect()
}

fn string(bundle: &Bundle, id: StrId) -> &SmolStr {
    static NONE: SmolStr = SmolStr::new_static("");
    bundle.pool.strings.get(id as usize).unwrap_or(&NONE)
}
