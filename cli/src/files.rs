//! Reads a project's files: below its folder only, no links followed, bounded in number and size (security.md T26).

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Files of one project at most.
const MAX_FILES: usize = 20_000;
/// Bytes of one file at most; the compiler has its own, smaller bound for sources and says so better.
const MAX_FILE: u64 = 64 << 20;
/// Folders below each other at most.
const MAX_DEPTH: usize = 16;

/// A file of the project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Relative to the project, `/` between parts.
    pub path: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The folder with an `admit.toml` at or above the path.
pub fn project_root(path: &Path) -> Option<PathBuf> {
    let absolute = std::path::absolute(path).ok()?;
    absolute.ancestors().find(|folder| folder.join("admit.toml").is_file()).map(Path::to_path_buf)
}

/// Every file of the project that the compiler knows: `admit.toml`, `*.admit`, `lists/`, `tenants/*.toml` and the
/// sources of Actions. Sorted by path.
pub fn read_project(root: &Path) -> Result<Vec<ProjectFile>, Failure> {
    let mut files = Vec::new();
    walk(root, "", 0, &mut files)?;
    files.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(files)
}

/// Reads one file that the user named.
pub fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let shown = path.display();
    let file = fs::File::open(path).map_err(|error| Failure::io("open", &shown, error))?;
    let metadata = file.metadata().map_err(|error| Failure::io("read", &shown, error))?;
    if metadata.is_dir() {
        return Err(Failure::new(format!("`{shown}` is a folder, not a file")));
    }
    read_bounded(file, shown)
}

/// Reads standard input, bounded as a file is.
pub fn read_stdin() -> Result<Vec<u8>, Failure> {
    read_bounded(std::io::stdin().lock(), "-")
}

/// Writes a file whole or not at all: into a new file beside it that then takes its name.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let fail = |error: std::io::Error| Failure::io("write", path.display(), error);
    let name = path.file_name().ok_or_else(|| Failure::new(format!("`{}` names no file", path.display())))?;
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.new", std::process::id()));
    let temporary = path.with_file_name(temporary);
    fs::write(&temporary, bytes)
        .and_then(|()| keep_mode(path, &temporary))
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(|error| {
            let _nothing_left = fs::remove_file(&temporary);
            fail(error)
        })
}

fn keep_mode(path: &Path, temporary: &Path) -> std::io::Result<()> {
    match fs::metadata(path) {
        Ok(metadata) => fs::set_permissions(temporary, metadata.permissions()),
        Err(_) => Ok(()),
    }
}

fn read_bounded(reader: impl Read, shown: impl std::fmt::Display) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    reader.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(|error| Failure::io("read", &shown, error))?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Failure::new(format!("`{shown}` is larger than {} MiB", MAX_FILE >> 20)));
    }
    Ok(bytes)
}

fn walk(root: &Path, below: &str, depth: usize, files: &mut Vec<ProjectFile>) -> Result<(), Failure> {
    let folder = root.join(below);
    if depth > MAX_DEPTH {
        return Err(Failure::new(format!("`{}` lies more than {MAX_DEPTH} folders deep", folder.display())));
    }
    let fail = |error| Failure::io("read", folder.display(), error);
    for entry in fs::read_dir(&folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let kind = entry.file_type().map_err(fail)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') || name == "target" || name == "node_modules" {
            continue;
        }
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        if kind.is_dir() {
            if !root.join(&path).join("admit.toml").exists() {
                walk(root, &path, depth + 1, files)?;
            }
        } else if is_known(&path) {
            if !kind.is_file() {
                return Err(Failure::new(format!("`{path}` is not a regular file"))
                    .help("a project's files may not be links or devices"));
            }
            if files.len() >= MAX_FILES {
                return Err(Failure::new(format!("the project has more than {MAX_FILES} files")));
            }
            let bytes = read(&root.join(&path))?;
            files.push(ProjectFile { path, bytes });
        }
    }
    Ok(())
}

fn is_known(path: &str) -> bool {
    let ends = |suffix| path.ends_with(suffix);
    path == "admit.toml"
        || ends(".admit")
        || (path.starts_with("lists/"))
        || (path.starts_with("templates/") && (ends(".txt") || ends(".html")))
        || (path.starts_with("tenants/") && ends(".toml"))
        || (path.starts_with("actions/") && (ends(".ts") || ends(".js")))
}
