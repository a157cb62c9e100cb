//! `admit build`: the same bytes for the same sources, whole or not at all.

use std::fs;

use crate::admit::{Folder, LOGIN};

#[test]
fn the_same_sources_give_the_same_bytes() {
    let (one, two) = (Folder::project(LOGIN), Folder::new());
    one.write("flows/a.admit", "param a: int = 1\n");
    one.write("flows/b.admit", "param b: int = 2\n");
    // Written in another order, into another folder, beside files that do not count.
    two.write("flows/b.admit", "param b: int = 2\n");
    two.write("notes.txt", "mine");
    two.write("flows/a.admit", "param a: int = 1\n");
    two.write("flows/login.admit", LOGIN);
    two.write("admit.toml", one.read("admit.toml"));
    let bytes = |folder: &Folder| {
        let done = folder.admit("build").code(0);
        (fs::read(folder.file("bundle.admitplan")).unwrap(), done.out)
    };
    let (first, second) = (bytes(&one), bytes(&one));
    assert!(first == second && first == bytes(&two));
    one.replace("flows/a.admit", "= 1", "= 3");
    assert_ne!(first.1, bytes(&one).1);
}

#[test]
fn stripping_leaves_out_positions_and_texts() {
    let folder = Folder::example("cymmetri");
    let built = folder.admit("build --format json").code(0).json();
    let stripped = folder.admit("build --format json --strip -o s.admitplan").code(0).json();
    let size = stripped["bytes"].as_u64().unwrap();
    assert!(size < built["bytes"].as_u64().unwrap() && size < 2_000, "{size} bytes");
    assert_eq!(fs::metadata(folder.file("s.admitplan")).unwrap().len(), size);
    let bytes = fs::read(folder.file("s.admitplan")).unwrap();
    assert!(!String::from_utf8_lossy(&bytes).contains("flows/login.admit"));
}

#[test]
fn a_bundle_carries_the_javascript_of_the_actions_that_flows_pin() {
    let folder = Folder::project(&LOGIN.replace("stage post-auth {}", "stage post-auth { run action tag@1.2.0 }"));
    for (version, word) in [("1.2.0", "pinned"), ("1.3.0", "loose")] {
        let action = format!(
            "action tag {{\n  version  \"{version}\"\n  source   \"action.ts\"\n  triggers login.post-auth\n}}\n"
        );
        folder.write(&format!("actions/tag/{version}/action.admit"), action);
        let source = format!("export function execute(): void {{ console.log(\"{word}\") }}");
        folder.write(&format!("actions/tag/{version}/action.ts"), source);
    }
    folder.admit("build --strip").code(0);
    let bytes = fs::read(folder.file("bundle.admitplan")).unwrap();
    let bundle = String::from_utf8_lossy(&bytes);
    assert!(bundle.contains("pinned") && !bundle.contains("loose") && !bundle.contains(": void"));
}

#[test]
fn nothing_is_written_on_failure() {
    let folder = Folder::project(LOGIN);
    folder.write("bundle.admitplan", "old");
    folder.write("flows/a.admit", "param a: int = \"x\"\n");
    folder.admit("build").code(1);
    assert_eq!(folder.read("bundle.admitplan"), "old");
    folder.write("flows/a.admit", "");
    folder.admit("build -o no/such/folder/x").code(2).says("cannot write");
    folder.admit("build -o flows").code(2);
    folder.admit("build nowhere").code(2);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "something is left");
}
