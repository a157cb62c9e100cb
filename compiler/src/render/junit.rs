//! `JUnit` XML: a test case per finding, or one that passed where there is none.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::diagnostic::{Diagnostic, Level};
use crate::render::position::position;
use crate::render::sanitize;
use crate::source::Sources;

/// Renders one report with one suite, `admit`. Errors are failures; warnings are skipped cases with their message.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let mut suite = TestSuite::new("admit");
    if diagnostics.is_empty() {
        suite.add_test_case(TestCase::new("no findings", TestCaseStatus::success()));
    }
    for diagnostic in diagnostics {
        suite.add_test_case(case(diagnostic, sources));
    }
    let mut report = Report::new("admit");
    report.add_test_suite(suite);
    let mut text = report.to_string().unwrap_or_default();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn case(diagnostic: &Diagnostic, sources: &Sources) -> TestCase {
    let place = position(diagnostic.primary.span, sources);
    let mut status = match diagnostic.level {
        Level::Error => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Level::Warning => TestCaseStatus::skipped(),
    };
    status.set_message(sanitize::lines(&diagnostic.message)).set_type(diagnostic.code);
    if !diagnostic.help.is_empty() {
        status.set_description(sanitize::lines(&diagnostic.help.join("\n")));
    }
    let name = format!("{} {}:{}:{}", diagnostic.code, place.path, place.line, place.column);
    let mut case = TestCase::new(name, status);
    case.set_classname(place.path.as_str());
    case
}
