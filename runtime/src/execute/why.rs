//! Why an expression of a flow failed, in the flow's own names.

use admit_eval::error::EvalError;
use admit_plan::bundle::{NodeId, NodeKind};
use admit_plan::code::{SlotId, Source, StrId};
use admit_plan::types::{Kind, Type};

use crate::execute::slots::names;
use crate::execute::walk::Walker;
use crate::expression::Failure;
use crate::state::Kept;

impl Walker<'_, '_, '_> {
    /// What a failure says in the trace: what was absent has a name, and in a test whose stub left it out the test is
    /// told what to write.
    pub(super) fn said(&self, failure: &Failure) -> String {
        match failure {
            Failure::Eval(EvalError::Absent(slot)) => self.absent(*slot).unwrap_or_else(|| failure.to_string()),
            Failure::Eval(_) | Failure::NotABool => failure.to_string(),
        }
    }

    /// What a failure of a clause of a block's declaration says, which reads the outputs of the block that has ended.
    pub(super) fn said_of_clause(&self, failure: &Failure, label: &str, output: &Type, stubbed: bool) -> String {
        match (failure, &output.kind) {
            (Failure::Eval(EvalError::NoSuchKey(name)), Kind::Record(fields))
                if stubbed && fields.iter().any(|field| *field.name == **name) =>
            {
                stub_lacks(label, name, name)
            }
            _ => failure.to_string(),
        }
    }

    fn absent(&self, slot: SlotId) -> Option<String> {
        let dotted = |path: &[StrId]| names(self, path).join(".");
        Some(match &self.flow.slot(slot)?.source {
            Source::Event(path) => format!("`event.{}` is absent", dotted(path)),
            Source::Input(path) => format!("`input.{}` is absent", dotted(path)),
            Source::Session(path) => format!("`session.{}` is absent", dotted(path)),
            Source::Step(node, path) => {
                let label = self.label(self.node(*node)?);
                match path.first() {
                    Some(first) if self.is_stubbed(*node) => {
                        stub_lacks(&label, self.engine.text(*first), &dotted(path))
                    }
                    Some(_) => format!("`step.{label}.{}` is absent", dotted(path)),
                    None => format!("`step.{label}` is absent"),
                }
            }
            Source::Param(_) | Source::Secret(_) | Source::Now | Source::Variable(_) => return None,
        })
    }

    /// It has outputs, and in this run those may be of a stub.
    fn is_stubbed(&self, node: NodeId) -> bool {
        let is_step = self.node(node).is_some_and(|node| matches!(node.kind, NodeKind::Block(_)));
        self.work.options.stubs && is_step && matches!(self.run.kept(node), Some(Kept::Output(_)))
    }
}

fn stub_lacks(label: &str, field: &str, path: &str) -> String {
    format!("the stub of `{label}` gives no `{path}`, which is read here: write `stub {label} {{ {field}: ... }}`")
}
