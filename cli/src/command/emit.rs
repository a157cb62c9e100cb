//! `admit emit`: prints a stage of the compiler.

use std::path::PathBuf;

use admit_compiler::lower::plan_of;
use admit_compiler::print;
use admit_plan::listing;
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
        let Some(flow) = loaded.checked.flows.get(args.flow.as_str()) else {
            output.diagnostics_aside(&loaded.diagnostics, loaded.sources());
            return Ok(Exit::Findings);
        };
        output::print(&print::typed::flow(flow));
        return Ok(Exit::Ok);
    }
    let Some(bundle) = loaded.build(output) else { return Ok(Exit::Findings) };
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
    output::print(&listing::flow(&bundle, plan));
    Ok(Exit::Ok)
}
