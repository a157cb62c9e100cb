//! What the functions of CEL take and give: one table, looked up by name. Macros are not functions.

use admit_plan::func::Func;

use Param::{
    Any, Bool, Bytes, Cidr, CidrText, Double, Duration, Int, Ip, IpText, List, Map, Number, Optional, Text, Timestamp,
    Uint,
};

/// One overload.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The function's name: `size`, `math.greatest`.
    pub name: &'static str,
    /// It is called on its first parameter: `s.startsWith(part)`.
    pub method: bool,
    /// What the code calls.
    pub func: Func,
    /// Its parameters, the receiver first.
    pub params: &'static [Param],
    /// The last parameter may be given any number of times, at least once.
    pub many: bool,
    /// What it gives.
    pub gives: Gives,
}

/// A parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Param {
    /// Any value.
    Any,
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    Uint,
    /// `double`
    Double,
    /// `int`, `uint` or `double`
    Number,
    /// `string`
    Text,
    /// `bytes`
    Bytes,
    /// `timestamp`
    Timestamp,
    /// `duration`
    Duration,
    /// `list(...)`
    List,
    /// `map(...)` or a record
    Map,
    /// `optional(...)`
    Optional,
    /// `net.IP`
    Ip,
    /// `net.IP` or its text
    IpText,
    /// `net.CIDR`
    Cidr,
    /// `net.CIDR` or its text
    CidrText,
}

/// What a function gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// `bool`
    Bool,
    /// `int`
    Int,
    /// `uint`
    Uint,
    /// `double`
    Double,
    /// `string`
    Text,
    /// `bytes`
    Bytes,
    /// `timestamp`
    Timestamp,
    /// `duration`
    Duration,
    /// `list(string)`
    Texts,
    /// A type.
    Type,
    /// `dyn`
    Dyn,
    /// `net.IP`
    Ip,
    /// `net.CIDR`
    Cidr,
    /// A number of the kind of the first argument.
    SameNumber,
    /// One of the arguments, or of the elements of the only one.
    OneOf,
    /// The first argument as an optional.
    OptionalOf,
    /// An optional of nothing.
    None,
    /// What the optional holds.
    Inner,
    /// The optional or the other.
    Or,
    /// What the optional holds, or the default.
    OrValue,
    /// An element as an optional.
    OptionalItem,
    /// The list of what the optionals hold.
    Unwrapped,
}

/// All overloads with this name.
pub fn overloads(name: &str, method: bool) -> impl Iterator<Item = &'static Signature> {
    SIGNATURES.iter().filter(move |signature| signature.method == method && signature.name == name)
}

/// A method has this name.
pub fn is_method(name: &str) -> bool {
    overloads(name, true).next().is_some()
}

/// All names of functions or of methods, for "did you mean".
pub fn names(method: bool) -> impl Iterator<Item = &'static str> {
    SIGNATURES.iter().filter(move |signature| signature.method == method).map(|signature| signature.name)
}

/// The CEL name of the type that a dotted name denotes as a value.
pub fn type_name(dotted: &str) -> Option<&'static str> {
    TYPES.iter().copied().find(|name| *name == dotted)
}

const TYPES: &[&str] = &[
    "bool",
    "int",
    "uint",
    "double",
    "string",
    "bytes",
    "list",
    "map",
    "null_type",
    "type",
    "optional_type",
    "google.protobuf.Timestamp",
    "google.protobuf.Duration",
    "net.IP",
    "net.CIDR",
];

const fn function(name: &'static str, func: Func, params: &'static [Param], gives: Gives) -> Signature {
    Signature { name, method: false, func, params, many: false, gives }
}

const fn method(name: &'static str, func: Func, params: &'static [Param], gives: Gives) -> Signature {
    Signature { name, method: true, func, params, many: false, gives }
}

const fn variadic(name: &'static str, func: Func, params: &'static [Param], gives: Gives) -> Signature {
    Signature { name, method: false, func, params, many: true, gives }
}

const SIGNATURES: &[Signature] = &[
    // The standard library of cel-spec.
    function("size", Func::Size, &[Text], Gives::Int),
    function("size", Func::Size, &[Bytes], Gives::Int),
    function("size", Func::Size, &[List], Gives::Int),
    function("size", Func::Size, &[Map], Gives::Int),
    method("size", Func::Size, &[Text], Gives::Int),
    method("size", Func::Size, &[Bytes], Gives::Int),
    method("size", Func::Size, &[List], Gives::Int),
    method("size", Func::Size, &[Map], Gives::Int),
    function("type", Func::Type, &[Any], Gives::Type),
    function("dyn", Func::Dyn, &[Any], Gives::Dyn),
    function("bool", Func::Bool, &[Bool], Gives::Bool),
    function("bool", Func::Bool, &[Text], Gives::Bool),
    function("int", Func::Int, &[Number], Gives::Int),
    function("int", Func::Int, &[Text], Gives::Int),
    function("int", Func::Int, &[Timestamp], Gives::Int),
    function("uint", Func::Uint, &[Number], Gives::Uint),
    function("uint", Func::Uint, &[Text], Gives::Uint),
    function("double", Func::Double, &[Number], Gives::Double),
    function("double", Func::Double, &[Text], Gives::Double),
    function("string", Func::String, &[Text], Gives::Text),
    function("string", Func::String, &[Number], Gives::Text),
    function("string", Func::String, &[Bool], Gives::Text),
    function("string", Func::String, &[Bytes], Gives::Text),
    function("string", Func::String, &[Timestamp], Gives::Text),
    function("string", Func::String, &[Duration], Gives::Text),
    function("string", Func::String, &[Ip], Gives::Text),
    function("string", Func::String, &[Cidr], Gives::Text),
    function("bytes", Func::Bytes, &[Bytes], Gives::Bytes),
    function("bytes", Func::Bytes, &[Text], Gives::Bytes),
    function("timestamp", Func::Timestamp, &[Text], Gives::Timestamp),
    function("timestamp", Func::Timestamp, &[Int], Gives::Timestamp),
    function("timestamp", Func::Timestamp, &[Timestamp], Gives::Timestamp),
    function("duration", Func::Duration, &[Text], Gives::Duration),
    function("duration", Func::Duration, &[Int], Gives::Duration),
    function("duration", Func::Duration, &[Duration], Gives::Duration),
    method("contains", Func::Contains, &[Text, Text], Gives::Bool),
    method("startsWith", Func::StartsWith, &[Text, Text], Gives::Bool),
    method("endsWith", Func::EndsWith, &[Text, Text], Gives::Bool),
    method("matches", Func::Matches, &[Text, Text], Gives::Bool),
    function("matches", Func::Matches, &[Text, Text], Gives::Bool),
    method("getFullYear", Func::GetFullYear, &[Timestamp], Gives::Int),
    method("getFullYear", Func::GetFullYear, &[Timestamp, Text], Gives::Int),
    method("getMonth", Func::GetMonth, &[Timestamp], Gives::Int),
    method("getMonth", Func::GetMonth, &[Timestamp, Text], Gives::Int),
    method("getDate", Func::GetDate, &[Timestamp], Gives::Int),
    method("getDate", Func::GetDate, &[Timestamp, Text], Gives::Int),
    method("getDayOfMonth", Func::GetDayOfMonth, &[Timestamp], Gives::Int),
    method("getDayOfMonth", Func::GetDayOfMonth, &[Timestamp, Text], Gives::Int),
    method("getDayOfWeek", Func::GetDayOfWeek, &[Timestamp], Gives::Int),
    method("getDayOfWeek", Func::GetDayOfWeek, &[Timestamp, Text], Gives::Int),
    method("getDayOfYear", Func::GetDayOfYear, &[Timestamp], Gives::Int),
    method("getDayOfYear", Func::GetDayOfYear, &[Timestamp, Text], Gives::Int),
    method("getHours", Func::GetHours, &[Timestamp], Gives::Int),
    method("getHours", Func::GetHours, &[Timestamp, Text], Gives::Int),
    method("getHours", Func::GetHours, &[Duration], Gives::Int),
    method("getMinutes", Func::GetMinutes, &[Timestamp], Gives::Int),
    method("getMinutes", Func::GetMinutes, &[Timestamp, Text], Gives::Int),
    method("getMinutes", Func::GetMinutes, &[Duration], Gives::Int),
    method("getSeconds", Func::GetSeconds, &[Timestamp], Gives::Int),
    method("getSeconds", Func::GetSeconds, &[Timestamp, Text], Gives::Int),
    method("getSeconds", Func::GetSeconds, &[Duration], Gives::Int),
    method("getMilliseconds", Func::GetMilliseconds, &[Timestamp], Gives::Int),
    method("getMilliseconds", Func::GetMilliseconds, &[Timestamp, Text], Gives::Int),
    method("getMilliseconds", Func::GetMilliseconds, &[Duration], Gives::Int),
    // The strings library.
    method("charAt", Func::CharAt, &[Text, Int], Gives::Text),
    method("indexOf", Func::IndexOf, &[Text, Text], Gives::Int),
    method("indexOf", Func::IndexOf, &[Text, Text, Int], Gives::Int),
    method("lastIndexOf", Func::LastIndexOf, &[Text, Text], Gives::Int),
    method("lastIndexOf", Func::LastIndexOf, &[Text, Text, Int], Gives::Int),
    method("join", Func::Join, &[List], Gives::Text),
    method("join", Func::Join, &[List, Text], Gives::Text),
    method("lowerAscii", Func::LowerAscii, &[Text], Gives::Text),
    method("upperAscii", Func::UpperAscii, &[Text], Gives::Text),
    method("replace", Func::Replace, &[Text, Text, Text], Gives::Text),
    method("replace", Func::Replace, &[Text, Text, Text, Int], Gives::Text),
    method("split", Func::Split, &[Text, Text], Gives::Texts),
    method("split", Func::Split, &[Text, Text, Int], Gives::Texts),
    method("substring", Func::Substring, &[Text, Int], Gives::Text),
    method("substring", Func::Substring, &[Text, Int, Int], Gives::Text),
    method("trim", Func::Trim, &[Text], Gives::Text),
    method("reverse", Func::Reverse, &[Text], Gives::Text),
    method("format", Func::Format, &[Text, List], Gives::Text),
    function("strings.quote", Func::Quote, &[Text], Gives::Text),
    // The math library.
    function("math.greatest", Func::Greatest, &[List], Gives::OneOf),
    variadic("math.greatest", Func::Greatest, &[Number], Gives::OneOf),
    function("math.least", Func::Least, &[List], Gives::OneOf),
    variadic("math.least", Func::Least, &[Number], Gives::OneOf),
    function("math.ceil", Func::Ceil, &[Double], Gives::Double),
    function("math.floor", Func::Floor, &[Double], Gives::Double),
    function("math.round", Func::Round, &[Double], Gives::Double),
    function("math.trunc", Func::Trunc, &[Double], Gives::Double),
    function("math.abs", Func::Abs, &[Number], Gives::SameNumber),
    function("math.sign", Func::Sign, &[Number], Gives::SameNumber),
    function("math.sqrt", Func::Sqrt, &[Number], Gives::Double),
    function("math.isNaN", Func::IsNan, &[Double], Gives::Bool),
    function("math.isInf", Func::IsInf, &[Double], Gives::Bool),
    function("math.isFinite", Func::IsFinite, &[Double], Gives::Bool),
    function("math.bitAnd", Func::BitAnd, &[Int, Int], Gives::Int),
    function("math.bitAnd", Func::BitAnd, &[Uint, Uint], Gives::Uint),
    function("math.bitOr", Func::BitOr, &[Int, Int], Gives::Int),
    function("math.bitOr", Func::BitOr, &[Uint, Uint], Gives::Uint),
    function("math.bitXor", Func::BitXor, &[Int, Int], Gives::Int),
    function("math.bitXor", Func::BitXor, &[Uint, Uint], Gives::Uint),
    function("math.bitNot", Func::BitNot, &[Int], Gives::Int),
    function("math.bitNot", Func::BitNot, &[Uint], Gives::Uint),
    function("math.bitShiftLeft", Func::BitShiftLeft, &[Int, Int], Gives::Int),
    function("math.bitShiftLeft", Func::BitShiftLeft, &[Uint, Int], Gives::Uint),
    function("math.bitShiftRight", Func::BitShiftRight, &[Int, Int], Gives::Int),
    function("math.bitShiftRight", Func::BitShiftRight, &[Uint, Int], Gives::Uint),
    // The encoders library.
    function("base64.encode", Func::Base64Encode, &[Bytes], Gives::Text),
    function("base64.decode", Func::Base64Decode, &[Text], Gives::Bytes),
    // The network library.
    function("ip", Func::Ip, &[Text], Gives::Ip),
    function("isIP", Func::IsIp, &[Text], Gives::Bool),
    function("ip.isCanonical", Func::IpIsCanonical, &[Text], Gives::Bool),
    method("family", Func::Family, &[Ip], Gives::Int),
    method("isUnspecified", Func::IsUnspecified, &[Ip], Gives::Bool),
    method("isLoopback", Func::IsLoopback, &[Ip], Gives::Bool),
    method("isGlobalUnicast", Func::IsGlobalUnicast, &[Ip], Gives::Bool),
    method("isLinkLocalMulticast", Func::IsLinkLocalMulticast, &[Ip], Gives::Bool),
    method("isLinkLocalUnicast", Func::IsLinkLocalUnicast, &[Ip], Gives::Bool),
    function("cidr", Func::Cidr, &[Text], Gives::Cidr),
    function("isCIDR", Func::IsCidr, &[Text], Gives::Bool),
    method("containsIP", Func::ContainsIp, &[Cidr, IpText], Gives::Bool),
    method("containsCIDR", Func::ContainsCidr, &[Cidr, CidrText], Gives::Bool),
    method("ip", Func::Ip, &[Cidr], Gives::Ip),
    method("masked", Func::Masked, &[Cidr], Gives::Cidr),
    method("prefixLength", Func::PrefixLength, &[Cidr], Gives::Int),
    // Optionals.
    function("optional.of", Func::OptOf, &[Any], Gives::OptionalOf),
    function("optional.ofNonZeroValue", Func::OptOfNonZero, &[Any], Gives::OptionalOf),
    function("optional.none", Func::OptNone, &[], Gives::None),
    function("optional.unwrap", Func::OptUnwrap, &[List], Gives::Unwrapped),
    method("unwrapOpt", Func::OptUnwrap, &[List], Gives::Unwrapped),
    method("hasValue", Func::OptHasValue, &[Optional], Gives::Bool),
    method("value", Func::OptValue, &[Optional], Gives::Inner),
    method("or", Func::OptOr, &[Optional, Optional], Gives::Or),
    method("orValue", Func::OptOrValue, &[Optional, Any], Gives::OrValue),
    method("first", Func::First, &[List], Gives::OptionalItem),
    method("last", Func::Last, &[List], Gives::OptionalItem),
];

impl Param {
    /// What the parameter is called in messages.
    pub fn what(self) -> &'static str {
        match self {
            Any => "any value",
            Bool => "a `bool`",
            Int => "an `int`",
            Uint => "a `uint`",
            Double => "a `double`",
            Number => "a number",
            Text => "a `string`",
            Bytes => "`bytes`",
            Timestamp => "a `timestamp`",
            Duration => "a `duration`",
            List => "a list",
            Map => "a map",
            Optional => "an optional",
            Ip => "a `net.IP`",
            IpText => "a `net.IP` or its text",
            Cidr => "a `net.CIDR`",
            CidrText => "a `net.CIDR` or its text",
        }
    }
}
