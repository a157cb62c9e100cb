//! The state of a run between its steps: what a suspended run keeps, and what its expressions read.

use std::sync::{Arc, OnceLock};

use admit_eval::datum::Datum;
use admit_plan::bundle::NodeId;
use admit_plan::code::StrId;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::record::packed::Packed;
use crate::tenant::TenantId;

/// A run.
#[derive(Clone, Debug)]
pub struct Run {
    /// `run_...`
    pub(crate) id: SmolStr,
    /// Whose.
    pub(crate) tenant: TenantId,
    /// Index of its flow in the bundle.
    pub(crate) flow: usize,
    /// Number of the present request, 0 first.
    pub(crate) seq: u32,
    /// The node that the walk is at; none: it fell off the end.
    pub(crate) at: Option<NodeId>,
    /// The event as submitted: JSON.
    pub(crate) event: Arc<[u8]>,
    /// The event as a tree, for blocks that read paths no expression of the flow names.
    pub(crate) tree: OnceLock<Option<Datum>>,
    /// What the user submitted and is no secret, by field.
    pub(crate) input: Vec<(SmolStr, Datum)>,
    /// What each node that has ended gave, by node; shorter than the nodes where none of the rest has.
    pub(crate) results: Vec<Option<Kept>>,
    /// What the runtime knows of the event.
    pub(crate) groups: Groups,
    /// The session that `session.*` reads: once settled, or the one that the flow was started with.
    pub(crate) session: Option<Datum>,
    /// Custom flows that the walk is inside of.
    pub(crate) frames: Vec<Frame>,
    /// What the prompting block wants back when it is run again.
    pub(crate) memory: Option<(NodeId, Datum)>,
    /// Claims that Actions have set, by name.
    pub(crate) claims: Vec<(SmolStr, Datum)>,
    /// Where an Action wants the user to go after success; checked against the allowlist.
    pub(crate) redirect: Option<String>,
    /// A second factor was verified in this run, and not only in the session that it runs within.
    pub(crate) fresh_factor: bool,
}

/// What a node gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Kept {
    /// A decision's branch.
    Branch(StrId),
    /// A condition's fields, in order.
    Conditions(Vec<bool>),
    /// A block's outputs: a record, shared with the trace where nothing in it is masked.
    Output(Arc<Packed>),
}

/// The parts of the event that only the runtime sets.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Groups {
    /// `event.user`, once provided.
    pub(crate) user: Option<Datum>,
    /// `event.authentication.aal`
    pub(crate) aal: Aal,
    /// `event.authentication.methods`
    pub(crate) methods: Vec<Datum>,
    /// Further fields of `event.authentication`.
    pub(crate) authentication: Vec<(SmolStr, Datum)>,
    /// `event.tenant`; none: only what the tenant's id says.
    pub(crate) tenant: Option<Arc<Datum>>,
    /// Other paths that blocks have set, the latest last.
    pub(crate) others: Vec<(Vec<SmolStr>, Datum)>,
}

/// How sure we are who the user is (NIST SP 800-63B).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Aal {
    /// Not at all.
    #[default]
    Zero,
    /// One factor.
    One,
    /// Two factors.
    Two,
    /// Two factors, one of them a device that cannot be phished.
    Three,
}

/// A custom flow that the walk is inside of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// The node that entered it.
    pub(crate) enter: NodeId,
    /// When it was entered or resumed, in nanoseconds since the request began.
    #[serde(skip)]
    pub(crate) since: u64,
}

impl Aal {
    /// By its word.
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "aal0" => Some(Self::Zero),
            "aal1" => Some(Self::One),
            "aal2" => Some(Self::Two),
            "aal3" => Some(Self::Three),
            _ => None,
        }
    }

    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Zero => "aal0",
            Self::One => "aal1",
            Self::Two => "aal2",
            Self::Three => "aal3",
        }
    }
}

impl Run {
    /// The user's id, as soon as there is a user.
    pub(crate) fn user_id(&self) -> Option<&str> {
        text_field(self.groups.user.as_ref()?, "id")
    }

    pub(crate) fn keep(&mut self, node: NodeId, kept: Kept) {
        let index = node as usize;
        while self.results.len() < index {
            self.results.push(None);
        }
        match self.results.get_mut(index) {
            Some(place) => *place = Some(kept),
            None => self.results.push(Some(kept)),
        }
    }

    pub(crate) fn kept(&self, node: NodeId) -> Option<&Kept> {
        self.results.get(node as usize)?.as_ref()
    }
}

impl Groups {
    /// `event.authentication` as a record.
    pub(crate) fn authentication_record(&self) -> Datum {
        let mut entries = vec![
            (str_datum("aal"), str_datum(self.aal.word())),
            (str_datum("methods"), Datum::List(self.methods.clone())),
        ];
        entries.extend(self.authentication.iter().map(|(name, value)| (str_datum(name), value.clone())));
        Datum::Map(entries)
    }
}

/// A string value.
pub(crate) fn str_datum(text: &str) -> Datum {
    Datum::Str(text.into())
}

/// A field of a record.
pub fn field<'a>(record: &'a Datum, name: &str) -> Option<&'a Datum> {
    let Datum::Map(entries) = record else { return None };
    entries.iter().find_map(|(key, value)| match key {
        Datum::Str(key) if **key == *name => Some(value),
        _ => None,
    })
}

/// A value inside records; optionals on the way are looked into.
pub fn at_path<'a>(value: &'a Datum, path: &[SmolStr]) -> Option<&'a Datum> {
    at_names(value, path.iter().map(SmolStr::as_str))
}

/// As [`at_path`], for names that stand nowhere together.
pub(crate) fn at_names<'a, 'n>(mut value: &'a Datum, path: impl Iterator<Item = &'n str>) -> Option<&'a Datum> {
    for name in path {
        value = field(present(value)?, name)?;
    }
    present(value)
}

/// A text field of a record.
pub(crate) fn text_field<'a>(record: &'a Datum, name: &str) -> Option<&'a str> {
    match present(field(record, name)?)? {
        Datum::Str(text) => Some(text),
        _ => None,
    }
}

fn present(value: &Datum) -> Option<&Datum> {
    match value {
        Datum::Optional(None) => None,
        Datum::Optional(Some(inner)) => present(inner),
        other => Some(other),
    }
}
