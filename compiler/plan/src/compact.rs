//! Short forms of what a plan holds most of: places in the flow, ranges of numbers, types without labels, and config
//! values that are expressions. That each has one form only, `encode` sees to for all of a plan.

mod either;

/// A node that may be none: 0, else its number and one.
pub(crate) mod place {
    use serde::ser::Error as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::bundle::NodeId;

    pub(crate) fn serialize<S: Serializer>(node: &Option<NodeId>, serializer: S) -> Result<S::Ok, S::Error> {
        let number = match node {
            None => 0,
            Some(node) => node.checked_add(1).ok_or_else(|| S::Error::custom("too many nodes"))?,
        };
        number.serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NodeId>, D::Error> {
        let number = u32::deserialize(deserializer)?;
        Ok(number.checked_sub(1))
    }
}

/// The bounds of a range: one byte says which it has, then those.
mod range {
    use std::fmt;
    use std::marker::PhantomData;

    use serde::de::{Error as _, SeqAccess, Visitor};
    use serde::ser::SerializeTuple as _;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::types::Range;

    const MIN: u8 = 1;
    const MAX: u8 = 1 << 1;

    impl<T: Serialize> Serialize for Range<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let has = (u8::from(self.min.is_some()) * MIN) | (u8::from(self.max.is_some()) * MAX);
            let mut out = serializer.serialize_tuple(1 + has.count_ones() as usize)?;
            out.serialize_element(&has)?;
            for bound in [&self.min, &self.max].into_iter().flatten() {
                out.serialize_element(bound)?;
            }
            out.end()
        }
    }

    impl<'de, T: Deserialize<'de>> Deserialize<'de> for Range<T> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_tuple(3, Reader(PhantomData))
        }
    }

    struct Reader<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Reader<T> {
        type Value = Range<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the bounds of a range")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Range<T>, A::Error> {
            let has: u8 = seq.next_element()?.ok_or_else(|| A::Error::custom("no range"))?;
            if has & !(MIN | MAX) != 0 {
                return Err(A::Error::custom("unknown bounds"));
            }
            let mut bound = |bit: u8| match has & bit {
                0 => Ok(None),
                _ => seq.next_element()?.map(Some).ok_or_else(|| A::Error::custom("a range ends too early")),
            };
            Ok(Range { min: bound(MIN)?, max: bound(MAX)? })
        }
    }
}

/// A type is its kind, unless it has labels.
mod of_type {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

    use super::either::{self, Either, Numbered, RARE};
    use crate::types::{Kind, Labels, Type};

    /// What a type adds to its kind: reading it goes through more of the stack. The compiler nests types 32 deep.
    const LEVELS: u32 = 3;

    impl Serialize for Type {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let _levels = crate::depth::enter(LEVELS).ok_or_else(|| S::Error::custom("nested too deeply"))?;
            if self.labels == Labels::default() {
                return self.kind.serialize(serializer);
            }
            serializer.serialize_newtype_variant("Type", RARE, "Labelled", &(self.labels, &self.kind))
        }
    }

    impl<'de> Deserialize<'de> for Type {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let _levels = crate::depth::enter(LEVELS).ok_or_else(|| D::Error::custom("nested too deeply"))?;
            either::deserialize(deserializer)
        }
    }

    impl Either for Type {
        fn read<'de, D: Deserializer<'de>>(number: u32, rest: D) -> Result<Self, D::Error> {
            match number {
                ..RARE => Kind::deserialize(Numbered(number, rest)).map(Self::from),
                RARE => <(Labels, Kind)>::deserialize(rest).map(|(labels, kind)| Self { kind, labels }),
                _ => Err(D::Error::custom("unknown type")),
            }
        }
    }
}

/// A config value is an expression, or one of the others.
mod of_config {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _, ser::Error as _};

    use super::either::{self, Either, Numbered, RARE};
    use crate::bundle::ConfigValue;
    use crate::code::Expr;

    const TYPE: u32 = RARE;
    const SECRET: u32 = RARE + 1;
    const RECORD: u32 = RARE + 2;

    // Config values nest: reading them counts the depth, so that hostile bytes cannot overflow the stack.
    impl Serialize for ConfigValue {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let _level = crate::depth::enter(1).ok_or_else(|| S::Error::custom("nested too deeply"))?;
            match self {
                Self::Expr(expr) => expr.serialize(serializer),
                Self::Type(ty) => serializer.serialize_newtype_variant("ConfigValue", TYPE, "Type", ty),
                Self::Secret(parts) => serializer.serialize_newtype_variant("ConfigValue", SECRET, "Secret", parts),
                Self::Record(fields) => serializer.serialize_newtype_variant("ConfigValue", RECORD, "Record", fields),
            }
        }
    }

    impl<'de> Deserialize<'de> for ConfigValue {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            let _level = crate::depth::enter(1).ok_or_else(|| D::Error::custom("nested too deeply"))?;
            either::deserialize(deserializer)
        }
    }

    impl Either for ConfigValue {
        fn read<'de, D: Deserializer<'de>>(number: u32, rest: D) -> Result<Self, D::Error> {
            match number {
                ..RARE => Expr::deserialize(Numbered(number, rest)).map(Self::Expr),
                TYPE => Deserialize::deserialize(rest).map(Self::Type),
                SECRET => Deserialize::deserialize(rest).map(Self::Secret),
                RECORD => Deserialize::deserialize(rest).map(Self::Record),
                _ => Err(D::Error::custom("unknown config value")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::bundle::{ConfigValue, SecretPart};
    use crate::code::{BinOp, Escape, Expr};
    use crate::types::{Field, Kind, Labels, Range, Type};

    #[test]
    fn types_cost_a_byte_less_without_labels_and_are_read_as_they_were_written() {
        let plain = |kind: Kind| Type::from(kind);
        let pii = |kind: Kind| Type { kind, labels: Labels { pii: true, secret: false } };
        assert_eq!(postcard::to_allocvec(&plain(Kind::Bool)).unwrap().len(), 1);
        let field = |name: &str, ty: Type| Field { name: name.into(), ty };
        for ty in [
            plain(Kind::Bool),
            pii(Kind::String),
            plain(Kind::Int(Range { min: Some(0), max: None })),
            Type::list(pii(Kind::Enum(["a".into(), "b".into()].into()))),
            pii(Kind::Map(plain(Kind::String).into(), pii(Kind::Dyn).into())),
            plain(Kind::Record(
                [field("a", pii(Kind::Ip)), field("b", plain(Kind::Optional(plain(Kind::Null).into())))].into(),
            )),
        ] {
            let bytes = postcard::to_allocvec(&(&ty, 9_u8)).unwrap();
            assert_eq!(postcard::from_bytes::<(Type, u8)>(&bytes).unwrap(), (ty, 9));
        }
        assert!(postcard::from_bytes::<Type>(&[65]).is_err());
        assert!(postcard::from_bytes::<Type>(&[64, 0xff]).is_err());
        assert!(postcard::from_bytes::<Type>(&[]).is_err());
    }

    #[test]
    fn config_values_are_read_as_they_were_written() {
        let sum = Expr::Binary(
            BinOp::Add,
            Box::new((Expr::Int(1), Expr::Cond(Box::new((Expr::Null, Expr::Null, Expr::Null))))),
        );
        for value in [
            ConfigValue::Expr(Expr::Null),
            ConfigValue::Expr(sum.clone()),
            ConfigValue::Type(Type::list(Kind::Bool.into())),
            ConfigValue::Secret(vec![SecretPart::Text(1), SecretPart::Secret(2, Escape::Header)]),
            ConfigValue::Record(vec![(1, ConfigValue::Expr(sum)), (2, ConfigValue::Record(Vec::new()))]),
        ] {
            let bytes = postcard::to_allocvec(&(&value, 9_u8)).unwrap();
            assert_eq!(postcard::from_bytes::<(ConfigValue, u8)>(&bytes).unwrap(), (value, 9));
        }
        assert!(postcard::from_bytes::<ConfigValue>(&[67]).is_err());
        assert!(postcard::from_bytes::<ConfigValue>(&[66, 1, 0].repeat(100_000)).is_err());
    }

    #[test]
    fn ranges_are_read_as_they_were_written() {
        for (range, size) in [
            (Range::FULL, 1),
            (Range { min: Some(0), max: None }, 2),
            (Range { min: None, max: Some(9) }, 2),
            (Range { min: Some(-1), max: Some(1) }, 3),
        ] {
            let bytes = postcard::to_allocvec::<Range<i64>>(&range).unwrap();
            assert_eq!((postcard::from_bytes::<Range<i64>>(&bytes).unwrap(), bytes.len()), (range, size));
        }
        assert!(postcard::from_bytes::<Range<i64>>(&[4]).is_err());
        assert!(postcard::from_bytes::<Range<i64>>(&[1]).is_err());
    }
}
