//! `admit explain CODE`: what a finding means, with an example that raises it and one that does not.

use admit_compiler::codes;
use serde_json::json;

use crate::failure::{Exit, Failure};
use crate::output::{Output, print};

/// Arguments of `admit explain`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The code, as in `A0107`; without one, every code with its title
    code: Option<String>,
}

/// Prints the page of one code, or the list of all.
pub fn run(args: Args, output: &Output) -> Result<Exit, Failure> {
    match args.code {
        None => list(output),
        Some(code) => page(&code.to_ascii_uppercase(), output)?,
    }
    Ok(Exit::Ok)
}

fn list(output: &Output) {
    if output.human() {
        let lines: String = codes::all().map(|code| format!("{}  {}\n", code.id, code.title)).collect();
        print(&lines);
    } else {
        let list: Vec<_> = codes::all().map(|code| json!({ "code": code.id, "title": code.title })).collect();
        print(&format!("{}\n", json!({ "codes": list })));
    }
}

fn page(id: &str, output: &Output) -> Result<(), Failure> {
    let code = codes::all().find(|code| code.id == id).ok_or_else(|| {
        let near = codes::all().map(|code| code.id).min_by_key(|known| strsim::levenshtein(known, id));
        let help = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        Failure::new(format!("there is no code `{id}`")).help(format!("{help}`admit explain` lists them all"))
    })?;
    if output.human() {
        print(code.page);
    } else {
        print(&format!("{}\n", json!({ "code": code.id, "title": code.title, "explanation": code.page })));
    }
    Ok(())
}
