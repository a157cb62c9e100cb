//! Erasing a user: what the audit log says of it.

use admit_eval::datum::Datum;
use admit_runtime::unit::AuditEntry;

/// The entry of a user that was erased. It outlives the user, and names nothing but the id.
pub fn deleted(user: &str, actor: &str) -> AuditEntry {
    AuditEntry {
        kind: "user.deleted".to_owned(),
        actor: actor.to_owned(),
        target: user.to_owned(),
        outcome: "success".to_owned(),
        data: Datum::Null,
    }
}
