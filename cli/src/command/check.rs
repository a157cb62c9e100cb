//! `admit check`: parses and type-checks, and says what it found.

use std::path::PathBuf;

use crate::failure::{Exit, Failure};
use crate::output::{Output, note};
use crate::project;

/// Arguments of `admit check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A project's folder, a file, or `-` for standard input
    #[arg(default_value = ".")]
    path: PathBuf,
}

/// Checks and prints the findings.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.path)?;
    let exit = output.diagnostics(&loaded.diagnostics, loaded.sources());
    if output.human() && loaded.diagnostics.is_empty() {
        let flows = loaded.checked.flows.len();
        let tests = loaded.checked.tests.len();
        note(&format!("no findings in {flows} flow{}, {tests} test{}\n", plural(flows), plural(tests)));
    }
    Ok(exit)
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
