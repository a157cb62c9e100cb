//! `admit types`: what the Actions of a project see and may do, as TypeScript declarations beside their sources, and the
//! JSON Schema of their configs.

use std::path::{Component, Path, PathBuf};

use admit_compiler::diagnostic::Level;
use admit_compiler::typed::action::Kind;
use admit_compiler::typings::{self, View};

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, note, print};
use crate::project::{self, Loaded};

/// Arguments of `admit types`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's folder
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Write below this folder instead of beside the sources
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write nothing; exit with 1 if a file is not as it would be written
    #[arg(long)]
    check: bool,
    /// The JSON Schema of each config instead, templates of the standard library included; without --out, printed
    #[arg(long)]
    json_schema: bool,
}

/// A file that is to be there.
struct Wanted {
    path: PathBuf,
    text: String,
}

/// Writes, compares or prints.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.path)?;
    // A script may be broken while it is written; what stands around it may not, because the types come from that.
    let stands: Vec<_> = loaded.diagnostics.iter().filter(|found| !is_of_script(found.code)).cloned().collect();
    if stands.iter().any(|found| found.level == Level::Error) {
        output.diagnostics_aside(&stands, loaded.sources());
        return Ok(Exit::Findings);
    }
    let Some(root) = loaded.root.as_deref() else {
        return Err(Failure::new("a file by itself has no Actions").help("name a project's folder"));
    };
    let mut views = typings::views(&loaded.checked, &loaded.library);
    if args.json_schema {
        return schemas(args, &views);
    }
    views.retain(|view| view.action.kind == Kind::Custom);
    if views.is_empty() {
        note("the project has no Actions of its own\n");
        return Ok(Exit::Ok);
    }
    let wanted = declarations(args, &loaded, root, &views)?;
    if args.check { compare(&wanted) } else { write(&wanted, root) }
}

fn is_of_script(code: &str) -> bool {
    code.starts_with("A095") || code.starts_with("A096")
}

/// `types.d.ts` and `tsconfig.json` of each Action, and the `tsconfig.json` over all.
fn declarations(args: &Args, loaded: &Loaded, root: &Path, views: &[View<'_>]) -> Result<Vec<Wanted>, Failure> {
    let sources = root.join("actions");
    let actions = args.out.as_ref().map_or_else(|| sources.clone(), |out| out.join("actions"));
    let mut wanted = Vec::new();
    let mut folders = Vec::new();
    for view in views {
        let below = format!("{}/{}", view.action.slug, view.action.version);
        for taken in ["types.ts", "types.js"] {
            if loaded.project.action_sources.contains_key(format!("actions/{below}/{taken}").as_str()) {
                return Err(Failure::new(format!("`actions/{below}/{taken}` stands where the types go, `types.d.ts`"))
                    .help("call the module something else"));
            }
        }
        let folder = actions.join(&below);
        let source = if args.out.is_some() { relative(&folder, &sources.join(&below))? } else { ".".to_owned() };
        wanted.push(Wanted { path: folder.join("types.d.ts"), text: typings::declaration(view) });
        wanted.push(Wanted { path: folder.join("tsconfig.json"), text: typings::tsconfig(&source) });
        folders.push(format!("./{below}"));
    }
    wanted.push(Wanted { path: actions.join("tsconfig.json"), text: typings::tsconfig_of_all(&folders) });
    Ok(wanted)
}

fn schemas(args: &Args, views: &[View<'_>]) -> Result<Exit, Failure> {
    let Some(out) = &args.out else {
        if args.check {
            return Err(Failure::new("there is nothing to compare the schemas with").help("name a folder with --out"));
        }
        let schemas = views
            .iter()
            .map(|view| (format!("{}@{}", view.action.slug, view.action.version), typings::json_schema(view.action)));
        print(&pretty(&typings::Schema::Object(schemas.collect()))?);
        return Ok(Exit::Ok);
    };
    let mut wanted = Vec::new();
    for view in views {
        let below = Path::new("actions").join(&view.action.slug).join(view.action.version.to_string());
        let path = out.join(below).join("config.schema.json");
        wanted.push(Wanted { path, text: pretty(&typings::json_schema(view.action))? });
    }
    if args.check { compare(&wanted) } else { write(&wanted, out) }
}

fn pretty(schema: &typings::Schema) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(schema).map_err(|error| Failure::new(error.to_string()))?;
    Ok(text + "\n")
}

fn compare(wanted: &[Wanted]) -> Result<Exit, Failure> {
    let mut exit = Exit::Ok;
    for file in wanted {
        let there = if file.path.is_file() { Some(files::read(&file.path)?) } else { None };
        if there.as_deref() == Some(file.text.as_bytes()) || is_own(file, there.as_deref()) {
            continue;
        }
        let what = if there.is_some() { "is not up to date" } else { "is not there" };
        print(&format!("`{}` {what}\n", file.path.display()));
        exit = Exit::Findings;
    }
    if exit == Exit::Findings {
        note("help: `admit types` writes them\n");
    }
    Ok(exit)
}

fn write(wanted: &[Wanted], root: &Path) -> Result<Exit, Failure> {
    for file in wanted {
        let there = if file.path.is_file() { Some(files::read(&file.path)?) } else { None };
        let shown = file.path.strip_prefix(root).unwrap_or(&file.path).display();
        if is_own(file, there.as_deref()) {
            note(&format!("`{shown}` is your own, and stays as it is\n"));
            continue;
        }
        if there.as_deref() == Some(file.text.as_bytes()) {
            print(&format!("unchanged {shown}\n"));
            continue;
        }
        if let Some(folder) = file.path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| Failure::io("make", folder.display(), error))?;
        }
        files::write(&file.path, file.text.as_bytes())?;
        print(&format!("wrote {shown}\n"));
    }
    Ok(Exit::Ok)
}

/// A `tsconfig.json` that somebody else has written.
fn is_own(file: &Wanted, there: Option<&[u8]>) -> bool {
    file.path.ends_with("tsconfig.json") && there.is_some_and(|there| !there.starts_with(typings::MARK.as_bytes()))
}

/// The path to a folder from another, `/` between parts.
fn relative(from: &Path, to: &Path) -> Result<String, Failure> {
    let (from, to) = (plain(from)?, plain(to)?);
    let common = from.iter().zip(&to).take_while(|(left, right)| left == right).count();
    let up = from.iter().skip(common).map(|_| "..");
    Ok(up.chain(to.iter().skip(common).map(String::as_str)).collect::<Vec<_>>().join("/"))
}

/// The parts of a path from the root, without `.` and `..`.
fn plain(path: &Path) -> Result<Vec<String>, Failure> {
    let absolute = std::path::absolute(path).map_err(|error| Failure::io("find", path.display(), error))?;
    let mut parts = Vec::new();
    for part in absolute.components() {
        match part {
            Component::ParentDir => {
                parts.pop();
            }
            Component::CurDir => {}
            part => parts.push(part.as_os_str().to_string_lossy().into_owned()),
        }
    }
    Ok(parts)
}
