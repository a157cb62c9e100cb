//! What a test is given where it says nothing: one event, one user, one input. Optional fields are absent in all of
//! them, so that a test names what it relies on.
//!
//! | what | value |
//! | --- | --- |
//! | now | 2026-01-01T12:00:00Z |
//! | event | [`EVENT`] |
//! | user | id `usr_baseline`, e-mail `user@example.com`, created a year before now, 1 sign-in, no factors, not blocked |
//! | input | `identifier`: `user@example.com`, where the flow has one; every other field absent |
//! | tenant | id and slug `test` |
//! | session | of a flow that takes one: id `ses_baseline`, of the user, `aal1` by password, made an hour before now for the client of the event, good for eleven more; `given event` may say otherwise below `user` and `authentication`, and `aal0` says that there is none |
//! | refresh token | of a flow whose input has one: [`REFRESH_TOKEN`], current, of a family of that session |

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::types::{Kind, Type};

use crate::state::str_datum;

/// 2026-01-01T12:00:00Z.
pub const NOW: Instant = Instant { seconds: 1_767_268_800, nanos: 0 };

/// The identifier that the baseline input holds.
pub const IDENTIFIER: &str = "user@example.com";

/// The refresh token that the baseline input holds.
pub const REFRESH_TOKEN: &str = "art_baseline";

/// The event, without what only the runtime sets.
pub const EVENT: &str = r#"{
  "client": { "id": "cli_baseline", "type": "web", "metadata": {} },
  "connection": { "id": "con_baseline", "strategy": "database" },
  "request": {
    "ip": "203.0.113.7", "method": "POST", "path": "/login", "headers": {},
    "device": { "id": "dev_baseline", "is_new": false },
    "geo": {},
    "asn": {
      "is_tor": false, "is_vpn": false, "is_proxy": false, "is_hosting": false, "is_bogon": false
    }
  },
  "transaction": {
    "id": "txn_baseline", "scopes": [], "acr_values": [], "requested_at": "2026-01-01T12:00:00Z"
  }
}"#;

/// The user.
pub fn user(now: Instant) -> Datum {
    let created = Instant { seconds: now.seconds.saturating_sub(365 * 24 * 60 * 60), nanos: 0 };
    let list = || Datum::List(Vec::new());
    let entries = [
        ("id", str_datum("usr_baseline")),
        ("email", str_datum(IDENTIFIER)),
        ("email_verified", Datum::Bool(false)),
        ("phone_verified", Datum::Bool(false)),
        ("groups", list()),
        ("roles", list()),
        ("created_at", Datum::Timestamp(created)),
        ("login_count", Datum::Int(1)),
        ("blocked", Datum::Bool(false)),
        ("factors", list()),
        ("app_metadata", Datum::Map(Vec::new())),
        ("user_metadata", Datum::Map(Vec::new())),
    ];
    Datum::Map(entries.map(|(name, value)| (str_datum(name), value)).into())
}

/// The input of a flow with this input type.
pub fn input(ty: &Type) -> Datum {
    let Kind::Record(fields) = &ty.kind else { return Datum::Map(Vec::new()) };
    let known = [("identifier", IDENTIFIER), ("refresh_token", REFRESH_TOKEN)];
    let known = known.into_iter().filter(|(name, _)| fields.iter().any(|field| field.name == *name));
    Datum::Map(known.map(|(name, value)| (str_datum(name), str_datum(value))).collect())
}

/// A record with another laid over it: records inside records are laid over each other, all else is replaced.
pub fn overlay(under: Datum, over: &Datum) -> Datum {
    match (under, over) {
        (Datum::Map(mut entries), Datum::Map(over)) => {
            for (key, value) in over {
                match entries.iter_mut().find(|(known, _)| known == key) {
                    Some((_, place)) => {
                        let below = std::mem::replace(place, Datum::Null);
                        *place = overlay(below, value);
                    }
                    None => entries.push((key.clone(), value.clone())),
                }
            }
            Datum::Map(entries)
        }
        (_, over) => over.clone(),
    }
}
