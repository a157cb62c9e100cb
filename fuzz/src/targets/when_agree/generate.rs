//! Random expression code: every kind of node, mostly of fitting types, sometimes of others.

use admit_plan::code::{
    BinOp, Comprehension, Entry, Escape, Expr, Item, LocalId, Macro, Part, Pool, Set, SetId, Slot, SlotId, Source,
    StrId,
};
use admit_plan::func::Func;
use admit_plan::types::{Kind, Type};

use super::values::{self, pick, pick_of};
use crate::choices::Choices;

/// What an expression should give, by its main kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    Bool,
    Int,
    Uint,
    Double,
    Str,
    /// Bytes, times, types, addresses.
    Other,
    /// A list of strings.
    Words,
    /// A list of ints.
    Ints,
    Map,
    Optional,
}

const WANTS: [Want; 10] = [
    Want::Bool,
    Want::Int,
    Want::Uint,
    Want::Double,
    Want::Str,
    Want::Other,
    Want::Words,
    Want::Ints,
    Want::Map,
    Want::Optional,
];

/// A random program and what it runs over.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Constants.
    pub pool: Pool,
    /// Slots: the same in every program.
    pub slots: Vec<Slot>,
    /// The expression.
    pub expr: Expr,
}

/// A program of these choices.
pub fn generate(choices: &mut Choices<'_>) -> Generated {
    let mut tree = Tree { choices, slots: values::slots(), locals: Vec::new(), left: 60 };
    let want = if tree.choices.one_in(2) { Want::Bool } else { tree.any_want() };
    let expr = tree.expr(want, 7);
    Generated { pool: pool(), slots: tree.slots, expr }
}

fn pool() -> Pool {
    let set =
        |ignore_case, words: &[&str]| Set { ignore_case, entries: words.iter().map(|word| (*word).into()).collect() };
    let mut many: Vec<String> = (0..40).map(|number| format!("word-{number:02}")).collect();
    many.push("admins".into());
    many.sort();
    Pool {
        strings: values::NAMES.iter().chain(&values::STRINGS).map(|text| (*text).into()).collect(),
        sets: vec![
            set(false, &["admins", "low"]),
            set(true, &["admins", "straße"]),
            Set { ignore_case: false, entries: many.into_iter().map(Into::into).collect() },
        ],
        regexes: vec!["^a.*s$".into(), "[0-9]+".into()],
    }
}

/// An expression that is being made.
struct Tree<'c, 'b> {
    choices: &'c mut Choices<'b>,
    slots: Vec<Slot>,
    /// What bound variables hold.
    locals: Vec<Want>,
    /// Nodes that may still be made.
    left: usize,
}

impl Tree<'_, '_> {
    fn expr(&mut self, want: Want, depth: usize) -> Expr {
        self.left = self.left.saturating_sub(1);
        let want = if self.choices.one_in(40) { self.any_want() } else { want };
        if depth == 0 || self.left == 0 || self.choices.is_empty() || self.choices.one_in(5) {
            return self.leaf(want);
        }
        let depth = depth - 1;
        match self.choices.below(12) {
            0 => {
                let parts = (self.expr(Want::Bool, depth), self.expr(want, depth), self.expr(want, depth));
                Expr::Cond(Box::new(parts))
            }
            1 => {
                let bound = self.any_want();
                let value = self.expr(bound, depth);
                let body = self.with_locals(&[bound], |this| this.expr(want, depth));
                Expr::Bind(Box::new((value, body)))
            }
            2 => self.part_of(want, depth),
            _ => self.made(want, depth),
        }
    }

    /// A part of a list, map or optional.
    fn part_of(&mut self, want: Want, depth: usize) -> Expr {
        match self.choices.below(6) {
            0 => Expr::Select(self.boxed(Want::Map, depth), self.name()),
            1 => {
                let list = if want == Want::Int { Want::Ints } else { Want::Words };
                Expr::Index(self.two(list, Want::Int, depth))
            }
            2 => Expr::Index(self.two(Want::Map, Want::Str, depth)),
            3 => {
                let func = if want == Want::Optional { Func::OptOr } else { Func::OptOrValue };
                Expr::Call(func, vec![self.expr(Want::Optional, depth), self.expr(want, depth)])
            }
            4 => Expr::Call(Func::OptValue, vec![self.expr(Want::Optional, depth)]),
            _ => self.any_call(depth),
        }
    }

    fn made(&mut self, want: Want, depth: usize) -> Expr {
        match want {
            Want::Bool => self.condition(depth),
            Want::Int | Want::Uint | Want::Double => self.number(want, depth),
            Want::Str => self.text(depth),
            Want::Other => self.any_call(depth),
            Want::Words | Want::Ints => self.list(want, depth),
            Want::Map => self.map(depth),
            Want::Optional => self.optional(depth),
        }
    }

    fn condition(&mut self, depth: usize) -> Expr {
        match self.choices.below(14) {
            0 => Expr::Not(self.boxed(Want::Bool, depth)),
            1 | 2 => Expr::And(self.conditions(depth)),
            3 | 4 => Expr::Or(self.conditions(depth)),
            5 | 6 => {
                let want = self.any_want();
                let ops = [BinOp::Eq, BinOp::Ne, BinOp::Lt, BinOp::Le, BinOp::Gt, BinOp::Ge];
                Expr::Binary(pick(self.choices, &ops), self.two(want, want, depth))
            }
            7 => {
                let (item, list) =
                    pick(self.choices, &[(Want::Int, Want::Ints), (Want::Str, Want::Map), (Want::Str, Want::Words)]);
                Expr::Binary(BinOp::In, self.two(item, list, depth))
            }
            8 => Expr::InSet(self.boxed(Want::Str, depth), self.choices.below(3) as SetId),
            9 => Expr::Matches(self.boxed(Want::Str, depth), self.choices.below(2) as u32),
            10 => {
                let func = pick(self.choices, &[Func::StartsWith, Func::EndsWith, Func::Contains]);
                Expr::Call(func, vec![self.expr(Want::Str, depth), self.expr(Want::Str, depth)])
            }
            11 => Expr::HasField(self.boxed(Want::Map, depth), self.name()),
            12 => Expr::Has(self.any_slot()),
            _ => {
                let kind = pick(self.choices, &[Macro::All, Macro::Exists, Macro::ExistsOne]);
                self.comprehension(kind, depth)
            }
        }
    }

    fn conditions(&mut self, depth: usize) -> Vec<Expr> {
        (0..2 + self.choices.below(3)).map(|_| self.expr(Want::Bool, depth)).collect()
    }

    fn number(&mut self, want: Want, depth: usize) -> Expr {
        match self.choices.below(8) {
            0 => Expr::Neg(self.boxed(want, depth)),
            1 if want == Want::Int => {
                let of = pick(self.choices, &[Want::Str, Want::Words, Want::Ints, Want::Map]);
                Expr::Call(Func::Size, vec![self.expr(of, depth)])
            }
            _ => {
                let op = pick(self.choices, &[BinOp::Add, BinOp::Sub, BinOp::Mul, BinOp::Div, BinOp::Rem]);
                Expr::Binary(op, self.two(want, want, depth))
            }
        }
    }

    fn text(&mut self, depth: usize) -> Expr {
        match self.choices.below(3) {
            0 => Expr::Template((0..1 + self.choices.below(3)).map(|_| self.part(depth)).collect()),
            1 => Expr::Binary(BinOp::Add, self.two(Want::Str, Want::Str, depth)),
            _ => self.any_call(depth),
        }
    }

    fn part(&mut self, depth: usize) -> Part {
        if self.choices.one_in(3) {
            return Part::Text(self.string());
        }
        let want = self.any_want();
        let hole = self.expr(want, depth);
        Part::Hole(hole, pick(self.choices, &[Escape::Text, Escape::Url, Escape::Header, Escape::Json, Escape::Html]))
    }

    fn list(&mut self, want: Want, depth: usize) -> Expr {
        if self.choices.one_in(3) {
            let kind = pick(self.choices, &[Macro::Filter, Macro::Map]);
            return self.comprehension(kind, depth);
        }
        let item = if want == Want::Ints { Want::Int } else { Want::Str };
        let items = (0..self.choices.below(4)).map(|_| {
            let optional = self.choices.one_in(4);
            Item { value: self.expr(if optional { Want::Optional } else { item }, depth), optional }
        });
        Expr::List(items.collect())
    }

    fn map(&mut self, depth: usize) -> Expr {
        if self.choices.one_in(3) {
            let kind = pick(self.choices, &[Macro::TransformMap, Macro::TransformMapEntry]);
            return self.comprehension(kind, depth);
        }
        let entries = (0..self.choices.below(4)).map(|_| {
            let optional = self.choices.one_in(4);
            let key = if self.choices.one_in(4) { self.any_want() } else { Want::Str };
            let value = if optional { Want::Optional } else { Want::Int };
            Entry { key: self.expr(key, depth), value: self.expr(value, depth), optional }
        });
        Expr::Map(entries.collect())
    }

    fn optional(&mut self, depth: usize) -> Expr {
        match self.choices.below(5) {
            0 => Expr::OptSlot(self.any_slot()),
            1 => Expr::OptSelect(self.boxed(Want::Map, depth), self.name()),
            2 => Expr::OptIndex(self.two(Want::Words, Want::Int, depth)),
            3 => {
                let want = self.any_want();
                Expr::Call(Func::OptOf, vec![self.expr(want, depth)])
            }
            _ => Expr::Call(Func::OptNone, vec![]),
        }
    }

    fn comprehension(&mut self, kind: Macro, depth: usize) -> Expr {
        let over = pick(self.choices, &[Want::Words, Want::Ints, Want::Map]);
        let range = self.expr(over, depth);
        let two_vars = match kind {
            Macro::TransformMap | Macro::TransformMapEntry => true,
            Macro::Filter => false,
            Macro::All | Macro::Exists | Macro::ExistsOne | Macro::Map => self.choices.one_in(3),
        };
        let item = if over == Want::Ints { Want::Int } else { Want::Str };
        let locals: &[Want] = match (over, two_vars) {
            (_, false) => &[item],
            (Want::Map, true) => &[Want::Str, Want::Int],
            (_, true) => &[Want::Int, item],
        };
        let (cond, value) = self.with_locals(locals, |this| {
            let tests = matches!(kind, Macro::All | Macro::Exists | Macro::ExistsOne | Macro::Filter);
            let cond = (tests || this.choices.one_in(3)).then(|| this.expr(Want::Bool, depth));
            let value = match kind {
                Macro::All | Macro::Exists | Macro::ExistsOne | Macro::Filter => None,
                Macro::Map | Macro::TransformMap => {
                    let want = this.any_want();
                    Some(this.expr(want, depth))
                }
                Macro::TransformMapEntry => Some(this.expr(Want::Map, depth)),
            };
            (cond, value)
        });
        Expr::Comprehension(Box::new(Comprehension { kind, range, two_vars, cond, value }))
    }

    /// Any function, with arguments that may fit.
    fn any_call(&mut self, depth: usize) -> Expr {
        let func = pick_of(self.choices, Func::ALL).unwrap_or(Func::Unknown);
        let arguments = (0..self.choices.below(4)).map(|_| {
            let want = self.any_want();
            self.expr(want, depth)
        });
        Expr::Call(func, arguments.collect())
    }

    fn leaf(&mut self, want: Want) -> Expr {
        let fitting: Vec<LocalId> =
            (0u32..).zip(&self.locals).filter(|(_, local)| **local == want).map(|(id, _)| id).collect();
        if self.choices.one_in(2)
            && let Some(local) = pick_of(self.choices, &fitting)
        {
            return Expr::Local(local);
        }
        if self.choices.one_in(2) {
            return self.slot_of(want);
        }
        match want {
            Want::Bool => Expr::Bool(self.choices.one_in(2)),
            Want::Int => Expr::Int(values::int(self.choices)),
            Want::Uint => Expr::Uint(values::uint(self.choices)),
            Want::Double => Expr::Double(values::double(self.choices)),
            Want::Str => Expr::Str(self.string()),
            Want::Other => match self.choices.below(4) {
                0 => Expr::Null,
                1 => Expr::Bytes(vec![1, 2, 0xff]),
                2 => Expr::Duration(values::int(self.choices)),
                _ => Expr::Type(self.string()),
            },
            Want::Words => {
                let items =
                    (0..self.choices.below(4)).map(|_| Item { value: Expr::Str(self.string()), optional: false });
                Expr::List(items.collect())
            }
            Want::Ints => Expr::List(vec![]),
            Want::Map => Expr::Map(vec![]),
            Want::Optional => Expr::OptSlot(self.any_slot()),
        }
    }

    fn slot_of(&mut self, want: Want) -> Expr {
        let fits = |ty: &Type| match (&ty.kind, want) {
            (Kind::Bool, Want::Bool)
            | (Kind::Int(_), Want::Int)
            | (Kind::Uint(_), Want::Uint)
            | (Kind::Double(_), Want::Double)
            | (Kind::String | Kind::Enum(_), Want::Str)
            | (Kind::Map(..) | Kind::Record(_), Want::Map) => true,
            (Kind::List(item), Want::Ints) => matches!(item.kind, Kind::Int(_)),
            (Kind::List(item), Want::Words) => !matches!(item.kind, Kind::Int(_)),
            (
                Kind::Bytes | Kind::Timestamp | Kind::Duration | Kind::Null | Kind::Ip | Kind::Cidr | Kind::Dyn,
                Want::Other | Want::Optional,
            ) => true,
            _ => false,
        };
        let fitting: Vec<SlotId> =
            (0u32..).zip(&self.slots).filter(|(_, slot)| fits(&slot.ty)).map(|(id, _)| id).collect();
        Expr::Slot(pick_of(self.choices, &fitting).unwrap_or_default())
    }

    fn boxed(&mut self, want: Want, depth: usize) -> Box<Expr> {
        Box::new(self.expr(want, depth))
    }

    fn two(&mut self, first: Want, second: Want, depth: usize) -> Box<(Expr, Expr)> {
        Box::new((self.expr(first, depth), self.expr(second, depth)))
    }

    fn any_want(&mut self) -> Want {
        pick(self.choices, &WANTS)
    }

    fn any_slot(&mut self) -> SlotId {
        self.choices.below(self.slots.len()) as SlotId
    }

    fn name(&mut self) -> StrId {
        self.choices.below(values::NAMES.len()) as StrId
    }

    fn string(&mut self) -> StrId {
        self.choices.below(values::NAMES.len() + values::STRINGS.len()) as StrId
    }

    fn with_locals<T>(&mut self, locals: &[Want], make: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.locals.len();
        self.locals.extend_from_slice(locals);
        let made = make(self);
        self.locals.truncate(before);
        made
    }
}

/// What a slot of a generated program comes from: nothing reads it.
pub(super) const NOWHERE: Source = Source::Variable(0);
