//! From the path that a command was given to a project in memory.

use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::files::{self, ProjectFile};

/// What a command works on.
pub struct Input {
    /// Its files.
    pub files: Vec<ProjectFile>,
    /// Its folder; none for a single file or standard input.
    pub root: Option<PathBuf>,
}

/// Reads what the path names: a project's folder (or one below it), a file of a project, a file alone, or `-`.
pub fn read(path: &Path) -> Result<Input, Failure> {
    if path.as_os_str() == "-" {
        let bytes = files::read_stdin()?;
        return Ok(Input { files: vec![ProjectFile { path: "<stdin>".to_owned(), bytes }], root: None });
    }
    if !path.exists() {
        return Err(Failure::io("open", path.display(), "there is no such file or folder"));
    }
    if let Some(root) = files::project_root(path) {
        return Ok(Input { files: files::read_project(&root)?, root: Some(root) });
    }
    if path.is_dir() {
        return Err(Failure::new(format!("`{}` is no project: there is no `admit.toml` in it or above it", path.display()))
            .help("`admit new NAME` starts one; a single file may be checked alone"));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file.admit");
    Ok(Input { files: vec![ProjectFile { path: name.to_owned(), bytes: files::read(path)? }], root: None })
}
