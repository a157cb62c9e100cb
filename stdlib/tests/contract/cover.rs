//! What was seen of a block over its cases, against its declaration.

use std::collections::{BTreeMap, BTreeSet};

use admit_compiler::schema::Block;
use admit_eval::datum::Datum;
use admit_plan::types::{Kind, Type};

use super::record;

/// What was seen of one block.
#[derive(Default)]
pub struct Seen {
    /// Values by output: words, `true`, `false`, `absent`, and `value` for all else.
    outputs: BTreeMap<String, BTreeSet<String>>,
    /// How often the block gave outputs, and each of them.
    gave: usize,
    given: BTreeMap<String, usize>,
    errors: BTreeSet<String>,
    effects: BTreeSet<&'static str>,
    audited: bool,
}

impl Seen {
    /// Adds the calls of a run that are of this block.
    pub fn add(&mut self, block: &str, calls: &[record::Seen]) {
        for call in calls.iter().filter(|call| call.block == block) {
            self.gave += usize::from(call.fields.is_some());
            for (name, value) in call.fields.iter().flatten() {
                *self.given.entry(name.clone()).or_default() += 1;
                values(value, self.outputs.entry(name.clone()).or_default());
            }
            if let Some(fields) = &call.fields {
                self.outputs.entry(String::new()).or_default().extend(fields.iter().map(|(name, _)| name.clone()));
            }
            self.errors.extend(call.error.clone());
            self.audited |= call.audited;
            let effects = [
                ("reads", call.touched_store),
                ("writes", call.wrote),
                ("sends", call.sent),
                ("prompts", call.prompted),
                ("mints", call.minted),
                ("ends", call.ended && call.fields.is_none()),
            ];
            self.effects.extend(effects.into_iter().filter(|(_, seen)| *seen).map(|(name, _)| name));
        }
    }

    /// What the declaration says and nobody saw, and what was seen and it does not say.
    pub fn faults(&self, block: &Block) -> Vec<String> {
        let mut faults = Vec::new();
        let none = BTreeSet::new();
        for field in &block.output {
            let seen = self.outputs.get(field.name.as_str()).unwrap_or(&none);
            // What may be absent is left out.
            let left_out = self.given.get(field.name.as_str()).is_none_or(|given| *given < self.gave);
            let was_seen = |wanted: &String| seen.contains(wanted) || (wanted == "absent" && left_out);
            for wanted in wanted(&field.ty).into_iter().filter(|wanted| !was_seen(wanted)) {
                faults.push(format!("output `{}` was never {wanted}", field.name));
            }
        }
        let declared = |name: &String| name.is_empty() || block.output_field(name).is_some();
        faults.extend(
            self.outputs.keys().filter(|name| !declared(name)).map(|name| format!("undeclared output `{name}`")),
        );
        for error in block.errors.iter().filter(|error| !self.errors.contains(error.as_str())) {
            faults.push(format!("the error `{error}` was never seen"));
        }
        let known = |error: &String| block.errors.iter().any(|known| known == error);
        faults.extend(
            self.errors.iter().filter(|error| !known(error)).map(|error| format!("undeclared error `{error}`")),
        );
        faults.extend(self.effect_faults(block));
        faults
    }

    fn effect_faults(&self, block: &Block) -> Vec<String> {
        let effects = block.effects;
        let declared = [
            ("reads", effects.reads),
            ("writes", effects.writes),
            ("sends", effects.sends),
            ("prompts", effects.prompts),
            ("mints", effects.mints),
            ("ends", effects.ends),
        ];
        let mut faults = Vec::new();
        for (name, is_declared) in declared {
            // An audit entry is a write, but one that every block may leave; a counter is a read that counts itself. A
            // deny is how a block with `ensures` keeps its promise, and how one that asks turns away whom it may not ask.
            let seen = self.effects.contains(name) || (name == "writes" && self.audited);
            let free = match name {
                "reads" => effects.writes,
                "writes" => !self.effects.contains("writes"),
                "ends" => !block.ensures.is_empty() || effects.prompts,
                _ => false,
            };
            if is_declared && !seen {
                faults.push(format!("the effect `{name}` was never seen"));
            }
            if seen && !is_declared && !free {
                faults.push(format!("undeclared effect `{name}`"));
            }
        }
        faults
    }
}

/// What must be seen of an output of this type.
fn wanted(ty: &Type) -> Vec<String> {
    match &ty.kind {
        Kind::Bool => vec!["true".to_owned(), "false".to_owned()],
        Kind::Enum(words) => words.iter().map(ToString::to_string).collect(),
        Kind::Optional(inner) => wanted(inner).into_iter().chain(["absent".to_owned()]).collect(),
        Kind::List(inner) if matches!(inner.kind, Kind::Enum(_)) => wanted(inner),
        _ => vec!["value".to_owned()],
    }
}

fn values(value: &Datum, seen: &mut BTreeSet<String>) {
    seen.insert("value".to_owned());
    match value {
        Datum::Bool(value) => _ = seen.insert(value.to_string()),
        Datum::Str(word) => _ = seen.insert(word.to_string()),
        Datum::Optional(None) | Datum::Null => _ = seen.insert("absent".to_owned()),
        Datum::Optional(Some(inner)) => values(inner, seen),
        Datum::List(items) => items.iter().for_each(|item| values(item, seen)),
        _ => {}
    }
}
