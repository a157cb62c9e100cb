//! `admit build`: writes the bundle, deterministic and with its content hash.

use std::path::PathBuf;

use admit_plan::encode;
use admit_plan::verify;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, print};
use crate::project;

/// Arguments of `admit build`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's folder
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Where the bundle goes
    #[arg(short, long, value_name = "FILE", default_value = "bundle.admitplan")]
    output: PathBuf,
    /// Leave the debug table out: positions and texts of the source
    #[arg(long)]
    strip: bool,
}

/// Builds, verifies as the runtime will, and writes.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.path)?;
    let Some(mut bundle) = loaded.build(output) else { return Ok(Exit::Findings) };
    if args.strip {
        bundle.debug = None;
    }
    let refused = |refusal: &dyn std::fmt::Display| Failure::new(format!("the plan is refused: {refusal}"));
    let bytes = encode::encode(&bundle).map_err(|refusal| refused(&refusal))?;
    let verified = verify::load(&bytes).map_err(|refusal| refused(&refusal))?;
    files::write(&args.output, &bytes)?;
    let (hash, size, flows) = (verified.hash(), bytes.len(), bundle.flows.len());
    if output.human() {
        print(&format!(
            "{hash}  {} ({flows} flow{}, {size} bytes)\n",
            args.output.display(),
            if flows == 1 { "" } else { "s" }
        ));
    } else {
        let result = serde_json::json!({
            "hash": hash.to_string(), "path": args.output.display().to_string(), "flows": flows, "bytes": size,
        });
        print(&format!("{result}\n"));
    }
    Ok(Exit::Ok)
}
