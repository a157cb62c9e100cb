//! The interpreter: what typed code means. Machine code is held equal to it.
//!
//! Code is at most 250 levels deep (the verifier sees to it), so recursion is bounded; the arms that need room on the
//! stack are functions of their own, so that a level stays small in a debug build too.

mod comprehend;

use admit_plan::code::{Expr, Part};
use admit_plan::func::Func;

use crate::access;
use crate::consts::Consts;
use crate::cx::Cx;
use crate::error::EvalError;
use crate::func;
use crate::ops::{self, no_overload};
use crate::order::equals;
use crate::template;
use crate::value::{Span, Value};

/// What an evaluation gives.
pub type Evaluated<'a> = Result<Value<'a>, EvalError>;

/// Sees the value of every sub-expression that is evaluated: its number in preorder, and what it gave.
pub type Observer<'o> = &'o mut dyn for<'v> FnMut(u32, &Evaluated<'v>);

/// Evaluates an expression over slots.
pub fn eval<'a>(expr: &Expr, slots: &[Value<'a>], cx: &Cx<'a>) -> Evaluated<'a> {
    Machine { slots, cx, locals: Vec::new(), observer: None }.eval(expr, 0)
}

/// Evaluates an expression whose outermost locals are given (`sets`, `provides` and `ensures`: outputs and config).
pub fn eval_with_locals<'a>(expr: &Expr, slots: &[Value<'a>], locals: &[Value<'a>], cx: &Cx<'a>) -> Evaluated<'a> {
    Machine { slots, cx, locals: locals.to_vec(), observer: None }.eval(expr, 0)
}

/// Evaluates an expression and shows every sub-expression's value to the observer, inner ones first. In a comprehension
/// a sub-expression is seen once for each turn.
pub fn eval_observed<'a>(expr: &Expr, slots: &[Value<'a>], cx: &Cx<'a>, observer: Observer<'_>) -> Evaluated<'a> {
    Machine { slots, cx, locals: Vec::new(), observer: Some(observer) }.eval(expr, 0)
}

/// How many nodes the code has; preorder numbers are below it.
pub fn node_count(expr: &Expr) -> u32 {
    let mut count = 1;
    expr.for_each_child(&mut |child| count += node_count(child));
    count
}

struct Machine<'s, 'a, 'o> {
    slots: &'s [Value<'a>],
    cx: &'s Cx<'a>,
    locals: Vec<Value<'a>>,
    observer: Option<Observer<'o>>,
}

impl<'a> Machine<'_, 'a, '_> {
    fn eval(&mut self, expr: &Expr, at: u32) -> Evaluated<'a> {
        let result = self.step(expr, at);
        if let Some(observer) = &mut self.observer {
            observer(at, &result);
        }
        result
    }

    fn step(&mut self, expr: &Expr, at: u32) -> Evaluated<'a> {
        match expr {
            Expr::Null => Ok(Value::Null),
            Expr::Bool(value) => Ok(Value::Bool(*value)),
            Expr::Int(value) => Ok(Value::Int(*value)),
            Expr::Uint(value) => Ok(Value::Uint(*value)),
            Expr::Double(value) => Ok(Value::Double(*value)),
            Expr::Str(id) => Ok(Value::Str(self.consts().str(*id))),
            Expr::Type(id) => Ok(Value::Type(self.consts().str(*id))),
            Expr::Bytes(bytes) => self.cx.bytes(bytes).map(Value::Bytes),
            Expr::Duration(nanos) => Ok(Value::Duration(duration(*nanos))),
            Expr::Slot(id) => self.slot(*id),
            Expr::Has(id) => Ok(Value::Bool(!matches!(self.raw_slot(*id), Value::Absent))),
            Expr::OptSlot(id) => match self.raw_slot(*id) {
                Value::Absent => Ok(Value::Optional(None)),
                value => self.cx.some(value),
            },
            Expr::Local(id) => self.local(*id),
            Expr::Select(operand, field) => self.select(operand, *field, at),
            Expr::HasField(operand, field) => self.has_field(operand, *field, at),
            Expr::OptSelect(operand, field) => self.opt_select(operand, *field, at),
            Expr::Index(pair) => self.index(pair, at),
            Expr::OptIndex(pair) => self.opt_index(pair, at),
            Expr::Not(operand) => ops::not(self.eval(operand, at + 1)?).map(Value::Bool),
            Expr::Neg(operand) => ops::negate(self.eval(operand, at + 1)?),
            Expr::Binary(op, pair) => {
                let (left, right) = self.pair(pair, at)?;
                ops::binary(*op, left, right, self.cx)
            }
            Expr::And(operands) => self.all_of(operands, at, false),
            Expr::Or(operands) => self.all_of(operands, at, true),
            Expr::Cond(parts) => self.cond(parts, at),
            Expr::List(_) => self.list(expr, at),
            Expr::Map(_) => self.map(expr, at),
            Expr::InSet(operand, set) => self.in_set(operand, *set, at),
            Expr::Matches(operand, regex) => self.matches(operand, *regex, at),
            Expr::Call(function, args) => self.call(*function, args, at),
            Expr::Comprehension(comprehension) => self.comprehend(comprehension, at),
            Expr::Bind(pair) => self.bind(pair, at),
            Expr::Template(parts) => self.template(parts, at),
        }
    }

    fn consts(&self) -> &'a Consts {
        self.cx.consts()
    }

    fn raw_slot(&self, id: u32) -> Value<'a> {
        self.slots.get(id as usize).copied().unwrap_or(Value::Absent)
    }

    fn slot(&self, id: u32) -> Evaluated<'a> {
        match self.raw_slot(id) {
            Value::Absent => Err(EvalError::Absent(id)),
            value => Ok(value),
        }
    }

    fn local(&self, id: u32) -> Evaluated<'a> {
        self.locals.get(id as usize).copied().ok_or_else(|| EvalError::Invalid("a variable that is not bound".into()))
    }

    /// The preorder number of the node after `expr`, which is number `at`. Only observers need numbers.
    fn after(&self, expr: &Expr, at: u32) -> u32 {
        if self.observer.is_some() { at + node_count(expr) } else { at }
    }

    fn pair(&mut self, pair: &(Expr, Expr), at: u32) -> Result<(Value<'a>, Value<'a>), EvalError> {
        let left = self.eval(&pair.0, at + 1)?;
        let right = self.eval(&pair.1, self.after(&pair.0, at + 1))?;
        Ok((left, right))
    }

    #[inline(never)]
    fn select(&mut self, operand: &Expr, field: u32, at: u32) -> Evaluated<'a> {
        let value = self.eval(operand, at + 1)?;
        access::select(value, self.consts().str(field), self.cx)
    }

    #[inline(never)]
    fn has_field(&mut self, operand: &Expr, field: u32, at: u32) -> Evaluated<'a> {
        let value = self.eval(operand, at + 1)?;
        access::has_field(value, self.consts().str(field)).map(Value::Bool)
    }

    #[inline(never)]
    fn opt_select(&mut self, operand: &Expr, field: u32, at: u32) -> Evaluated<'a> {
        let value = self.eval(operand, at + 1)?;
        access::opt_select(value, self.consts().str(field), self.cx)
    }

    #[inline(never)]
    fn index(&mut self, pair: &(Expr, Expr), at: u32) -> Evaluated<'a> {
        let (value, index) = self.pair(pair, at)?;
        access::index(value, index, self.cx)
    }

    #[inline(never)]
    fn opt_index(&mut self, pair: &(Expr, Expr), at: u32) -> Evaluated<'a> {
        let (value, index) = self.pair(pair, at)?;
        access::opt_index(value, index, self.cx)
    }

    /// `&&` (`decides` false) and `||` (`decides` true): the deciding bool wins over errors, the first error over the rest.
    #[inline(never)]
    fn all_of(&mut self, operands: &[Expr], at: u32, decides: bool) -> Evaluated<'a> {
        let mut failed = None;
        let mut number = at + 1;
        for operand in operands {
            match self.eval(operand, number) {
                Ok(Value::Bool(value)) if value == decides => return Ok(Value::Bool(decides)),
                Ok(Value::Bool(_)) => {}
                Ok(other) => {
                    failed.get_or_insert_with(|| no_overload(if decides { "||" } else { "&&" }, &[other]));
                }
                Err(error) => {
                    failed.get_or_insert(error);
                }
            }
            number = self.after(operand, number);
        }
        failed.map_or(Ok(Value::Bool(!decides)), Err)
    }

    #[inline(never)]
    fn cond(&mut self, parts: &(Expr, Expr, Expr), at: u32) -> Evaluated<'a> {
        let yes = self.after(&parts.0, at + 1);
        match self.eval(&parts.0, at + 1)? {
            Value::Bool(true) => self.eval(&parts.1, yes),
            Value::Bool(false) => {
                let no = self.after(&parts.1, yes);
                self.eval(&parts.2, no)
            }
            other => Err(no_overload("?:", &[other])),
        }
    }

    #[inline(never)]
    fn list(&mut self, expr: &Expr, at: u32) -> Evaluated<'a> {
        let Expr::List(items) = expr else { return Err(no_overload("list", &[])) };
        let mut values = Vec::with_capacity(items.len());
        let mut number = at + 1;
        for item in items {
            let value = self.eval(&item.value, number)?;
            number = self.after(&item.value, number);
            match (item.optional, value) {
                (false, value) | (true, Value::Optional(Some(&value))) => values.push(value),
                (true, Value::Optional(None)) => {}
                (true, other) => return Err(no_overload("[?]", &[other])),
            }
        }
        self.cx.list(&values).map(Value::List)
    }

    #[inline(never)]
    fn map(&mut self, expr: &Expr, at: u32) -> Evaluated<'a> {
        let Expr::Map(entries) = expr else { return Err(no_overload("map", &[])) };
        let mut values: Vec<(Value<'a>, Value<'a>)> = Vec::with_capacity(entries.len());
        let mut number = at + 1;
        for entry in entries {
            let key = self.eval(&entry.key, number)?;
            number = self.after(&entry.key, number);
            let value = self.eval(&entry.value, number)?;
            number = self.after(&entry.value, number);
            match (entry.optional, value) {
                (false, value) | (true, Value::Optional(Some(&value))) => insert(&mut values, key, value)?,
                (true, Value::Optional(None)) => {}
                (true, other) => return Err(no_overload("{?:}", &[other])),
            }
        }
        self.cx.map(&values).map(Value::Map)
    }

    #[inline(never)]
    fn in_set(&mut self, operand: &Expr, set: u32, at: u32) -> Evaluated<'a> {
        let value = self.eval(operand, at + 1)?;
        Ok(Value::Bool(in_set(value, set, self.consts())))
    }

    #[inline(never)]
    fn matches(&mut self, operand: &Expr, regex: u32, at: u32) -> Evaluated<'a> {
        let value = self.eval(operand, at + 1)?;
        matches(value, regex, self.consts()).map(Value::Bool)
    }

    #[inline(never)]
    fn call(&mut self, function: Func, args: &[Expr], at: u32) -> Evaluated<'a> {
        if let (Func::OptOr | Func::OptOrValue, [first, second]) = (function, args) {
            let optional = self.eval(first, at + 1)?;
            return match (function, optional) {
                (Func::OptOr, Value::Optional(Some(_))) => Ok(optional),
                (_, Value::Optional(Some(value))) => Ok(*value),
                (_, Value::Optional(None)) => {
                    let second_at = self.after(first, at + 1);
                    let other = self.eval(second, second_at)?;
                    func::call(function, &[optional, other], self.cx)
                }
                (_, other) => Err(no_overload(function.name(), &[other])),
            };
        }
        // Few functions take more arguments than fit here.
        let mut few = [Value::Null; 3];
        match few.get_mut(..args.len()) {
            Some(few) => self.arguments(function, args, few, at),
            None => self.arguments(function, args, &mut vec![Value::Null; args.len()], at),
        }
    }

    fn arguments(&mut self, function: Func, args: &[Expr], values: &mut [Value<'a>], at: u32) -> Evaluated<'a> {
        let mut number = at + 1;
        for (value, arg) in values.iter_mut().zip(args) {
            *value = self.eval(arg, number)?;
            number = self.after(arg, number);
        }
        func::call(function, values, self.cx)
    }

    #[inline(never)]
    fn bind(&mut self, pair: &(Expr, Expr), at: u32) -> Evaluated<'a> {
        let value = self.eval(&pair.0, at + 1)?;
        let body = self.after(&pair.0, at + 1);
        self.locals.push(value);
        let result = self.eval(&pair.1, body);
        self.locals.pop();
        result
    }

    #[inline(never)]
    fn template(&mut self, parts: &[Part], at: u32) -> Evaluated<'a> {
        let mut text = String::new();
        let mut number = at + 1;
        for part in parts {
            match part {
                Part::Text(id) => text.push_str(self.consts().str(*id)),
                Part::Hole(hole, escape) => {
                    let value = self.eval(hole, number)?;
                    number = self.after(hole, number);
                    template::escape_into(value, *escape, &mut text)?;
                }
            }
            self.cx.charge(text.len())?;
        }
        self.cx.str(text).map(Value::Str)
    }
}

/// Entries that a map made by an expression has at most. Each new key is compared with all before it.
pub const MAP_ENTRIES: usize = 8192;

/// Adds an entry to a map that is being made; an error for a key of a wrong kind, one that is there already, or one too
/// many.
pub fn insert<'a>(
    entries: &mut Vec<(Value<'a>, Value<'a>)>,
    key: Value<'a>,
    value: Value<'a>,
) -> Result<(), EvalError> {
    if !matches!(key, Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Str(_)) {
        return Err(EvalError::Invalid(format!("a map key may not be {}", key.kind()).into()));
    }
    if entries.len() >= MAP_ENTRIES {
        return Err(EvalError::Range(format!("a map made by an expression has at most {MAP_ENTRIES} entries").into()));
    }
    if entries.iter().any(|(known, _)| equals(*known, key)) {
        return Err(EvalError::Invalid(format!("the map has the key {} twice", crate::json::text(key)).into()));
    }
    entries.push((key, value));
    Ok(())
}

/// `value in set`: what is not a string is not in it.
pub fn in_set(value: Value<'_>, set: u32, consts: &Consts) -> bool {
    match value {
        Value::Str(text) => consts.set(set).is_some_and(|set| set.contains(text)),
        _ => false,
    }
}

/// `value.matches(regex)` with a constant pattern.
pub fn matches(value: Value<'_>, regex: u32, consts: &Consts) -> Result<bool, EvalError> {
    match (value, consts.regex(regex)) {
        (Value::Str(text), Some(regex)) => Ok(regex.is_match(text)),
        (other, _) => Err(no_overload("matches", &[other])),
    }
}

/// A duration constant, in nanoseconds.
pub fn duration(nanos: i64) -> Span {
    let seconds = nanos.div_euclid(1_000_000_000);
    Span { seconds, nanos: u32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or(0) }
}
