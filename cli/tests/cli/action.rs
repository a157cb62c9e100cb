//! `admit action`: what it lists, what it makes, and that nothing that is there is overwritten.

use crate::admit::{Folder, LOGIN};

const MANIFEST: &str = "[project]\nname = \"x\"\ncatalogue = \"1\"\n";

/// A login with these steps below the password.
fn with(steps: &str) -> String {
    LOGIN.replace("stage post-auth {}", &format!("stage post-auth {{\n    {steps}\n  }}"))
}

fn folder(steps: &str) -> Folder {
    let folder = Folder::project(&with(steps));
    folder.write("admit.toml", MANIFEST);
    folder
}

#[test]
fn a_new_action_checks_builds_and_is_formatted() {
    for (args, source) in [("", "action.ts"), (" --js", "action.js")] {
        let folder = folder("run action tag@1.0.0");
        folder.admit(&format!("action new tag{args}")).code(0).says(&format!("actions/tag/1.0.0/{source}"));
        assert!(folder.read(&format!("actions/tag/1.0.0/{source}")).contains("execute"));
        folder.admit("check --deny warnings").code(0);
        folder.admit("fmt --check").code(0);
        folder.admit("build").code(0);
        folder.admit("emit plan login").code(0).says("runs tag@1.0.0 at login.post-auth");
    }
}

#[test]
fn every_template_can_be_made_the_projects_own() {
    let folder = folder("log_event { name: \"a.b\" }");
    let listed = folder.admit("action list --format json").code(0).json();
    let templates = listed["actions"].as_array().unwrap();
    assert!(templates.len() >= 10, "{listed}");
    for template in templates {
        let slug = template["slug"].as_str().unwrap();
        assert_eq!(template["kind"], "template");
        folder.admit(&format!("action new my-{slug} --template {slug}")).code(0);
    }
    folder.admit("check").code(0);
    folder.admit("fmt --check").code(0);
    let listed = folder.admit("action list --format json").code(0).json();
    let mine = listed["actions"].as_array().unwrap().iter().filter(|action| action["kind"] == "custom");
    assert_eq!(mine.count(), templates.len());
}

#[test]
fn a_new_action_runs_at_the_triggers_that_are_named() {
    let folder = folder("log_event { name: \"a.b\" }");
    folder.admit("action new tag --trigger login.pre-login --trigger login.post-auth").code(0);
    assert!(folder.read("actions/tag/1.0.0/action.admit").contains("triggers login.pre-login, login.post-auth\n"));
    folder.admit("action new risk --template block-by-risk-score --trigger login.post-login").code(0);
    assert!(folder.read("actions/risk/1.0.0/action.admit").contains("triggers login.post-login\n"));
    folder.admit("action new other --trigger login.pre-auth").code(2).says("did you mean `login.p");
    assert!(!folder.file("actions/other").exists());
}

#[test]
fn what_cannot_be_made_is_said_and_changes_nothing() {
    let folder = folder("log_event { name: \"a.b\" }");
    folder.admit("action new tag").code(0);
    let before = folder.read("actions/tag/1.0.0/action.ts");
    folder.write("actions/tag/1.0.0/action.ts", format!("{before}// mine\n"));
    folder.admit("action new tag").code(2).says("there is an Action `tag` already").says("admit action bump tag");
    assert!(folder.read("actions/tag/1.0.0/action.ts").ends_with("// mine\n"));
    for name in ["Tag", "a_b", "../x", "a--b", "1a", ""] {
        folder.run(&["action", "new", "--", name], b"", &[]).code(2).says("is no name of an Action");
    }
    folder.admit("action new x --template domain-allowlst").code(2).says("did you mean `domain-allowlist`?");
    folder.admit("action new x --template domain-allowlist --js").code(2).says("TypeScript");
    let nowhere = Folder::new();
    nowhere.admit("action new tag").code(2).says("is no project");
    assert!(std::fs::read_dir(nowhere.path()).unwrap().next().is_none());
}

#[test]
fn the_list_says_what_runs_where() {
    let folder =
        folder("run action tag@1.0.0\n    run action tag@1.0.0 as again\n    run action block-by-risk-score@1.0.0");
    folder.admit("action new tag").code(0);
    folder.admit("action bump tag --minor").code(0);
    folder.replace("actions/tag/1.1.0/action.admit", "budget 1s", "enabled false");
    let table = folder.admit("action list").code(0).out;
    let row = |start: &str| {
        let line = table.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{start}: {table}"));
        line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(row("name"), ["name", "kind", "version", "enabled", "attached", "triggers"]);
    assert_eq!(row("tag "), ["tag", "custom", "1.0.0", "yes", "2", "login.post-auth"]);
    assert!(table.contains("1.1.0    no       0"), "{table}");
    assert_eq!(row("block-by-risk-score")[..5], ["block-by-risk-score", "template", "1.0.0", "yes", "1"]);
    assert_eq!(row("slack-notify")[4], "0");
    let listed = folder.admit("action list --format json").code(0).json();
    let tag = listed["actions"].as_array().unwrap().iter().find(|action| action["slug"] == "tag").unwrap();
    assert_eq!(tag["attached"], 2);
    assert_eq!(tag["versions"][1]["version"], "1.1.0");
    assert_eq!(tag["versions"][1]["enabled"], false);
    assert_eq!(tag["versions"][0]["triggers"][0], "login.post-auth");
}

#[test]
fn a_next_version_changes_no_flow_before_one_pins_it() {
    let folder = folder("run action tag@1.0.0");
    folder.admit("action new tag").code(0);
    folder.write("actions/tag/1.0.0/lib/more.ts", "export const more = 1\n");
    folder.replace("actions/tag/1.0.0/action.ts", "import type", "import { more } from \"./lib/more\"\nimport type");
    folder.replace("actions/tag/1.0.0/action.ts", "input.trigger", "input.trigger + more");
    let hash =
        |folder: &Folder| folder.admit("build --format json").code(0).json()["hash"].as_str().unwrap().to_owned();
    let before = (folder.read("flows/login.admit"), hash(&folder));
    folder.admit("action bump tag").code(0).says("made actions/tag/1.0.1 from 1.0.0").says("tag@1.0.1");
    assert_eq!(folder.read("actions/tag/1.0.1/lib/more.ts"), "export const more = 1\n");
    assert!(folder.read("actions/tag/1.0.1/action.admit").contains("version \"1.0.1\""));
    assert!(folder.read("actions/tag/1.0.0/action.admit").contains("version \"1.0.0\""));
    folder.replace("actions/tag/1.0.1/lib/more.ts", "1", "2");
    assert_eq!((folder.read("flows/login.admit"), hash(&folder)), before);
    folder.admit("action bump tag --major --pin login").code(0).says("pinned 2.0.0 in flows/login.admit: login");
    assert!(folder.read("flows/login.admit").contains("run action tag@2.0.0"));
    folder.admit("check").code(0);
    assert_ne!(hash(&folder), before.1);
}

#[test]
fn pins_are_rewritten_where_they_stand_and_nowhere_else() {
    let steps =
        "// run action tag@1.0.0\n    run action tag@1.0.0 as old\n    run action other@1.0.0\n    run flow gate";
    let folder = folder(steps);
    folder.write(
        "flows/gate.admit",
        "custom flow gate {\n  stage s {\n    decision d {\n      when event.request.asn.is_tor -> tor { run action tag@1.0.0 }\n      default -> other\n    }\n    allow\n  }\n}\n",
    );
    folder.admit("action new tag").code(0);
    folder.admit("action new other").code(0);
    folder.admit("action bump tag --version 3.0.0-rc.1 --pin gate").code(0);
    assert!(folder.read("flows/gate.admit").contains("tag@3.0.0-rc.1"));
    assert!(folder.read("flows/login.admit").contains("run action tag@1.0.0 as old"));
    folder.admit("action bump tag --pin-all").code(0).says("3.0.0");
    let login = folder.read("flows/login.admit");
    assert!(
        login.contains("// run action tag@1.0.0\n    run action tag@3.0.0 as old\n    run action other@1.0.0"),
        "{login}"
    );
    assert!(folder.read("flows/gate.admit").contains("tag@3.0.0 "));
    folder.admit("check").code(0);
}

#[test]
fn a_bump_that_cannot_be_is_said_and_changes_nothing() {
    let folder = folder("run action tag@1.0.0");
    folder.admit("action new tag").code(0);
    let flow = folder.read("flows/login.admit");
    for (args, says) in [
        ("tga", "there is no Action `tga`"),
        ("slack-notify", "is a template"),
        ("tag --version 1.0.0", "does not come after `1.0.0`"),
        ("tag --version 0.9.0", "does not come after `1.0.0`"),
        ("tag --version 1.2", "invalid value"),
        ("tag --major --minor", "cannot be used with"),
        ("tag --pin gate", "no flow `gate` runs `tag`"),
        ("tag --pin login gate", "no flow `gate` runs `tag`"),
    ] {
        folder.admit(&format!("action bump {args}")).code(2).says(says);
        assert_eq!(folder.read("flows/login.admit"), flow, "{args}");
        assert_eq!(std::fs::read_dir(folder.file("actions/tag")).unwrap().count(), 1, "{args}");
    }
}
