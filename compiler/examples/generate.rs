//! Writes the generated project of the benchmarks to a folder, to time the command itself on:
//! `cargo run --release -p admit-compiler --example generate -- FOLDER FLOWS`.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;

#[path = "../../fuzz/src/project.rs"]
mod project;

/// The same for everybody, so that figures can be compared.
const SEED: u64 = 42;

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let folder = args.next();
    let flows = args.next().and_then(|flows| flows.to_str()?.parse::<usize>().ok()).filter(|flows| *flows > 0);
    let (Some(folder), Some(flows), None) = (folder, flows, args.next()) else {
        eprintln!("usage: generate FOLDER FLOWS");
        return ExitCode::from(2);
    };
    let files = project::project(flows, SEED);
    match write(Path::new(&folder), &files) {
        Ok(()) => {
            println!("{flows} flows, {} lines in {} files", project::lines(&files), files.len());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("`{}`: {error}", Path::new(&folder).display());
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path, files: &[(String, String)]) -> io::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, text)?;
    }
    Ok(())
}
