//! What a test of a flow begins with that takes a session or a refresh token: both are in the store.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_plan::bundle::FlowPlan;
use admit_plan::types::Kind;
use sha2::{Digest, Sha256};

use crate::execute::Known;
use crate::expression::from_json;
use crate::host::Host;
use crate::state::{at_names, field, text_field};
use crate::tenant::TenantId;
use crate::testing::baseline;
use crate::testing::host::TestHost;
use crate::unit::{Family, Session};

const HOUR: i64 = 60 * 60;

/// Puts them into the store, and the session into what the run knows. `event` is the event's JSON, with the client that the
/// refresh token was given to where that is another.
pub fn begin_within(
    host: &TestHost,
    tenant: &TenantId,
    flow: &FlowPlan,
    (event, owner): (&str, Option<&str>),
    input: &Datum,
    known: &mut Known,
) {
    let refreshes = match &flow.input.kind {
        Kind::Record(fields) => fields.iter().any(|field| field.name == "refresh_token"),
        _ => false,
    };
    if !flow.needs_session && !refreshes {
        return;
    }
    let now = host.now();
    let user = known.user.clone().unwrap_or_else(|| baseline::user(now));
    let event = from_json(event.as_bytes()).unwrap_or(Datum::Null);
    let mut session = session(&user, known.authentication.as_ref(), &event, now);
    if let Some(owner) = owner {
        session.client_id = Some(owner.to_owned());
    }
    host.store.put_user(tenant, user.clone());
    host.store.put_session(tenant, session.clone());
    if refreshes {
        let token = text_field(input, "refresh_token").unwrap_or_default();
        let family = Family {
            id: "fam_baseline".to_owned(),
            session_id: session.id.clone(),
            client_id: session.client_id.clone().unwrap_or_default(),
            audience: host.issuer(tenant),
            scopes: words(at_names(&event, ["transaction", "scopes"].into_iter())),
            expires_at: session.expires_at,
        };
        host.store.put_family(tenant, family, Sha256::digest(token).into());
    }
    if flow.needs_session && session.aal != "aal0" {
        known.session = Some(session.record());
        known.user = Some(user);
    }
}

fn session(user: &Datum, authentication: Option<&Datum>, event: &Datum, now: Instant) -> Session {
    let given = |name: &str| authentication.and_then(|given| field(given, name));
    let aal = match given("aal") {
        Some(Datum::Str(aal)) => aal.to_string(),
        _ => "aal1".to_owned(),
    };
    let methods = given("methods").map_or_else(|| vec!["password".to_owned()], |given| words(Some(given)));
    let at = |hours: i64| Instant { seconds: now.seconds.saturating_add(hours * HOUR), nanos: now.nanos };
    Session {
        id: "ses_baseline".to_owned(),
        user_id: text_field(user, "id").unwrap_or_default().to_owned(),
        aal,
        methods,
        issued_at: at(-1),
        expires_at: at(11),
        client_id: field(event, "client").and_then(|client| text_field(client, "id")).map(str::to_owned),
        idle_seconds: None,
    }
}

fn words(list: Option<&Datum>) -> Vec<String> {
    let items = match list {
        Some(Datum::List(items)) => items.as_slice(),
        _ => &[],
    };
    let word = |item: &Datum| match item {
        Datum::Str(word) => Some(word.to_string()),
        _ => None,
    };
    items.iter().filter_map(word).collect()
}
