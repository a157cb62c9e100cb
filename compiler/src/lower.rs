//! Lowering: checked flows to the plan. Flat nodes with forward edges, custom flows inlined where they run, only the
//! slots and constants that the code names.

mod actions;
mod constants;
mod debug;
mod layout;

use admit_plan::bundle::{self, BlockType, Bundle, Debug, Effects, FlowPlan};
use admit_plan::code;
use admit_plan::text::Text;
use admit_plan::types::{Kind, Type};
use admit_plan::verify;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use crate::check::{Checked, Param};
use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::project::Project;
use crate::scripts::Scripts;
use crate::source::{Sources, Span};
use crate::typed::action::Actions;
use crate::typed::flow::Flow;
use actions::Pinned;
use constants::Constants;

/// A checked project, as far as the plan holds it.
#[derive(Clone, Debug)]
pub struct Program<'a> {
    /// Its name.
    pub name: SmolStr,
    /// The standard library that it was checked against.
    pub catalogue: SmolStr,
    /// What blocks are.
    pub library: &'a Library,
    /// Its params, in the order in which the plan holds them.
    pub params: Vec<ParamValue<'a>>,
    /// Its flows, checked without errors. Custom flows are lowered where they run.
    pub flows: Vec<&'a Flow>,
    /// Its Actions, checked without errors.
    pub actions: &'a Actions,
    /// Its texts of messages, in order.
    pub texts: &'a [Text],
    /// The JavaScript of its Actions.
    pub scripts: &'a Scripts,
    /// The texts that the debug table quotes.
    pub sources: &'a Sources,
}

/// A param.
#[derive(Clone, Debug)]
pub struct ParamValue<'a> {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Its default, a constant, and the pool that it indexes.
    pub default: Option<(&'a code::Expr, &'a code::Pool)>,
}

impl<'a> ParamValue<'a> {
    /// A checked param.
    pub fn of(param: &'a Param) -> Self {
        let default = param.default.as_ref().map(|(code, pool)| (code, pool));
        Self { name: param.name.clone(), ty: param.ty.clone(), default }
    }
}

/// Builds the plan of a project that was checked without errors: of its own flows.
///
/// The diagnostics say of which Actions there is no JavaScript.
pub fn build(
    project: &Project,
    library: &Library,
    checked: &Checked,
    scripts: &Scripts,
) -> Result<Bundle, Vec<Diagnostic>> {
    build_of(project, library, checked, scripts, checked.flows.values().collect())
}

/// As [`build`], with the library's default of each system flow that the project lacks.
pub fn build_with_defaults(
    project: &Project,
    library: &Library,
    checked: &Checked,
    scripts: &Scripts,
) -> Result<Bundle, Vec<Diagnostic>> {
    build_of(project, library, checked, scripts, checked.system_flows().collect())
}

fn build_of(
    project: &Project,
    library: &Library,
    checked: &Checked,
    scripts: &Scripts,
    flows: Vec<&Flow>,
) -> Result<Bundle, Vec<Diagnostic>> {
    lower(&Program {
        name: project.manifest.name.clone(),
        catalogue: project.manifest.catalogue.clone(),
        library,
        params: checked.params.iter().map(ParamValue::of).collect(),
        flows,
        actions: &checked.actions,
        texts: &project.texts,
        scripts,
        sources: &project.sources,
    })
}

/// Builds the plan of a checked program. The same program gives the same plan.
pub fn lower(program: &Program<'_>) -> Result<Bundle, Vec<Diagnostic>> {
    let mut flows: Vec<&Flow> = program.flows.iter().copied().filter(|flow| flow.contract.is_some()).collect();
    flows.sort_by(|left, right| left.name.cmp(&right.name));
    let mut diagnostics = Vec::new();
    let mut builder = Builder::new(program, actions::pinned(&flows));
    let mut plans = Vec::with_capacity(flows.len());
    let mut debug = Debug::default();
    for flow in flows {
        match layout::flow(&mut builder, flow) {
            Ok((plan, nodes)) => {
                plans.push(plan);
                debug.flows.push(nodes);
            }
            Err(fault) => diagnostics.push(fault.said()),
        }
    }
    let (actions, maps) = actions::actions(&mut builder, program, &mut diagnostics);
    debug.maps = maps;
    if diagnostics.is_empty() { Ok(builder.finish(program, plans, actions, debug)) } else { Err(diagnostics) }
}

/// The flow's plan that one would see in a listing, without the rest of the bundle around it.
pub fn plan_of<'a>(bundle: &'a Bundle, name: &str) -> Option<&'a FlowPlan> {
    bundle.flows.iter().find(|flow| bundle.pool.strings.get(flow.name as usize).is_some_and(|text| text == name))
}

/// Something that a checked flow cannot be. It is a fault of the compiler, said rather than built wrongly.
struct Fault {
    span: Span,
    what: String,
}

impl Fault {
    fn said(self) -> Diagnostic {
        Diagnostic::error("A0601", self.span, format!("the compiler cannot lower this: {}", self.what))
            .help("this is a fault of the compiler, not of the flow: please report it with the flow")
    }
}

/// What flows share while the bundle is built.
struct Builder<'a> {
    constants: Constants,
    library: &'a Library,
    sources: &'a Sources,
    params: FxHashMap<SmolStr, u32>,
    secrets: Vec<code::StrId>,
    pinned: Pinned,
    blocks: Vec<BlockType>,
    block_ids: FxHashMap<(SmolStr, Type), u32>,
    files: debug::Files,
}

impl<'a> Builder<'a> {
    fn new(program: &Program<'a>, pinned: Pinned) -> Self {
        let names = program.params.iter().map(|param| param.name.clone());
        Self {
            constants: Constants::default(),
            library: program.library,
            sources: program.sources,
            params: names.zip(0..).collect(),
            secrets: Vec::new(),
            pinned,
            blocks: Vec::new(),
            block_ids: FxHashMap::default(),
            files: debug::Files::default(),
        }
    }

    /// The number of a block type with these outputs.
    fn block(&mut self, name: &SmolStr, output: &Type, span: Span) -> Result<u32, Fault> {
        if let Some(id) = self.block_ids.get(&(name.clone(), output.clone())) {
            return Ok(*id);
        }
        let Some(block) = self.library.block(name) else {
            return Err(Fault { span, what: format!("there is no block `{name}`") });
        };
        let takes = block.takes.iter().map(|field| self.constants.string(field)).collect();
        Ok(self.add_block(name, output, block.prompt_type(), block.effects, takes))
    }

    /// The number of the block that runs an Action with these outputs.
    fn action_block(&mut self, output: &Type) -> u32 {
        const NAME: SmolStr = SmolStr::new_static(bundle::RUN_ACTION);
        match self.block_ids.get(&(NAME, output.clone())) {
            Some(id) => *id,
            None => self.add_block(&NAME, output, None, bundle::ACTION_EFFECTS, Vec::new()),
        }
    }

    fn add_block(
        &mut self,
        name: &SmolStr,
        output: &Type,
        prompt: Option<Type>,
        effects: Effects,
        takes: Vec<code::StrId>,
    ) -> u32 {
        let id = number(self.blocks.len());
        let text = self.constants.string(name);
        self.blocks.push(BlockType { name: text, output: output.clone(), prompt, effects, takes });
        self.block_ids.insert((name.clone(), output.clone()), id);
        id
    }

    fn finish(
        mut self,
        program: &Program<'_>,
        flows: Vec<FlowPlan>,
        actions: Vec<bundle::Action>,
        mut debug: Debug,
    ) -> Bundle {
        let params = program.params.iter().map(|param| bundle::Param {
            name: self.constants.string(&param.name),
            ty: param.ty.clone(),
            default: param.default.map(|(expr, pool)| self.constants.import(pool).constant(expr)),
        });
        let params: Vec<bundle::Param> = params.collect();
        params.iter().for_each(|param| words(&param.ty, &mut self.constants));
        debug.files = self.files.names;
        // The encoding writes a word of a type as a number where the constants have it.
        self.blocks.iter().flat_map(|block| [Some(&block.output), block.prompt.as_ref()]).flatten().for_each(|ty| {
            words(ty, &mut self.constants);
        });
        let event = (!actions.is_empty()).then(|| program.library.event.ty());
        event.iter().for_each(|event| words(event, &mut self.constants));
        for flow in &flows {
            words(&flow.input, &mut self.constants);
            flow.slots.iter().for_each(|slot| words(&slot.ty, &mut self.constants));
        }
        let mut bundle = Bundle {
            project: program.name.clone(),
            catalogue: program.catalogue.clone(),
            pool: self.constants.into_pool(),
            blocks: self.blocks,
            params,
            secrets: self.secrets,
            event,
            actions,
            texts: program.texts.to_vec(),
            flows,
            debug: Some(debug),
        };
        for at in 0..bundle.flows.len() {
            let unproved = bundle.flows.get(at).map(|flow| verify::unproved(&bundle, flow)).unwrap_or_default();
            let slots = bundle.flows.get_mut(at).map_or(&mut [][..], |flow| &mut flow.slots);
            for id in unproved {
                if let Some(slot) = slots.get_mut(id as usize) {
                    slot.maybe_absent = true;
                }
            }
        }
        bundle
    }
}

/// Adds the words of a type to the constants.
fn words(ty: &Type, constants: &mut Constants) {
    match &ty.kind {
        Kind::Enum(list) => list.iter().for_each(|word| {
            constants.string(word);
        }),
        Kind::Record(fields) => fields.iter().for_each(|field| {
            constants.string(&field.name);
            words(&field.ty, constants);
        }),
        Kind::List(inner) | Kind::Optional(inner) => words(inner, constants),
        Kind::Map(key, value) => {
            words(key, constants);
            words(value, constants);
        }
        Kind::Error
        | Kind::Dyn
        | Kind::Null
        | Kind::Bool
        | Kind::Int(_)
        | Kind::Uint(_)
        | Kind::Double(_)
        | Kind::String
        | Kind::Bytes
        | Kind::Timestamp
        | Kind::Duration
        | Kind::Type
        | Kind::Ip
        | Kind::Cidr => {}
    }
}

/// A length as an index: tables are bounded far below 2^32 by the sizes of sources.
fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// The record without fields.
fn nothing() -> Type {
    Kind::Record([].into()).into()
}
