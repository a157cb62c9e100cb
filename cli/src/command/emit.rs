//! `admit emit`: prints a stage of the compiler.

use std::path::PathBuf;

use admit_compiler::lower::plan_of;
use admit_compiler::print;
use admit_plan::bundle::{Bundle, FlowPlan, NodeKind};
use admit_plan::listing;
use admit_runtime::when::jit::{self, Program};
use clap::ValueEnum;

use crate::failure::{Exit, Failure};
use crate::output::{self, Output};
use crate::project;

use super::graph::{find, no_flow};

/// Arguments of `admit emit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which stage
    #[arg(value_enum)]
    stage: Stage,
    /// The flow
    flow: String,
    /// The project's folder
    #[arg(long, default_value = ".")]
    project: PathBuf,
}

/// The stages that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// What was written
    Ast,
    /// What it means: types and typed code
    Typed,
    /// What the runtime executes
    Plan,
    /// The code of its decisions and conditions before it is machine code
    Clif,
}

/// Prints the stage for one flow.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.project)?;
    if args.stage == Stage::Ast {
        output::print(&print::ast::flow(find(&loaded, &args.flow)?).text());
        return Ok(Exit::Ok);
    }
    find(&loaded, &args.flow)?;
    if args.stage == Stage::Typed {
        let Some(flow) = loaded.checked.flow(&args.flow) else {
            output.diagnostics_aside(&loaded.diagnostics, loaded.sources());
            return Ok(Exit::Findings);
        };
        output::print(&print::typed::flow(flow));
        return Ok(Exit::Ok);
    }
    let Some(bundle) = loaded.build_with_defaults(output) else { return Ok(Exit::Findings) };
    let plan = plan_of(&bundle, &args.flow).ok_or_else(|| {
        no_flow(
            &args.flow,
            bundle
                .flows
                .iter()
                .filter_map(|flow| bundle.pool.strings.get(flow.name as usize))
                .map(|name| name.as_str()),
        )
        .help("only system flows have a plan of their own: custom flows are inlined where they run")
    })?;
    if args.stage == Stage::Clif {
        output::print(&clif(&bundle, plan)?);
    } else {
        output::print(&listing::flow(&bundle, plan));
    }
    Ok(Exit::Ok)
}

/// Cranelift's code of each decision, and of each field of a condition, under the step's label.
fn clif(bundle: &Bundle, plan: &FlowPlan) -> Result<String, Failure> {
    let name = |id: u32| bundle.pool.strings.get(id as usize).map_or("", |text| text.as_str());
    let mut text = String::new();
    for node in &plan.nodes {
        let programs: Vec<Program<'_>> = match &node.kind {
            NodeKind::Decision { cases, .. } if !cases.is_empty() => {
                vec![Program::Decision { cases: cases.iter().map(|case| &case.when).collect(), locals: 0 }]
            }
            NodeKind::Condition { fields } => {
                fields.iter().map(|(_, expr)| Program::Value { expr, locals: 0 }).collect()
            }
            NodeKind::Decision { .. }
            | NodeKind::Stage { .. }
            | NodeKind::Block(_)
            | NodeKind::EnterFlow { .. }
            | NodeKind::LeaveFlow { .. } => continue,
        };
        let code = jit::listing(&bundle.pool, &plan.slots, &programs);
        let code = code.map_err(|error| Failure::new(format!("`{}` does not compile: {error}", name(node.label))))?;
        text.push_str(&format!("; {}\n{code}", name(node.label)));
    }
    Ok(text)
}
