//! From the path that a command was given to a project in memory: read, parsed and checked.

use std::path::{Path, PathBuf};

use admit_compiler::check::{self, Checked};
use admit_compiler::diagnostic::{Diagnostic, Level};
use admit_compiler::library::Library;
use admit_compiler::lower;
use admit_compiler::project::{Project, Settings};
use admit_compiler::scripts::Scripts;
use admit_compiler::source::Sources;
use admit_plan::bundle::Bundle;

use crate::failure::{Exit, Failure};
use crate::files::{self, ProjectFile};
use crate::output::Output;
use crate::progress;

/// A project, checked.
pub struct Loaded {
    /// The standard library.
    pub library: Library,
    /// Its files.
    pub project: Project,
    /// What they mean.
    pub checked: Checked,
    /// The JavaScript of its Actions.
    pub scripts: Scripts,
    /// All that was found, in the order of the source.
    pub diagnostics: Vec<Diagnostic>,
    /// Its folder; none for a single file or standard input.
    pub root: Option<PathBuf>,
}

/// Reads and checks what the path names: a project's folder (or one below it), a file of a project, a file alone, or `-`.
pub fn load(path: &Path) -> Result<Loaded, Failure> {
    let (files, root) = read(path)?;
    let bar = progress::bar(3, "steps of reading the project");
    let library = standard_library()?;
    let files: Vec<(String, Vec<u8>)> = files.into_iter().map(|file| (file.path, file.bytes)).collect();
    let (project, mut diagnostics) = Project::read(&library, &files);
    bar.inc(1);
    let mut checked = check::check(&project, &library);
    diagnostics.append(&mut checked.diagnostics);
    bar.inc(1);
    let (scripts, found) =
        admit_script::compile(&admit_script::units(&project, &checked), &project.sources, &project.action_sources);
    bar.finish_and_clear();
    diagnostics.extend(found);
    diagnostics.sort_by(|left, right| (left.primary.span, left.code).cmp(&(right.primary.span, right.code)));
    diagnostics.dedup();
    Ok(Loaded { library, project, checked, scripts, diagnostics, root })
}

/// The declarations of the standard library. That they are sound is tested; a fault here is ours.
pub fn standard_library() -> Result<Library, Failure> {
    let (library, diagnostics) = Library::load(&admit_stdlib::files());
    match diagnostics.iter().find(|diagnostic| diagnostic.level == Level::Error) {
        None => Ok(library),
        Some(broken) => {
            Err(Failure::new(format!("the standard library is broken: {} {}", broken.code, broken.message)))
        }
    }
}

/// How a plan is built.
type Build = fn(&Project, &Library, &Checked, &Scripts) -> Result<Bundle, Vec<Diagnostic>>;

impl Loaded {
    /// Every text that diagnostics name.
    pub fn sources(&self) -> &Sources {
        &self.project.sources
    }

    /// Whether there is an error.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.level == Level::Error)
    }

    /// The settings of an environment of `admit.toml`; of all of them where none is named.
    pub fn settings(&self, env: Option<&str>) -> Result<&Settings, Failure> {
        let manifest = &self.project.manifest;
        let Some(name) = env else { return Ok(&manifest.settings) };
        let found = manifest.env.get(name);
        found.ok_or_else(|| {
            let mut names = manifest.env.keys().peekable();
            let help = match names.peek() {
                None => "it names no environment: write settings below `[env.NAME]`".to_owned(),
                Some(_) => format!("it has {}", names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")),
            };
            Failure::new(format!("admit.toml has no `[env.{name}]`")).help(help)
        })
    }

    /// The plan of the project's own flows. Where it has findings that stand against one, they are printed, and there
    /// is none.
    pub fn build(&self, output: &Output) -> Option<Bundle> {
        self.built(output, lower::build)
    }

    /// As [`Loaded::build`], with the library's default of each system flow that the project lacks.
    pub fn build_with_defaults(&self, output: &Output) -> Option<Bundle> {
        self.built(output, lower::build_with_defaults)
    }

    fn built(&self, output: &Output, build: Build) -> Option<Bundle> {
        let found = output.diagnostics_aside(&self.diagnostics, self.sources());
        if self.has_errors() || found == Exit::Findings {
            return None;
        }
        match build(&self.project, &self.library, &self.checked, &self.scripts) {
            Ok(bundle) => Some(bundle),
            Err(diagnostics) => {
                output.diagnostics_aside(&diagnostics, self.sources());
                None
            }
        }
    }
}

fn read(path: &Path) -> Result<(Vec<ProjectFile>, Option<PathBuf>), Failure> {
    if path.as_os_str() == "-" {
        let bytes = files::read_stdin()?;
        return Ok((vec![ProjectFile { path: "stdin.admit".to_owned(), bytes }], None));
    }
    if !path.exists() {
        return Err(Failure::io("open", path.display(), "there is no such file or folder"));
    }
    if let Some(root) = files::project_root(path) {
        return Ok((files::read_project(&root)?, Some(root)));
    }
    if path.is_dir() {
        return Err(Failure::new(format!(
            "`{}` is no project: there is no `admit.toml` in it or above it",
            path.display()
        ))
        .help("`admit new NAME` starts one; a single file may be checked alone"));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("file.admit");
    let name = if name.ends_with(".admit") { name.to_owned() } else { format!("{name}.admit") };
    Ok((vec![ProjectFile { path: name, bytes: files::read(path)? }], None))
}
