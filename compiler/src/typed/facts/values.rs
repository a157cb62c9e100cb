//! The values that a place can still have: bools, words and numbers, as sets that can be met, joined and emptied.

use std::collections::BTreeSet;

use admit_plan::types::{Kind, Range};
use smol_str::SmolStr;

/// A set of values of one kind. Places of other kinds are `Any`.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Nothing is known.
    Any,
    /// A bool: can be true, can be false.
    Bools {
        /// `true` is possible.
        yes: bool,
        /// `false` is possible.
        no: bool,
    },
    /// A string: one of these words.
    Words(BTreeSet<SmolStr>),
    /// A string: none of these words.
    NotWords(BTreeSet<SmolStr>),
    /// A number.
    Numbers(Numbers),
}

/// A set of numbers as sorted, disjoint, closed ranges of keys. The key of an integer is itself; the key of a double
/// is its place in the order of all doubles, so that open bounds are closed ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Numbers {
    ranges: Vec<(i128, i128)>,
    /// NaN is possible.
    nan: bool,
}

/// An order relation with a constant on its right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
}

impl Values {
    /// All values that the type holds, where the set is worth tracking.
    pub fn of(kind: &Kind) -> Self {
        match kind {
            Kind::Bool => Self::Bools { yes: true, no: true },
            Kind::Enum(words) => Self::Words(words.iter().cloned().collect()),
            Kind::String => Self::NotWords(BTreeSet::new()),
            Kind::Int(range) => Self::Numbers(Numbers::of_int(range)),
            Kind::Uint(range) => Self::Numbers(Numbers::of_uint(range)),
            Kind::Double(range) => {
                let bounded = range.min.is_some() && range.max.is_some();
                let min = double_key(range.min.map_or(f64::NEG_INFINITY, |min| min.0));
                let max = double_key(range.max.map_or(f64::INFINITY, |max| max.0));
                Self::Numbers(Numbers { ranges: non_empty(min, max), nan: !bounded })
            }
            Kind::Error
            | Kind::Dyn
            | Kind::Null
            | Kind::Bytes
            | Kind::Timestamp
            | Kind::Duration
            | Kind::List(_)
            | Kind::Map(..)
            | Kind::Record(_)
            | Kind::Optional(_)
            | Kind::Type
            | Kind::Ip
            | Kind::Cidr => Self::Any,
        }
    }

    /// One bool.
    pub fn bool(value: bool) -> Self {
        Self::Bools { yes: value, no: !value }
    }

    /// These words.
    pub fn words(words: impl IntoIterator<Item = SmolStr>) -> Self {
        Self::Words(words.into_iter().collect())
    }

    /// No value is left.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Any | Self::NotWords(_) => false,
            Self::Bools { yes, no } => !yes && !no,
            Self::Words(words) => words.is_empty(),
            Self::Numbers(numbers) => numbers.ranges.is_empty() && !numbers.nan,
        }
    }

    /// The bool, if it can only be one.
    pub fn known_bool(&self) -> Option<bool> {
        match self {
            Self::Bools { yes: true, no: false } => Some(true),
            Self::Bools { yes: false, no: true } => Some(false),
            Self::Any | Self::Bools { .. } | Self::Words(_) | Self::NotWords(_) | Self::Numbers(_) => None,
        }
    }

    /// All values of `other` are among these: to meet them changes nothing of `other`.
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::Bools { yes, no }, Self::Bools { yes: other_yes, no: other_no }) => {
                (*yes || !other_yes) && (*no || !other_no)
            }
            (Self::Words(words), Self::Words(other)) => other.is_subset(words),
            (Self::NotWords(not), Self::Words(other)) => other.is_disjoint(not),
            (Self::NotWords(not), Self::NotWords(other)) => not.is_subset(other),
            (Self::Numbers(numbers), Self::Numbers(other)) => numbers == other || numbers.meet(other) == *other,
            (Self::Bools { .. } | Self::Words(_) | Self::NotWords(_) | Self::Numbers(_), _) => false,
        }
    }

    /// Values in both.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, values) | (values, Self::Any) => values.clone(),
            (Self::Bools { yes, no }, Self::Bools { yes: other_yes, no: other_no }) => {
                Self::Bools { yes: *yes && *other_yes, no: *no && *other_no }
            }
            (Self::Words(left), Self::Words(right)) => Self::Words(left.intersection(right).cloned().collect()),
            (Self::Words(words), Self::NotWords(not)) | (Self::NotWords(not), Self::Words(words)) => {
                Self::Words(words.difference(not).cloned().collect())
            }
            (Self::NotWords(left), Self::NotWords(right)) => Self::NotWords(left.union(right).cloned().collect()),
            (Self::Numbers(left), Self::Numbers(right)) => Self::Numbers(left.meet(right)),
            // Two kinds at one place: it is not typed as the facts think, so nothing follows.
            (Self::Bools { .. } | Self::Words(_) | Self::NotWords(_) | Self::Numbers(_), _) => Self::Any,
        }
    }

    /// Values in one of the two, or a superset.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Bools { yes, no }, Self::Bools { yes: other_yes, no: other_no }) => {
                Self::Bools { yes: *yes || *other_yes, no: *no || *other_no }
            }
            (Self::Words(left), Self::Words(right)) => Self::Words(left.union(right).cloned().collect()),
            (Self::Words(words), Self::NotWords(not)) | (Self::NotWords(not), Self::Words(words)) => {
                Self::NotWords(not.difference(words).cloned().collect())
            }
            (Self::NotWords(left), Self::NotWords(right)) => {
                Self::NotWords(left.intersection(right).cloned().collect())
            }
            (Self::Numbers(left), Self::Numbers(right)) => Self::Numbers(left.join(right)),
            (Self::Any | Self::Bools { .. } | Self::Words(_) | Self::NotWords(_) | Self::Numbers(_), _) => Self::Any,
        }
    }

    /// Values of these that are not in `other`, or a superset.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Bools { yes, no }, Self::Bools { yes: other_yes, no: other_no }) => {
                Self::Bools { yes: *yes && !other_yes, no: *no && !other_no }
            }
            (values, Self::Words(words)) => values.meet(&Self::NotWords(words.clone())),
            (values, Self::NotWords(words)) => values.meet(&Self::Words(words.clone())),
            (Self::Numbers(left), Self::Numbers(right)) => Self::Numbers(left.without(right)),
            (values, Self::Any | Self::Bools { .. } | Self::Numbers(_)) => values.clone(),
        }
    }
}

impl Numbers {
    /// Integers from `min` to `max`.
    pub fn ints(min: i128, max: i128) -> Self {
        Self { ranges: non_empty(min, max), nan: false }
    }

    /// Integers that stand in the relation to `bound`.
    pub fn ints_that(relation: Relation, bound: i128) -> Self {
        Self { ranges: keys_that(relation, bound, i128::MIN, i128::MAX), nan: false }
    }

    /// Integers that stand in the relation to a double.
    pub fn ints_that_double(relation: Relation, bound: f64) -> Self {
        // Doubles this large are integers, and all 64-bit integers lie within.
        const LARGE: f64 = 1e30;
        if bound.is_nan() {
            return Self {
                ranges: if relation == Relation::Ne { vec![(i128::MIN, i128::MAX)] } else { vec![] },
                nan: false,
            };
        }
        let clamped = bound.clamp(-LARGE, LARGE);
        #[expect(clippy::cast_possible_truncation, reason = "within 1e30 either way, far inside i128")]
        let floor = clamped.floor() as i128;
        if clamped.fract() == 0.0 {
            return Self::ints_that(relation, floor);
        }
        match relation {
            Relation::Eq => Self { ranges: vec![], nan: false },
            Relation::Ne => Self { ranges: vec![(i128::MIN, i128::MAX)], nan: false },
            Relation::Lt | Relation::Le => Self::ints_that(Relation::Le, floor),
            Relation::Gt | Relation::Ge => Self::ints_that(Relation::Gt, floor),
        }
    }

    /// Doubles that stand in the relation to `bound`.
    pub fn doubles_that(relation: Relation, bound: f64) -> Self {
        let (least, most) = (double_key(f64::NEG_INFINITY), double_key(f64::INFINITY));
        if bound.is_nan() {
            let ne = relation == Relation::Ne;
            return Self { ranges: if ne { vec![(least, most)] } else { vec![] }, nan: ne };
        }
        Self { ranges: keys_that(relation, double_key(bound), least, most), nan: relation == Relation::Ne }
    }

    fn of_int(range: &Range<i64>) -> Self {
        Self::ints(i128::from(range.min.unwrap_or(i64::MIN)), i128::from(range.max.unwrap_or(i64::MAX)))
    }

    fn of_uint(range: &Range<u64>) -> Self {
        Self::ints(i128::from(range.min.unwrap_or(0)), i128::from(range.max.unwrap_or(u64::MAX)))
    }

    fn meet(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        for (left_min, left_max) in &self.ranges {
            for (right_min, right_max) in &other.ranges {
                ranges.extend(non_empty(*left_min.max(right_min), *left_max.min(right_max)));
            }
        }
        Self { ranges: normal(ranges), nan: self.nan && other.nan }
    }

    fn join(&self, other: &Self) -> Self {
        let ranges = self.ranges.iter().chain(&other.ranges).copied().collect();
        Self { ranges: normal(ranges), nan: self.nan || other.nan }
    }

    fn without(&self, other: &Self) -> Self {
        let mut ranges = self.ranges.clone();
        for (min, max) in &other.ranges {
            let mut left = Vec::new();
            for (from, to) in ranges {
                left.extend(non_empty(from, to.min(min.saturating_sub(1))));
                left.extend(non_empty(from.max(max.saturating_add(1)), to));
            }
            ranges = normal(left);
        }
        Self { ranges, nan: self.nan && !other.nan }
    }
}

fn keys_that(relation: Relation, bound: i128, least: i128, most: i128) -> Vec<(i128, i128)> {
    let below = non_empty(least, bound.saturating_sub(1));
    let above = non_empty(bound.saturating_add(1), most);
    match relation {
        Relation::Eq => vec![(bound, bound)],
        Relation::Ne => below.into_iter().chain(above).collect(),
        Relation::Lt => below,
        Relation::Le => non_empty(least, bound),
        Relation::Gt => above,
        Relation::Ge => non_empty(bound, most),
    }
}

/// The place of a double that is not NaN in the order of all doubles; both zeros have one key.
fn double_key(value: f64) -> i128 {
    let bits = i128::from(value.abs().to_bits());
    if value < 0.0 { -bits } else { bits }
}

fn non_empty(min: i128, max: i128) -> Vec<(i128, i128)> {
    if min <= max { vec![(min, max)] } else { Vec::new() }
}

/// Sorted and merged.
fn normal(mut ranges: Vec<(i128, i128)>) -> Vec<(i128, i128)> {
    ranges.sort_unstable();
    let mut merged: Vec<(i128, i128)> = Vec::with_capacity(ranges.len());
    for (min, max) in ranges {
        match merged.last_mut() {
            Some((_, last)) if min <= last.saturating_add(1) => *last = max.max(*last),
            _ => merged.push((min, max)),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_doubles_has_one_zero_and_no_gaps() {
        assert_eq!(double_key(0.0), double_key(-0.0));
        assert_eq!(double_key(f64::from_bits(1)), 1);
        assert!(double_key(-1.0) < double_key(-0.5) && double_key(0.5) < double_key(1.0));
    }

    #[test]
    fn doubles_keep_nan_apart() {
        let all = Values::of(&Kind::DOUBLE);
        let above = Values::Numbers(Numbers::doubles_that(Relation::Gt, 0.7));
        let not_above = all.without(&above);
        assert!(not_above.meet(&above).is_empty());
        let neither = not_above.without(&Values::Numbers(Numbers::doubles_that(Relation::Le, 0.7)));
        assert!(!neither.is_empty(), "NaN is neither above nor at most 0.7");
    }

    #[test]
    fn integers_compare_with_fractions() {
        let score = Values::of(&Kind::Int(Range { min: Some(0), max: Some(100) }));
        assert!(!score.meet(&Values::Numbers(Numbers::ints_that_double(Relation::Gt, 99.5))).is_empty());
        assert!(score.meet(&Values::Numbers(Numbers::ints_that_double(Relation::Gt, 100.0))).is_empty());
        assert!(score.meet(&Values::Numbers(Numbers::ints_that_double(Relation::Eq, 7.5))).is_empty());
    }
}
