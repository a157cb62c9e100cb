//! The macros.

use admit_plan::code::{Comprehension, Macro};

use super::{Evaluated, Machine, insert};
use crate::error::EvalError;
use crate::ops::no_overload;
use crate::value::Value;

/// What a macro has gathered so far.
#[derive(Default)]
struct Gathered<'a> {
    failed: Option<EvalError>,
    count: u64,
    items: Vec<Value<'a>>,
    entries: Vec<(Value<'a>, Value<'a>)>,
}

impl<'a> Machine<'_, 'a, '_> {
    #[inline(never)]
    pub(super) fn comprehend(&mut self, macro_: &Comprehension, at: u32) -> Evaluated<'a> {
        let range = self.eval(&macro_.range, at + 1)?;
        let body = self.after(&macro_.range, at + 1);
        self.cx.walk(length(range))?;
        let mut gathered = Gathered::default();
        for turn in 0.. {
            let Some((key, element)) = element(range, turn, macro_.two_vars)? else { break };
            let locals = self.locals.len();
            self.locals.extend(key);
            self.locals.push(element);
            let decided = self.turn(macro_, body, (key, element), &mut gathered);
            self.locals.truncate(locals);
            if let Some(value) = decided? {
                return Ok(value);
            }
        }
        self.finish(macro_.kind, gathered)
    }

    /// One turn; some value where it decides the macro.
    fn turn(
        &mut self,
        macro_: &Comprehension,
        at: u32,
        (key, element): (Option<Value<'a>>, Value<'a>),
        gathered: &mut Gathered<'a>,
    ) -> Result<Option<Value<'a>>, EvalError> {
        let (holds, value_at) = match &macro_.cond {
            None => (Ok(Value::Bool(true)), at),
            Some(cond) => (self.eval(cond, at), self.after(cond, at)),
        };
        let absorbs = matches!(macro_.kind, Macro::All | Macro::Exists);
        let holds = match holds {
            Ok(Value::Bool(holds)) => holds,
            Ok(other) if absorbs => {
                gathered.failed.get_or_insert_with(|| no_overload("a predicate", &[other]));
                return Ok(None);
            }
            Ok(other) => return Err(no_overload("a predicate", &[other])),
            Err(error) if absorbs => {
                gathered.failed.get_or_insert(error);
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        match macro_.kind {
            Macro::All if !holds => return Ok(Some(Value::Bool(false))),
            Macro::Exists if holds => return Ok(Some(Value::Bool(true))),
            Macro::All | Macro::Exists => {}
            _ if !holds => {}
            Macro::ExistsOne => gathered.count += 1,
            Macro::Filter => match key {
                Some(key) if macro_.two_vars => insert(&mut gathered.entries, key, element)?,
                _ => gathered.items.push(element),
            },
            Macro::Map => {
                let value = self.value(macro_, value_at)?;
                self.cx.charge(size_of::<Value<'_>>())?;
                gathered.items.push(value);
            }
            Macro::TransformMap => {
                let value = self.value(macro_, value_at)?;
                self.cx.charge(2 * size_of::<Value<'_>>())?;
                insert(&mut gathered.entries, key.unwrap_or(element), value)?;
            }
            Macro::TransformMapEntry => match self.value(macro_, value_at)? {
                Value::Map(map) => {
                    for (key, value) in map.entries {
                        self.cx.charge(2 * size_of::<Value<'_>>())?;
                        insert(&mut gathered.entries, *key, *value)?;
                    }
                }
                other => return Err(no_overload("transformMapEntry", &[other])),
            },
        }
        Ok(None)
    }

    fn value(&mut self, macro_: &Comprehension, at: u32) -> Evaluated<'a> {
        match &macro_.value {
            Some(value) => self.eval(value, at),
            None => Err(EvalError::Invalid("a macro without a value".into())),
        }
    }

    fn finish(&self, kind: Macro, gathered: Gathered<'a>) -> Evaluated<'a> {
        match (kind, gathered.failed) {
            (_, Some(error)) => Err(error),
            (Macro::All, None) => Ok(Value::Bool(true)),
            (Macro::Exists, None) => Ok(Value::Bool(false)),
            (Macro::ExistsOne, None) => Ok(Value::Bool(gathered.count == 1)),
            (Macro::Filter | Macro::Map, None) => self.cx.list(&gathered.items).map(Value::List),
            (Macro::TransformMap | Macro::TransformMapEntry, None) => self.cx.map(&gathered.entries).map(Value::Map),
        }
    }
}

/// How many turns a macro over the value takes; none over what it cannot walk.
fn length(range: Value<'_>) -> usize {
    match range {
        Value::List(items) => items.len(),
        Value::Map(map) => map.entries.len(),
        _ => 0,
    }
}

/// What the variables are in one turn: of a list the element, with its index before it; of a map the key, with its
/// value after it. None when the range is through.
pub fn element<'a>(
    range: Value<'a>,
    turn: usize,
    two_vars: bool,
) -> Result<Option<(Option<Value<'a>>, Value<'a>)>, EvalError> {
    match range {
        Value::List(items) => Ok(items.get(turn).map(|item| {
            let index = two_vars.then(|| Value::Int(i64::try_from(turn).unwrap_or(i64::MAX)));
            (index, *item)
        })),
        Value::Map(map) => {
            Ok(map.entries.get(turn).map(|(key, value)| if two_vars { (Some(*key), *value) } else { (None, *key) }))
        }
        other => Err(no_overload("a macro", &[other])),
    }
}
