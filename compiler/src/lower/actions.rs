//! Actions: only the versions that a flow pins go into the plan.

use std::collections::{BTreeMap, BTreeSet};

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_eval::value::Value;
use admit_plan::bundle::{self, ActionId, Module};
use admit_plan::code::{Entry, Expr, Item};
use admit_plan::func::Func;
use semver::Version;
use smol_str::SmolStr;

use super::constants::Constants;
use super::{Builder, Fault, Program, number};
use crate::diagnostic::Diagnostic;
use crate::scripts::Script;
use crate::source::Span;
use crate::typed::constant::evaluate;
use crate::typed::flow::Flow;

/// The versions that flows pin, in order, and their numbers.
pub(super) type Pinned = BTreeMap<(SmolStr, Version), ActionId>;

/// The versions that the flows pin.
pub(super) fn pinned(flows: &[&Flow]) -> Pinned {
    let mut found = BTreeSet::new();
    for flow in flows {
        flow.for_each_action(&mut |run, _| {
            found.insert((run.slug.clone(), run.version.clone()));
        });
    }
    found.into_iter().zip(0..).collect()
}

/// The pinned Actions, and the source maps of their modules.
pub(super) fn actions(
    builder: &mut Builder<'_>,
    program: &Program<'_>,
    diagnostics: &mut Vec<Diagnostic>,
) -> (Vec<bundle::Action>, Vec<Vec<Option<String>>>) {
    let (mut actions, mut maps) = (Vec::new(), Vec::new());
    let pinned: Vec<_> = builder.pinned.keys().cloned().collect();
    for key in pinned {
        let Some(script) = program.scripts.get(&key) else {
            diagnostics.push(without_script(program, &key));
            continue;
        };
        match action(builder, program, &key, script) {
            Ok(action) => {
                actions.push(action);
                maps.push(script.modules.iter().map(|module| module.map.clone()).collect());
            }
            Err(fault) => diagnostics.push(fault.said()),
        }
    }
    (actions, maps)
}

fn action(
    builder: &mut Builder<'_>,
    program: &Program<'_>,
    key: &(SmolStr, Version),
    script: &Script,
) -> Result<bundle::Action, Fault> {
    let Some(action) = program.actions.get(key) else {
        let span = Span { file: crate::source::FileId(0), start: 0, end: 0 };
        return Err(Fault { span, what: format!("the Action `{}@{}`, which nothing declares", key.0, key.1) });
    };
    let modules: Vec<Module> =
        script.modules.iter().map(|module| Module { path: module.path.clone(), code: module.code.clone() }).collect();
    let secrets = action.secrets.iter().map(|name| builder.secret(name)).collect();
    let constants = &mut builder.constants;
    let mut defaults = Vec::new();
    for field in &action.output {
        let Some((code, pool)) = &field.default else { continue };
        let value = evaluate(code, pool).ok();
        let fault = |what: &str| Fault { span: action.span, what: format!("a default of `{}` {what}", field.name) };
        match value.ok_or_else(|| fault("that fails"))? {
            // As if there were none.
            Datum::Optional(None) => {}
            value => {
                let code = literal(&value, constants).ok_or_else(|| fault("that no literal holds"))?;
                defaults.push((constants.string(&field.name), code));
            }
        }
    }
    let mut strings = |list: &[SmolStr]| list.iter().map(|text| constants.string(text)).collect::<Vec<_>>();
    Ok(bundle::Action {
        hash: bundle::Action::hash_of(&modules),
        modules,
        defaults,
        fetch: strings(&action.fetch),
        claims: strings(&action.claims),
        secrets,
        prompts: action.prompts,
        enabled: action.enabled,
        slug: constants.string(&action.slug),
        version: constants.string(&action.version.to_string()),
    })
}

/// A value as code that is read and verified without being run.
fn literal(value: &Datum, constants: &mut Constants) -> Option<Expr> {
    Some(match value {
        Datum::Null => Expr::Null,
        Datum::Bool(value) => Expr::Bool(*value),
        Datum::Int(value) => Expr::Int(*value),
        Datum::Uint(value) => Expr::Uint(*value),
        Datum::Double(value) => Expr::Double(*value),
        Datum::Str(text) => Expr::Str(constants.string(text)),
        Datum::Bytes(bytes) => Expr::Bytes(bytes.to_vec()),
        Datum::Duration(span) => {
            Expr::Duration(span.seconds.checked_mul(1_000_000_000)?.checked_add(i64::from(span.nanos))?)
        }
        Datum::Timestamp(at) => {
            let mut text = String::new();
            json::write(Value::Timestamp(*at), &mut text);
            Expr::Call(Func::Timestamp, vec![Expr::Str(constants.string(text.trim_matches('"')))])
        }
        Datum::List(items) => {
            let item = |value| Some(Item { value: literal(value, constants)?, optional: false });
            Expr::List(items.iter().map(item).collect::<Option<_>>()?)
        }
        Datum::Map(entries) => {
            let entry = |(key, value): &(Datum, Datum)| {
                Some(Entry { key: literal(key, constants)?, value: literal(value, constants)?, optional: false })
            };
            Expr::Map(entries.iter().map(entry).collect::<Option<_>>()?)
        }
        Datum::Optional(held) => literal(held.as_deref()?, constants)?,
        Datum::Type(_) | Datum::Ip(_) | Datum::Cidr(_) => return None,
    })
}

fn without_script(program: &Program<'_>, key: &(SmolStr, Version)) -> Diagnostic {
    let span = program.actions.get(key).map(|action| action.span);
    let span = span.unwrap_or(Span { file: crate::source::FileId(0), start: 0, end: 0 });
    let message = format!("the Action `{}@{}` has no JavaScript that could go into the plan", key.0, key.1);
    Diagnostic::error("A0602", span, message).help("mend what is said of its source, and build again")
}

impl Builder<'_> {
    /// The number of a secret of the bundle.
    pub(super) fn secret(&mut self, name: &str) -> u32 {
        let name = self.constants.string(name);
        let at = self.secrets.iter().position(|known| *known == name);
        number(at.unwrap_or_else(|| {
            self.secrets.push(name);
            self.secrets.len() - 1
        }))
    }
}
