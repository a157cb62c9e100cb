//! The trace: the one stream of what happened in a run. Explanations, coverage, tests, audit and metrics are folds
//! over it. Secrets never get in; personal data is masked by the label of its type.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::types::{Kind, Type};
use postcard::ser_flavors::Flavor;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::record::packed::Packed;

/// What stands in a trace where personal data was.
pub const MASK: &str = "[pii]";

/// What stands in a trace where a secret was.
pub const SECRET_MASK: &str = "[secret]";

/// The trace of one request of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// What happened, in order.
    pub events: Vec<TraceEvent>,
}

/// Something that happened. Labels and block types by name, so that a trace can be read without its bundle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum TraceEvent {
    /// A request of the run began.
    Began {
        /// The flow.
        flow: SmolStr,
        /// Number of the request in the run, 0 first.
        seq: u32,
        /// When.
        at: Instant,
    },
    /// A stage began, or was skipped by its contract's condition.
    Stage {
        /// Its name.
        label: SmolStr,
        /// Its condition was false.
        skipped: bool,
    },
    /// A custom flow began.
    Entered {
        /// Label of the `run flow`.
        label: SmolStr,
        /// The custom flow.
        flow: SmolStr,
    },
    /// `allow` in a custom flow: control went back.
    Left {
        /// Label of the `run flow`.
        label: SmolStr,
    },
    /// A block began.
    Started {
        /// Its label.
        label: SmolStr,
        /// Its type.
        block: SmolStr,
        /// The clock that it saw; none where neither it nor an expression looked.
        now: Option<Instant>,
    },
    /// A block ended.
    Ended {
        /// Its label.
        label: SmolStr,
        /// Engine time that it took, in nanoseconds; 0 for a block that waits for nothing.
        nanos: u64,
        /// How.
        end: BlockEnd,
    },
    /// A decision took a branch.
    Branch {
        /// The decision.
        label: SmolStr,
        /// The branch.
        branch: SmolStr,
    },
    /// A condition was evaluated.
    Condition {
        /// Its label.
        label: SmolStr,
        /// Its fields in order.
        fields: Vec<(SmolStr, bool)>,
    },
    /// A line of the run's log.
    Log {
        /// The step that it is about.
        label: SmolStr,
        /// How bad it is.
        level: Level,
        /// The line.
        text: String,
    },
    /// The values of the parts of an expression, where the caller asked for an explanation.
    Explained {
        /// The step, by number in the flow: what the debug table knows it by.
        node: u32,
        /// The step.
        label: SmolStr,
        /// Which expression of the step: cases or fields in order.
        expr: u32,
        /// Position of the part in preorder of the code, and its value as text or its error.
        values: Vec<(u32, Explained)>,
    },
    /// The run waits for the user.
    Suspended {
        /// The prompting block.
        label: SmolStr,
        /// Until when.
        expires_at: Instant,
    },
    /// The request's outcome.
    Outcome {
        /// `session`, `allow`, `finalized`, `deny`, `suspended`, `error`
        outcome: SmolStr,
        /// Reason of a deny, id of an error, label of a suspension.
        detail: Option<SmolStr>,
        /// Where it ended.
        label: Option<SmolStr>,
    },
}

/// How a block ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BlockEnd {
    /// With these outputs, masked.
    Output(Arc<Packed>),
    /// It asked the user.
    Prompted,
    /// It ended the run in deny.
    Denied(SmolStr),
    /// It settled the outcome.
    Settled(SmolStr),
    /// It failed; the text is for operators, never for the caller.
    Failed(String),
    /// It is async and was queued.
    Queued,
    /// Its Action is disabled: nothing ran.
    Skipped,
}

/// The value of a part of an expression.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Explained {
    /// Its value, masked.
    Value(Packed),
    /// Its error.
    Error(String),
}

/// How bad a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// It is told.
    Info,
    /// Somebody should look.
    Warning,
    /// It failed.
    Error,
    /// For whoever looks for a mistake. Last: stored traces number the levels in this order.
    Debug,
}

impl Level {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl TraceEvent {
    /// The label of a step that this event says ran: a block, a decision or a condition.
    pub fn ran_label(&self) -> Option<&SmolStr> {
        match self {
            Self::Started { label, .. } | Self::Branch { label, .. } | Self::Condition { label, .. } => Some(label),
            Self::Entered { label, .. } | Self::Ended { label, end: BlockEnd::Queued, .. } => Some(label),
            Self::Began { .. }
            | Self::Stage { .. }
            | Self::Left { .. }
            | Self::Ended { .. }
            | Self::Log { .. }
            | Self::Explained { .. }
            | Self::Suspended { .. }
            | Self::Outcome { .. } => None,
        }
    }
}

impl Trace {
    /// For the store.
    ///
    /// # Errors
    /// If a value in it nests deeper than values may be stored.
    pub fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::serialize_with_flavor(self, Bytes(Vec::with_capacity(64 + 24 * self.events.len())))
    }

    /// From the store.
    ///
    /// # Errors
    /// If these are not the bytes of a trace.
    pub fn decode(bytes: &[u8]) -> Result<Self, postcard::Error> {
        postcard::from_bytes(bytes)
    }

    /// Labels of the blocks that ran, in order. A block that suspended and was run again stands once for each.
    pub fn ran(&self) -> impl Iterator<Item = (&SmolStr, &SmolStr)> {
        self.events.iter().filter_map(|event| match event {
            TraceEvent::Started { label, block, .. } => Some((label, block)),
            _ => None,
        })
    }

    /// Decisions and the branches that they took, in order.
    pub fn branches(&self) -> impl Iterator<Item = (&SmolStr, &SmolStr)> {
        self.events.iter().filter_map(|event| match event {
            TraceEvent::Branch { label, branch } => Some((label, branch)),
            _ => None,
        })
    }

    /// Why the last step that failed did.
    pub fn failure(&self) -> Option<(&SmolStr, &str)> {
        self.events.iter().rev().find_map(|event| match event {
            TraceEvent::Ended { label, end: BlockEnd::Failed(error), .. } => Some((label, error.as_str())),
            TraceEvent::Log { label, level: Level::Error, text } => Some((label, text.as_str())),
            _ => None,
        })
    }
}

/// Bytes that grow a slice at a time: postcard's own writer into a vector with room goes byte by byte.
struct Bytes(Vec<u8>);

impl Flavor for Bytes {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> Result<(), postcard::Error> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> Result<(), postcard::Error> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> Result<Vec<u8>, postcard::Error> {
        Ok(self.0)
    }
}

/// A type holds labels somewhere: its values are masked before they are traced.
pub(crate) fn has_labels(ty: &Type) -> bool {
    ty.labels.pii
        || ty.labels.secret
        || match &ty.kind {
            Kind::List(inner) | Kind::Optional(inner) => has_labels(inner),
            Kind::Map(key, value) => has_labels(key) || has_labels(value),
            Kind::Record(fields) => fields.iter().any(|field| has_labels(&field.ty)),
            Kind::Error
            | Kind::Dyn
            | Kind::Null
            | Kind::Bool
            | Kind::Int(_)
            | Kind::Uint(_)
            | Kind::Double(_)
            | Kind::String
            | Kind::Enum(_)
            | Kind::Bytes
            | Kind::Timestamp
            | Kind::Duration
            | Kind::Type
            | Kind::Ip
            | Kind::Cidr => false,
        }
}

/// A type holds secrets somewhere.
pub(crate) fn has_secrets(ty: &Type) -> bool {
    ty.labels.secret
        || match &ty.kind {
            Kind::List(inner) | Kind::Optional(inner) => has_secrets(inner),
            Kind::Map(key, value) => has_secrets(key) || has_secrets(value),
            Kind::Record(fields) => fields.iter().any(|field| has_secrets(&field.ty)),
            Kind::Error
            | Kind::Dyn
            | Kind::Null
            | Kind::Bool
            | Kind::Int(_)
            | Kind::Uint(_)
            | Kind::Double(_)
            | Kind::String
            | Kind::Enum(_)
            | Kind::Bytes
            | Kind::Timestamp
            | Kind::Duration
            | Kind::Type
            | Kind::Ip
            | Kind::Cidr => false,
        }
}

/// A value without what its type labels as personal or secret.
pub(crate) fn mask(value: &Datum, ty: &Type) -> Datum {
    if ty.labels.secret {
        return Datum::Str(SECRET_MASK.into());
    }
    if ty.labels.pii {
        return Datum::Str(MASK.into());
    }
    match (value, &ty.kind) {
        (Datum::Optional(Some(value)), Kind::Optional(inner)) => Datum::Optional(Some(Box::new(mask(value, inner)))),
        (value, Kind::Optional(inner)) => mask(value, inner),
        (Datum::List(items), Kind::List(inner)) => Datum::List(items.iter().map(|item| mask(item, inner)).collect()),
        (Datum::Map(entries), Kind::Map(key_ty, value_ty)) => {
            Datum::Map(entries.iter().map(|(key, value)| (mask(key, key_ty), mask(value, value_ty))).collect())
        }
        (Datum::Map(entries), Kind::Record(fields)) => {
            let masked = entries.iter().map(|(key, value)| {
                let field = match key {
                    Datum::Str(name) => fields.iter().find(|field| field.name.as_str() == &**name),
                    _ => None,
                };
                (key.clone(), field.map_or_else(|| Datum::Str(MASK.into()), |field| mask(value, &field.ty)))
            });
            Datum::Map(masked.collect())
        }
        (value, _) => value.clone(),
    }
}
