//! What machine code calls: the functions that the interpreter is made of, and the making of lists, maps and text.
//!
//! The contract with `emit`: every argument is a word; `run` comes first; pointers are live and aligned, and no two
//! arguments of which one is written overlap. A helper that can fail answers [`FINE`] or [`FAIL`], a test 0, 1 or
//! [`FAIL`]; the error stands last among the run's then. Panics end here, as errors.

use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};

use admit_eval::cx::Cx;
use admit_eval::error::EvalError;
use admit_eval::func;
use admit_eval::interpret;
use admit_eval::ops::{self, no_overload};
use admit_eval::value::Value;
use admit_eval::{access, template};
use admit_plan::code::{BinOp, Escape};
use admit_plan::func::Func;
use cranelift_codegen::ir::{AbiParam, types};
use cranelift_jit::JITModule;
use cranelift_module::{FuncId, Linkage, Module};

use crate::when::Frame;
use crate::when::jit::{CompileError, WRONG_TYPE};

/// A helper has done its work.
const FINE: u64 = 0;
/// A helper has recorded an error.
const FAIL: u64 = 2;

/// One run of machine code.
pub(super) struct Run<'r, 'a> {
    frame: &'r Frame<'r, 'a>,
    /// Errors that wait or have been raised; the last one is the newest.
    errors: Vec<EvalError>,
    /// What the code calls by number.
    funcs: &'r [Func],
    /// Lists, maps and text that are being made, by number.
    lists: Vec<Vec<Value<'a>>>,
    maps: Vec<Vec<(Value<'a>, Value<'a>)>>,
    texts: Vec<String>,
}

/// Who asks for the truth of a value, for the error of one that has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    And,
    Or,
    Cond,
    Predicate,
    When,
}

/// A value that a helper writes.
type Out<'a> = MaybeUninit<Value<'a>>;
/// An evaluation's outcome.
type Evaluated<T> = Result<T, EvalError>;

macro_rules! helpers {
    ($($(#[$doc:meta])* $variant:ident = $function:ident($($argument:ident),*);)*) => {
        /// A function that machine code may call.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Helper {
            $($(#[$doc])* $variant,)*
        }

        impl Helper {
            pub(super) const ALL: &'static [Self] = &[$(Self::$variant,)*];

            pub(super) fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => stringify!($function),)*
                }
            }

            pub(super) fn address(self) -> *const u8 {
                match self {
                    $(Self::$variant => $function as *const u8,)*
                }
            }

            /// Arguments after the run.
            fn arguments(self) -> usize {
                match self {
                    $(Self::$variant => {
                        const NAMES: &[&str] = &[$(stringify!($argument)),*];
                        NAMES.len()
                    })*
                }
            }
        }
    };
}

helpers! {
    /// The error of a slot that is absent, or of another type.
    SlotError = slot_error(slot);
    /// A slot as an optional.
    OptSlot = opt_slot(slot, out);
    Select = select(of, name, out);
    HasField = has_field(of, name);
    OptSelect = opt_select(of, name, out);
    Index = index(of, at, out);
    OptIndex = opt_index(of, at, out);
    Neg = neg(of, out);
    Not = not(of);
    /// A value as a condition.
    Truth = truth(of, asked);
    Binary = binary(op, left, right, out);
    /// An operator whose result is a bool.
    Test = test(op, left, right);
    InSet = in_set(of, set);
    Matches = matches(of, regex);
    Call = call(func, row, count, out);
    /// The error of a function that takes no such value.
    NoOverload = no_such_overload(func, of);
    /// Whether two stretches of bytes are equal.
    SameBytes = same_bytes(left, right, count);
    ListNew = list_new(capacity);
    ListPush = list_push(list, value);
    /// The same, charged to the memory bound at once.
    ListPushMade = list_push_made(list, value);
    ListPushOptional = list_push_optional(list, value);
    ListDone = list_done(list, out);
    MapNew = map_new(capacity);
    MapPut = map_put(map, key, value);
    /// The same, charged to the memory bound at once.
    MapPutMade = map_put_made(map, key, value);
    MapPutOptional = map_put_optional(map, key, value);
    /// Adds the entries of a map.
    MapMerge = map_merge(map, value);
    MapDone = map_done(map, out);
    TextNew = text_new();
    TextPush = text_push(text, string);
    TextHole = text_hole(text, value, escape);
    TextDone = text_done(text, out);
    /// What a macro walks, as rows of one or two values.
    Rows = rows(of, two, out);
    /// Keeps the newest error waiting, or drops it if one waits already: the place of the one that waits.
    Wait = wait(mark);
    /// Makes the error at a place the newest.
    Raise = raise(mark);
    /// Drops the errors from a place on.
    Forget = forget(mark);
}

impl Helper {
    pub(super) fn declare(self, module: &mut JITModule) -> Result<FuncId, CompileError> {
        let mut signature = module.make_signature();
        signature.params.extend((0..=self.arguments()).map(|_| AbiParam::new(types::I64)));
        signature.returns.push(AbiParam::new(types::I64));
        module
            .declare_function(self.name(), Linkage::Import, &signature)
            .map_err(|error| CompileError::Internal(error.to_string().into()))
    }

    /// An operator as the helpers take it.
    pub(super) fn operator(op: BinOp) -> i64 {
        op as i64
    }
}

impl<'r, 'a> Run<'r, 'a> {
    pub(super) fn new(frame: &'r Frame<'r, 'a>, funcs: &'r [Func]) -> Self {
        Self { frame, errors: Vec::new(), funcs, lists: Vec::new(), maps: Vec::new(), texts: Vec::new() }
    }

    /// The error that ended it.
    pub(super) fn error(mut self) -> Option<EvalError> {
        self.errors.pop()
    }

    /// Does a helper's work; its error, or its panic, is recorded.
    #[inline]
    fn attempt(&mut self, work: impl FnOnce(&mut Self, &'r Cx<'a>) -> Evaluated<u64>) -> u64 {
        let cx = self.frame.cx;
        let error = match catch_unwind(AssertUnwindSafe(|| work(self, cx))) {
            Ok(Ok(answer)) => return answer,
            Ok(Err(error)) => error,
            Err(_) => EvalError::Invalid("an internal fault while the expression ran".into()),
        };
        self.errors.push(error);
        FAIL
    }

    fn give(&mut self, out: &mut Out<'a>, work: impl FnOnce(&mut Self, &'r Cx<'a>) -> Evaluated<Value<'a>>) -> u64 {
        self.attempt(|run, cx| {
            out.write(work(run, cx)?);
            Ok(FINE)
        })
    }

    fn test(&mut self, work: impl FnOnce(&'r Cx<'a>) -> Evaluated<bool>) -> u64 {
        self.attempt(|_, cx| work(cx).map(u64::from))
    }

    fn work(&mut self, work: impl FnOnce(&mut Self, &'r Cx<'a>) -> Evaluated<()>) -> u64 {
        self.attempt(|run, cx| work(run, cx).map(|()| FINE))
    }

    fn list(&mut self, number: u64) -> Evaluated<&mut Vec<Value<'a>>> {
        self.lists.get_mut(number as usize).ok_or_else(fault)
    }

    fn map(&mut self, number: u64) -> Evaluated<&mut Vec<(Value<'a>, Value<'a>)>> {
        self.maps.get_mut(number as usize).ok_or_else(fault)
    }

    fn text(&mut self, number: u64) -> Evaluated<&mut String> {
        self.texts.get_mut(number as usize).ok_or_else(fault)
    }
}

extern "C" fn slot_error(run: &mut Run<'_, '_>, slot: u64) -> u64 {
    run.attempt(|run, _| match run.frame.slots.get(slot as usize) {
        Some(Value::Absent) => Err(EvalError::Absent(slot as u32)),
        _ => Err(EvalError::Invalid(WRONG_TYPE.into())),
    })
}

extern "C" fn opt_slot<'a>(run: &mut Run<'_, 'a>, slot: &Value<'a>, out: &mut Out<'a>) -> u64 {
    run.give(out, |_, cx| match slot {
        Value::Absent => Ok(Value::Optional(None)),
        value => cx.some(*value),
    })
}

extern "C" fn select<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, name: u64, out: &mut Out<'a>) -> u64 {
    run.give(out, |_, cx| access::select(*of, cx.consts().str(name as u32), cx))
}

extern "C" fn has_field<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, name: u64) -> u64 {
    run.test(|cx| access::has_field(*of, cx.consts().str(name as u32)))
}

extern "C" fn opt_select<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, name: u64, out: &mut Out<'a>) -> u64 {
    run.give(out, |_, cx| access::opt_select(*of, cx.consts().str(name as u32), cx))
}

extern "C" fn index<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, at: &Value<'a>, out: &mut Out<'a>) -> u64 {
    run.give(out, |_, cx| access::index(*of, *at, cx))
}

extern "C" fn opt_index<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, at: &Value<'a>, out: &mut Out<'a>) -> u64 {
    run.give(out, |_, cx| access::opt_index(*of, *at, cx))
}

extern "C" fn neg<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, out: &mut Out<'a>) -> u64 {
    run.give(out, |_, _| ops::negate(*of))
}

extern "C" fn not<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>) -> u64 {
    run.test(|_| ops::not(*of))
}

extern "C" fn truth<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, asked: u64) -> u64 {
    run.test(|_| match of {
        Value::Bool(value) => Ok(*value),
        other => Err(no_overload(Asked::name(asked), &[*other])),
    })
}

extern "C" fn binary<'a>(
    run: &mut Run<'_, 'a>,
    op: u64,
    left: &Value<'a>,
    right: &Value<'a>,
    out: &mut Out<'a>,
) -> u64 {
    run.give(out, |_, cx| ops::binary(operator(op)?, *left, *right, cx))
}

extern "C" fn test<'a>(run: &mut Run<'_, 'a>, op: u64, left: &Value<'a>, right: &Value<'a>) -> u64 {
    run.test(|cx| match ops::binary(operator(op)?, *left, *right, cx)? {
        Value::Bool(answer) => Ok(answer),
        _ => Err(fault()),
    })
}

extern "C" fn in_set<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, set: u64) -> u64 {
    run.test(|cx| Ok(interpret::in_set(*of, set as u32, cx.consts())))
}

extern "C" fn matches<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, regex: u64) -> u64 {
    run.test(|cx| interpret::matches(*of, regex as u32, cx.consts()))
}

extern "C" fn call<'a>(run: &mut Run<'_, 'a>, func: u64, row: *const Value<'a>, count: u64, out: &mut Out<'a>) -> u64 {
    run.give(out, |run, cx| {
        // SAFETY: `emit` has written `count` values in a row before the call, and writes there again only after it;
        // the borrow ends with this function: `func::call` may keep the values, which are copied, not their places.
        let arguments = unsafe { std::slice::from_raw_parts(row, count as usize) };
        func::call(*run.funcs.get(func as usize).ok_or_else(fault)?, arguments, cx)
    })
}

extern "C" fn no_such_overload<'a>(run: &mut Run<'_, 'a>, func: u64, of: &Value<'a>) -> u64 {
    run.attempt(|run, _| {
        let func = run.funcs.get(func as usize).ok_or_else(fault)?;
        Err(no_overload(func.name(), &[*of]))
    })
}

extern "C" fn same_bytes(_: &mut Run<'_, '_>, left: *const u8, right: *const u8, count: u64) -> u64 {
    // SAFETY: `emit` compares strings of known, equal length: both have `count` bytes.
    let (left, right) = unsafe {
        (std::slice::from_raw_parts(left, count as usize), std::slice::from_raw_parts(right, count as usize))
    };
    u64::from(left == right)
}

extern "C" fn list_new(run: &mut Run<'_, '_>, capacity: u64) -> u64 {
    run.lists.push(Vec::with_capacity(capacity as usize));
    run.lists.len() as u64 - 1
}

extern "C" fn list_push<'a>(run: &mut Run<'_, 'a>, list: u64, value: &Value<'a>) -> u64 {
    run.work(|run, _| {
        run.list(list)?.push(*value);
        Ok(())
    })
}

extern "C" fn list_push_made<'a>(run: &mut Run<'_, 'a>, list: u64, value: &Value<'a>) -> u64 {
    run.work(|run, cx| {
        cx.charge(size_of::<Value<'_>>())?;
        run.list(list)?.push(*value);
        Ok(())
    })
}

extern "C" fn list_push_optional<'a>(run: &mut Run<'_, 'a>, list: u64, value: &Value<'a>) -> u64 {
    run.work(|run, _| {
        match value {
            Value::Optional(value) => run.list(list)?.extend(value.copied()),
            other => return Err(no_overload("[?]", &[*other])),
        }
        Ok(())
    })
}

extern "C" fn list_done<'a>(run: &mut Run<'_, 'a>, list: u64, out: &mut Out<'a>) -> u64 {
    run.give(out, |run, cx| {
        let items = std::mem::take(run.list(list)?);
        cx.list(&items).map(Value::List)
    })
}

extern "C" fn map_new(run: &mut Run<'_, '_>, capacity: u64) -> u64 {
    run.maps.push(Vec::with_capacity(capacity as usize));
    run.maps.len() as u64 - 1
}

extern "C" fn map_put<'a>(run: &mut Run<'_, 'a>, map: u64, key: &Value<'a>, value: &Value<'a>) -> u64 {
    run.work(|run, _| interpret::insert(run.map(map)?, *key, *value))
}

extern "C" fn map_put_made<'a>(run: &mut Run<'_, 'a>, map: u64, key: &Value<'a>, value: &Value<'a>) -> u64 {
    run.work(|run, cx| {
        cx.charge(2 * size_of::<Value<'_>>())?;
        interpret::insert(run.map(map)?, *key, *value)
    })
}

extern "C" fn map_put_optional<'a>(run: &mut Run<'_, 'a>, map: u64, key: &Value<'a>, value: &Value<'a>) -> u64 {
    run.work(|run, _| match value {
        Value::Optional(None) => Ok(()),
        Value::Optional(Some(value)) => interpret::insert(run.map(map)?, *key, **value),
        other => Err(no_overload("{?:}", &[*other])),
    })
}

extern "C" fn map_merge<'a>(run: &mut Run<'_, 'a>, map: u64, value: &Value<'a>) -> u64 {
    run.work(|run, cx| match value {
        Value::Map(entries) => entries.entries.iter().try_for_each(|(key, value)| {
            cx.charge(2 * size_of::<Value<'_>>())?;
            interpret::insert(run.map(map)?, *key, *value)
        }),
        other => Err(no_overload("transformMapEntry", &[*other])),
    })
}

extern "C" fn map_done<'a>(run: &mut Run<'_, 'a>, map: u64, out: &mut Out<'a>) -> u64 {
    run.give(out, |run, cx| {
        let entries = std::mem::take(run.map(map)?);
        cx.map(&entries).map(Value::Map)
    })
}

extern "C" fn text_new(run: &mut Run<'_, '_>) -> u64 {
    run.texts.push(String::new());
    run.texts.len() as u64 - 1
}

extern "C" fn text_push(run: &mut Run<'_, '_>, text: u64, string: u64) -> u64 {
    run.work(|run, cx| {
        let text = run.text(text)?;
        text.push_str(cx.consts().str(string as u32));
        cx.charge(text.len())
    })
}

extern "C" fn text_hole<'a>(run: &mut Run<'_, 'a>, text: u64, value: &Value<'a>, escape: u64) -> u64 {
    run.work(|run, cx| {
        let text = run.text(text)?;
        template::escape_into(*value, escaping(escape)?, text)?;
        cx.charge(text.len())
    })
}

extern "C" fn text_done<'a>(run: &mut Run<'_, 'a>, text: u64, out: &mut Out<'a>) -> u64 {
    run.give(out, |run, cx| {
        let text = std::mem::take(run.text(text)?);
        cx.str(text).map(Value::Str)
    })
}

extern "C" fn rows<'a>(run: &mut Run<'_, 'a>, of: &Value<'a>, two: u64, out: &mut Out<'a>) -> u64 {
    run.give(out, |_, cx| {
        cx.walk(match of {
            Value::List(items) => items.len(),
            Value::Map(map) => map.entries.len(),
            _ => 0,
        })?;
        let rows: Vec<Value<'a>> = match (of, two != 0) {
            (Value::List(items), false) => return Ok(Value::List(items)),
            (Value::List(items), true) => {
                (0i64..).zip(items.iter()).flat_map(|(index, item)| [Value::Int(index), *item]).collect()
            }
            (Value::Map(map), false) => map.entries.iter().map(|(key, _)| *key).collect(),
            (Value::Map(map), true) => map.entries.iter().flat_map(|(key, value)| [*key, *value]).collect(),
            (other, _) => return Err(no_overload("a macro", &[*other])),
        };
        // Not charged: the interpreter needs no rows, and they are no larger than what is walked.
        Ok(Value::List(cx.arena().alloc_slice_copy(&rows)))
    })
}

extern "C" fn wait(run: &mut Run<'_, '_>, mark: i64) -> i64 {
    if mark >= 0 {
        run.errors.truncate(mark as usize + 1);
        return mark;
    }
    run.errors.len() as i64 - 1
}

extern "C" fn raise(run: &mut Run<'_, '_>, mark: u64) -> u64 {
    run.errors.truncate(mark as usize + 1);
    FINE
}

extern "C" fn forget(run: &mut Run<'_, '_>, mark: u64) -> u64 {
    run.errors.truncate(mark as usize);
    FINE
}

impl Asked {
    /// As the interpreter's errors say.
    fn name(asked: u64) -> &'static str {
        const ALL: [(Asked, &str); 5] = [
            (Asked::And, "&&"),
            (Asked::Or, "||"),
            (Asked::Cond, "?:"),
            (Asked::Predicate, "a predicate"),
            (Asked::When, "when"),
        ];
        ALL.into_iter().find(|(known, _)| *known as u64 == asked).map_or("", |(_, name)| name)
    }
}

fn operator(number: u64) -> Result<BinOp, EvalError> {
    const ALL: [BinOp; 12] = [
        BinOp::Add,
        BinOp::Sub,
        BinOp::Mul,
        BinOp::Div,
        BinOp::Rem,
        BinOp::Eq,
        BinOp::Ne,
        BinOp::Lt,
        BinOp::Le,
        BinOp::Gt,
        BinOp::Ge,
        BinOp::In,
    ];
    ALL.into_iter().find(|op| *op as u64 == number).ok_or_else(fault)
}

fn escaping(number: u64) -> Result<Escape, EvalError> {
    [Escape::Text, Escape::Url, Escape::Header, Escape::Json, Escape::Html]
        .into_iter()
        .find(|escape| *escape as u64 == number)
        .ok_or_else(fault)
}

/// A fault of the code generator.
fn fault() -> EvalError {
    EvalError::Invalid("an internal fault of the code generator".into())
}
