//! Explanations: the value of each part of each decision and condition, recorded on request and folded out of the
//! trace with the source text that the plan's debug table keeps.

use admit_eval::cx::Cx;
use admit_eval::datum::Datum;
use admit_eval::interpret::eval_observed;
use admit_eval::value::Value;
use admit_plan::bundle::{Bundle, NodeKind};
use admit_plan::code::{Expr, Slot, SlotId};
use smol_str::SmolStr;

use crate::record::packed::Packed;
use crate::trace::{Explained, MASK, Trace, TraceEvent, has_labels};

/// A step explained.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The step.
    pub label: SmolStr,
    /// Which expression of it: case or field, from 0.
    pub expr: u32,
    /// The case's branch or the field's name; empty if the bundle is another one.
    pub name: SmolStr,
    /// Its parts in preorder: those that were evaluated.
    pub parts: Vec<Part>,
}

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its position in preorder of the code.
    pub index: u32,
    /// As written; empty where the bundle has no debug table, or the part no text of its own.
    pub text: SmolStr,
    /// What it gave, masked.
    pub value: Explained,
}

/// Everything that a trace explains, with the text from the bundle that the run walked.
pub fn explain(trace: &Trace, bundle: &Bundle) -> Vec<Explanation> {
    let flow = trace.events.iter().find_map(|event| match event {
        TraceEvent::Began { flow, .. } => Some(flow),
        _ => None,
    });
    let flow = flow.and_then(|name| bundle.flows.iter().position(|flow| text(bundle, flow.name) == name));
    let explanations = trace.events.iter().filter_map(|event| match event {
        TraceEvent::Explained { node, label, expr, values } => Some(Explanation {
            label: label.clone(),
            expr: *expr,
            name: flow.and_then(|flow| name(bundle, flow, *node, *expr)).unwrap_or_default(),
            parts: values
                .iter()
                .map(|(index, value)| Part {
                    index: *index,
                    text: flow.and_then(|flow| part_text(bundle, flow, *node, *expr, *index)).unwrap_or_default(),
                    value: value.clone(),
                })
                .collect(),
        }),
        _ => None,
    });
    explanations.collect()
}

/// Evaluates an expression and keeps what its parts gave. Truth values and numbers are kept; what holds personal data
/// is masked: any other value of a part that reads a slot with such a label.
pub(crate) fn observe(code: &Expr, slots: &[Value<'_>], declared: &[Slot], cx: &Cx<'_>) -> Vec<(u32, Explained)> {
    let mut personal = Vec::new();
    mark_personal(code, declared, &mut personal);
    let mut values: Vec<(u32, Explained)> = Vec::new();
    cx.refill();
    let mut see = |index: u32, value: &Result<Value<'_>, admit_eval::error::EvalError>| {
        let is_personal = personal.get(index as usize).copied().unwrap_or(true);
        let kept = match value {
            Err(_) if is_personal => Explained::Error("failed".to_owned()),
            Err(error) => Explained::Error(error.to_string()),
            Ok(value) => Explained::Value(Packed(shown(*value, is_personal))),
        };
        // In a macro a part is seen once for each turn: the last one stands.
        match values.iter_mut().find(|(known, _)| *known == index) {
            Some((_, place)) => *place = kept,
            None => values.push((index, kept)),
        }
    };
    // The failure is seen at the part that fails; the caller evaluates for itself.
    let _ = eval_observed(code, slots, cx, &mut see);
    values.sort_by_key(|(index, _)| *index);
    values
}

fn shown(value: Value<'_>, is_personal: bool) -> Datum {
    match value {
        Value::Bool(_) | Value::Null | Value::Absent => Datum::from(value),
        Value::Int(_) | Value::Uint(_) | Value::Double(_) if !is_personal => Datum::from(value),
        _ if is_personal => Datum::Str(MASK.into()),
        other => Datum::from(other),
    }
}

/// For each node of the code in preorder: whether it reads a slot with a label, itself or below. Answers for the
/// whole.
fn mark_personal(code: &Expr, declared: &[Slot], marks: &mut Vec<bool>) -> bool {
    let at = marks.len();
    marks.push(false);
    let mut is_personal = slot_of(code).is_some_and(|id| match code {
        // Whether it is there is no personal data.
        Expr::Has(_) => false,
        _ => declared.get(id as usize).is_none_or(|slot| has_labels(&slot.ty)),
    });
    // A local may hold what its binder bound: personal if anything before it in the expression was.
    is_personal |= matches!(code, Expr::Local(_)) && marks.iter().any(|mark| *mark) | any_labelled(declared);
    code.for_each_child(&mut |child| is_personal |= mark_personal(child, declared, marks));
    if let Some(mark) = marks.get_mut(at) {
        *mark = is_personal;
    }
    is_personal
}

fn any_labelled(declared: &[Slot]) -> bool {
    declared.iter().any(|slot| has_labels(&slot.ty))
}

fn slot_of(code: &Expr) -> Option<SlotId> {
    match code {
        Expr::Slot(id) | Expr::Has(id) | Expr::OptSlot(id) => Some(*id),
        _ => None,
    }
}

fn name(bundle: &Bundle, flow: usize, node: u32, expr: u32) -> Option<SmolStr> {
    let node = bundle.flows.get(flow)?.nodes.get(node as usize)?;
    let id = match &node.kind {
        NodeKind::Decision { cases, .. } => cases.get(expr as usize)?.branch.name,
        NodeKind::Condition { fields } => fields.get(expr as usize)?.0,
        NodeKind::Stage { .. } | NodeKind::Block(_) | NodeKind::EnterFlow { .. } | NodeKind::LeaveFlow { .. } => {
            return None;
        }
    };
    Some(text(bundle, id).into())
}

fn part_text(bundle: &Bundle, flow: usize, node: u32, expr: u32, part: u32) -> Option<SmolStr> {
    let node = bundle.debug.as_ref()?.flows.get(flow)?.get(node as usize)?;
    node.exprs.get(expr as usize)?.get(part as usize).cloned()
}

fn text(bundle: &Bundle, id: u32) -> &str {
    bundle.pool.strings.get(id as usize).map_or("", SmolStr::as_str)
}
