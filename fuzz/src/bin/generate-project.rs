//! Writes a generated project to a directory, to measure the compiler on: `generate-project -- DIR --flows 1000`.

use std::path::Path;
use std::process::ExitCode;

#[path = "../project.rs"]
mod project;

/// The same numbers as the benchmark of the checker.
const FLOWS: usize = 1_000;
const SEED: u64 = 42;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let (directory, flows) = match args.as_slice() {
        [directory] => (directory, Some(FLOWS)),
        [directory, "--flows", flows] | ["--flows", flows, directory] => (directory, flows.parse().ok()),
        _ => return usage(),
    };
    let Some(flows) = flows.filter(|flows| *flows > 0) else { return usage() };
    let files = project::project(flows, SEED);
    match write(Path::new(directory), &files) {
        Ok(()) => {
            println!("{flows} flows, {} lines, in {directory}", project::lines(&files));
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("cannot write to {directory}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> ExitCode {
    eprintln!("usage: generate-project DIR [--flows {FLOWS}]");
    ExitCode::from(2)
}

fn write(directory: &Path, files: &[(String, String)]) -> std::io::Result<()> {
    for (path, text) in files {
        let path = directory.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, text)?;
    }
    Ok(())
}
