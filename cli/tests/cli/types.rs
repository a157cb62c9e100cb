//! `admit types`: what it writes, compares and prints; and scripts as findings of `admit check`.

use std::path::Path;

use crate::admit::Folder;

/// A project with one Action that uses everything there is.
fn typed() -> Folder {
    let folder = Folder::new();
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/types/project");
    crate::admit::copy(&project, folder.path());
    folder
}

const SAMPLE: &str = "actions/sample/1.0.0";

#[test]
fn types_are_written_beside_the_sources_and_compared() {
    let folder = typed();
    folder.admit("check --deny warnings").code(0);
    let missing = folder.admit("types --check").code(1);
    assert!(missing.out.contains("types.d.ts` is not there"), "{}", missing.out);
    let first = folder.admit("types").code(0);
    assert!(
        first
            .out
            .contains(&format!("wrote {SAMPLE}/types.d.ts\nwrote {SAMPLE}/tsconfig.json\nwrote actions/tsconfig.json"))
    );
    assert!(folder.admit("types").code(0).out.contains(&format!("unchanged {SAMPLE}/types.d.ts")));
    folder.admit("types --check").code(0);
    // What is generated is no part of the project.
    folder.admit("check --deny warnings").code(0);
    folder.replace(&format!("{SAMPLE}/action.admit"), "\"enterprise\" = \"free\"", "\"paid\" = \"free\"");
    let stale = folder.admit("types --check").code(1);
    assert!(stale.out.contains("types.d.ts` is not up to date") && !stale.out.contains("tsconfig"), "{}", stale.out);
}

#[test]
fn files_of_others_stay_as_they_are() {
    let folder = typed();
    let own = format!("{SAMPLE}/tsconfig.json");
    folder.write(&own, "{}\n");
    folder.admit("types").code(0).says("is your own");
    assert_eq!(folder.read(&own), "{}\n");
    folder.admit("types --check").code(0);
    folder.write(&format!("{SAMPLE}/types.ts"), "export type A = 1\n");
    folder.admit("types").code(2).says("stands where the types go");
}

#[test]
fn types_elsewhere_name_the_sources() {
    let folder = typed();
    folder.admit("types --out build/types").code(0);
    let config = folder.read(&format!("build/types/{SAMPLE}/tsconfig.json"));
    assert!(config.contains(&format!("\"rootDirs\": [\".\", \"../../../../../{SAMPLE}\"]")), "{config}");
    assert!(!folder.file(&format!("{SAMPLE}/types.d.ts")).exists());
}

#[test]
fn schemas_are_one_document_with_the_templates_of_the_library() {
    let folder = typed();
    let schemas = folder.admit("types --json-schema").code(0).json();
    let most = &schemas["sample@1.0.0"]["properties"]["most"];
    assert_eq!(*most, serde_json::json!({ "type": "integer", "minimum": 0, "maximum": 100, "default": 80 }));
    assert!(schemas["domain-allowlist@1.0.0"]["required"].as_array().unwrap().contains(&"domains".into()));
    folder.admit("types --json-schema --out forms").code(0);
    folder.admit("types --json-schema --out forms --check").code(0);
    assert!(folder.read(&format!("forms/{SAMPLE}/config.schema.json")).contains("2020-12"));
}

#[test]
fn a_project_that_is_broken_has_no_types_but_a_script_may_be() {
    let folder = typed();
    folder.write(&format!("{SAMPLE}/action.ts"), "export function execute( {\n");
    let found = folder.admit("check --format json").code(1).json();
    assert_eq!(found["diagnostics"][0]["code"], "A0950");
    assert_eq!(found["diagnostics"][0]["path"], format!("{SAMPLE}/action.ts"));
    folder.admit("build").code(1).says("A0950");
    folder.admit("types").code(0);
    folder.replace("flows/login.admit", "risk_evaluate as risk", "risk_evalute as risk");
    folder.admit("types").code(1).says("risk_evaluate");
}

#[test]
fn a_project_without_actions_has_nothing_to_type() {
    let folder = Folder::example("step-up-mfa-on-risk");
    folder.admit("types").code(0).says("no Actions of its own");
}
