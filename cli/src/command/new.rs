//! `admit new`: a project that checks, passes its tests and runs, to start from.

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::{Exit, Failure};
use crate::output::note;

/// Arguments of `admit new`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder to make; its last part is the project's name
    path: PathBuf,
}

/// What the new project holds: path and text, `NAME` for the project's name.
const FILES: [(&str, &str); 6] = [
    ("admit.toml", include_str!("new_project/admit.toml")),
    ("flows/login.admit", include_str!("new_project/login.admit")),
    ("tests/login.admit", include_str!("new_project/tests.admit")),
    ("events/login.json", include_str!("new_project/event.json")),
    ("users.jsonl", include_str!("new_project/users.jsonl")),
    ("README.md", include_str!("new_project/README.md")),
];

/// Makes the folder and its files. A folder that holds anything is left alone.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let name = project_name(&args.path)?;
    if fs::read_dir(&args.path).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Failure::new(format!("`{}` is not empty", args.path.display()))
            .help("name a folder that does not exist yet"));
    }
    for (path, text) in FILES {
        let target = args.path.join(path);
        let folder = target.parent().unwrap_or(&args.path);
        fs::create_dir_all(folder).map_err(|error| Failure::io("make", folder.display(), error))?;
        fs::write(&target, text.replace("NAME", &name))
            .map_err(|error| Failure::io("write", target.display(), error))?;
    }
    note(&format!("made `{}`; next: cd {} && admit check && admit test\n", name, args.path.display()));
    Ok(Exit::Ok)
}

fn project_name(path: &Path) -> Result<String, Failure> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let part_ok =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    if name.starts_with(|first: char| first.is_ascii_lowercase()) && name.split('-').all(part_ok) {
        Ok(name.to_owned())
    } else {
        Err(Failure::new(format!("`{name}` is not a project name"))
            .help("use lower-case letters and digits, parts joined by `-`, as in `acme-login`"))
    }
}
