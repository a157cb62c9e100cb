//! `admit new`: the new project checks, is formatted, passes its tests, builds and runs.

use crate::admit::Folder;

#[test]
fn a_new_project_goes_all_the_way() {
    let folder = Folder::new();
    folder.admit("new shop").code(0);
    let input = r#"{"identifier": "alice@example.com", "password": "correct horse battery staple"}"#;
    for (args, says) in [
        ("check shop", "no findings in 1 flow, 2 tests"),
        ("check --deny warnings shop", "no findings"),
        ("fmt --check shop", ""),
        ("test shop", "2 passed, 0 failed"),
        ("build shop -o shop.admitplan", "shop.admitplan (1 flow, "),
    ] {
        folder.admit(args).code(0).says(says);
    }
    let run = "run login --project shop --event shop/events/login.json --users shop/users.jsonl --database memory";
    folder.with(&format!("{run} --input -"), input, &[]).code(0).says("outcome: session");
    assert!(!folder.file("shop/admit.db").exists(), "a database in memory left a file");
}

#[test]
fn a_folder_that_holds_anything_is_left_alone() {
    let folder = Folder::new();
    folder.write("shop/keep", "mine");
    folder.admit("new shop").code(2).says("`shop` is not empty");
    assert_eq!(std::fs::read_dir(folder.file("shop")).unwrap().count(), 1);
    for name in ["Shop", "a_b", "-", "..", "1a", "a--b"] {
        folder.run(&["new", "--", name], b"", &[]).code(2).says("is not a project name");
    }
    folder.admit("new").code(2);
}
