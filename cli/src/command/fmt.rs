//! `admit fmt`: the one canonical form. Files that do not parse are left alone, with their diagnostics.

use std::path::{Path, PathBuf};

use admit_compiler::diagnostic::Diagnostic;
use admit_compiler::format;
use admit_compiler::parse::source_text;
use admit_compiler::render::sanitize;
use admit_compiler::source::Sources;
use similar::TextDiff;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, note, print};

/// Arguments of `admit fmt`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Files or folders; `-` reads standard input and writes standard output
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Write nothing; exit with 1 if a file is not formatted
    #[arg(long)]
    check: bool,
    /// Write nothing; print what would change, and exit with 1 if anything would
    #[arg(long)]
    diff: bool,
}

/// Formats, checks or shows differences.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let mut sources = Sources::default();
    let mut diagnostics = Vec::new();
    let mut changed = Vec::new();
    let stdin = args.paths.iter().any(|path| path.as_os_str() == "-");
    if stdin && args.paths.len() > 1 {
        return Err(Failure::new("`-` goes with no other path"));
    }
    let inputs = if stdin { vec![("<stdin>".to_owned(), None, files::read_stdin()?)] } else { read_all(&args.paths)? };
    for (name, path, bytes) in inputs {
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                diagnostics.extend(not_utf_8(error.as_bytes(), &mut sources, &name));
                continue;
            }
        };
        match format::format(&text) {
            Ok(formatted) => {
                if stdin && !args.check && !args.diff {
                    print(&formatted);
                } else if formatted != text {
                    changed.push(Change { name, path, text, formatted });
                }
            }
            Err(found) => diagnostics.extend(rebase(found, &mut sources, &name, &text)),
        }
    }
    finish(args, &changed, output)?;
    let found = output.diagnostics_aside(&diagnostics, &sources);
    let would_change = (args.check || args.diff) && !changed.is_empty();
    Ok(if found == Exit::Findings || would_change { Exit::Findings } else { Exit::Ok })
}

struct Change {
    name: String,
    path: Option<PathBuf>,
    text: String,
    formatted: String,
}

type Input = (String, Option<PathBuf>, Vec<u8>);

fn read_all(paths: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    let mut inputs = Vec::new();
    for path in paths {
        if path.is_dir() {
            for file in files::read_project(path)? {
                if file.path.ends_with(".admit") {
                    let full = path.join(&file.path);
                    inputs.push((shown(&full), Some(full), file.bytes));
                }
            }
        } else {
            inputs.push((shown(path), Some(path.clone()), files::read(path)?));
        }
    }
    Ok(inputs)
}

fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

fn not_utf_8(bytes: &[u8], sources: &mut Sources, name: &str) -> Option<Diagnostic> {
    let id = sources.add(name, String::from_utf8_lossy(bytes));
    source_text(id, bytes).err().map(|found| *found)
}

/// Gives the diagnostics of one text their file among all.
fn rebase(found: Vec<Diagnostic>, sources: &mut Sources, name: &str, text: &str) -> Vec<Diagnostic> {
    let id = sources.add(name, text);
    found
        .into_iter()
        .map(|mut diagnostic| {
            diagnostic.primary.span.file = id;
            for label in &mut diagnostic.secondary {
                label.span.file = id;
            }
            diagnostic
        })
        .collect()
}

fn finish(args: &Args, changed: &[Change], output: &Output) -> Result<(), Failure> {
    for change in changed {
        let name = sanitize::line(&change.name);
        if args.diff {
            print(&diff(change, output));
        } else if args.check {
            note(&format!("`{name}` is not formatted\n"));
        } else if let Some(path) = &change.path {
            files::write(path, change.formatted.as_bytes())?;
            note(&format!("formatted `{name}`\n"));
        }
    }
    Ok(())
}

fn diff(change: &Change, output: &Output) -> String {
    let name = sanitize::line(&change.name);
    let lines = TextDiff::from_lines(change.text.as_str(), change.formatted.as_str());
    let unified = lines.unified_diff().header(&name, &name).to_string();
    unified
        .lines()
        .map(|line| {
            let safe = sanitize::line(line);
            let painted = match line.as_bytes().first() {
                Some(b'+') => output.paint("32", &safe),
                Some(b'-') => output.paint("31", &safe),
                Some(b'@') => output.paint("36", &safe),
                _ => safe,
            };
            format!("{painted}\n")
        })
        .collect()
}
