//! Verification: a plan that was read is proved well-formed in full before anything of it runs, as WebAssembly is.
//!
//! After it, every index is in range, every edge goes forward, every type is sound, every expression is within its
//! bounds and names only what is in scope, every slot has the type of its source, outputs are read only where their
//! block has run (or as what may be absent), and every walk settles at most once and ends. What is not proved: that the
//! flow is a sensible one, and that the event has what a slot names, which the engine finds when it fills the slot.

mod actions;
mod expr;
mod flow;
mod pool;
mod slots;
mod texts;
mod types;
mod walk;

use rustc_hash::FxHashSet;

use crate::bundle::{Action, BlockType, Bundle, Debug, FlowPlan, Param};
use crate::code::{SlotId, StrId};
use crate::encode::{ContentHash, Refusal, content_hash, decode};
use crate::types::Kind;

/// The most flows, block types, params or secrets of a bundle.
pub const MAX_ITEMS: usize = 65_536;
/// The most nodes of a flow, custom flows inlined.
pub const MAX_NODES: usize = 8_192;
/// The most slots of a flow.
pub const MAX_SLOTS: usize = 8_192;
/// The deepest expression, and the most nodes that one has.
pub const MAX_EXPR_DEPTH: usize = 250;
/// The most nodes of an expression.
pub const MAX_EXPR_NODES: usize = 4_096;
/// The most entries of a list or map literal.
pub const MAX_ENTRIES: usize = 1_024;
/// The most modules of an Action.
pub const MAX_MODULES: usize = 64;
/// The most bytes of an Action's modules, paths included.
pub const MAX_SCRIPT: usize = 1 << 20;
/// The most hosts, claims or secrets of an Action.
pub const MAX_GRANTS: usize = 256;
/// The longest time that a plan may name, in milliseconds: a day.
pub const MAX_MILLIS: u64 = 86_400_000;

/// A bundle that was verified. Only this runs, and only this is compiled to machine code.
#[derive(Clone, Debug, PartialEq)]
pub struct Verified {
    bundle: Bundle,
    hash: ContentHash,
}

impl Verified {
    /// The bundle.
    pub fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    /// Its content hash, which the debug table has no part in.
    pub fn hash(&self) -> ContentHash {
        self.hash
    }
}

/// Reads and verifies a plan.
pub fn load(bytes: &[u8]) -> Result<Verified, Refusal> {
    let (bundle, hash) = decode(bytes)?;
    check(&bundle)?;
    Ok(Verified { bundle, hash })
}

/// Verifies a bundle that the compiler has just built.
pub fn verify(bundle: Bundle) -> Result<Verified, Refusal> {
    let hash = content_hash(&bundle)?;
    check(&bundle)?;
    Ok(Verified { bundle, hash })
}

/// Slots of a flow that say that they are always there, but are read where no walk proves it: behind a guard in the
/// same expression, say. The compiler marks them, for verification does not take its word. None where the flow cannot
/// be walked at all.
pub fn unproved(bundle: &Bundle, flow: &FlowPlan) -> Vec<SlotId> {
    walk::walk(bundle, flow).map_or_else(|_| Vec::new(), |found| found.into_iter().map(|(_, slot)| slot).collect())
}

/// What is wrong, without the place.
type Check<T = ()> = Result<T, String>;

fn check(bundle: &Bundle) -> Result<(), Refusal> {
    let at = |place: &str| {
        let place = place.to_owned();
        move |what: String| Refusal::Invalid { place, what }
    };
    sizes(bundle).map_err(at("bundle"))?;
    pool::check(&bundle.pool).map_err(at("constants"))?;
    for (id, block) in bundle.blocks.iter().enumerate() {
        self::block(block, bundle).map_err(at(&format!("block type {id}")))?;
    }
    distinct(bundle.blocks.iter().map(|block| (block.name, &block.output))).map_err(at("block types"))?;
    for (id, param) in bundle.params.iter().enumerate() {
        self::param(param, bundle).map_err(at(&format!("param {id}")))?;
    }
    distinct(bundle.params.iter().map(|param| param.name)).map_err(at("params"))?;
    bundle.secrets.iter().try_for_each(|name| string(bundle, *name)).map_err(at("secrets"))?;
    distinct(bundle.secrets.iter()).map_err(at("secrets"))?;
    actions::check(bundle)
        .map_err(|(id, what)| at(&id.map_or("actions".to_owned(), |id| format!("Action {id}")))(what))?;
    texts::check(&bundle.texts).map_err(at("texts"))?;
    let names = bundle.flows.iter().map(|flow| bundle.pool.strings.get(flow.name as usize));
    if !names.is_sorted_by(|left, right| left < right) {
        return Err(at("flows")("they are not in the order of their names".to_owned()));
    }
    for flow in &bundle.flows {
        string(bundle, flow.name).map_err(at("flows"))?;
        let name = bundle.pool.strings.get(flow.name as usize).map_or("", |name| name.as_str());
        self::flow::check(bundle, flow)
            .map_err(|(node, what)| at(&node.map_or(name.to_owned(), |node| format!("{name}, node {node}")))(what))?;
    }
    bundle.debug.as_ref().map_or(Ok(()), |debug| self::debug(debug, bundle)).map_err(at("debug table"))
}

fn sizes(bundle: &Bundle) -> Check {
    for (what, count) in [
        ("block types", bundle.blocks.len()),
        ("params", bundle.params.len()),
        ("secrets", bundle.secrets.len()),
        ("Actions", bundle.actions.len()),
        ("flows", bundle.flows.len()),
    ] {
        if count > MAX_ITEMS {
            return Err(format!("more than {MAX_ITEMS} {what}"));
        }
    }
    if bundle.project.len() > 256 || bundle.catalogue.len() > 256 {
        return Err("a name longer than 256 bytes".to_owned());
    }
    Ok(())
}

fn block(block: &BlockType, bundle: &Bundle) -> Check {
    string(bundle, block.name)?;
    for ty in [Some(&block.output), block.prompt.as_ref()].into_iter().flatten() {
        types::check(ty)?;
        if !matches!(ty.kind, Kind::Record(_)) {
            return Err("outputs or a prompt that are not a record".to_owned());
        }
    }
    if block.prompt.is_some() != block.effects.prompts {
        return Err("a prompt without the effect, or the effect without a prompt".to_owned());
    }
    distinct(block.takes.iter())?;
    block.takes.iter().try_for_each(|field| string(bundle, *field))
}

fn param(param: &Param, bundle: &Bundle) -> Check {
    string(bundle, param.name)?;
    types::check(&param.ty)?;
    let none = expr::Scope { bundle, slots: &[], locals: 0 };
    param.default.as_ref().map_or(Ok(()), |default| expr::check(default, none))
}

fn debug(debug: &Debug, bundle: &Bundle) -> Check {
    if debug.flows.len() != bundle.flows.len() {
        return Err("it is not about these flows".to_owned());
    }
    let modules = |maps: &Vec<Option<String>>, action: &Action| maps.len() == action.modules.len();
    if debug.maps.len() != bundle.actions.len()
        || !debug.maps.iter().zip(&bundle.actions).all(|(maps, action)| modules(maps, action))
    {
        return Err("it is not about these Actions".to_owned());
    }
    for (nodes, flow) in debug.flows.iter().zip(&bundle.flows) {
        if nodes.len() != flow.nodes.len() {
            return Err("it is not about these nodes".to_owned());
        }
        for node in nodes {
            let (file, start, end) = node.span;
            if file as usize >= debug.files.len() || start > end {
                return Err("a place that no file has".to_owned());
            }
        }
    }
    Ok(())
}

/// A string that is known to exist, or nothing.
fn text(bundle: &Bundle, id: StrId) -> &str {
    bundle.pool.strings.get(id as usize).map_or("", |text| text.as_str())
}

fn string(bundle: &Bundle, id: StrId) -> Check {
    if (id as usize) < bundle.pool.strings.len() { Ok(()) } else { Err(format!("string {id} does not exist")) }
}

fn distinct<T: Eq + std::hash::Hash>(items: impl Iterator<Item = T>) -> Check {
    let mut seen = FxHashSet::default();
    for item in items {
        if !seen.insert(item) {
            return Err("one name stands twice".to_owned());
        }
    }
    Ok(())
}
