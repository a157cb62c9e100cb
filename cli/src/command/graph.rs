//! `admit graph`: a flow as a picture.

use std::path::PathBuf;

use admit_compiler::ast::{Flow, ItemKind};
use admit_compiler::graph::{self, dot, mermaid, svg};
use clap::ValueEnum;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, print};
use crate::project;

/// Arguments of `admit graph`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The flow, system or custom
    flow: String,
    /// The project's folder
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// What is written
    #[arg(long, value_enum, default_value_t = To::Mermaid)]
    to: To,
    /// Where it goes; standard output without it
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// What is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum To {
    /// A Mermaid flowchart
    Mermaid,
    /// Graphviz
    Dot,
    /// A picture
    Svg,
}

/// Draws the flow as it is written; findings do not stand against a picture.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.project)?;
    let flow = find(&loaded, &args.flow)?;
    let graph = graph::graph(flow, &loaded.library, &loaded.checked.actions);
    let text = match args.to {
        To::Mermaid => mermaid(&graph),
        To::Dot => dot(&graph),
        To::Svg => svg(&graph),
    };
    match &args.output {
        Some(path) => files::write(path, text.as_bytes())?,
        None => print(&text),
    }
    if loaded.has_errors() {
        output.remarks(&loaded.diagnostics, loaded.sources());
    }
    Ok(Exit::Ok)
}

/// The flow by name, the project's or the library's where it has none, or a failure that names the nearest.
pub fn find<'a>(loaded: &'a project::Loaded, name: &str) -> Result<&'a Flow, Failure> {
    let flows = || {
        loaded.project.items().filter_map(|item| match &item.kind {
            ItemKind::Flow(flow) => Some(flow),
            _ => None,
        })
    };
    flows()
        .find(|flow| flow.name.text == name)
        .or_else(|| loaded.library.default_flow(name).map(|(_, flow)| flow))
        .ok_or_else(|| no_flow(name, flows().map(|flow| flow.name.text.as_str())))
}

/// The failure for a flow that is not there.
pub fn no_flow<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    let known: Vec<&str> = known.collect();
    let near = known
        .iter()
        .min_by_key(|near| strsim::levenshtein(near, name))
        .filter(|near| strsim::levenshtein(near, name) < 4);
    let failure = Failure::new(format!("the project has no flow `{name}`"));
    match near {
        Some(near) => failure.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => failure.help("it has no flow at all"),
        None => failure.help(format!("it has {}", known.join(", "))),
    }
}
