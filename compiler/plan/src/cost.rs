//! The static cost bound of code (language.md section 5): every expression ends, and this says how much it can cost
//! at most. One unit is a nanosecond or a few. Checking refuses expressions over [`LIMIT`], and so does loading a plan.
//!
//! A size that no declaration bounds counts as 64 KiB for strings and bytes and 1,024 entries for lists and maps.

use std::sync::Arc;

use crate::code::{BinOp, Comprehension, Expr, Macro, Part, Pool, SlotId};
use crate::func::Func;
use crate::types::{Kind, Type};

/// No expression may cost more, in units: a few seconds in the worst case.
pub const LIMIT: u64 = 1 << 32;

/// Units to evaluate a node, besides what it does.
const NODE: u64 = 16;
/// Bytes of a string whose size nothing bounds.
const TEXT: u64 = 64 << 10;
/// Entries of a list or map whose size nothing bounds.
const ENTRIES: u64 = 1_024;
/// Bytes that are compared, copied or searched in one unit.
const BYTES_PER_UNIT: u64 = 64;
/// Units that a regular expression takes for a byte (the automaton is bounded, and built on the way).
const REGEX_UNITS_PER_BYTE: u64 = 8;
/// Evaluation makes no value larger than this.
const LARGEST: u64 = 16 << 20;

/// The most that evaluating `expr` can cost, in units, saturating. `slots` gives the declared types of slots.
pub fn cost<'t>(expr: &Expr, slots: &dyn Fn(SlotId) -> Option<&'t Type>, pool: &Pool) -> u64 {
    Bounds { slots, pool, locals: Vec::new(), over: None, next: 0 }.expr(expr).cost
}

/// Where `expr` costs more than `limit`: the number, in preorder of the code, of the smallest part that alone does.
pub fn over<'t>(expr: &Expr, slots: &dyn Fn(SlotId) -> Option<&'t Type>, pool: &Pool, limit: u64) -> Option<usize> {
    let mut bounds = Bounds { slots, pool, locals: Vec::new(), over: Some((limit, None)), next: 0 };
    bounds.expr(expr);
    bounds.over.and_then(|(_, found)| found)
}

/// How large a value can be.
#[derive(Clone, Debug)]
struct Size {
    /// Bytes of text.
    bytes: u64,
    /// Entries.
    count: u64,
    /// The size of an entry; none: of any value, or of none where there are no entries.
    item: Option<Arc<Size>>,
}

/// The bound of one node.
struct Bound {
    cost: u64,
    size: Size,
}

struct Bounds<'a, 't> {
    slots: &'a dyn Fn(SlotId) -> Option<&'t Type>,
    pool: &'a Pool,
    locals: Vec<Size>,
    /// The limit, and the first node in postorder that is over it.
    over: Option<(u64, Option<usize>)>,
    /// The number of the next node in preorder.
    next: usize,
}

impl Size {
    const SCALAR: Self = Self { bytes: 0, count: 0, item: None };
    const ANY: Self = Self { bytes: TEXT, count: ENTRIES, item: None };

    fn text(bytes: u64) -> Self {
        Self { bytes: bytes.min(LARGEST), count: 0, item: None }
    }

    fn list(count: u64, item: Self) -> Self {
        Self { bytes: 0, count: count.min(LARGEST), item: Some(Arc::new(item)) }
    }

    fn of(ty: &Type) -> Self {
        match &ty.kind {
            Kind::Error | Kind::Dyn => Self::ANY,
            Kind::Null
            | Kind::Bool
            | Kind::Int(_)
            | Kind::Uint(_)
            | Kind::Double(_)
            | Kind::Timestamp
            | Kind::Duration
            | Kind::Ip
            | Kind::Cidr => Self::SCALAR,
            Kind::String | Kind::Bytes => Self::text(TEXT),
            Kind::Enum(words) => Self::text(words.iter().map(|word| length(word.len())).max().unwrap_or(0)),
            Kind::Type => Self::text(64),
            Kind::List(item) => Self::list(ENTRIES, Self::of(item)),
            Kind::Map(key, value) => Self::list(ENTRIES, Self::of(key).or(Self::of(value))),
            Kind::Record(fields) => {
                let item = fields.iter().map(|field| Self::of(&field.ty)).reduce(Self::or);
                Self::list(length(fields.len()), item.unwrap_or(Self::SCALAR))
            }
            Kind::Optional(inner) => Self::of(inner),
        }
    }

    /// Large enough for either.
    fn or(self, other: Self) -> Self {
        let item = match (self.item, other.item) {
            (Some(left), Some(right)) => Some(Arc::new((*left).clone().or((*right).clone()))),
            (Some(item), None) if other.count == 0 => Some(item),
            (None, Some(item)) if self.count == 0 => Some(item),
            (_, _) => None,
        };
        Self { bytes: self.bytes.max(other.bytes), count: self.count.max(other.count), item }
    }

    fn item(&self) -> Self {
        match &self.item {
            Some(item) => (**item).clone(),
            None if self.count == 0 => Self::SCALAR,
            None => Self::ANY,
        }
    }

    /// All bytes of it, entries included.
    fn weight(&self) -> u64 {
        let entry = match &self.item {
            Some(item) => item.weight(),
            None => TEXT,
        };
        self.bytes.saturating_add(self.count.saturating_mul(entry.saturating_add(16)))
    }

    /// Units to look at every byte of it.
    fn scan(&self) -> u64 {
        1 + self.weight() / BYTES_PER_UNIT
    }
}

impl Bounds<'_, '_> {
    fn expr(&mut self, expr: &Expr) -> Bound {
        let number = self.next;
        self.next += 1;
        let mut bound = self.node(expr);
        bound.cost = bound.cost.saturating_add(NODE);
        if let Some((limit, found @ None)) = &mut self.over
            && bound.cost > *limit
        {
            *found = Some(number);
        }
        bound
    }

    fn node(&mut self, expr: &Expr) -> Bound {
        match expr {
            Expr::Null
            | Expr::Bool(_)
            | Expr::Int(_)
            | Expr::Uint(_)
            | Expr::Double(_)
            | Expr::Duration(_)
            | Expr::Has(_) => Bound { cost: 1, size: Size::SCALAR },
            Expr::Str(id) | Expr::Type(id) => {
                let text = self.pool.strings.get(*id as usize);
                Bound { cost: 1, size: Size::text(text.map_or(0, |text| length(text.len()))) }
            }
            Expr::Bytes(bytes) => Bound { cost: 1, size: Size::text(length(bytes.len())) },
            Expr::Slot(slot) | Expr::OptSlot(slot) => {
                Bound { cost: 1, size: (self.slots)(*slot).map_or(Size::ANY, Size::of) }
            }
            Expr::Local(local) => {
                Bound { cost: 1, size: self.locals.get(*local as usize).cloned().unwrap_or(Size::ANY) }
            }
            Expr::Select(operand, _) | Expr::OptSelect(operand, _) => {
                let operand = self.expr(operand);
                // A look-up in a map compares keys one by one.
                let cost = operand.cost.saturating_add(1 + operand.size.count);
                Bound { cost, size: operand.size.item() }
            }
            Expr::HasField(operand, _) => {
                let operand = self.expr(operand);
                Bound { cost: operand.cost.saturating_add(1 + operand.size.count), size: Size::SCALAR }
            }
            Expr::Index(parts) | Expr::OptIndex(parts) => {
                let operand = self.expr(&parts.0);
                let index = self.expr(&parts.1);
                let look = operand.size.count.saturating_mul(1 + index.size.bytes / BYTES_PER_UNIT);
                let cost = operand.cost.saturating_add(index.cost).saturating_add(1 + look);
                Bound { cost, size: operand.size.item() }
            }
            Expr::Not(operand) | Expr::Neg(operand) => {
                let operand = self.expr(operand);
                Bound { cost: operand.cost.saturating_add(1), size: Size::SCALAR }
            }
            Expr::Binary(op, parts) => {
                let left = self.expr(&parts.0);
                let right = self.expr(&parts.1);
                binary(*op, left, right)
            }
            Expr::And(parts) | Expr::Or(parts) => {
                let cost = parts.iter().fold(1_u64, |cost, part| cost.saturating_add(self.expr(part).cost));
                Bound { cost, size: Size::SCALAR }
            }
            Expr::Cond(parts) => {
                let condition = self.expr(&parts.0);
                let yes = self.expr(&parts.1);
                let no = self.expr(&parts.2);
                Bound { cost: condition.cost.saturating_add(yes.cost.max(no.cost)), size: yes.size.or(no.size) }
            }
            Expr::List(items) => {
                let mut cost = 1_u64;
                let mut size: Option<Size> = None;
                for item in items {
                    let bound = self.expr(&item.value);
                    cost = cost.saturating_add(bound.cost).saturating_add(1);
                    size = Some(size.map_or(bound.size.clone(), |size| size.or(bound.size)));
                }
                Bound { cost, size: Size::list(length(items.len()), size.unwrap_or(Size::SCALAR)) }
            }
            Expr::Map(entries) => {
                let mut cost = 1_u64;
                let mut size: Option<Size> = None;
                for entry in entries {
                    let key = self.expr(&entry.key);
                    let value = self.expr(&entry.value);
                    // Each key is held against those before it.
                    let keys = length(entries.len()).saturating_mul(key.size.scan());
                    cost = cost.saturating_add(key.cost).saturating_add(value.cost).saturating_add(keys);
                    let both = key.size.or(value.size);
                    size = Some(size.map_or(both.clone(), |size| size.or(both)));
                }
                Bound { cost, size: Size::list(length(entries.len()), size.unwrap_or(Size::SCALAR)) }
            }
            Expr::InSet(operand, _) => {
                let operand = self.expr(operand);
                let cost = operand.cost.saturating_add(2 + operand.size.bytes / BYTES_PER_UNIT);
                Bound { cost, size: Size::SCALAR }
            }
            Expr::Matches(operand, _) => {
                let operand = self.expr(operand);
                let scan = operand.size.bytes.saturating_mul(REGEX_UNITS_PER_BYTE);
                Bound { cost: operand.cost.saturating_add(scan).saturating_add(1), size: Size::SCALAR }
            }
            Expr::Call(func, args) => {
                let args: Vec<Bound> = args.iter().map(|arg| self.expr(arg)).collect();
                call(*func, &args)
            }
            Expr::Comprehension(walk) => self.comprehension(walk),
            Expr::Bind(parts) => {
                let value = self.expr(&parts.0);
                self.locals.push(value.size);
                let body = self.expr(&parts.1);
                self.locals.pop();
                Bound { cost: value.cost.saturating_add(body.cost), size: body.size }
            }
            Expr::Template(parts) => {
                let mut cost = 1_u64;
                let mut bytes = 0_u64;
                for part in parts {
                    match part {
                        Part::Text(id) => {
                            let text = self.pool.strings.get(*id as usize);
                            bytes = bytes.saturating_add(text.map_or(0, |text| length(text.len())));
                        }
                        Part::Hole(hole, _) => {
                            let hole = self.expr(hole);
                            // Escaping makes at most six bytes of one.
                            let escaped = hole.size.weight().saturating_mul(6).saturating_add(32);
                            bytes = bytes.saturating_add(escaped);
                            cost = cost.saturating_add(hole.cost).saturating_add(escaped / BYTES_PER_UNIT);
                        }
                    }
                }
                Bound { cost, size: Size::text(bytes) }
            }
        }
    }

    fn comprehension(&mut self, walk: &Comprehension) -> Bound {
        let range = self.expr(&walk.range);
        let depth = self.locals.len();
        // A variable is a key, an index or a value; the size of an entry covers each.
        for _ in 0..=usize::from(walk.two_vars) {
            self.locals.push(range.size.item());
        }
        let cond = walk.cond.as_ref().map(|cond| self.expr(cond));
        let value = walk.value.as_ref().map(|value| self.expr(value));
        self.locals.truncate(depth);
        let count = range.size.count;
        let body = [&cond, &value].into_iter().flatten().fold(2_u64, |cost, part| cost.saturating_add(part.cost));
        let made = value.map_or(Size::SCALAR, |value| value.size);
        let mut cost = range.cost.saturating_add(count.saturating_mul(body)).saturating_add(1);
        let size = match walk.kind {
            Macro::All | Macro::Exists | Macro::ExistsOne => Size::SCALAR,
            Macro::Filter => range.size,
            Macro::Map => Size::list(count, made),
            Macro::TransformMap => Size::list(count, range.size.item().or(made)),
            Macro::TransformMapEntry => {
                // Each new key is held against those before it.
                let item = made.item();
                cost = cost.saturating_add(count.saturating_mul(count).saturating_mul(item.scan()));
                Size::list(count, item)
            }
        };
        Bound { cost, size }
    }
}

fn binary(op: BinOp, left: Bound, right: Bound) -> Bound {
    let operands = left.cost.saturating_add(right.cost).saturating_add(1);
    match op {
        BinOp::Eq | BinOp::Ne | BinOp::Lt | BinOp::Le | BinOp::Gt | BinOp::Ge => {
            // Comparing stops with the shorter; maps are compared key by key.
            let entries = left.size.count.min(right.size.count);
            let maps = if left.size.item.is_some() && right.size.item.is_some() { 0 } else { entries };
            let bytes = left.size.weight().min(right.size.weight());
            let cost = operands.saturating_add(bytes / BYTES_PER_UNIT).saturating_add(maps);
            Bound { cost, size: Size::SCALAR }
        }
        BinOp::In => {
            let each = left.size.weight().min(right.size.item().weight());
            let cost = right.size.count.saturating_mul(1 + each / BYTES_PER_UNIT);
            Bound { cost: operands.saturating_add(cost), size: Size::SCALAR }
        }
        BinOp::Add => {
            let item = match (&left.size.item, &right.size.item) {
                (Some(left), Some(right)) => Some(Arc::new((**left).clone().or((**right).clone()))),
                (Some(item), None) | (None, Some(item)) => Some(Arc::clone(item)),
                (None, None) => None,
            };
            let bytes = left.size.bytes.saturating_add(right.size.bytes).min(LARGEST);
            let count = left.size.count.saturating_add(right.size.count).min(LARGEST);
            let cost = operands.saturating_add(bytes / BYTES_PER_UNIT).saturating_add(count);
            Bound { cost, size: Size { bytes, count, item } }
        }
        BinOp::Sub | BinOp::Mul | BinOp::Div | BinOp::Rem => Bound { cost: operands, size: Size::SCALAR },
    }
}

fn call(func: Func, args: &[Bound]) -> Bound {
    let mut cost = args.iter().fold(4_u64, |cost, arg| cost.saturating_add(arg.cost));
    let size = |index: usize| args.get(index).map_or(Size::SCALAR, |arg| arg.size.clone());
    let first = size(0);
    let mut scan = |bytes: u64| cost = cost.saturating_add(bytes / BYTES_PER_UNIT);
    let size = match func {
        Func::Unknown
        | Func::Type
        | Func::Bool
        | Func::IsNan
        | Func::IsInf
        | Func::IsFinite
        | Func::Ceil
        | Func::Floor
        | Func::Round
        | Func::Trunc
        | Func::Abs
        | Func::Sign
        | Func::Sqrt
        | Func::BitAnd
        | Func::BitOr
        | Func::BitXor
        | Func::BitNot
        | Func::BitShiftLeft
        | Func::BitShiftRight
        | Func::Family
        | Func::IsUnspecified
        | Func::IsLoopback
        | Func::IsGlobalUnicast
        | Func::IsLinkLocalMulticast
        | Func::IsLinkLocalUnicast
        | Func::Masked
        | Func::PrefixLength
        | Func::OptHasValue => Size::SCALAR,
        Func::Dyn | Func::OptOf | Func::OptValue => first,
        Func::OptNone => Size::SCALAR,
        Func::OptOfNonZero => first,
        Func::OptOr | Func::OptOrValue => first.or(size(1)),
        // Counting the characters of a string reads it.
        Func::Size
        | Func::Int
        | Func::Uint
        | Func::Double
        | Func::Timestamp
        | Func::Duration
        | Func::StartsWith
        | Func::EndsWith
        | Func::Ip
        | Func::IsIp
        | Func::IpIsCanonical
        | Func::Cidr
        | Func::IsCidr
        | Func::ContainsIp
        | Func::ContainsCidr => {
            scan(first.bytes.saturating_mul(4));
            Size::SCALAR
        }
        Func::GetFullYear
        | Func::GetMonth
        | Func::GetDate
        | Func::GetDayOfMonth
        | Func::GetDayOfWeek
        | Func::GetDayOfYear
        | Func::GetHours
        | Func::GetMinutes
        | Func::GetSeconds
        | Func::GetMilliseconds => {
            // A zone by name is looked up.
            scan(if args.len() > 1 { 16_384 } else { 1_024 });
            Size::SCALAR
        }
        // Two-way search: both are read, with a small factor.
        Func::Contains | Func::IndexOf | Func::LastIndexOf => {
            scan(first.bytes.saturating_add(size(1).bytes).saturating_mul(16));
            Size::SCALAR
        }
        // A regular expression that is not constant is compiled first.
        Func::Matches => {
            scan(first.bytes.saturating_mul(REGEX_UNITS_PER_BYTE * BYTES_PER_UNIT));
            scan((1 << 20) * BYTES_PER_UNIT);
            Size::SCALAR
        }
        Func::CharAt => {
            scan(first.bytes.saturating_mul(4));
            Size::text(4)
        }
        Func::String | Func::Bytes | Func::Base64Encode | Func::Base64Decode | Func::Quote => {
            let bytes = first.bytes.saturating_mul(4).saturating_add(64);
            scan(bytes);
            Size::text(bytes)
        }
        Func::LowerAscii | Func::UpperAscii | Func::Trim | Func::Reverse | Func::Substring => {
            scan(first.bytes.saturating_mul(4));
            Size::text(first.bytes)
        }
        Func::Replace => {
            let each = size(2).bytes.saturating_add(1);
            let bytes = first.bytes.saturating_add(1).saturating_mul(each).min(LARGEST);
            scan(bytes.saturating_add(first.bytes.saturating_mul(16)));
            Size::text(bytes)
        }
        Func::Split => {
            scan(first.bytes.saturating_mul(16 + BYTES_PER_UNIT));
            // Many parts are short and long parts are few: the whole is never more than the string.
            let parts = if size(1).bytes == 0 { first.bytes } else { first.bytes.min(ENTRIES) };
            Size::list(parts + 1, Size::text(first.bytes))
        }
        Func::Join => {
            let bytes = first.weight().saturating_add(first.count.saturating_mul(size(1).bytes)).min(LARGEST);
            scan(bytes);
            Size::text(bytes)
        }
        Func::Format => {
            let bytes = first.bytes.saturating_add(size(1).weight().saturating_mul(8)).min(LARGEST);
            scan(bytes.saturating_mul(4));
            Size::text(bytes)
        }
        Func::Greatest | Func::Least => {
            scan(first.count.saturating_mul(BYTES_PER_UNIT));
            Size::SCALAR
        }
        Func::OptUnwrap => {
            scan(first.count.saturating_mul(BYTES_PER_UNIT));
            first
        }
        Func::First | Func::Last => first.item(),
    };
    Bound { cost, size }
}

fn length(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings() -> Type {
        Type::list(Kind::String.into())
    }

    /// `l.exists(x, <body>)`
    fn exists(body: Expr) -> Expr {
        Expr::Comprehension(Box::new(Comprehension {
            kind: Macro::Exists,
            range: Expr::Slot(0),
            two_vars: false,
            cond: Some(body),
            value: None,
        }))
    }

    fn bound(expr: &Expr) -> u64 {
        let ty = strings();
        cost(expr, &|_| Some(&ty), &Pool { strings: vec!["admins".into()], ..Pool::default() })
    }

    #[test]
    fn a_search_for_a_word_is_cheap_and_a_search_in_a_search_is_not() {
        let word = Expr::Binary(BinOp::In, Box::new((Expr::Str(0), Expr::Slot(0))));
        assert!(bound(&word) < 10_000, "{}", bound(&word));
        let pair = Expr::Binary(BinOp::Eq, Box::new((Expr::Local(0), Expr::Local(1))));
        let pairs = exists(exists(pair.clone()));
        assert!(bound(&pairs) > 1 << 30);
        assert!(bound(&exists(exists(exists(pair)))) > LIMIT);
    }

    #[test]
    fn the_smallest_part_over_the_limit_is_named() {
        let ty = strings();
        let pair = Expr::Binary(BinOp::Eq, Box::new((Expr::Local(0), Expr::Local(1))));
        let costly = exists(exists(exists(pair)));
        let whole = Expr::And(vec![Expr::Bool(true), costly]);
        // And, true, then the outermost walk: what is inside it alone stays below.
        assert_eq!(over(&whole, &|_| Some(&ty), &Pool::default(), LIMIT), Some(2));
        assert_eq!(over(&Expr::Bool(true), &|_| Some(&ty), &Pool::default(), LIMIT), None);
    }
}
