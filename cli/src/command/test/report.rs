//! How tests went, in each format.

use admit_compiler::diagnostic::{Diagnostic, Label, Level};
use admit_compiler::render::{self, Format, sanitize};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::Ran;
use crate::output::{Output, print};
use crate::project::Loaded;
use crate::trace;

/// The code of a failed test in formats that want one. It is no finding of the compiler, so it has no page.
const FAILED: &str = "test-failed";

/// Prints all tests that ran.
pub fn print_report(ran: &[Ran<'_>], loaded: &Loaded, output: &Output, with_trace: bool) {
    match output.format {
        Format::Human => human(ran, loaded, output, with_trace),
        Format::Json => print(&format!("{}\n", json(ran, loaded))),
        Format::Junit => print(&junit(ran)),
        Format::Sarif | Format::Github => {
            print(&render::render(output.format, &findings(ran), loaded.sources(), false));
        }
    }
}

fn human(ran: &[Ran<'_>], loaded: &Loaded, output: &Output, with_trace: bool) {
    let mut text = String::new();
    for one in ran {
        let passed = one.result.passed();
        let mark = if passed { output.paint("32", "ok") } else { output.paint("1;31", "FAILED") };
        text.push_str(&format!("{mark}  {}: {}\n", one.test.flow, sanitize::line(&one.test.title)));
        if passed {
            continue;
        }
        let place = render::position::position(one.test.span, loaded.sources());
        text.push_str(&format!("      at {}:{}\n", place.path, place.line));
        for failure in &one.result.failures {
            text.push_str(&format!("      {}\n", sanitize::line(failure)));
        }
        if with_trace {
            for trace in &one.result.traces {
                text.push_str(&trace::human(trace, output));
            }
        }
    }
    let failed = ran.iter().filter(|one| !one.result.passed()).count();
    text.push_str(&format!("{} passed, {failed} failed\n", ran.len() - failed));
    print(&text);
}

fn json(ran: &[Ran<'_>], loaded: &Loaded) -> String {
    let tests: Vec<_> = ran
        .iter()
        .map(|one| {
            let place = render::position::position(one.test.span, loaded.sources());
            json!({
                "flow": one.test.flow.as_str(),
                "title": one.test.title,
                "path": place.path,
                "line": place.line,
                "passed": one.result.passed(),
                "failures": one.result.failures,
                "outcome": one.result.outcome.as_ref().map(|outcome| outcome.word()),
            })
        })
        .collect();
    let failed = ran.iter().filter(|one| !one.result.passed()).count();
    sanitize::json(&json!({ "tests": tests, "passed": ran.len() - failed, "failed": failed }))
}

fn junit(ran: &[Ran<'_>]) -> String {
    let mut suite = TestSuite::new("admit test");
    for one in ran {
        let status = if one.result.passed() {
            TestCaseStatus::success()
        } else {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(sanitize::lines(&one.result.failures.join("\n")));
            status
        };
        let mut case = TestCase::new(sanitize::line(&one.test.title), status);
        case.set_classname(one.test.flow.as_str());
        suite.add_test_case(case);
    }
    let mut report = Report::new("admit test");
    report.add_test_suite(suite);
    report.to_string().unwrap_or_default()
}

fn findings(ran: &[Ran<'_>]) -> Vec<Diagnostic> {
    let failed = ran.iter().filter(|one| !one.result.passed());
    let finding = |one: &Ran<'_>| Diagnostic {
        code: FAILED,
        level: Level::Error,
        message: format!("test `{}` failed: {}", one.test.title, one.result.failures.join("; ")),
        primary: Label { span: one.test.span, message: String::new() },
        secondary: Vec::new(),
        help: Vec::new(),
    };
    failed.map(finding).collect()
}
