//! Two enums in one number: the common one is written as itself, the cases of the rare one have numbers from [`RARE`] on.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::U32Deserializer;
use serde::de::{DeserializeSeed, EnumAccess, Error as _, IntoDeserializer as _, SeqAccess, VariantAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

/// More than any common enum has cases.
pub(super) const RARE: u32 = 64;

/// What a number stands before.
pub(super) trait Either: Sized {
    /// Reads what the number is of; below [`RARE`] by handing a [`Numbered`] to the common enum.
    fn read<'de, D: Deserializer<'de>>(number: u32, rest: D) -> Result<Self, D::Error>;
}

pub(super) fn deserialize<'de, T: Either, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_tuple(2, Reader(PhantomData))
}

struct Reader<T>(PhantomData<T>);

impl<'de, T: Either> Visitor<'de> for Reader<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of a case")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        let number = seq.next_element()?.ok_or_else(|| A::Error::custom("no case"))?;
        seq.next_element_seed(Rest(number, PhantomData))?.ok_or_else(|| A::Error::custom("a case ends too early"))
    }
}

struct Rest<T>(u32, PhantomData<T>);

impl<'de, T: Either> DeserializeSeed<'de> for Rest<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, rest: D) -> Result<T, D::Error> {
        T::read(self.0, rest)
    }
}

/// An enum whose number has been read.
pub(super) struct Numbered<D>(pub(super) u32, pub(super) D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Numbered<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        visitor.visit_enum(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, D: Deserializer<'de>> EnumAccess<'de> for Numbered<D> {
    type Error = D::Error;
    type Variant = Fields<D>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Fields<D>), D::Error> {
        let number: U32Deserializer<D::Error> = self.0.into_deserializer();
        Ok((seed.deserialize(number)?, Fields(self.1)))
    }
}

pub(super) struct Fields<D>(D);

impl<'de, D: Deserializer<'de>> VariantAccess<'de> for Fields<D> {
    type Error = D::Error;

    fn unit_variant(self) -> Result<(), D::Error> {
        <()>::deserialize(self.0)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, D::Error> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(len, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, D::Error> {
        self.0.deserialize_tuple(fields.len(), visitor)
    }
}
