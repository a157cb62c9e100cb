//! Formatting keeps the AST and every comment, is idempotent, and refuses what does not parse.

use admit_compiler::ast::{File, ItemKind, ModifierKind, Step, StepKind};
use admit_compiler::diagnostic::Level;
use admit_compiler::source::FileId;
use admit_compiler::{format, parse, print};

use super::Target;
use crate::choices::Choices;
use crate::{histogram, source};

/// The target.
pub const TARGET: Target = Target {
    name: "format",
    promise: "formatting keeps the AST and every comment, is idempotent, and refuses what does not parse",
    run,
    kinds,
};

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let broken = choices.one_in(8);
    let mut text = source::file(&mut choices);
    if broken {
        text = source::with_mistakes(&mut choices, &text);
    }
    check(&text);
}

/// What a run must produce: files that are refused, files that change and files that do not, with and without comments.
pub fn kinds() -> Vec<String> {
    ["refused", "changed", "canonical", "comments"].map(str::to_owned).to_vec()
}

/// Holds the promise for a text.
pub fn check(text: &str) {
    let before = parse::parse(FileId(0), text);
    let errors = before.diagnostics.iter().any(|found| found.level == Level::Error);
    let formatted = match format::format(text) {
        Ok(formatted) => formatted,
        Err(found) => {
            histogram::count("refused");
            assert!(errors && found == before.diagnostics, "refused without errors\n{text}");
            return;
        }
    };
    assert!(!errors, "formatted in spite of errors\n{text}");
    histogram::count(if formatted == text { "canonical" } else { "changed" });
    let after = parse::parse(FileId(0), &formatted);
    assert!(
        after.diagnostics.iter().all(|found| found.level == Level::Warning),
        "the formatted text has errors: {:?}\n{text}\n-----\n{formatted}",
        after.diagnostics
    );
    let trees = (print::ast::file(&ordered(before.file)), print::ast::file(&ordered(after.file)));
    assert_eq!(trees.0, trees.1, "the AST changed\n{text}\n-----\n{formatted}");
    let again = format::format(&formatted);
    assert_eq!(again.as_deref(), Ok(formatted.as_str()), "not idempotent\n{text}\n-----\n{formatted}");
    histogram::count("canonical");
    if text.contains("//") {
        histogram::count("comments");
    }
    let comments = |text: &str| {
        let lines = text.lines().filter_map(|line| line.find("//").map(|at| line.get(at..).unwrap_or_default()));
        let mut comments = lines.map(|line| line.trim_matches(['/', ' ', '\r']).to_owned()).collect::<Vec<_>>();
        comments.sort_unstable();
        comments
    };
    assert_eq!(comments(text), comments(&formatted), "comments were lost\n{text}\n-----\n{formatted}");
}

/// The file with modifiers in the formatter's order, the one thing it may change.
fn ordered(mut file: File) -> File {
    for item in &mut file.items {
        if let ItemKind::Flow(flow) = &mut item.kind {
            flow.stages.iter_mut().for_each(|stage| stage.steps.iter_mut().for_each(order));
        }
    }
    file
}

fn order(step: &mut Step) {
    let modifiers = match &mut step.kind {
        StepKind::Block(it) => &mut it.modifiers,
        StepKind::RunAction(it) => &mut it.modifiers,
        StepKind::RunFlow(it) => &mut it.modifiers,
        StepKind::Decision(decision) => {
            let steps = decision.cases.iter_mut().filter_map(|case| case.steps.as_mut()).flatten();
            return steps.for_each(order);
        }
        StepKind::Condition(_) | StepKind::Broken => return,
    };
    modifiers.sort_by_key(|modifier| match modifier.kind {
        ModifierKind::Timeout(_) => 0,
        ModifierKind::Retry { .. } => 1,
        ModifierKind::OnErrorHalt | ModifierKind::OnErrorContinue | ModifierKind::OnErrorDeny(_) => 2,
        ModifierKind::Async => 3,
    });
}
