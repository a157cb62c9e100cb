//! From the steps of a case to a plan: the library with contracts that ask for nothing, and one flow of one stage.

use admit_compiler::library::Library;
use admit_compiler::project::Project;
use admit_compiler::{check, lower};
use admit_plan::verify::{self, Verified};

const TERMINALS: [&str; 4] = ["allow", "finalize", "issue_session", "issue_tokens"];

/// The declarations of the standard library. Of each contract stay trigger and input.
pub fn library() -> Library {
    let declared =
        |block: &str| admit_stdlib::SOURCES.iter().any(|(name, _)| name.ends_with(&format!("/{block}.admit")));
    let ends: Vec<&str> = TERMINALS.into_iter().filter(|block| declared(block)).collect();
    let files: Vec<(String, String)> = admit_stdlib::SOURCES
        .iter()
        .filter(|(_, text)| !text.contains("system flow "))
        .map(|(name, text)| ((*name).to_owned(), relaxed(text, &ends.join(", "))))
        .collect();
    let (library, faults) = Library::load(&files);
    assert!(faults.is_empty(), "{faults:?}");
    library
}

fn relaxed(text: &str, ends: &str) -> String {
    let Some(at) = text.find("\ncontract ") else { return text.to_owned() };
    let (head, body) = text[at + 1..].split_once('{').unwrap();
    let input = match body.find("input {") {
        None => "",
        Some(from) => &body[from..=from + body[from..].find("\n  }").unwrap() + 3],
    };
    let needs = if body.contains("needs session") { "needs session" } else { "" };
    format!("{head}{{\n  {input}\n  {needs}\n  stage main\n  ends {ends}\n}}\n")
}

/// The plan of the steps as the flow's one stage, in a project that has these files too.
pub fn plan(library: &Library, flow: &str, steps: &str, more: &[(String, String)]) -> Result<Verified, String> {
    let text = format!("system flow {flow} {{\n  stage main {{\n{steps}\n  }}\n}}\nsecret test-secret\n");
    let mut files = vec![("case.admit".to_owned(), text.into_bytes())];
    files.extend(more.iter().map(|(name, text)| (name.clone(), text.clone().into_bytes())));
    let (project, mut faults) = Project::read(library, &files);
    let checked = check::check(&project, library);
    faults.extend(checked.diagnostics.iter().cloned());
    let errors: Vec<String> = faults
        .iter()
        .filter(|fault| fault.level == admit_compiler::diagnostic::Level::Error)
        .map(|fault| format!("{} {}", fault.code, fault.message))
        .collect();
    if !errors.is_empty() {
        return Err(errors.join("; "));
    }
    let units = admit_script::units(&project, &checked);
    let (scripts, found) = admit_script::compile(&units, &project.sources, &project.action_sources);
    if !found.is_empty() {
        return Err(format!("{found:?}"));
    }
    let bundle = lower::build(&project, library, &checked, &scripts).map_err(|faults| format!("{faults:?}"))?;
    verify::verify(bundle).map_err(|refusal| refusal.to_string())
}
