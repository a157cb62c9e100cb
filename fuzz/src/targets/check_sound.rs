//! `check-sound`: what checks does not go wrong. A project without errors is lowered, verifies, comes back from its
//! bytes, compiles to machine code and runs to an outcome; what fails in the run is what stubs and data may fail with,
//! and nobody has a session without having been looked up and having verified (T41).

use std::cell::OnceCell;

use admit_compiler::check::check;
use admit_compiler::diagnostic::{Diagnostic, Level};
use admit_compiler::library::Library;
use admit_compiler::lower;
use admit_compiler::project::Project;
use admit_compiler::scripts::Scripts;
use admit_plan::encode::encode;
use admit_plan::verify::{Verified, load, verify};
use admit_runtime::engine::Engine;
use admit_runtime::execute::Outcome;
use admit_runtime::testing::{Outside, TestResult, block_on, run_test};
use admit_runtime::trace::{BlockEnd, Level as LogLevel, Trace, TraceEvent};

use super::Target;
use crate::choices::Choices;
use crate::histogram::count;
use crate::whole::given::FAILURE;
use crate::whole::{self, Whole};

/// The target.
pub const TARGET: Target = Target {
    name: "check-sound",
    promise: "a project without errors lowers, verifies and runs without ever meeting a wrong type or an absent value",
    run,
    kinds,
};

thread_local! {
    static LIBRARY: OnceCell<Library> = const { OnceCell::new() };
}

/// Runs one input.
///
/// # Panics
/// If the promise is broken.
pub fn run(bytes: &[u8]) {
    let whole = whole::whole(&mut Choices::new(bytes));
    LIBRARY.with(|library| checked(library.get_or_init(standard), &whole));
}

fn standard() -> Library {
    let (library, found) = Library::load(&admit_stdlib::files());
    assert!(found.is_empty(), "the standard library: {found:?}");
    library
}

fn checked(library: &Library, whole: &Whole) {
    let (project, mut found) = Project::read(library, &whole.files);
    let checked = check(&project, library);
    found.extend(checked.diagnostics.iter().cloned());
    let errors: Vec<&Diagnostic> = found.iter().filter(|found| found.level == Level::Error).collect();
    for error in &errors {
        // A typo of the generator is no test of the checker: all that it writes parses.
        assert!(error.code >= "A0100", "{}\n{error:?}", source(whole));
        count(&format!("refused: {}", error.code));
    }
    if !errors.is_empty() {
        return count("refused");
    }
    count("accepted");
    let bundle = lower::build(&project, library, &checked, &Scripts::default())
        .unwrap_or_else(|found| broken(whole, &format!("it is not lowered: {found:?}")));
    let bytes = encode(&bundle).unwrap_or_else(|refusal| broken(whole, &refusal.to_string()));
    let plan = load(&bytes).unwrap_or_else(|refusal| broken(whole, &format!("its plan is refused: {refusal}")));
    assert_eq!(*plan.bundle(), bundle, "{}\nthe bundle that was read is another", source(whole));
    if let Err(refusal) = verify(bundle) {
        broken(whole, &format!("its plan verifies only from bytes: {refusal}"));
    }
    compiles(whole, &plan);
    let result = block_on(run_test(&plan, &admit_stdlib::registry(), &whole.case, &Outside::default()));
    ran(whole, &result);
}

fn compiles(whole: &Whole, plan: &Verified) {
    let engine = Engine::from_verified(plan.clone(), &admit_stdlib::registry())
        .unwrap_or_else(|error| broken(whole, &error.to_string()));
    if let Err(error) = engine.compile() {
        broken(whole, &format!("its conditions do not compile: {error}"));
    }
}

fn ran(whole: &Whole, result: &TestResult) {
    for (label, text) in result.traces.iter().flat_map(failures) {
        if !may_fail(text) {
            broken(whole, &format!("`{label}` failed: {text}"));
        }
        count("run: a step failed");
    }
    let Some(outcome) = &result.outcome else {
        broken(whole, &format!("the run did not begin: {:?}", result.failures));
    };
    count(&format!("outcome: {}", outcome.word()));
    match outcome {
        Outcome::Session { .. } | Outcome::Tokens { .. } => {
            let labels: Vec<&str> =
                result.traces.iter().flat_map(Trace::ran).map(|(label, _)| label.as_str()).collect();
            let did = |wanted: &[String]| labels.iter().any(|label| wanted.iter().any(|wanted| wanted == label));
            if !did(&whole.looked) || !did(&whole.right) {
                broken(whole, "a session without a lookup and the right password");
            }
        }
        Outcome::Deny { reason, .. } if reason == "insufficient_aal" && !whole.asks_more => {
            broken(whole, "only the engine refused the session: the checker should have");
        }
        Outcome::Suspended { label, .. } => broken(whole, &format!("it waits at `{label}`, which is stubbed")),
        Outcome::Deny { .. } | Outcome::Allow | Outcome::Finalized | Outcome::Error { .. } => {}
    }
}

/// The texts of all steps that failed, whether the run went on or not.
fn failures(trace: &Trace) -> impl Iterator<Item = (&str, &str)> {
    trace.events.iter().filter_map(|event| match event {
        TraceEvent::Ended { label, end: BlockEnd::Failed(text), .. }
        | TraceEvent::Log { label, level: LogLevel::Error, text } => Some((label.as_str(), text.as_str())),
        _ => None,
    })
}

/// Whether data, time or a stub is at fault: everything else is what checking promises to rule out.
fn may_fail(text: &str) -> bool {
    const DATA: &[&str] = &[FAILURE, "range error", "division by zero", "no end within", "budget of engine time"];
    DATA.iter().any(|known| text.contains(known))
}

fn kinds() -> Vec<String> {
    let mut kinds = whole::kinds();
    let own = ["refused", "accepted", "run: a step failed", "outcome: session", "outcome: deny", "outcome: error"];
    kinds.extend(own.map(str::to_owned));
    kinds
}

fn source(whole: &Whole) -> &str {
    whole.files.last().map_or("", |(_, text)| text)
}

/// The promise is broken.
#[expect(clippy::panic, reason = "a target panics where its promise is broken")]
fn broken(whole: &Whole, what: &str) -> ! {
    panic!("{}\n{what}\nstubs: {:?}", source(whole), whole.case.stubs)
}
