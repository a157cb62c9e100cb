//! Where flows run Actions: each `run action` as it is written.

use admit_compiler::ast::{Flow, ItemKind, RunAction, Step, StepKind};
use admit_compiler::project::Project;

/// Visits every `run action` of the project, with the flow that it stands in.
pub fn for_each<'p>(project: &'p Project, visit: &mut impl FnMut(&'p Flow, &'p RunAction)) {
    for item in project.items() {
        let ItemKind::Flow(flow) = &item.kind else { continue };
        for stage in &flow.stages {
            steps(flow, &stage.steps, visit);
        }
    }
}

fn steps<'p>(flow: &'p Flow, list: &'p [Step], visit: &mut impl FnMut(&'p Flow, &'p RunAction)) {
    for step in list {
        match &step.kind {
            StepKind::RunAction(run) => visit(flow, run),
            StepKind::Decision(decision) => {
                for case in &decision.cases {
                    steps(flow, case.steps.as_deref().unwrap_or(&[]), visit);
                }
            }
            StepKind::Block(_) | StepKind::RunFlow(_) | StepKind::Condition(_) | StepKind::Broken => {}
        }
    }
}
