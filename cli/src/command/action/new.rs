//! `admit action new`: a declaration and a source to start from, as they stand in a project.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use admit_compiler::ast::{ActionClause, ActionDecl, ItemKind};
use admit_compiler::library::{Library, Template};
use admit_compiler::nearest::nearest;
use admit_compiler::source::Span;
use admit_plan::names::is_slug;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::note;
use crate::project;

/// Arguments of `admit action new`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The Action's name: lower-case letters and digits, parts joined by `-`
    slug: String,
    /// What it starts from: a template's name, or `empty`
    #[arg(long, value_name = "NAME", default_value = "empty")]
    template: String,
    /// Where it may run, as in login.post-auth; may be given several times
    #[arg(long, value_name = "FLOW.STAGE")]
    trigger: Vec<String>,
    /// JavaScript instead of TypeScript
    #[arg(long)]
    js: bool,
    /// The project's folder
    #[arg(long, value_name = "PATH", default_value = ".")]
    project: PathBuf,
}

/// The version that an Action starts with.
const FIRST: &str = "1.0.0";
/// What no template is called.
const EMPTY: &str = "empty";
const TRIGGER: &str = "login.post-auth";
const TYPESCRIPT: &str = include_str!("skeleton.ts");
const JAVASCRIPT: &str = include_str!("skeleton.js");

/// Makes the files. An Action of the name that is there already is left alone.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let slug = args.slug.as_str();
    if !is_slug(slug) {
        return Err(Failure::new(format!("`{slug}` is no name of an Action"))
            .help("use lower-case letters and digits, parts joined by `-`, as in `tag-corporate`"));
    }
    let root = root(&args.project)?;
    let actions = root.join("actions").join(slug);
    if actions.symlink_metadata().is_ok() {
        return Err(Failure::new(format!("there is an Action `{slug}` already"))
            .help(format!("`admit action bump {slug}` starts its next version")));
    }
    let library = project::standard_library()?;
    for trigger in &args.trigger {
        known_trigger(&library, trigger)?;
    }
    let made = if args.template == EMPTY { empty(args) } else { from_template(args, &library)? };
    let folder = actions.join(FIRST);
    for (name, text) in &made {
        write_new(&folder.join(name), text.as_bytes())?;
    }
    let names: Vec<String> = made.iter().map(|(name, _)| format!("actions/{slug}/{FIRST}/{name}")).collect();
    note(&format!("made {}\nnext: write `run action {slug}@{FIRST}` in a flow\n", names.join(", ")));
    Ok(Exit::Ok)
}

/// The project's folder, at the path or above it.
pub(super) fn root(path: &Path) -> Result<PathBuf, Failure> {
    files::project_root(path).ok_or_else(|| {
        Failure::new(format!("`{}` is no project: there is no `admit.toml` in it or above it", path.display()))
            .help("`admit new NAME` starts one")
    })
}

/// Writes a file that is not there yet, and the folders that it lies in.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| Failure::io("make", folder.display(), error))?;
    }
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(bytes)).map_err(|error| Failure::io("write", path.display(), error))
}

/// A text with some of its ranges replaced; none overlaps another.
pub(super) fn replaced(text: &str, mut changes: Vec<(Span, String)>) -> String {
    changes.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = text.to_owned();
    for (span, new) in changes {
        let range = span.start as usize..span.end as usize;
        if text.get(range.clone()).is_some() {
            text.replace_range(range, &new);
        }
    }
    text
}

fn empty(args: &Args) -> Vec<(String, String)> {
    let (source, text) = if args.js { ("action.js", JAVASCRIPT) } else { ("action.ts", TYPESCRIPT) };
    let triggers = if args.trigger.is_empty() { TRIGGER.to_owned() } else { args.trigger.join(", ") };
    let declaration = format!(
        "action {} {{\n  version \"{FIRST}\"\n  source \"{source}\"\n  triggers {triggers}\n  budget 1s\n}}\n",
        args.slug
    );
    vec![("action.admit".to_owned(), declaration), (source.to_owned(), text.to_owned())]
}

/// The newest version of a template under a name of its own.
fn from_template(args: &Args, library: &Library) -> Result<Vec<(String, String)>, Failure> {
    let wanted = args.template.as_str();
    let Some(template) = library.templates.iter().rfind(|template| template.file.slug == wanted) else {
        let mut names: Vec<&str> = library.templates.iter().map(|template| template.file.slug.as_str()).collect();
        names.dedup();
        let help = match nearest(wanted, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("templates are {}", names.join(", ")),
        };
        return Err(Failure::new(format!("there is no template `{wanted}`")).help(help));
    };
    if args.js {
        return Err(Failure::new("templates are written in TypeScript").help("leave `--js` out, or start from `empty`"));
    }
    let ItemKind::Action(declaration) = &template.item.kind else {
        return Err(Failure::new(format!("the template `{wanted}` declares no Action")));
    };
    let text = |id| library.sources.get(id).map_or("", |source| &*source.text);
    let changes = changes(args, declaration);
    let mut made = vec![("action.admit".to_owned(), replaced(text(template.file.file), changes))];
    made.extend(sources(template, library).map(|(name, id)| (name.to_owned(), text(id).to_owned())));
    Ok(made)
}

fn changes(args: &Args, declaration: &ActionDecl) -> Vec<(Span, String)> {
    let mut changes = vec![(declaration.name.span, args.slug.clone())];
    for clause in &declaration.clauses {
        match clause {
            ActionClause::Version(version) => changes.push((version.span, format!("\"{FIRST}\""))),
            ActionClause::Triggers(paths) => {
                if let ([first, ..], [.., last], false) = (paths.as_slice(), paths.as_slice(), args.trigger.is_empty())
                {
                    changes.push((first.span.to(last.span), args.trigger.join(", ")));
                }
            }
            ActionClause::Source(_)
            | ActionClause::Config(_)
            | ActionClause::Output(_)
            | ActionClause::Fetch(_)
            | ActionClause::Claims(_)
            | ActionClause::Secrets(_)
            | ActionClause::Effects(_)
            | ActionClause::Budget(_)
            | ActionClause::Enabled(..) => {}
        }
    }
    changes
}

fn sources<'l>(
    template: &'l Template,
    library: &'l Library,
) -> impl Iterator<Item = (&'l str, admit_compiler::source::FileId)> {
    let below = |path: &'l str| path.strip_prefix(template.file.folder.as_str());
    library.action_sources.iter().filter_map(move |(path, id)| Some((below(path)?, *id)))
}

fn known_trigger(library: &Library, trigger: &str) -> Result<(), Failure> {
    let known: Vec<String> = library
        .contracts
        .iter()
        .flat_map(|(flow, contract)| contract.stages.iter().map(move |stage| format!("{flow}.{}", stage.name)))
        .collect();
    if known.iter().any(|known| known == trigger) {
        return Ok(());
    }
    let help = match nearest(trigger, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("triggers are {}", known.join(", ")),
    };
    Err(Failure::new(format!("there is no trigger `{trigger}`")).help(help))
}
