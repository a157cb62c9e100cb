//! `admit doc`: the reference of blocks, of the event and of the system flows, from the declarations.

use std::path::PathBuf;

use admit_compiler::doc::{self, markdown, text};

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, print};
use crate::project;

/// Arguments of `admit doc`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A block; or `event`, `session`, `flow NAME`. Without one, all blocks
    #[arg(num_args = 0..=2, value_name = "NAME")]
    names: Vec<String>,
    /// List all blocks, a line each
    #[arg(long, conflicts_with_all = ["names", "json", "markdown"])]
    list: bool,
    /// Print the whole catalogue as JSON
    #[arg(long, conflicts_with_all = ["names", "markdown"])]
    json: bool,
    /// Write a page for each block and flow into a folder
    #[arg(long, value_name = "DIR", conflicts_with = "names")]
    markdown: Option<PathBuf>,
}

/// Prints or writes what was asked for.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let catalogue = doc::catalogue(&project::standard_library()?, admit_stdlib::PAGES);
    if let Some(folder) = &args.markdown {
        for (path, page) in markdown::pages(&catalogue).0 {
            files::write(&folder.join(path), page.as_bytes())?;
        }
        return Ok(Exit::Ok);
    }
    let names: Vec<&str> = args.names.iter().map(String::as_str).collect();
    if args.json || (names.is_empty() && !output.human()) {
        print(&json(&catalogue)?);
        return Ok(Exit::Ok);
    }
    let page = match names.as_slice() {
        [] => text::list(&catalogue),
        ["event"] => text::fields("event", &catalogue.event),
        ["session"] => text::fields("session", &catalogue.session),
        ["flow"] => {
            let lines = |flow: &doc::Contract| format!("{}  {}\n", flow.name, doc::first_sentence(&flow.doc));
            catalogue.flows.iter().map(lines).collect()
        }
        ["flow", name] => {
            let found = catalogue.flows.iter().find(|flow| flow.name == *name);
            let names = catalogue.flows.iter().map(|flow| flow.name.as_str());
            one(found, "system flow", name, names, output, text::flow)?
        }
        [name] => {
            // As users write it in `step.risk-evaluate`, too.
            let wanted = name.replace('-', "_");
            let wanted = match wanted.as_str() {
                "run_flow" => "run_custom_flow",
                "run_action" => "run_custom_action",
                other => other,
            };
            let found = catalogue.blocks.iter().find(|block| block.name == wanted);
            let names = catalogue.blocks.iter().map(|block| block.name.as_str());
            one(found, "block", name, names, output, text::block)?
        }
        _ => {
            return Err(Failure::new(format!("there is no page `{}`", names.join(" ")))
                .help("write `admit doc BLOCK`, `admit doc event`, `admit doc session` or `admit doc flow NAME`"));
        }
    };
    print(&page);
    Ok(Exit::Ok)
}

fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(error.to_string()))?;
    Ok(format!("{text}\n"))
}

/// The page of what was found, or a failure that names the nearest.
fn one<'a, T: serde::Serialize>(
    found: Option<&T>,
    what: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    output: &Output,
    page: impl Fn(&T) -> String,
) -> Result<String, Failure> {
    match found {
        Some(found) if output.human() => Ok(page(found)),
        Some(found) => json(found),
        None => {
            let wanted = name.replace('-', "_");
            let distance = |known: &str| strsim::levenshtein(&known.replace('-', "_"), &wanted);
            let near = known.min_by_key(|known| distance(known)).filter(|near| distance(near) < 4);
            let help =
                near.map_or_else(|| "`admit doc` lists them all".to_owned(), |near| format!("did you mean `{near}`?"));
            Err(Failure::new(format!("there is no {what} `{name}`")).help(help))
        }
    }
}
