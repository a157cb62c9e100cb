//! The Actions that the product's pages print run as they stand there, with the outcomes that the pages describe.

use std::path::{Path, PathBuf};

use crate::admit::Folder;

/// A page of the shared data, if that is there.
fn page(name: &str) -> Option<String> {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared");
    let shared = std::env::var_os("ADMIT_SHARED").map_or_else(beside, PathBuf::from);
    let text = std::fs::read_to_string(shared.join("seeds").join(name)).ok();
    if text.is_none() {
        println!("1 case did not run: there is no `seeds/{name}` in {}", shared.display());
    }
    text
}

/// The pages lost their line ends; nothing else may differ.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect()
}

const ACTION: &str = "actions/employees-only/1.0.0/action.js";
const RUN: &str = "run login --event events/office.json --users users.jsonl --database memory --input";

#[test]
fn the_minimal_skeleton_lets_employees_in_and_tells_others_why() {
    let Some(page) = page("000_6fbf481bb14bffea.txt") else { return };
    let folder = Folder::example("domain-allowlist-action");
    let from = page.find("export async function execute(input)").unwrap();
    let printed = &page[from..from + page[from..].find("Authoring details").unwrap()];
    assert_eq!(squeezed(printed), squeezed(&folder.read(ACTION)));
    folder.admit(&format!("{RUN} inputs/alice.json")).code(0).says("outcome: session");
    let blocked = folder.admit(&format!("{RUN} inputs/bob.json")).code(1);
    blocked.says("outcome: deny domain_not_allowed").says("message: Sign-in is restricted to Cymmetri employees.");
}

#[test]
fn the_skeleton_of_the_editor_lets_everybody_in() {
    let Some(page) = page("001_b6ae8e55edf91534.txt") else { return };
    let folder = Folder::example("domain-allowlist-action");
    let from = page.find("// src/index.ts in the Action package").unwrap();
    let printed = &page[from..from + page[from..].find("\n}").unwrap() + 2];
    folder.write(ACTION, printed);
    for input in ["inputs/alice.json", "inputs/bob.json"] {
        folder.admit(&format!("{RUN} {input}")).code(0).says("outcome: session");
    }
    // The same text as TypeScript.
    folder.write("actions/employees-only/1.0.0/action.ts", printed);
    folder.replace("actions/employees-only/1.0.0/action.admit", "action.js", "action.ts");
    folder.admit(&format!("{RUN} inputs/bob.json")).code(0).says("outcome: session");
}

/// What the page on attaching says of errors, denials and disabled Actions.
#[test]
fn an_action_that_throws_denies_or_is_disabled_ends_as_the_page_says() {
    let folder = Folder::example("domain-allowlist-action");
    let with = |script: &str| folder.write(ACTION, script);
    let run = || folder.admit(&format!("{RUN} inputs/alice.json --trace"));
    with("export async function execute() { throw new Error('no such luck') }");
    run().code(1).says("employees-only  failed: Error: no such luck").says("outcome: error");
    with("export async function execute(event, api) { api.deny('flagged identity'); return }");
    let denied = run().code(1);
    assert!(denied.out.contains("outcome: deny"), "{}", denied.out);
    assert!(!denied.out.contains("message: flagged identity"), "{}", denied.out);
    with("export async function execute() { throw new Error('no such luck') }");
    folder.replace("flows/login.admit", "@1.0.0", "@1.0.0 on error continue");
    run().code(0).says("employees-only  failed: ").says("outcome: session");
    folder.replace("flows/login.admit", " on error continue", "");
    folder.replace("actions/employees-only/1.0.0/action.admit", "  triggers", "  enabled false\n  triggers");
    run().code(0).says("employees-only  skipped").says("outcome: session").says("A0286");
}
