//! Actions as declared: defaults against their types.

use admit_eval::coerce::coerce;

use crate::ast::Grant;
use crate::check::constant::constant;
use crate::diagnostic::Diagnostic;
use crate::resolve::Index;
use crate::resolve::action::{Action, ActionField};
use crate::typed::action::{self, Actions};
use crate::typed::constant::evaluate;

/// Every Action that a flow of the project may run.
pub(in crate::check) fn declared(index: &Index<'_>, out: &mut Vec<Diagnostic>) -> Actions {
    let all = index.actions.values().flatten().filter(|action| action.versioned);
    all.map(|action| ((action.name.text.clone(), action.version.clone()), one(action, out))).collect()
}

fn one(action: &Action<'_>, out: &mut Vec<Diagnostic>) -> action::Action {
    // What a field of the config names is known only where a flow runs it.
    let literal = |grants: &[Grant]| {
        let text = |grant: &Grant| match grant {
            Grant::Text(text) => Some(text.value.as_str().into()),
            Grant::Config(..) => None,
        };
        grants.iter().filter_map(text).collect()
    };
    let given = |grants: &[Grant]| {
        let name = |grant: &Grant| match grant {
            Grant::Text(_) => None,
            Grant::Config(name, _) => Some(name.text.clone()),
        };
        grants.iter().filter_map(name).collect()
    };
    action::Action {
        slug: action.name.text.clone(),
        version: action.version.clone(),
        kind: action.kind,
        doc: action.item.doc.join("\n"),
        span: action.name.span,
        triggers: action.triggers.clone(),
        config: fields(&action.config, out),
        output: fields(&action.output, out),
        fetch: literal(action.fetch),
        fetch_from: given(action.fetch),
        claims: literal(action.claims),
        claims_from: given(action.claims),
        secrets: action.secrets.iter().map(|secret| secret.text.clone()).collect(),
        prompts: action.prompts,
        enabled: action.enabled,
        budget: action.budget,
    }
}

fn fields(declared: &[ActionField<'_>], out: &mut Vec<Diagnostic>) -> Vec<action::Field> {
    let mut fields = Vec::with_capacity(declared.len());
    for ActionField { field, resolved } in declared {
        let what = format!("the default of `{}`", field.name.text);
        let default = field.default.as_ref().and_then(|default| {
            let found = constant(default, Some(&resolved.ty), &what, out)?;
            // Where computing fails, typing has said so.
            let value = evaluate(&found.code, &found.pool).ok()?;
            if let Err(mismatch) = coerce(&resolved.ty, value) {
                out.push(Diagnostic::error("A0125", default.span, format!("{what} does not fit: {mismatch}")));
                return None;
            }
            Some((found.code, found.pool))
        });
        let doc = field.doc.join("\n");
        fields.push(action::Field { name: field.name.text.clone(), ty: resolved.ty.clone(), doc, default });
    }
    fields
}
