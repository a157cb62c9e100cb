//! The library: the standard declarations are sound, and each mistake in a declaration gives its one diagnostic.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

use admit_compiler::library::Library;
use admit_compiler::schema::Inner;
use admit_plan::code::Escape;
use admit_plan::types::Kind;

/// The standard library's declarations, from the workspace.
fn standard() -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../stdlib");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.ends_with("templates") {
                // Actions: a project's, not the library's.
            } else if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "admit") {
                let name = path.strip_prefix(&root).unwrap().display();
                files.push((format!("stdlib/{name}"), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

/// The codes and messages for one more file beside the standard ones.
fn findings(text: &str) -> Vec<String> {
    let mut files = standard();
    // A contract of the test's own takes the place of the standard one.
    files.retain(|(name, _)| !text.starts_with("contract") || !name.starts_with("stdlib/flows/"));
    files.push(("extension.admit".to_owned(), text.to_owned()));
    let (_, diagnostics) = Library::load(&files);
    diagnostics.iter().map(|found| format!("{} {}", found.code, found.message)).collect()
}

#[test]
fn the_standard_library_is_sound_and_says_what_the_designs_say() {
    let (library, diagnostics) = Library::load(&standard());
    assert_eq!(diagnostics, []);
    // A block's file has its name and nothing else in it.
    let files = standard();
    for (name, block) in &library.blocks {
        let file =
            files.iter().filter(|(file, _)| file.ends_with(&format!("/{name}.admit")) && !file.contains("/flows/"));
        assert_eq!(file.count(), 1, "{name}");
        assert!(!block.doc.is_empty(), "{name} has no text");
    }

    let webhook = library.block("call_webhook").unwrap();
    assert_eq!(webhook.output_field("body").unwrap().follows.as_deref(), Some("expect"));
    assert_eq!(webhook.config_field("url").unwrap().rules.escape, Some(Escape::Url));
    let Inner::Items(values) = &webhook.config_field("headers").unwrap().rules.inner else { panic!() };
    assert!(values.secret && values.escape == Some(Escape::Header));
    assert!(library.block("deny").unwrap().config_field("reason").unwrap().rules.constant);
    assert!(library.block("issue_session").unwrap().settles());

    let score = library.event.walk(&["authentication", "risk_score"]);
    assert!(score.last().unwrap().known.is_some());
    assert!(matches!(score.last().unwrap().ty.kind, Kind::Int(range) if range.max == Some(100)));
    let login = library.contract("login").unwrap();
    assert_eq!(login.milestones().count(), 3);
    let identifier = |event: &admit_compiler::schema::Event| event.walk(&["identifier"])[0].ty.kind.clone();
    assert!(matches!(identifier(&library.event), Kind::Optional(_)));
    assert_eq!(identifier(&library.event.under(Some(login))), Kind::String);
}

#[test]
fn each_mistake_in_a_declaration_has_one_diagnostic() {
    for (text, expected) in [
        ("param x: int = 1", "A0500 a library holds declarations only"),
        ("block allow in terminal { effects ends }", "A0501 the block `allow` is declared twice"),
        ("event { a: int }", "A0501 the event is declared twice"),
        ("block b in risk { output { x: int, x: bool } }", "A0502 the field `x` is declared twice"),
        ("block b in risk { output { x: \"a\" | \"a\" } }", "A0502 the word `a` stands twice"),
        ("block b in risk { output { x: strnig } }", "A0503 there is no type `strnig`"),
        ("block b in risk { output { x: lst(int) } }", "A0503 there is no type `lst`"),
        ("block b in risk { output { x: map(int) } }", "A0504 `map` takes two types: its keys' and its values', not 1"),
        ("block b in risk { output { x: list } }", "A0504 `list` needs to know what it holds"),
        (
            "block b in risk { output { x: map(double, int) } }",
            "A0504 a map's keys are of type `string`, `int`, `uint` or `bool`",
        ),
        (
            "block b in risk { output { x: optional(optional(int)) } }",
            "A0504 an optional of an optional says nothing more than an optional",
        ),
        (
            "block b in risk { output { x: int(5 .. 1) } }",
            "A0506 the range is empty: its first bound is above its last",
        ),
        ("block b in risk { output { x: int(0 .. 1.5) } }", "A0506 the bound is not an integer that is written out"),
        ("block b in risk { output { x: string(0 .. 1) } }", "A0506 `string` has no ranges"),
        ("block b in risk { output { x: { y: int = 1 } } }", "A0507 the field `y` of a record has no default"),
        (
            "block b in risk { output { x: url string } }",
            "A0508 the label `url` stands only before the type of a config field",
        ),
        ("block b in risk { config { x: url int } }", "A0508 `url` stands only before `string` or `dyn`"),
        ("block b in risk { effects reads  effects writes }", "A0509 the block `b` has two clauses `effects`"),
        ("block b in rsik { effects reads }", "A0510 there is no family `rsik`"),
        ("block b in risk { effects read }", "A0510 there is no effect `read`"),
        ("block b in risk { flows lgin }", "A0510 there is no system flow `lgin`"),
        ("block b in risk { takes event.user }", "A0510 a block takes fields of `input`"),
        ("block b in risk { sets event.user.emial }", "A0510 `user` has no field `emial`"),
        ("block b in risk { sets event.request.ip }", "A0510 blocks set only what the runtime owns of the event"),
        ("block b in risk { provides event.request }", "A0510 `request` is not known only when a block provides it"),
        (
            "block b in risk { output { x: int known when set } }",
            "A0511 `x` says when it is known, which only fields of the event do",
        ),
        ("block b in risk { timeout 0s }", "A0513 a block needs time: its timeout is zero"),
        ("block b in risk { effects prompts }", "A0513 `b` prompts, but does not say for what"),
        ("block b in risk { prompt { x: int } }", "A0513 `b` has a prompt, but not the effect `prompts`"),
        ("contract lgin on a.b { stage s  ends allow }", "A0514 there is no system flow `lgin`"),
        ("contract logout on a.b { stage s { milestone alow } ends allow }", "A0514 there is no block `alow`"),
        (
            "contract logout on a.b { stage s { milestone mfa factor } ends allow }",
            "A0514 `factor` is not true or false",
        ),
        ("contract logout on a.b { stage s { milestone mfa done } ends allow }", "A0514 `mfa` has no output `done`"),
        ("contract logout on a.b { stage s ends mfa }", "A0514 `mfa` ends no flow: it is not a terminal"),
    ] {
        assert_eq!(findings(text), [expected], "{text}");
    }
}

#[test]
fn the_defaults_of_the_event_are_those_of_its_reader() {
    let (_, diagnostics) =
        Library::load(&[("event.admit", "event { a: { b: int = 1, c: bool = false, d: bool = true } }")]);
    let codes: Vec<&str> = diagnostics.iter().map(|found| found.code).collect();
    assert_eq!(codes, ["A0512", "A0512"]);
}
