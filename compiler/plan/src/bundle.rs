//! The bundle: every flow of a project as flat tables. Indices only, no names are looked up when a run walks.

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::code::{Expr, Pool, Slot, SlotId, StrId};
use crate::text::Text;
use crate::types::Type;

/// The version of the format. Another version is refused.
pub const FORMAT: u16 = 4;

/// Index into [`FlowPlan::nodes`].
pub type NodeId = u32;
/// Index into [`Bundle::blocks`].
pub type BlockId = u32;
/// Index into [`Bundle::actions`].
pub type ActionId = u32;

/// The block that runs an Action.
pub const RUN_ACTION: &str = "run_custom_action";
/// What [`RUN_ACTION`] may do. It prompts only through the block that [`ActionUse::demand`] names.
pub const ACTION_EFFECTS: Effects =
    Effects { reads: true, writes: true, sends: true, prompts: false, mints: false, ends: false };
/// The block that asks for the second factor that an Action demands.
pub const FACTOR: &str = "mfa";

/// What `admit build` writes and `Engine::load` reads: see [`crate::encode`].
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    /// The project's name.
    pub project: SmolStr,
    /// The catalogue version: which standard library it was checked against.
    pub catalogue: SmolStr,
    /// Constants of all expressions.
    pub pool: Pool,
    /// Block types that the flows use.
    pub blocks: Vec<BlockType>,
    /// Params, with defaults; tenants override them.
    pub params: Vec<Param>,
    /// Names of secrets, looked up at the host when a config or an Action names them.
    pub secrets: Vec<StrId>,
    /// The declared event, labels included: what an Action's event is written from. None where no flow runs an Action.
    pub event: Option<Type>,
    /// Every version of every Action that some flow pins, by slug and version in order.
    pub actions: Vec<Action>,
    /// Texts of messages, by name and language in order.
    pub texts: Vec<Text>,
    /// System flows, by name in order; custom flows are inlined where they run.
    pub flows: Vec<FlowPlan>,
    /// Positions in the source; `admit build --strip` leaves it out. A section of its own in the file.
    pub debug: Option<Debug>,
}

/// What the engine must know of a block type.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BlockType {
    /// The block's name, which the runtime's registry knows.
    pub name: StrId,
    /// Its outputs, labels included: what is checked when it ends and masked in the trace.
    pub output: Type,
    /// What the user is asked for; none if it does not prompt.
    pub prompt: Option<Type>,
    /// Its effects.
    pub effects: Effects,
    /// Input fields it may read that are secret.
    pub takes: Vec<StrId>,
}

/// The effects of a block. One byte in a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "u8", try_from = "u8")]
pub struct Effects {
    /// Reads the store or the world.
    pub reads: bool,
    /// Writes the store.
    pub writes: bool,
    /// Sends something out.
    pub sends: bool,
    /// May suspend the run for the user.
    pub prompts: bool,
    /// Makes a session or tokens.
    pub mints: bool,
    /// Ends the walk, or settles the outcome.
    pub ends: bool,
}

/// An Action at one version: its JavaScript, and what it may do. Never bytecode of an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// Its slug.
    pub slug: StrId,
    /// Its version, as semver.org writes it.
    pub version: StrId,
    /// Its ES modules; the first is the entry, the others are those that it imports, by path in order.
    pub modules: Vec<Module>,
    /// BLAKE3 of the modules ([`Action::hash_of`]): workers know code by it.
    pub hash: [u8; 32],
    /// Outputs by default: constants, by name in the declaration's order; those without one are left out.
    pub defaults: Vec<(StrId, Expr)>,
    /// Hosts that `api.fetch` may call.
    pub fetch: Vec<StrId>,
    /// Claims that it may set.
    pub claims: Vec<StrId>,
    /// Secrets that it may read: indices into [`Bundle::secrets`].
    pub secrets: Vec<u32>,
    /// It may demand a second factor.
    pub prompts: bool,
    /// It is not skipped.
    pub enabled: bool,
}

/// An ES module of an Action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Module {
    /// Path below the Action's folder, as other modules of it import it: `action.js`, `lib/domains.js`.
    pub path: SmolStr,
    /// Its JavaScript text.
    pub code: String,
}

/// A param.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Param {
    /// Its name.
    pub name: StrId,
    /// Its type, against which a tenant's value is checked.
    pub ty: Type,
    /// A constant expression; none: every tenant must give a value.
    pub default: Option<Expr>,
}

/// A system flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowPlan {
    /// Its name.
    pub name: StrId,
    /// What the user submits: a record type; `secret` fields never become slots.
    pub input: Type,
    /// Engine time per request, in milliseconds.
    pub budget: u64,
    /// The flow takes a verified session.
    pub needs_session: bool,
    /// Terminal block types that may end it besides `deny`, by block id.
    pub ends: Vec<BlockId>,
    /// Values that its expressions name.
    pub slots: Vec<Slot>,
    /// The steps; `entry` first. Edges go forward only (to greater ids), so every walk ends.
    pub nodes: Vec<Node>,
    /// First node.
    pub entry: NodeId,
}

/// A step and where the walk goes on; `None` falls off the end of the flow (verified to be reached by no path
/// that has not settled).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The label: what outputs, trace, stubs and replies call it.
    pub label: StrId,
    /// What it does.
    pub kind: NodeKind,
    /// Where the walk goes on.
    #[serde(with = "crate::compact::place")]
    pub next: Option<NodeId>,
}

/// What a node does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum NodeKind {
    /// A stage begins. Skipped (to `otherwise`) where `when` is false.
    Stage {
        /// The contract's condition.
        when: Option<Expr>,
        /// Where the walk goes when it is skipped.
        #[serde(with = "crate::compact::place")]
        otherwise: Option<NodeId>,
    },
    /// A block runs.
    Block(Box<BlockNode>),
    /// First case that holds wins; none and no default: error (the checker proved it exhaustive).
    Decision {
        /// Cases in order.
        cases: Vec<Case>,
        /// `default`.
        default: Option<Branch>,
    },
    /// Named booleans, all evaluated.
    Condition {
        /// Name and expression.
        fields: Vec<(StrId, Expr)>,
    },
    /// A custom flow begins; its nodes follow, and each of its `allow` goes to `Node::next`.
    EnterFlow {
        /// Its name.
        flow: StrId,
        /// First node inside.
        entry: NodeId,
        /// Engine time that it may use, in milliseconds; none: the caller's.
        budget: Option<u64>,
        /// What an error inside does.
        on_error: OnError,
    },
    /// `allow` inside a custom flow: control goes back to the caller's `next` (this node's `next`).
    LeaveFlow {
        /// The `EnterFlow` node that it leaves.
        enter: NodeId,
    },
}

/// A case of a decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Its condition, a bool.
    pub when: Expr,
    /// Where it goes.
    pub branch: Branch,
}

/// A branch: its name and first node (`None`: falls out to the decision's `next`).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    /// Its name.
    pub name: StrId,
    /// First node inside.
    #[serde(with = "crate::compact::place")]
    pub target: Option<NodeId>,
}

/// A block with its config and modifiers.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockNode {
    /// The block type.
    pub block: BlockId,
    /// The Action that it runs, where the block is `run_custom_action`.
    pub action: Option<Box<ActionUse>>,
    /// Config: every field of the declaration that has a value or default, by name in the declaration's order.
    pub config: Vec<(StrId, ConfigValue)>,
    /// Engine time per try, in milliseconds.
    pub timeout: u64,
    /// Further tries, and the pause before each in milliseconds.
    pub retry: Option<(u32, u64)>,
    /// What an error does.
    pub on_error: OnError,
    /// Queued when the walk passes.
    pub is_async: bool,
    /// What it sets when it ends; expressions see its outputs and config as locals: see [`SetEffect`].
    pub sets: Vec<SetEffect>,
    /// What it provides: paths below `event`, with the condition.
    pub provides: Vec<(Vec<StrId>, Option<Expr>)>,
    /// What must hold when it ends, if the second holds; a violation is the block's error.
    pub ensures: Vec<(Expr, Option<Expr>)>,
}

/// `run action` at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionUse {
    /// Which.
    pub action: ActionId,
    /// The slot that it runs in: `login.post-auth`.
    pub trigger: StrId,
    /// The `mfa` block that runs if the Action demands a second factor: where that block goes on, this node does. Some
    /// where the Action declares `effects prompts`, and nothing else leads there.
    #[serde(with = "crate::compact::place")]
    pub demand: Option<NodeId>,
    /// Hosts that `api.fetch` may call here besides the Action's own: those that its config names.
    pub fetch: Vec<StrId>,
    /// Claims that it may set here besides its own.
    pub claims: Vec<StrId>,
}

/// `sets PATH to EXPR when EXPR`. In the expressions of `sets`, `provides` and `ensures`, `Local(0)` is the record of
/// the block's outputs and `Local(1)` the record of its config.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SetEffect {
    /// Path below `event`.
    pub path: Vec<StrId>,
    /// To what; without it the block gave it at run time.
    pub to: Option<Expr>,
    /// If what holds.
    pub when: Option<Expr>,
}

/// A config value.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigValue {
    /// An expression over the flow's slots.
    Expr(Expr),
    /// A type (call_webhook's `expect`).
    Type(Type),
    /// A secret by index, alone or inside a template: resolved by the host when the block runs, never a value.
    Secret(Vec<SecretPart>),
    /// A record or map literal with a secret somewhere inside.
    Record(Vec<(StrId, ConfigValue)>),
}

/// A part of a config value that holds a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum SecretPart {
    /// Text.
    Text(StrId),
    /// The value of an expression, escaped already by a `Template`.
    Expr(Expr),
    /// Index into [`Bundle::secrets`], escaped for the field's kind.
    Secret(u32, crate::code::Escape),
}

/// What an error of a block does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnError {
    /// The run ends in error.
    Halt,
    /// The walk goes on; outputs are absent.
    Continue,
    /// The run ends in deny with this reason.
    Deny(StrId),
}

/// Positions in the source, for traces and explanations. Never needed to run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Debug {
    /// File names.
    pub files: Vec<SmolStr>,
    /// Per flow, per node: where it stands and the text of its expressions.
    pub flows: Vec<Vec<NodeDebug>>,
    /// Per Action, per module: its source map (version 3, JSON), where it was written in TypeScript.
    pub maps: Vec<Vec<Option<String>>>,
}

/// Positions of one node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NodeDebug {
    /// Index into [`Debug::files`], then first byte and byte after the last.
    pub span: (u32, u32, u32),
    /// Line, 1-based.
    pub line: u32,
    /// Per expression of the node in order (cases, fields), the source text of each sub-expression in preorder of
    /// the code tree; empty where code has no text of its own.
    pub exprs: Vec<Vec<SmolStr>>,
}

impl Action {
    /// The hash of an Action's modules: lengths and texts in order, so that no two lists of modules share one.
    pub fn hash_of(modules: &[Module]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for text in modules.iter().flat_map(|module| [module.path.as_str(), module.code.as_str()]) {
            hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        *hasher.finalize().as_bytes()
    }
}

impl FlowPlan {
    /// The slot's declaration.
    pub fn slot(&self, id: SlotId) -> Option<&Slot> {
        self.slots.get(id as usize)
    }
}

impl From<Effects> for u8 {
    fn from(effects: Effects) -> u8 {
        let Effects { reads, writes, sends, prompts, mints, ends } = effects;
        [reads, writes, sends, prompts, mints, ends].iter().rev().fold(0, |bits, has| bits << 1 | u8::from(*has))
    }
}

impl TryFrom<u8> for Effects {
    type Error = &'static str;

    fn try_from(bits: u8) -> Result<Self, Self::Error> {
        if bits > 0b11_1111 {
            return Err("unknown effects");
        }
        let has = |bit: u8| bits & 1 << bit != 0;
        Ok(Self { reads: has(0), writes: has(1), sends: has(2), prompts: has(3), mints: has(4), ends: has(5) })
    }
}
