//! `admit emit`, `graph`, `explain` and `eval`.

use crate::admit::{Folder, LOGIN};

#[test]
fn every_stage_of_a_flow_can_be_printed() {
    let folder = Folder::example("cymmetri");
    for (stage, says) in [("ast", "risk_evaluate"), ("typed", "bool"), ("plan", "fraud-gate"), ("clif", "function u0:")]
    {
        let done = folder.admit(&format!("emit {stage} login")).code(0).says(says);
        assert_eq!(folder.admit(&format!("emit {stage} login")).out, done.out, "{stage} is not the same twice");
        folder.admit(&format!("emit {stage} logon")).code(2).says("did you mean `login`?");
    }
    folder.admit("emit ast fraud-screening").code(0);
    folder.admit("emit plan fraud-screening").code(2).says("custom flows are inlined");
    folder.admit("emit bytes login").code(2);
    folder.admit("emit plan login --project nowhere").code(2);
}

#[test]
fn a_flow_is_drawn_in_three_forms() {
    let folder = Folder::example("cymmetri");
    folder.admit("graph login").code(0).says("flowchart TD").says("route-on-risk");
    folder.admit("graph login --to dot").code(0).says("digraph");
    let svg = folder.admit("graph login --to svg -o login.svg").code(0);
    assert_eq!(svg.out, "");
    assert!(folder.read("login.svg").starts_with("<svg"));
    folder.admit("graph fraud-screening").code(0);
    folder.admit("graph loginn").code(2).says("did you mean `login`?");
    folder.admit("graph login --to png").code(2);
    // A picture is drawn of what has findings, and they are said aside.
    let broken = Folder::project(&LOGIN.replace("verified ->", "verifed ->"));
    let done = broken.admit("graph login --format json").code(0).says("did you mean `verified`?");
    assert!(done.out.starts_with("flowchart"), "{}", done.out);
}

#[test]
fn every_code_is_explained() {
    let folder = Folder::new();
    let list = folder.admit("explain --format json").code(0).json();
    let codes = list["codes"].as_array().unwrap();
    assert!(codes.len() > 100, "{}", codes.len());
    for code in codes {
        let (id, title) = (code["code"].as_str().unwrap(), code["title"].as_str().unwrap());
        let page = folder.run(&["explain", id], b"", &[]).code(0).out;
        assert!(page.starts_with(&format!("# {id}: {title}\n")), "{id}: {page}");
        assert!(page.len() > id.len() + title.len() + 40, "{id} explains nothing");
    }
    assert_eq!(folder.admit("explain").code(0).out.lines().count(), codes.len());
    folder.admit("explain a0107").code(0).says("# A0107");
    folder.admit("explain A9999").code(2).says("there is no code `A9999`");
}

#[test]
fn expressions_give_their_value_or_why_not() {
    let folder = Folder::new();
    folder.write("b.json", r#"{"n": 2, "user": {"groups": ["staff"]}}"#);
    for (expr, value) in [
        ("1 + 2", "3\n"),
        ("\"a\".endsWith(\"a\") && 2 in [1, 2]", "true\n"),
        ("duration(\"90s\") > 1m", "true\n"),
        ("[1, 2.5, \"\\u202e\"]", "[1,2.5,\"\\u202e\"]\n"),
    ] {
        assert_eq!(folder.run(&["eval", expr], b"", &[]).code(0).out, value);
    }
    let bound = folder.run(&["eval", "n + 1 == 3 && \"staff\" in user.groups", "--bindings", "b.json"], b"", &[]);
    assert_eq!(bound.code(0).out, "true\n");
    let typed = folder.run(&["eval", "1 + 2", "--format", "json"], b"", &[]).code(0).json();
    assert_eq!(typed, serde_json::json!({ "type": "int", "value": 3 }));
    folder.run(&["eval", "1 +"], b"", &[]).code(1).says("A0001");
    folder.run(&["eval", "1 + \"a\""], b"", &[]).code(1).says("error[A01");
    folder.run(&["eval", "x"], b"", &[]).code(1).says("there is no variable `x`");
    folder.run(&["eval", "1 / 0"], b"", &[]).code(1).says("division by zero");
    let failed = folder.run(&["eval", "1 / 0", "--format", "json"], b"", &[]).code(1).json();
    assert!(failed["error"].as_str().unwrap().contains("division by zero"));
    folder.run(&["eval", &"(".repeat(100_000)], b"", &[]).code(1).says("A0006");
    folder.admit("eval").code(2);
    folder.admit("eval 1 --bindings nowhere.json").code(2);
    folder.write("b.json", r#"{"a": 1, "a": 2}"#);
    folder.admit("eval a --bindings b.json").code(2).says("occurs twice");
}

#[test]
fn a_file_of_cases_ends_with_how_many_passed() {
    let folder = Folder::new();
    let case = |value: i32| {
        format!(
            r#"[{{"expect": "value", "expr": "1 + 1", "file": "f", "name": "n", "needs_protobuf": false,
                "section": "s", "value": {{"int64_value": "{value}"}}}}]"#
        )
    };
    folder.write("good.json", case(2));
    folder.write("bad.json", case(3));
    folder.admit("eval --cases good.json").code(0).says("0 fell back").says("1 passed, 0 failed");
    folder.admit("eval --cases bad.json").code(1).says("0 passed, 1 failed");
    folder.write("bad.json", "nonsense");
    folder.admit("eval --cases bad.json").code(2).says("`bad.json`");
}
