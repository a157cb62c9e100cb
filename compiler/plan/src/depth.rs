//! Bounds the depth of what is read, before it is read: `serde` recurses with the data, and a plan is not trusted.

use std::cell::Cell;

/// The deepest nesting of expressions, types and config values together that a plan may have. The compiler allows
/// expressions of depth 250.
pub const MAX_DEPTH: u32 = 320;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Levels entered; leaving them is dropping it.
pub(crate) struct Levels(u32);

/// Goes so many levels deeper, if there are as many: one, or more where one thing needs the stack of several.
pub(crate) fn enter(levels: u32) -> Option<Levels> {
    DEPTH.with(|depth| {
        let next = depth.get() + levels;
        (next <= MAX_DEPTH).then(|| {
            depth.set(next);
            Levels(levels)
        })
    })
}

impl Drop for Levels {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(self.0)));
    }
}

/// Implements `Serialize` and `Deserialize` for a type that derives them with `remote = "Self"`, counting levels.
macro_rules! bounded {
    ($ty:ty) => {
        impl serde::Serialize for $ty {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let _level = $crate::depth::enter(1)
                    .ok_or_else(|| <S::Error as serde::ser::Error>::custom("nested too deeply"))?;
                <$ty>::serialize(self, serializer)
            }
        }
        impl<'de> serde::Deserialize<'de> for $ty {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let _level = $crate::depth::enter(1)
                    .ok_or_else(|| <D::Error as serde::de::Error>::custom("nested too deeply"))?;
                <$ty>::deserialize(deserializer)
            }
        }
    };
}
pub(crate) use bounded;

#[cfg(test)]
mod tests {
    use crate::code::{BinOp, Expr};
    use crate::types::{Kind, Type};

    /// The deepest expressions that the compiler makes, one kind of node over and over.
    fn deep(levels: u32, wrap: impl Fn(Expr) -> Expr) -> Expr {
        (1..levels).fold(Expr::Null, |inner, _| wrap(inner))
    }

    #[test]
    fn what_the_compiler_may_make_is_read() {
        let wraps: [&dyn Fn(Expr) -> Expr; 4] = [
            &|inner| Expr::Not(Box::new(inner)),
            &|inner| Expr::Binary(BinOp::Add, Box::new((Expr::Null, inner))),
            &|inner| Expr::And(vec![Expr::Null, inner]),
            &|inner| Expr::Cond(Box::new((Expr::Null, Expr::Null, inner))),
        ];
        for wrap in wraps {
            let expr = deep(250, wrap);
            let bytes = postcard::to_allocvec(&expr).unwrap();
            assert_eq!(postcard::from_bytes::<Expr>(&bytes).unwrap(), expr);
        }
        let ty = (0..64).fold(Type::from(Kind::Null), |inner, _| Type::list(inner));
        assert_eq!(postcard::from_bytes::<Type>(&postcard::to_allocvec(&ty).unwrap()).unwrap(), ty);
    }

    #[test]
    fn deeper_expressions_and_types_are_refused_before_the_stack_ends() {
        let not = postcard::to_allocvec(&Expr::Not(Box::new(Expr::Null))).unwrap();
        assert!(postcard::from_bytes::<Expr>(&vec![not[0]; 1_000_000]).is_err());
        let list = postcard::to_allocvec(&Type::list(Kind::Null.into())).unwrap();
        assert!(postcard::from_bytes::<Type>(&vec![list[0]; 1_000_000]).is_err());
    }

    #[test]
    fn a_refusal_leaves_no_level_behind() {
        let not = postcard::to_allocvec(&Expr::Not(Box::new(Expr::Null))).unwrap();
        for _ in 0..1_000 {
            assert!(postcard::from_bytes::<Expr>(&vec![not[0]; 400]).is_err());
        }
        assert!(
            postcard::from_bytes::<Expr>(&postcard::to_allocvec(&deep(250, |of| Expr::Neg(Box::new(of)))).unwrap())
                .is_ok()
        );
    }
}
