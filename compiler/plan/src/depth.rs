//! Bounds the depth of what is read, before it is read: `serde` recurses with the data, and a plan is not trusted.

use std::cell::Cell;

/// The deepest nesting of expressions, types and config values together that a plan may have. The compiler allows
/// expressions of depth 250.
pub const MAX_DEPTH: u32 = 320;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// One level; leaving it is dropping it.
pub(crate) struct Level(());

/// Goes one level deeper, if there is one.
pub(crate) fn enter() -> Option<Level> {
    DEPTH.with(|depth| {
        let next = depth.get() + 1;
        (next <= MAX_DEPTH).then(|| {
            depth.set(next);
            Level(())
        })
    })
}

impl Drop for Level {
    fn drop(&mut self) {
        DEPTH.with(|depth| depth.set(depth.get().saturating_sub(1)));
    }
}

/// Implements `Serialize` and `Deserialize` for a type that derives them with `remote = "Self"`, counting levels.
macro_rules! bounded {
    ($ty:ty) => {
        impl serde::Serialize for $ty {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let _level = $crate::depth::enter()
                    .ok_or_else(|| <S::Error as serde::ser::Error>::custom("nested too deeply"))?;
                <$ty>::serialize(self, serializer)
            }
        }
        impl<'de> serde::Deserialize<'de> for $ty {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let _level = $crate::depth::enter()
                    .ok_or_else(|| <D::Error as serde::de::Error>::custom("nested too deeply"))?;
                <$ty>::deserialize(deserializer)
            }
        }
    };
}
pub(crate) use bounded;
