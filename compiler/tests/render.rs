//! Every output format says the same of the same finding, in its own form, and lets nothing dangerous through.

use admit_compiler::diagnostic::{Diagnostic, Label, Level};
use admit_compiler::render::{Format, render};
use admit_compiler::source::{Sources, Span};

fn sample() -> (Vec<Diagnostic>, Sources) {
    let mut sources = Sources::default();
    let file = sources.add("flows/a,b.admit", "stage é { mfaa }\n  when x\n");
    let at = |start, end| Span { file, start, end };
    let error = Diagnostic {
        code: "A0201",
        level: Level::Error,
        message: "there is no block `mfaa`".into(),
        primary: Label { span: at(11, 15), message: "not a block".into() },
        secondary: vec![Label { span: at(20, 24), message: "needed here".into() }],
        help: vec!["did you mean `mfa`?".into()],
    };
    let warning = Diagnostic {
        code: "A0301",
        level: Level::Warning,
        message: "50% sure".into(),
        primary: Label { span: at(20, 24), message: String::new() },
        secondary: vec![],
        help: vec![],
    };
    (vec![warning, error], sources)
}

fn rendered(format: Format) -> String {
    let (diagnostics, sources) = sample();
    render(format, &diagnostics, &sources, false)
}

#[test]
fn people_see_the_excerpt_the_labels_and_the_help() {
    let text = rendered(Format::Human);
    for wanted in [
        "error[A0201]: there is no block `mfaa`",
        "flows/a,b.admit:1:11",
        "^^^^ not a block",
        "---- needed here",
        "help: did you mean `mfa`?",
        "1 error, 1 warning",
    ] {
        assert!(text.contains(wanted), "no `{wanted}` in\n{text}");
    }
    assert!(!text.contains('\u{1b}'));
}

#[test]
fn colours_only_where_asked_for() {
    let (diagnostics, sources) = sample();
    assert!(render(Format::Human, &diagnostics, &sources, true).contains("\u{1b}[0;1;31m"));
}

#[test]
fn json_counts_lines_and_columns_from_one_in_characters() {
    let json: serde_json::Value = serde_json::from_str(&rendered(Format::Json)).unwrap();
    let error = &json["diagnostics"][1];
    assert_eq!(error["code"], "A0201");
    assert_eq!(
        (error["line"].as_u64(), error["column"].as_u64(), error["end_column"].as_u64()),
        (Some(1), Some(11), Some(15))
    );
    assert_eq!(error["labels"][0]["line"], 2);
    assert_eq!(error["help"][0], "did you mean `mfa`?");
}

#[test]
fn github_commands_put_errors_first_and_escape_properties() {
    let text = rendered(Format::Github);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "::error file=flows/a%2Cb.admit,line=1,col=11,endLine=1,endColumn=15,title=A0201::there is no block `mfaa`%0Ahelp: did you mean `mfa`?",
            "::warning file=flows/a%2Cb.admit,line=2,col=3,endLine=2,endColumn=7,title=A0301::50%25 sure",
        ]
    );
}

#[test]
fn sarif_fingerprints_do_not_move_with_the_line() {
    let fingerprint = |before: &str| {
        let mut sources = Sources::default();
        let file = sources.add("f.admit", format!("{before}bad line\n"));
        let start = u32::try_from(before.len()).unwrap();
        let mut finding = sample().0.remove(1);
        finding.primary.span = Span { file, start, end: start + 3 };
        finding.secondary.clear();
        let log: serde_json::Value = serde_json::from_str(&render(Format::Sarif, &[finding], &sources, false)).unwrap();
        assert_eq!(log["version"], "2.1.0");
        assert_eq!(log["runs"][0]["results"][0]["ruleId"], "A0201");
        log["runs"][0]["results"][0]["partialFingerprints"]["primaryLocationLineHash"].clone()
    };
    assert_eq!(fingerprint(""), fingerprint("// one more line\n\n"));
}

#[test]
fn junit_fails_errors_and_passes_where_there_is_nothing() {
    let text = rendered(Format::Junit);
    assert!(text.contains("tests=\"2\"") && text.contains("failures=\"1\""), "{text}");
    assert!(render(Format::Junit, &[], &Sources::default(), false).contains("no findings"));
}

#[test]
fn t25_nothing_in_source_name_or_message_steers_the_terminal() {
    let evil = "\u{1b}]52;c;eA==\u{7}\u{202e}\u{9b}2J\r";
    let mut sources = Sources::default();
    let file = sources.add(format!("f{evil}.admit"), format!("a {evil} b\nnext\n"));
    let label = Label { span: Span { file, start: 0, end: 4 }, message: evil.into() };
    let finding = Diagnostic {
        code: "A0001",
        level: Level::Error,
        message: evil.into(),
        primary: label.clone(),
        secondary: vec![label],
        help: vec![evil.into()],
    };
    for format in [Format::Human, Format::Json, Format::Sarif, Format::Github, Format::Junit] {
        let text = render(format, std::slice::from_ref(&finding), &sources, false);
        let bad = text
            .chars()
            .find(|c| *c != '\n' && *c != '\t' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(c)));
        assert_eq!(bad, None, "{format:?}: {text:?}");
    }
}

#[test]
fn a_line_of_megabytes_is_not_shown() {
    let text = format!("param a: int = 1\n{}", "b".repeat(1 << 20));
    let found = admit_compiler::parse::parse(admit_compiler::source::FileId(0), &text).diagnostics;
    let mut sources = admit_compiler::source::Sources::default();
    sources.add("flows/a.admit", text);
    let shown = admit_compiler::render::render(admit_compiler::render::Format::Human, &found, &sources, false);
    assert!(!found.is_empty() && shown.len() < 2_000, "{} bytes", shown.len());
    assert!(shown.contains("flows/a.admit:"), "{shown}");
}
