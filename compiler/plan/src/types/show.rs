//! Types as users write them.

use std::fmt::{Display, Formatter, Result};

use super::{Kind, Range, Type};

impl Display for Type {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.labels.pii {
            f.write_str("pii ")?;
        }
        if self.labels.secret {
            f.write_str("secret ")?;
        }
        self.kind.fmt(f)
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Error => f.write_str("unknown"),
            Self::Dyn => f.write_str("dyn"),
            Self::Null => f.write_str("null"),
            Self::Bool => f.write_str("bool"),
            Self::Int(range) => ranged(f, "int", range, |bound| bound.to_string()),
            Self::Uint(range) => ranged(f, "uint", range, |bound| format!("{bound}u")),
            Self::Double(range) => ranged(f, "double", range, |bound| format!("{:?}", bound.0)),
            Self::String => f.write_str("string"),
            Self::Enum(words) => {
                for (index, word) in words.iter().enumerate() {
                    if index > 0 {
                        f.write_str(" | ")?;
                    }
                    write!(f, "{word:?}")?;
                }
                Ok(())
            }
            Self::Bytes => f.write_str("bytes"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Duration => f.write_str("duration"),
            Self::List(item) => write!(f, "list({item})"),
            Self::Map(key, value) => write!(f, "map({key}, {value})"),
            Self::Record(fields) => {
                f.write_str("{")?;
                for (index, field) in fields.iter().enumerate() {
                    f.write_str(if index > 0 { ", " } else { " " })?;
                    write!(f, "{}: {}", field.name, field.ty)?;
                }
                f.write_str(if fields.is_empty() { "}" } else { " }" })
            }
            Self::Optional(inner) => write!(f, "optional({inner})"),
            Self::Type => f.write_str("type"),
            Self::Ip => f.write_str("net.IP"),
            Self::Cidr => f.write_str("net.CIDR"),
        }
    }
}

fn ranged<T>(f: &mut Formatter<'_>, name: &str, range: &Range<T>, show: impl Fn(&T) -> String) -> Result {
    match (&range.min, &range.max) {
        (None, None) => f.write_str(name),
        (min, max) => {
            let bound = |bound: &Option<T>| bound.as_ref().map_or(String::new(), &show);
            write!(f, "{name}({} .. {})", bound(min), bound(max))
        }
    }
}
