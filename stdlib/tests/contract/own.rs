//! The four blocks that are the engine's own, in the matrix of faults: what they decide on, run or call fails.

use std::future::ready;
use std::sync::Arc;

use admit_runtime::action::{ActionEffects, ActionReport};
use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::host::BoxFuture;

use super::corpus::Case;

/// The blocks, with a case that ends well and what fails in it.
pub fn cases() -> Vec<(&'static str, Case, Arc<dyn Block>)> {
    let seen = || admit_stdlib::registry().get("log_event").cloned().unwrap();
    let case = |steps: &str, files: &[(&str, &str)]| Case {
        title: "ends well".to_owned(),
        steps: steps.to_owned(),
        files: files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect(),
        given: toml::Table::new(),
    };
    let inner = "custom flow inner {\n  stage only {\n    log_event as seen { name: \"seen\" }\n    allow\n  }\n}\n";
    let action = "action say {\n  version \"1.0.0\"\n  source \"action.js\"\n  triggers login.main\n}\n";
    let script = "export function execute() { return { kind: \"continue\" } }\n";
    vec![
        // A decision that asks whether the step before it has ended well.
        (
            "decision",
            case(
                "log_event as seen { name: \"seen\" } on error continue\n\
                 decision whether {\nwhen has(step.seen.id) -> yes { allow }\ndefault -> no { deny { reason: \"unseen\" } }\n}",
                &[],
            ),
            seen(),
        ),
        (
            "condition",
            case(
                "log_event as seen { name: \"seen\" } on error continue\n\
                 condition facts { seen: has(step.seen.id) }\n\
                 decision whether {\nwhen step.facts.seen -> yes { allow }\ndefault -> no { deny { reason: \"unseen\" } }\n}",
                &[],
            ),
            seen(),
        ),
        ("run_custom_flow", case("run flow inner\nallow", &[("inner.admit", inner)]), seen()),
        (
            "run_custom_action",
            case(
                "run action say@1.0.0\nallow",
                &[("actions/say/1.0.0/action.admit", action), ("actions/say/1.0.0/action.js", script)],
            ),
            Arc::new(Said),
        ),
    ]
}

/// Stands for the workers: an Action that ends well and wants nothing. What Actions themselves do to workers is tested there.
struct Said;

impl Block for Said {
    fn name(&self) -> &'static str {
        "run_custom_action"
    }

    fn run<'a>(&'a self, _: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        let result = Some(Ok(ActionEffects::default()));
        Box::pin(ready(Ok(Done::Acted(ActionReport { result, ..ActionReport::default() }))))
    }
}
