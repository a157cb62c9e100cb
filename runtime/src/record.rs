//! A suspended run as bytes: a magic word, a version, then the run in postcard. Read with suspicion: other versions,
//! bytes left over, values out of bounds and runs that do not fit their flow are refused, never executed.

use std::str::FromStr;
use std::sync::OnceLock;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::bundle::NodeId;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use thiserror::Error;

use crate::record::packed::Packed;
use crate::state::{Aal, Frame, Groups, Kept, Run};
use crate::tenant::TenantId;

pub mod packed;

/// The version written. Another one is refused: a run that old is started anew.
pub const VERSION: u16 = 2;

/// Longest record that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;

const MAGIC: [u8; 4] = *b"ADMR";

/// A suspended run with what its resume token is bound to.
#[derive(Clone, Debug)]
pub struct Record {
    /// The run.
    pub(crate) run: Run,
    /// Content hash of its bundle.
    pub bundle: [u8; 32],
    /// SHA-256 of the one token that resumes it.
    pub token_hash: [u8; 32],
    /// Until when it may be resumed.
    pub expires_at: Instant,
    /// What was shown to the user, to show again after an answer of the wrong form.
    pub challenge: Datum,
    /// How long an answer may take, in seconds.
    pub expires_in: u64,
}

/// Why a record is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RecordError {
    /// Longer than a run may be.
    #[error("the run's record is larger than {MAX_BYTES} bytes")]
    TooLong,
    /// Not a record.
    #[error("this is not the record of a run")]
    NotARecord,
    /// Of another version.
    #[error("the run was suspended by version {0} of the record format, this is version {VERSION}")]
    Version(u16),
    /// It does not decode, or not to a run.
    #[error("the record of the run is damaged")]
    Damaged,
}

/// As written: plain data only.
#[derive(Serialize, Deserialize)]
struct Stored {
    id: SmolStr,
    tenant: SmolStr,
    flow: u32,
    seq: u32,
    at: Option<NodeId>,
    event: Vec<u8>,
    input: Vec<(SmolStr, Packed)>,
    results: Vec<Option<Kept>>,
    groups: PackedGroups,
    session: Option<Packed>,
    frames: Vec<Frame>,
    memory: Option<(NodeId, Packed)>,
    claims: Vec<(SmolStr, Packed)>,
    redirect: Option<String>,
    fresh_factor: bool,
    bundle: [u8; 32],
    token_hash: [u8; 32],
    expires_at: Instant,
    challenge: Packed,
    expires_in: u64,
}

/// What the runtime knows of the event, as written.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PackedGroups {
    user: Option<Packed>,
    aal: Aal,
    methods: Packed,
    authentication: Vec<(SmolStr, Packed)>,
    tenant: Option<Packed>,
    others: Vec<(Vec<SmolStr>, Packed)>,
}

/// Writes a record.
///
/// # Errors
/// [`RecordError::TooLong`], and [`RecordError::Damaged`] if a value nests deeper than records may.
pub fn encode(record: &Record) -> Result<Vec<u8>, RecordError> {
    let run = &record.run;
    let stored = Stored {
        id: run.id.clone(),
        tenant: run.tenant.as_str().into(),
        flow: run.flow as u32,
        seq: run.seq,
        at: run.at,
        event: run.event.to_vec(),
        input: named(&run.input),
        results: run.results.clone(),
        groups: PackedGroups::from(&run.groups),
        session: run.session.clone().map(Packed),
        frames: run.frames.clone(),
        memory: run.memory.clone().map(|(node, memory)| (node, Packed(memory))),
        claims: named(&run.claims),
        redirect: run.redirect.clone(),
        fresh_factor: run.fresh_factor,
        bundle: record.bundle,
        token_hash: record.token_hash,
        expires_at: record.expires_at,
        challenge: Packed(record.challenge.clone()),
        expires_in: record.expires_in,
    };
    let mut bytes = Vec::with_capacity(1024);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    let bytes = postcard::to_extend(&stored, bytes).map_err(|_| RecordError::Damaged)?;
    if bytes.len() > MAX_BYTES { Err(RecordError::TooLong) } else { Ok(bytes) }
}

/// Reads a record.
///
/// # Errors
/// See [`RecordError`].
pub fn decode(bytes: &[u8]) -> Result<Record, RecordError> {
    if bytes.len() > MAX_BYTES {
        return Err(RecordError::TooLong);
    }
    let rest = bytes.strip_prefix(&MAGIC).ok_or(RecordError::NotARecord)?;
    let (version, rest) = rest.split_first_chunk::<2>().ok_or(RecordError::NotARecord)?;
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return Err(RecordError::Version(version));
    }
    let (stored, rest): (Stored, &[u8]) = postcard::take_from_bytes(rest).map_err(|_| RecordError::Damaged)?;
    if !rest.is_empty() || stored.expires_at.nanos >= 1_000_000_000 {
        return Err(RecordError::Damaged);
    }
    let groups = stored.groups.unpack().ok_or(RecordError::Damaged)?;
    let run = Run {
        id: stored.id,
        tenant: TenantId::from_str(&stored.tenant).map_err(|_| RecordError::Damaged)?,
        flow: stored.flow as usize,
        seq: stored.seq,
        at: stored.at,
        event: stored.event.into(),
        tree: OnceLock::new(),
        input: unpack(stored.input),
        results: stored.results,
        groups,
        session: stored.session.map(|session| session.0),
        frames: stored.frames,
        memory: stored.memory.map(|(node, memory)| (node, memory.0)),
        claims: unpack(stored.claims),
        redirect: stored.redirect,
        fresh_factor: stored.fresh_factor,
    };
    Ok(Record {
        run,
        bundle: stored.bundle,
        token_hash: stored.token_hash,
        expires_at: stored.expires_at,
        challenge: stored.challenge.0,
        expires_in: stored.expires_in,
    })
}

impl From<&Groups> for PackedGroups {
    fn from(groups: &Groups) -> Self {
        Self {
            user: groups.user.clone().map(Packed),
            aal: groups.aal,
            methods: Packed(Datum::List(groups.methods.clone())),
            authentication: named(&groups.authentication),
            tenant: groups.tenant.as_ref().map(|tenant| Packed(Datum::clone(tenant))),
            others: groups.others.iter().map(|(path, value)| (path.clone(), Packed(value.clone()))).collect(),
        }
    }
}

impl PackedGroups {
    /// None where they are damaged.
    pub(crate) fn unpack(self) -> Option<Groups> {
        let Datum::List(methods) = self.methods.0 else { return None };
        Some(Groups {
            user: self.user.map(|user| user.0),
            aal: self.aal,
            methods,
            authentication: unpack(self.authentication),
            tenant: self.tenant.map(|tenant| tenant.0.into()),
            others: self.others.into_iter().map(|(path, value)| (path, value.0)).collect(),
        })
    }
}

fn named(fields: &[(SmolStr, Datum)]) -> Vec<(SmolStr, Packed)> {
    fields.iter().map(|(name, value)| (name.clone(), Packed(value.clone()))).collect()
}

fn unpack(fields: Vec<(SmolStr, Packed)>) -> Vec<(SmolStr, Datum)> {
    fields.into_iter().map(|(name, value)| (name, value.0)).collect()
}

impl Record {
    /// A record that holds these values in each place where a run keeps values: for fuzzing. It fits no flow.
    pub fn of_values(tenant: TenantId, values: &[Datum], seq: u32, expires_at: Instant) -> Self {
        let named: Vec<(SmolStr, Datum)> =
            values.iter().enumerate().map(|(index, value)| (format!("v{index}").into(), value.clone())).collect();
        let first = values.first().cloned();
        let run = Run {
            id: "run_fuzz".into(),
            tenant,
            flow: 0,
            seq,
            at: Some(seq),
            event: b"{}".as_slice().into(),
            tree: OnceLock::new(),
            input: named.clone(),
            results: values.iter().map(|value| Some(Kept::Output(Packed(value.clone()).into()))).collect(),
            groups: Groups {
                user: first.clone(),
                aal: Aal::Two,
                methods: values.to_vec(),
                authentication: named.clone(),
                tenant: first.clone().map(Into::into),
                others: values.iter().map(|value| (vec!["a".into(), "b".into()], value.clone())).collect(),
            },
            session: first.clone(),
            frames: vec![Frame { enter: seq, since: 0 }],
            memory: first.clone().map(|memory| (seq, memory)),
            claims: named,
            redirect: Some("https://app.example.com/".to_owned()),
            fresh_factor: true,
        };
        let challenge = first.unwrap_or(Datum::Null);
        Self { run, bundle: [1; 32], token_hash: [2; 32], expires_at, challenge, expires_in: 60 }
    }
}
