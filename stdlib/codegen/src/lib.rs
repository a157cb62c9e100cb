//! The generator: from the declarations of the standard library to the Rust that its implementations are written
//! against. A file per block (`src/generated/<block>.rs`) and one for what names them all (`src/generated.rs`).

mod block;
mod index;
mod names;
mod types;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use admit_compiler::doc::{self, markdown};
use admit_compiler::library::Library;

use crate::types::Words;

/// The command that renews what this crate writes.
pub const COMMAND: &str = "cargo run -p admit-stdlib-codegen";

const GENERATED: &str = "stdlib/src/generated";
const PAGES: &str = "docs/src/blocks";
const SUMMARY: &str = "docs/src/SUMMARY.md";

/// Files of the workspace by path, with their text.
pub type Files = BTreeMap<String, String>;

/// A file of the library.
struct Found {
    /// Below `stdlib`, with slashes.
    path: String,
    text: String,
}

/// The folder of the standard library.
pub fn stdlib() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default()
}

/// What should stand in `stdlib/src` and in the book.
///
/// # Errors
/// A declaration that is not sound, a block without an implementation beside it, or a type that cannot be written in
/// Rust; for people.
pub fn generate(stdlib: &Path) -> Result<Files, String> {
    let found = library_files(stdlib)?;
    let declared: Vec<(String, &str)> = found
        .iter()
        .filter(|file| !file.path.ends_with(".md"))
        .map(|file| (format!("stdlib/{}", file.path), file.text.as_str()))
        .collect();
    let (library, diagnostics) = Library::load(&declared);
    if let Some(first) = diagnostics.first() {
        let place = library.sources.get(first.primary.span.file).map_or("", |source| source.name.as_str());
        return Err(format!("{place}: {} {}", first.code, first.message));
    }
    let mut files = Files::new();
    let mut blocks = Vec::new();
    let shared = shared(&library)?;
    files.insert(format!("{GENERATED}/shared.rs"), formatted(&block::shared(&shared))?);
    for block in library.blocks.values() {
        let source = library.sources.get(block.span.file).map_or("", |source| source.name.as_str());
        let beside = source.strip_prefix("stdlib/").and_then(|path| path.strip_suffix(".admit")).unwrap_or_default();
        if Path::new(beside).file_name().is_none_or(|name| name != block.name.as_str()) {
            return Err(format!("{source}: a block's file has its name: `{}.admit`", block.name));
        }
        if !stdlib.join(format!("{beside}.rs")).is_file() {
            return Err(format!("{source}: there is no implementation beside it, `{}.rs`", block.name));
        }
        files.insert(format!("{GENERATED}/{}.rs", block.name), formatted(&block::module(block, beside, &shared)?.0)?);
        blocks.push((block.name.as_str(), block.errors.iter().map(|name| name.as_str()).collect::<Vec<_>>()));
    }
    blocks.sort_unstable();
    let paths: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
    files.insert(format!("{GENERATED}.rs"), formatted(&index::module(&blocks, &paths))?);
    book(stdlib, &library, &found, &mut files)?;
    Ok(files)
}

/// The enums that more than one block has, by name and words alike. Of one name, the first alone.
fn shared(library: &Library) -> Result<Vec<Words>, String> {
    let mut seen: Vec<(Words, usize)> = Vec::new();
    for block in library.blocks.values() {
        for words in block::module(block, "", &[])?.1 {
            match seen.iter_mut().find(|(known, _)| *known == words) {
                Some((_, count)) => *count += 1,
                None => seen.push((words, 1)),
            }
        }
    }
    let mut shared: Vec<Words> = Vec::new();
    for (words, count) in seen {
        if count > 1 && !shared.iter().any(|(name, _)| *name == words.0) {
            shared.push(words);
        }
    }
    shared.sort_unstable_by(|one, other| one.0.cmp(&other.0));
    Ok(shared)
}

/// The pages of the reference, and the lines of the book's summary that name them: what stood between the first and the
/// last line that begins as they do.
fn book(stdlib: &Path, library: &Library, found: &[Found], files: &mut Files) -> Result<(), String> {
    let pages: Vec<(&str, &str)> = found
        .iter()
        .filter(|file| file.path.ends_with(".md"))
        .map(|file| (file.path.as_str(), file.text.as_str()))
        .collect();
    let (pages, lines) = markdown::pages(&doc::catalogue(library, &pages));
    files.extend(pages.into_iter().map(|(path, text)| (format!("{PAGES}/{path}"), text)));
    let path = stdlib.join("..").join(SUMMARY);
    let summary = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let mut text = String::with_capacity(summary.len());
    let mut written = false;
    for line in summary.lines() {
        if line.contains("](blocks/") {
            if !written {
                text.push_str(&lines);
            }
            written = true;
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    if !written {
        return Err(format!(
            "{SUMMARY} names no page below `blocks/`: add `[Blocks](blocks/overview.md)` where they belong"
        ));
    }
    files.insert(SUMMARY.to_owned(), text);
    Ok(())
}

/// Writes what has changed and removes what no declaration stands for any more. Gives the paths of both.
///
/// # Errors
/// A file that cannot be read or written.
pub fn write(stdlib: &Path, files: &Files) -> Result<Vec<String>, String> {
    let root = stdlib.join("..");
    let changed = stale(stdlib, files)?;
    for path in &changed {
        let full = root.join(path);
        let fault = |error: std::io::Error| format!("{}: {error}", full.display());
        match files.get(path) {
            Some(text) => {
                fs::create_dir_all(full.parent().unwrap_or(&root)).map_err(fault)?;
                fs::write(&full, text).map_err(fault)?;
            }
            None => fs::remove_file(&full).map_err(fault)?,
        }
    }
    Ok(changed)
}

/// The files that are not as they should be: other text, missing, or of no declaration.
///
/// # Errors
/// A folder that cannot be read.
pub fn stale(stdlib: &Path, files: &Files) -> Result<Vec<String>, String> {
    let root = stdlib.join("..");
    let differs = |(path, text): &(&String, &String)| {
        !fs::read_to_string(root.join(path.as_str())).is_ok_and(|found| found == text.as_str())
    };
    let mut stale: Vec<String> = files.iter().filter(differs).map(|(path, _)| path.clone()).collect();
    for folder in [GENERATED, PAGES].map(|folder| root.join(folder)).into_iter().filter(|folder| folder.is_dir()) {
        for path in below(&folder)? {
            let path = relative(&root, &path);
            if !files.contains_key(&path) {
                stale.push(path);
            }
        }
    }
    Ok(stale)
}

/// The declarations, their pages, the templates with their sources and the default flows, by path.
fn library_files(stdlib: &Path) -> Result<Vec<Found>, String> {
    let mut files = Vec::new();
    for path in below(stdlib)? {
        let name = relative(stdlib, &path);
        let ours = ["src/", "tests/", "benches/", "codegen/", "target/", "data/"]
            .iter()
            .any(|folder| name.starts_with(folder));
        let page = name.ends_with(".md") && name.contains('/') && !name.starts_with("templates/");
        let read = page || name.ends_with(".admit") || (name.starts_with("templates/") && name.ends_with(".ts"));
        if read && !ours {
            let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            files.push(Found { path: name, text });
        }
    }
    // What stands at the top, the event and the session, is read by people first.
    files.sort_by(|left, right| (left.path.contains('/'), &left.path).cmp(&(right.path.contains('/'), &right.path)));
    Ok(files)
}

fn below(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let fault = |error: std::io::Error| format!("{}: {error}", folder.display());
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(fault)? {
        let path = entry.map_err(fault)?.path();
        if path.is_dir() { found.extend(below(&path)?) } else { found.push(path) }
    }
    Ok(found)
}

fn relative(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// As `cargo fmt` would write it.
fn formatted(text: &str) -> Result<String, String> {
    use std::io::Write as _;
    let fault = |error: std::io::Error| format!("rustfmt: {error}");
    let mut child = Command::new("rustfmt")
        .args(["--edition", "2024", "--config", "max_width=120,use_small_heuristics=Max"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(fault)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).map_err(fault)?;
    }
    let done = child.wait_with_output().map_err(fault)?;
    if !done.status.success() {
        return Err(format!("rustfmt does not take what was written:\n{text}"));
    }
    String::from_utf8(done.stdout).map_err(|error| format!("rustfmt: {error}"))
}
