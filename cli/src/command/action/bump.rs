//! `admit action bump`: the next version of an Action, in a folder of its own beside those that flows pin.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use admit_compiler::ast::{ActionClause, File, ItemKind};
use admit_compiler::project::{ActionFile, Project};
use admit_compiler::source::{FileId, Span};
use admit_compiler::typed::action::Kind;
use semver::Version;

use super::new::{replaced, root, write_new};
use super::places;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::note;
use crate::project;

/// Arguments of `admit action bump`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Action
    slug: String,
    /// The next version breaks what the newest promises
    #[arg(long, group = "how")]
    major: bool,
    /// The next version can do more
    #[arg(long, group = "how")]
    minor: bool,
    /// The next version mends the newest; the default
    #[arg(long, group = "how")]
    patch: bool,
    /// The next version
    #[arg(long = "version", value_name = "X.Y.Z", group = "how")]
    to: Option<Version>,
    /// Pin it in this flow, too; may be given several times
    #[arg(long, value_name = "FLOW", num_args = 1.., conflicts_with = "pin_all")]
    pin: Vec<String>,
    /// Pin it in every flow that runs the Action
    #[arg(long)]
    pin_all: bool,
    /// The project's folder
    #[arg(long, value_name = "PATH", default_value = ".")]
    project: PathBuf,
}

/// Copies the newest version and says what it is now. Everything is worked out before anything is written.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let root = root(&args.project)?;
    let loaded = project::load(&root)?;
    let project = &loaded.project;
    let newest = newest(project, &args.slug)?;
    let next = next(args, &newest.version)?;
    let folder = format!("actions/{}/{next}", args.slug);
    if root.join(&folder).symlink_metadata().is_ok() {
        return Err(Failure::new(format!("`{folder}` is there already")));
    }
    let copies = copies(project, &root, newest, &next)?;
    let pins = pins(args, project, &next)?;
    for (name, bytes) in &copies {
        write_new(&root.join(&folder).join(name), bytes)?;
    }
    let mut said = format!("made {folder} from {}\n", newest.version);
    for (path, (text, flows)) in &pins {
        files::write(&root.join(path), text.as_bytes())?;
        let flows: Vec<&str> = flows.iter().map(String::as_str).collect();
        said.push_str(&format!("pinned {next} in {path}: {}\n", flows.join(", ")));
    }
    if pins.is_empty() {
        said.push_str(&format!("no flow runs it before one pins `{}@{next}`\n", args.slug));
    }
    note(&said);
    Ok(Exit::Ok)
}

fn newest<'p>(project: &'p Project, slug: &str) -> Result<&'p ActionFile, Failure> {
    let of_slug = || project.actions.iter().filter(|action| action.slug == slug);
    let own = of_slug().filter(|action| action.kind == Kind::Custom).max_by_key(|action| &action.version);
    own.ok_or_else(|| match of_slug().next() {
        Some(_) => Failure::new(format!("`{slug}` is a template, whose versions come with the library"))
            .help(format!("`admit action new {slug} --template {slug}` makes it the project's own")),
        None => {
            Failure::new(format!("there is no Action `{slug}`")).help("`admit action list` shows those that there are")
        }
    })
}

fn next(args: &Args, newest: &Version) -> Result<Version, Failure> {
    let next = match &args.to {
        Some(version) => version.clone(),
        None if args.major => Version::new(newest.major.saturating_add(1), 0, 0),
        None if args.minor => Version::new(newest.major, newest.minor.saturating_add(1), 0),
        // What comes before a release is followed by the release itself.
        None if !newest.pre.is_empty() => Version::new(newest.major, newest.minor, newest.patch),
        None => Version::new(newest.major, newest.minor, newest.patch.saturating_add(1)),
    };
    if next > *newest {
        return Ok(next);
    }
    Err(Failure::new(format!("`{next}` does not come after `{newest}`, the newest version"))
        .help("versions only rise, so that the newest is the last one made"))
}

/// The files of the newest version, the declaration with its new version.
fn copies(
    project: &Project,
    root: &Path,
    newest: &ActionFile,
    next: &Version,
) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let from = root.join(newest.folder.as_str());
    let mut copies = Vec::new();
    collect(&from, "", &mut copies)?;
    let declared = project.files.iter().find(|file| file.id == newest.file);
    let span = declared.and_then(|file| version_of(file, &newest.slug));
    let text = project.sources.get(newest.file).map(|source| &*source.text);
    let (Some(span), Some(text)) = (span, text) else {
        return Err(Failure::new(format!("`{}action.admit` does not say its version", newest.folder))
            .help("`admit check` says what is wrong with it"));
    };
    for (name, bytes) in &mut copies {
        if name == "action.admit" {
            *bytes = replaced(text, vec![(span, format!("\"{next}\""))]).into_bytes();
        }
    }
    Ok(copies)
}

fn version_of(file: &File, slug: &str) -> Option<Span> {
    file.items.iter().find_map(|item| match &item.kind {
        ItemKind::Action(action) if action.name.text == slug => action.clauses.iter().find_map(|clause| match clause {
            ActionClause::Version(text) => Some(text.span),
            _ => None,
        }),
        _ => None,
    })
}

/// Every file below a folder; links are not followed.
fn collect(folder: &Path, below: &str, found: &mut Vec<(String, Vec<u8>)>) -> Result<(), Failure> {
    const DEEPEST: usize = 16;
    let fail = |error| Failure::io("read", folder.display(), error);
    for entry in fs::read_dir(folder).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let kind = entry.file_type().map_err(fail)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') || name == "node_modules" {
            continue;
        }
        let name = format!("{below}{name}");
        if kind.is_dir() && name.matches('/').count() < DEEPEST {
            collect(&entry.path(), &format!("{name}/"), found)?;
        } else if kind.is_file() {
            found.push((name, files::read(&entry.path())?));
        } else {
            return Err(Failure::new(format!("`{}` is not a regular file", entry.path().display())));
        }
    }
    found.sort();
    Ok(())
}

/// Files to write, with the flows in them that pin the version now.
type Pins = BTreeMap<String, (String, BTreeSet<String>)>;

fn pins(args: &Args, project: &Project, next: &Version) -> Result<Pins, Failure> {
    let mut changes: BTreeMap<FileId, Vec<(Span, String)>> = BTreeMap::new();
    let mut flows: BTreeMap<FileId, BTreeSet<String>> = BTreeMap::new();
    let mut pinned = BTreeSet::new();
    places::for_each(project, &mut |flow, run| {
        let name = flow.name.text.as_str();
        if run.slug.text == args.slug && (args.pin_all || args.pin.iter().any(|wanted| wanted == name)) {
            let span = run.version.span;
            changes.entry(span.file).or_default().push((span, next.to_string()));
            flows.entry(span.file).or_default().insert(name.to_owned());
            pinned.insert(name.to_owned());
        }
    });
    if let Some(missing) = args.pin.iter().find(|name| !pinned.contains(*name)) {
        return Err(Failure::new(format!("no flow `{missing}` runs `{}`", args.slug))
            .help("name a flow that has a `run action` of it; nothing was changed"));
    }
    let mut files = Pins::new();
    for (id, changes) in changes {
        let Some(source) = project.sources.get(id) else { continue };
        files.insert(source.name.clone(), (replaced(&source.text, changes), flows.remove(&id).unwrap_or_default()));
    }
    Ok(files)
}
