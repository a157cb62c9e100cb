//! What a block does to the event when it has ended well: `sets`, `provides` and `ensures` of its declaration,
//! applied by the engine alike for real blocks and for stubs.

use admit_plan::bundle::{Node, NodeKind};
use admit_plan::code::{Expr, SlotId, StrId};

/// The effects of a block node, its conditions ready to evaluate over the flow's slots and two more: the record of
/// the outputs, then that of the config.
pub(crate) struct Effects {
    /// Paths set.
    pub(crate) sets: Vec<Sets>,
    /// Conditions under which `event.user` is provided.
    pub(crate) provides: Vec<Provides>,
    /// What must hold, and when.
    pub(crate) ensures: Vec<(Expr, Option<Expr>)>,
}

pub(crate) struct Sets {
    pub(crate) path: Vec<StrId>,
    pub(crate) to: Option<Expr>,
    pub(crate) when: Option<Expr>,
}

pub(crate) struct Provides {
    pub(crate) path: Vec<StrId>,
    pub(crate) when: Option<Expr>,
}

impl Effects {
    /// Of a node whose flow has `outputs` slots; none where there is nothing to do.
    pub(crate) fn of(node: &Node, outputs: SlotId) -> Option<Box<Self>> {
        let NodeKind::Block(block) = &node.kind else { return None };
        if block.sets.is_empty() && block.provides.is_empty() && block.ensures.is_empty() {
            return None;
        }
        let bind = |code: &Expr| bind(code, outputs);
        let sets = block.sets.iter().map(|set| Sets {
            path: set.path.clone(),
            to: set.to.as_ref().map(bind),
            when: set.when.as_ref().map(bind),
        });
        let provides =
            block.provides.iter().map(|(path, when)| Provides { path: path.clone(), when: when.as_ref().map(bind) });
        let ensures = block.ensures.iter().map(|(what, when)| (bind(what), when.as_ref().map(bind)));
        Some(Box::new(Self { sets: sets.collect(), provides: provides.collect(), ensures: ensures.collect() }))
    }
}

/// `Local(0)` is the record of the outputs and `Local(1)` that of the config: both are bound to slots after the
/// flow's own.
fn bind(code: &Expr, outputs: SlotId) -> Expr {
    let inner = Expr::Bind(Box::new((Expr::Slot(outputs + 1), code.clone())));
    Expr::Bind(Box::new((Expr::Slot(outputs), inner)))
}
