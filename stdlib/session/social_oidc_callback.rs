//! `social_oidc_callback`: who came back from an OpenID provider, and which user of ours that is.

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;
use admit_runtime::relying::Provider;
use admit_runtime::unit::{AuditEntry, Material, NewCredential, NewUser, Write};
use serde_json::{Map, Value};

use crate::config::{Fields, event_text, fresh_id, record, text, with_method};
use crate::oidc::{self, Returned};

/// See `social_oidc_callback.admit`.
pub struct SocialOidcCallback;

impl Block for SocialOidcCallback {
    fn name(&self) -> &'static str {
        "social_oidc_callback"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let provider = oidc::provider(&call)?;
    let returned = match Returned::of(&call) {
        Some(returned) => Some(returned),
        None => oidc::kept(&call, &provider).await?,
    };
    let Some(returned) = returned else { return oidc::ask(&call, &provider).await };
    let claims = match oidc::identity(&call, &provider, &returned).await {
        Ok(claims) => claims,
        Err(why) => {
            audit(&mut call, &provider, "anonymous", "failure", &why.to_string());
            return match why {
                oidc::Fault::Refused(_) => Ok(refused()),
                oidc::Fault::Failed(error) => Err(error),
            };
        }
    };
    let Some(subject) = claims.get("sub").and_then(Value::as_str).map(str::to_owned) else { return Ok(refused()) };
    let found = match user_of(&mut call, &provider, &subject, &claims).await? {
        Found::Another => {
            audit(&mut call, &provider, "anonymous", "failure", "another user than the one who was looked up");
            return Ok(refused());
        }
        Found::User(user) => Some(user),
        Found::Nobody => None,
    };
    let user = match found {
        Some(user) if !Fields(&user).boolean("blocked").unwrap_or(true) => user,
        Some(_) | None => {
            audit(&mut call, &provider, "anonymous", "failure", "no user of ours");
            return Ok(refused());
        }
    };
    let id = Fields(&user).text("id")?.to_owned();
    audit(&mut call, &provider, &id, "success", "");
    let fields = vec![
        ("verified".to_owned(), Datum::Bool(true)),
        ("email_verified".to_owned(), Datum::Bool(claims.get("email_verified") == Some(&Value::Bool(true)))),
        ("subject".to_owned(), text(&subject)),
        ("claims".to_owned(), json::from_json(&Value::Object(claims))),
    ];
    let sets = vec![with_method(call.event, "social")];
    Ok(Done::Output(Output { fields, user: Some(user), sets, ..Output::default() }))
}

/// Whom the provider's subject is.
enum Found {
    /// This user of ours.
    User(Datum),
    /// Somebody else than the user whom the run is about.
    Another,
    /// No user of ours.
    Nobody,
}

/// By issuer and subject, which alone identify somebody at a provider (OpenID Connect Core 1.0 section 5.7); else as `link` says.
async fn user_of(
    call: &mut Call<'_>,
    provider: &Provider,
    subject: &str,
    claims: &Map<String, Value>,
) -> Result<Found, BlockError> {
    // Who was looked up before, if anybody.
    let about = event_text(call.event, "user.id");
    let is_another = |id: &str| about.as_deref().is_some_and(|about| about != id);
    let external = [provider.issuer.as_bytes(), b"\0", subject.as_bytes()].concat();
    let known = call.host.store().credential_by_external_id(call.tenant, "social", &external).await?;
    if let Some(credential) = known {
        if is_another(&credential.user_id) {
            return Ok(Found::Another);
        }
        return Ok(call.user(&credential.user_id).await?.map_or(Found::Nobody, Found::User));
    }
    let link = Fields(call.config).text("link")?.to_owned();
    let email = claims.get("email").and_then(Value::as_str).filter(|email| is_address(email)).map(str::to_owned);
    let is_verified = claims.get("email_verified") == Some(&Value::Bool(true));
    let mut found = None;
    if let Some(email) = email.as_deref().filter(|_| is_verified && link.starts_with("verified_email")) {
        let user = call.host.store().user_by_identifier(call.tenant, email).await?;
        // An address that our user never proved may be somebody else's, who would get in here.
        found = user.filter(|user| {
            Fields(user).boolean("email_verified").unwrap_or(false)
                && Fields(user).optional_text("email").ok().flatten().is_some_and(|own| own.eq_ignore_ascii_case(email))
        });
    }
    let another = found.as_ref().and_then(|user| Fields(user).text("id").ok()).is_some_and(is_another);
    if another || found.is_none() && link.ends_with("create") && about.is_some() {
        return Ok(Found::Another);
    }
    if found.is_none() && link.ends_with("create") {
        let taken = match &email {
            Some(email) => call.host.store().user_by_identifier(call.tenant, email).await?.is_some(),
            None => false,
        };
        if taken {
            return Ok(Found::Nobody);
        }
        let id = fresh_id(call.host, "usr");
        let name = claims.get("name").and_then(Value::as_str).map(|name| name.chars().take(256).collect());
        let new = NewUser {
            id: id.clone(),
            email_verified: email.is_some() && is_verified,
            email,
            phone: None,
            phone_verified: false,
            username: None,
            name,
            groups: Vec::new(),
            roles: Vec::new(),
            app_metadata: Datum::Map(Vec::new()),
            user_metadata: Datum::Map(Vec::new()),
        };
        call.unit.writes.push(Write::InsertUser(Box::new(new)));
        found = call.user(&id).await?;
    }
    let Some(user) = found else { return Ok(Found::Nobody) };
    let credential = NewCredential {
        id: fresh_id(call.host, "crd"),
        user_id: Fields(&user).text("id")?.to_owned(),
        kind: "social".to_owned(),
        material: Material::new(external.as_slice()),
        data: record([
            ("provider", text(&provider.name)),
            ("issuer", text(&provider.issuer)),
            ("subject", text(subject)),
        ]),
        counter: None,
        external_id: Some(external.clone()),
    };
    call.unit.writes.push(Write::InsertCredential(Box::new(credential)));
    Ok(Found::User(user))
}

fn is_address(email: &str) -> bool {
    let parts = email.split_once('@').is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.'));
    parts && email.len() <= 254 && email.bytes().all(|byte| byte > b' ' && byte != 0x7f)
}

fn audit(call: &mut Call<'_>, provider: &Provider, who: &str, outcome: &str, detail: &str) {
    call.unit.audit.push(AuditEntry {
        kind: "user.social_signed_in".to_owned(),
        actor: who.to_owned(),
        target: format!("provider:{}", provider.name),
        outcome: outcome.to_owned(),
        data: record([("step", text(call.label)), ("detail", text(detail))]),
    });
}

fn refused() -> Done {
    let fields = vec![
        ("verified".to_owned(), Datum::Bool(false)),
        ("email_verified".to_owned(), Datum::Bool(false)),
        ("subject".to_owned(), Datum::Optional(None)),
        ("claims".to_owned(), Datum::Optional(None)),
    ];
    Done::Output(Output { fields, ..Output::default() })
}
