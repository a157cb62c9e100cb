//! `admit openapi`: the OpenAPI document of the HTTP API, as `admit serve` answers it at `/openapi.json`.

use std::path::PathBuf;

use admit_server::api;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{note, print};

/// Arguments of `admit openapi`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Write it to a file instead of printing it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write nothing; exit with 1 if the file is not as it would be written
    #[arg(long, requires = "out")]
    check: bool,
}

/// Prints, writes or compares it.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let text = api::document::text(&api::openapi()).map_err(|error| Failure::new(error.to_string()))?;
    let Some(path) = &args.out else {
        print(&text);
        return Ok(Exit::Ok);
    };
    if !args.check {
        files::write(path, text.as_bytes())?;
        return Ok(Exit::Ok);
    }
    if files::read(path)? == text.as_bytes() {
        return Ok(Exit::Ok);
    }
    note(&format!("`{0}` is not as it would be written: run `admit openapi --out {0}`\n", path.display()));
    Ok(Exit::Findings)
}
