//! The functions that expressions may call, by number. Numbers are part of the plan format: append only.

use serde::{Deserialize, Serialize};

/// A function of the CEL standard library or of one of its extensions that Admit has in. The receiver of a method is
/// its first argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Func {
    /// A function that does not exist: always `no such overload`. Only from unchecked expressions.
    Unknown,
    /// `size(x)`, `x.size()`
    Size,
    /// `type(x)`
    Type,
    /// `dyn(x)`: x itself
    Dyn,
    /// `bool(x)`
    Bool,
    /// `int(x)`
    Int,
    /// `uint(x)`
    Uint,
    /// `double(x)`
    Double,
    /// `string(x)`
    String,
    /// `bytes(x)`
    Bytes,
    /// `timestamp(x)`
    Timestamp,
    /// `duration(x)`
    Duration,
    /// `s.contains(part)`
    Contains,
    /// `s.startsWith(part)`
    StartsWith,
    /// `s.endsWith(part)`
    EndsWith,
    /// `s.matches(regex)`, `matches(s, regex)` with a regex that is not constant
    Matches,
    /// `t.getFullYear(zone?)`
    GetFullYear,
    /// `t.getMonth(zone?)`, from 0
    GetMonth,
    /// `t.getDate(zone?)`, from 1
    GetDate,
    /// `t.getDayOfMonth(zone?)`, from 0
    GetDayOfMonth,
    /// `t.getDayOfWeek(zone?)`, Sunday 0
    GetDayOfWeek,
    /// `t.getDayOfYear(zone?)`, from 0
    GetDayOfYear,
    /// `t.getHours(zone?)`, `d.getHours()`
    GetHours,
    /// `t.getMinutes(zone?)`, `d.getMinutes()`
    GetMinutes,
    /// `t.getSeconds(zone?)`, `d.getSeconds()`
    GetSeconds,
    /// `t.getMilliseconds(zone?)`, `d.getMilliseconds()`
    GetMilliseconds,
    /// `s.charAt(i)`
    CharAt,
    /// `s.indexOf(part, from?)`
    IndexOf,
    /// `s.lastIndexOf(part, until?)`
    LastIndexOf,
    /// `list.join(separator?)`
    Join,
    /// `s.lowerAscii()`
    LowerAscii,
    /// `s.upperAscii()`
    UpperAscii,
    /// `s.replace(old, new, limit?)`
    Replace,
    /// `s.split(separator, limit?)`
    Split,
    /// `s.substring(from, until?)`
    Substring,
    /// `s.trim()`
    Trim,
    /// `s.reverse()`
    Reverse,
    /// `s.format(list)`
    Format,
    /// `strings.quote(s)`
    Quote,
    /// `math.greatest(a, ...)`, `math.greatest(list)`
    Greatest,
    /// `math.least(a, ...)`, `math.least(list)`
    Least,
    /// `math.ceil(x)`
    Ceil,
    /// `math.floor(x)`
    Floor,
    /// `math.round(x)`: halves away from zero
    Round,
    /// `math.trunc(x)`
    Trunc,
    /// `math.abs(x)`
    Abs,
    /// `math.sign(x)`
    Sign,
    /// `math.sqrt(x)`
    Sqrt,
    /// `math.isNaN(x)`
    IsNan,
    /// `math.isInf(x)`
    IsInf,
    /// `math.isFinite(x)`
    IsFinite,
    /// `math.bitAnd(a, b)`
    BitAnd,
    /// `math.bitOr(a, b)`
    BitOr,
    /// `math.bitXor(a, b)`
    BitXor,
    /// `math.bitNot(a)`
    BitNot,
    /// `math.bitShiftLeft(a, n)`
    BitShiftLeft,
    /// `math.bitShiftRight(a, n)`: zeros come in from the left
    BitShiftRight,
    /// `base64.encode(bytes)`
    Base64Encode,
    /// `base64.decode(s)`
    Base64Decode,
    /// `ip(s)`, `cidr.ip()`
    Ip,
    /// `isIP(s)`
    IsIp,
    /// `ip.isCanonical(s)`
    IpIsCanonical,
    /// `ip.family()`: 4 or 6
    Family,
    /// `ip.isUnspecified()`
    IsUnspecified,
    /// `ip.isLoopback()`
    IsLoopback,
    /// `ip.isGlobalUnicast()`
    IsGlobalUnicast,
    /// `ip.isLinkLocalMulticast()`
    IsLinkLocalMulticast,
    /// `ip.isLinkLocalUnicast()`
    IsLinkLocalUnicast,
    /// `cidr(s)`
    Cidr,
    /// `isCIDR(s)`
    IsCidr,
    /// `cidr.containsIP(ip or s)`
    ContainsIp,
    /// `cidr.containsCIDR(cidr or s)`
    ContainsCidr,
    /// `cidr.masked()`
    Masked,
    /// `cidr.prefixLength()`
    PrefixLength,
    /// `optional.of(x)`
    OptOf,
    /// `optional.ofNonZeroValue(x)`
    OptOfNonZero,
    /// `optional.none()`
    OptNone,
    /// `o.hasValue()`
    OptHasValue,
    /// `o.value()`: an error where there is none
    OptValue,
    /// `o.or(other)`: other is evaluated only where there is none
    OptOr,
    /// `o.orValue(x)`: x is evaluated only where there is none
    OptOrValue,
    /// `optional.unwrap(list)`, `list.unwrapOpt()`: the values that are there
    OptUnwrap,
    /// `list.first()`: an optional
    First,
    /// `list.last()`: an optional
    Last,
}

impl Func {
    /// Every function, in the order of their numbers.
    pub const ALL: &'static [Self] = &[
        Self::Unknown,
        Self::Size,
        Self::Type,
        Self::Dyn,
        Self::Bool,
        Self::Int,
        Self::Uint,
        Self::Double,
        Self::String,
        Self::Bytes,
        Self::Timestamp,
        Self::Duration,
        Self::Contains,
        Self::StartsWith,
        Self::EndsWith,
        Self::Matches,
        Self::GetFullYear,
        Self::GetMonth,
        Self::GetDate,
        Self::GetDayOfMonth,
        Self::GetDayOfWeek,
        Self::GetDayOfYear,
        Self::GetHours,
        Self::GetMinutes,
        Self::GetSeconds,
        Self::GetMilliseconds,
        Self::CharAt,
        Self::IndexOf,
        Self::LastIndexOf,
        Self::Join,
        Self::LowerAscii,
        Self::UpperAscii,
        Self::Replace,
        Self::Split,
        Self::Substring,
        Self::Trim,
        Self::Reverse,
        Self::Format,
        Self::Quote,
        Self::Greatest,
        Self::Least,
        Self::Ceil,
        Self::Floor,
        Self::Round,
        Self::Trunc,
        Self::Abs,
        Self::Sign,
        Self::Sqrt,
        Self::IsNan,
        Self::IsInf,
        Self::IsFinite,
        Self::BitAnd,
        Self::BitOr,
        Self::BitXor,
        Self::BitNot,
        Self::BitShiftLeft,
        Self::BitShiftRight,
        Self::Base64Encode,
        Self::Base64Decode,
        Self::Ip,
        Self::IsIp,
        Self::IpIsCanonical,
        Self::Family,
        Self::IsUnspecified,
        Self::IsLoopback,
        Self::IsGlobalUnicast,
        Self::IsLinkLocalMulticast,
        Self::IsLinkLocalUnicast,
        Self::Cidr,
        Self::IsCidr,
        Self::ContainsIp,
        Self::ContainsCidr,
        Self::Masked,
        Self::PrefixLength,
        Self::OptOf,
        Self::OptOfNonZero,
        Self::OptNone,
        Self::OptHasValue,
        Self::OptValue,
        Self::OptOr,
        Self::OptOrValue,
        Self::OptUnwrap,
        Self::First,
        Self::Last,
    ];

    /// Whether the second argument is evaluated only where the first, an optional, has no value.
    pub fn is_lazy(self) -> bool {
        matches!(self, Self::OptOr | Self::OptOrValue)
    }

    /// Its CEL name, as messages and listings show it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Size => "size",
            Self::Type => "type",
            Self::Dyn => "dyn",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Duration => "duration",
            Self::Contains => "contains",
            Self::StartsWith => "startsWith",
            Self::EndsWith => "endsWith",
            Self::Matches => "matches",
            Self::GetFullYear => "getFullYear",
            Self::GetMonth => "getMonth",
            Self::GetDate => "getDate",
            Self::GetDayOfMonth => "getDayOfMonth",
            Self::GetDayOfWeek => "getDayOfWeek",
            Self::GetDayOfYear => "getDayOfYear",
            Self::GetHours => "getHours",
            Self::GetMinutes => "getMinutes",
            Self::GetSeconds => "getSeconds",
            Self::GetMilliseconds => "getMilliseconds",
            Self::CharAt => "charAt",
            Self::IndexOf => "indexOf",
            Self::LastIndexOf => "lastIndexOf",
            Self::Join => "join",
            Self::LowerAscii => "lowerAscii",
            Self::UpperAscii => "upperAscii",
            Self::Replace => "replace",
            Self::Split => "split",
            Self::Substring => "substring",
            Self::Trim => "trim",
            Self::Reverse => "reverse",
            Self::Format => "format",
            Self::Quote => "strings.quote",
            Self::Greatest => "math.greatest",
            Self::Least => "math.least",
            Self::Ceil => "math.ceil",
            Self::Floor => "math.floor",
            Self::Round => "math.round",
            Self::Trunc => "math.trunc",
            Self::Abs => "math.abs",
            Self::Sign => "math.sign",
            Self::Sqrt => "math.sqrt",
            Self::IsNan => "math.isNaN",
            Self::IsInf => "math.isInf",
            Self::IsFinite => "math.isFinite",
            Self::BitAnd => "math.bitAnd",
            Self::BitOr => "math.bitOr",
            Self::BitXor => "math.bitXor",
            Self::BitNot => "math.bitNot",
            Self::BitShiftLeft => "math.bitShiftLeft",
            Self::BitShiftRight => "math.bitShiftRight",
            Self::Base64Encode => "base64.encode",
            Self::Base64Decode => "base64.decode",
            Self::Ip => "ip",
            Self::IsIp => "isIP",
            Self::IpIsCanonical => "ip.isCanonical",
            Self::Family => "family",
            Self::IsUnspecified => "isUnspecified",
            Self::IsLoopback => "isLoopback",
            Self::IsGlobalUnicast => "isGlobalUnicast",
            Self::IsLinkLocalMulticast => "isLinkLocalMulticast",
            Self::IsLinkLocalUnicast => "isLinkLocalUnicast",
            Self::Cidr => "cidr",
            Self::IsCidr => "isCIDR",
            Self::ContainsIp => "containsIP",
            Self::ContainsCidr => "containsCIDR",
            Self::Masked => "masked",
            Self::PrefixLength => "prefixLength",
            Self::OptOf => "optional.of",
            Self::OptOfNonZero => "optional.ofNonZeroValue",
            Self::OptNone => "optional.none",
            Self::OptHasValue => "hasValue",
            Self::OptValue => "value",
            Self::OptOr => "or",
            Self::OptOrValue => "orValue",
            Self::OptUnwrap => "optional.unwrap",
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Func;

    #[test]
    fn the_list_of_all_functions_is_in_the_order_of_their_numbers() {
        for (number, func) in Func::ALL.iter().enumerate() {
            assert_eq!(number, *func as usize, "{func:?}");
        }
        assert_eq!(Func::ALL.last().map(|last| last.name()), Some("last"));
    }
}
