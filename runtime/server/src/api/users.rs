//! Users of a tenant, as whoever manages it sees and changes them.

use std::sync::Arc;

use admit_eval::datum::Datum;
use admit_eval::json;
use admit_runtime::host::StoreError;
use admit_runtime::identifier::normalise_identifier;
use admit_runtime::unit::{AuditEntry, Change, UserChanges};
use admit_store::{NewUser, SecretText, UserError, UserPatch, UserSummary, patch_fault};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::Server;
use super::auth::{Caller, caller};
use super::extract::{Asked, Body, Path, read};
use super::page::Page;
use super::precondition::{changed_meanwhile, expected_tag, tagged};
use super::problem::Problem;
use super::runs::ok;
use super::time::text;
use crate::key::Scope;

/// Which users.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Listing {
    /// The one with this e-mail address, phone number, user name or id.
    identifier: Option<String>,
    /// Most entries of the page; 50 where it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// A user to make: at least one of `email`, `phone` and `username`. No `Debug`: it holds a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// E-mail address.
    email: Option<String>,
    /// It was shown to be theirs.
    #[serde(default)]
    email_verified: bool,
    /// Phone number, as in `+33123456789`.
    phone: Option<String>,
    /// It was shown to be theirs.
    #[serde(default)]
    phone_verified: bool,
    /// User name.
    username: Option<String>,
    /// Name for people.
    name: Option<String>,
    /// Groups.
    #[serde(default)]
    groups: Vec<String>,
    /// Roles.
    #[serde(default)]
    roles: Vec<String>,
    /// What applications keep; users cannot write it.
    #[serde(default)]
    #[schema(value_type = Object)]
    app_metadata: Map<String, Value>,
    /// What users keep.
    #[serde(default)]
    #[schema(value_type = Object)]
    user_metadata: Map<String, Value>,
    /// The user may not sign in.
    #[serde(default)]
    blocked: bool,
    /// The password. It is hashed at once.
    #[schema(value_type = Option<String>, write_only)]
    password: Option<SecretText>,
    /// A hash of it instead: Argon2id or scrypt as PHC string, or bcrypt.
    #[schema(value_type = Option<String>, write_only)]
    password_hash: Option<SecretText>,
}

/// What changes of a user (RFC 7396): what is left out stays, null takes away. An address that becomes another one is not verified
/// any more.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PatchUser {
    /// E-mail address.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    email: Option<Option<String>>,
    /// Phone number.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    /// User name.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    username: Option<Option<String>>,
    /// Name for people.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    name: Option<Option<String>>,
    /// Groups, all of them.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    groups: Option<Option<Vec<String>>>,
    /// Roles, all of them.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    roles: Option<Option<Vec<String>>>,
    /// A merge patch of it.
    #[schema(value_type = Option<Object>)]
    app_metadata: Option<Map<String, Value>>,
    /// A merge patch of it.
    #[schema(value_type = Option<Object>)]
    user_metadata: Option<Map<String, Value>>,
    /// The user may not sign in, and no session of theirs is good for anything.
    blocked: Option<bool>,
}

/// A user.
#[derive(Serialize, ToSchema)]
pub struct UserShown {
    /// `usr_...`
    id: String,
    /// `active`, `blocked`, or `pending`: of a sign-up that has not ended.
    status: &'static str,
    /// E-mail address.
    email: Option<String>,
    /// It was shown to be theirs.
    email_verified: bool,
    /// Phone number.
    phone: Option<String>,
    /// It was shown to be theirs.
    phone_verified: bool,
    /// User name.
    username: Option<String>,
    /// Name for people.
    name: Option<String>,
    /// Groups.
    groups: Vec<String>,
    /// Roles.
    roles: Vec<String>,
    /// What applications keep.
    #[schema(value_type = Object)]
    app_metadata: Map<String, Value>,
    /// What users keep.
    #[schema(value_type = Object)]
    user_metadata: Map<String, Value>,
    /// Kinds of credentials: `password`, `totp`, ...
    credentials: Vec<String>,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// The last sign-in; null: there was none.
    #[schema(format = DateTime)]
    last_login_at: Option<String>,
    /// Sign-ins so far.
    login_count: i64,
    /// The user was erased: nothing of them is left but the id.
    erased: bool,
}

/// A page of users, newest first.
#[derive(Serialize, ToSchema)]
pub struct UserPage {
    /// The users.
    users: Vec<UserShown>,
    /// Gives the next page; null on the last.
    next_cursor: Option<String>,
}

/// List users
///
/// Newest first; one alone by an identifier.
#[utoipa::path(
    get, path = "/v1/users", operation_id = "listUsers", tag = "users",
    params(Listing),
    security(("key" = ["manage"])),
    responses((status = 200, description = "A page of users.", body = UserPage)),
)]
pub async fn list(
    State(server): State<Arc<Server>>,
    Asked(asked): Asked<Listing>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let page = Page::<String>::of(asked.limit, asked.cursor.as_deref())?;
    let store = &server.parts.store;
    if let Some(identifier) = &asked.identifier {
        let found = store.find_user(&caller.tenant, identifier).await?;
        let users = found.into_iter().map(shown).collect();
        return Ok(ok(&UserPage { users, next_cursor: None }));
    }
    let mut users = store.users_before(&caller.tenant, page.after.as_deref(), page.ask()).await?;
    let next_cursor = page.cut(&mut users, |user| user.id.clone());
    Ok(ok(&UserPage { users: users.into_iter().map(shown).collect(), next_cursor }))
}

/// Read a user
#[utoipa::path(
    get, path = "/v1/users/{user}", operation_id = "getUser", tag = "users",
    params(("user" = String, Path, description = "`usr_...`")),
    security(("key" = ["manage"])),
    responses((status = 200, description = "The user.", body = UserShown)),
)]
pub async fn show(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    one(&server, &caller, &id).await
}

/// Make a user
#[utoipa::path(
    post, path = "/v1/users", operation_id = "createUser", tag = "users",
    request_body = CreateUser,
    security(("key" = ["manage"])),
    responses((status = 200, description = "The user.", body = UserShown)),
)]
pub async fn create(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let new: CreateUser = read(&body)?;
    let password_hash = hash(&server, new.password, new.password_hash).await?;
    let user = NewUser {
        email: new.email,
        email_verified: new.email_verified,
        phone: new.phone,
        phone_verified: new.phone_verified,
        username: new.username,
        name: new.name,
        groups: new.groups,
        roles: new.roles,
        app_metadata: new.app_metadata,
        user_metadata: new.user_metadata,
        blocked: new.blocked,
        password_hash,
        ..NewUser::default()
    };
    let entry = entry("user.created", &caller, "", Datum::Null);
    let made = server.parts.store.create_user(&caller.tenant, &user, entry, server.now()).await;
    let id = made.map_err(refused)?;
    one(&server, &caller, &id).await
}

/// Change a user
///
/// Profile, metadata, and whether the user may sign in. The `ETag` of the user goes into `If-Match`.
#[utoipa::path(
    patch, path = "/v1/users/{user}", operation_id = "patchUser", tag = "users",
    params(
        ("user" = String, Path, description = "`usr_...`"),
        ("If-Match" = Option<String>, Header, description = "The `ETag` of what is changed."),
    ),
    request_body = PatchUser,
    security(("key" = ["manage"])),
    responses((status = 200, description = "The user as it is now.", body = UserShown)),
)]
pub async fn patch(
    State(server): State<Arc<Server>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Body(body): Body,
) -> Result<Response, Problem> {
    let caller = caller(&server, &headers, Scope::Manage).await?;
    let expected = expected_tag(&headers)?;
    let new: PatchUser = read(&body)?;
    let fields: Vec<&str> = new.fields().collect();
    let data = Datum::record([("fields", Datum::List(fields.iter().map(|name| Datum::Str((*name).into())).collect()))]);
    let mut entries = Vec::new();
    if fields.iter().any(|name| *name != "blocked") {
        entries.push(entry("user.updated", &caller, &id, data));
    }
    match new.blocked {
        Some(true) => entries.push(entry("user.blocked", &caller, &id, Datum::Null)),
        Some(false) => entries.push(entry("user.unblocked", &caller, &id, Datum::Null)),
        None => {}
    }
    let patch = UserPatch { blocked: new.blocked, changes: new.changes() };
    let store = &server.parts.store;
    let (known, _) = store.tagged_user(&caller.tenant, &id).await?.ok_or_else(|| Problem::not_found("user"))?;
    if let Some(fault) = patch_fault(&known, &patch.changes) {
        return Err(refused(UserError::Invalid(fault)));
    }
    store.patch_user(&caller.tenant, (&id, expected), &patch, &entries, server.now()).await.map_err(refused)?;
    one(&server, &caller, &id).await
}

impl PatchUser {
    fn fields(&self) -> impl Iterator<Item = &'static str> {
        let given = [
            ("email", self.email.is_some()),
            ("phone", self.phone.is_some()),
            ("username", self.username.is_some()),
            ("name", self.name.is_some()),
            ("groups", self.groups.is_some()),
            ("roles", self.roles.is_some()),
            ("app_metadata", self.app_metadata.is_some()),
            ("user_metadata", self.user_metadata.is_some()),
            ("blocked", self.blocked.is_some()),
        ];
        given.into_iter().filter(|(_, is)| *is).map(|(name, _)| name)
    }

    fn changes(self) -> UserChanges {
        let trimmed = |text: Option<Option<String>>| text.map(|text| text.map(|text| text.trim().to_owned()));
        let phone = self.phone.map(|phone| phone.map(|phone| normalise_identifier(&phone).1));
        let metadata = |patch: Option<Map<String, Value>>| patch.map(|patch| json::from_json(&Value::Object(patch)));
        UserChanges {
            email: change(trimmed(self.email)),
            phone: change(phone),
            username: change(trimmed(self.username)),
            name: change(self.name),
            groups: change(self.groups),
            roles: change(self.roles),
            app_metadata: metadata(self.app_metadata),
            user_metadata: metadata(self.user_metadata),
        }
    }
}

async fn one(server: &Server, caller: &Caller, id: &str) -> Result<Response, Problem> {
    let found = server.parts.store.tagged_user(&caller.tenant, id).await?;
    let (user, tag) = found.ok_or_else(|| Problem::not_found("user"))?;
    Ok(tagged(&shown(user), &tag))
}

/// The hash to keep. It takes long, so it is made off the async threads.
async fn hash(
    server: &Server,
    password: Option<SecretText>,
    given: Option<SecretText>,
) -> Result<Option<SecretText>, Problem> {
    let formats = Arc::clone(&server.parts.formats);
    match (password, given) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(Problem::bad("bad_body", "give `password` or `password_hash`, not both")),
        (None, Some(hash)) => match formats.password_hash_fault(&hash) {
            Some(fault) => Err(refused(UserError::Invalid(fault))),
            None => Ok(Some(hash)),
        },
        (Some(password), None) if password.is_empty() => Err(Problem::bad("bad_body", "`password` is empty")),
        (Some(password), None) => {
            let hashed = tokio::task::spawn_blocking(move || formats.hash_password(password.as_bytes())).await;
            let hashed = hashed.map_err(|_| Problem::internal())?;
            hashed.map(|hash| Some(SecretText::from(hash))).map_err(|fault| refused(UserError::Invalid(fault)))
        }
    }
}

fn shown(user: UserSummary) -> UserShown {
    let erased = user.profile.is_none();
    let profile = user.profile.unwrap_or_default();
    UserShown {
        id: user.id,
        status: user.status.as_str(),
        email: profile.email,
        email_verified: profile.email_verified,
        phone: profile.phone,
        phone_verified: profile.phone_verified,
        username: profile.username,
        name: profile.name,
        groups: profile.groups,
        roles: profile.roles,
        app_metadata: profile.app_metadata,
        user_metadata: profile.user_metadata,
        credentials: user.credentials,
        created_at: text(user.created_at),
        last_login_at: user.last_login_at.map(text),
        login_count: user.login_count,
        erased,
    }
}

fn entry(kind: &str, caller: &Caller, target: &str, data: Datum) -> AuditEntry {
    AuditEntry {
        kind: kind.to_owned(),
        actor: caller.key_id.clone(),
        target: target.to_owned(),
        outcome: "success".to_owned(),
        data,
    }
}

/// What is wrong with a user; identifiers are not repeated.
fn refused(error: UserError) -> Problem {
    match error {
        UserError::Invalid(fault) => Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "user_refused", fault),
        UserError::Taken(_) => {
            let detail = "an identifier is another user's, or the metadata are larger than 64 KiB";
            Problem::new(StatusCode::CONFLICT, "identifier_taken", detail)
        }
        UserError::Store(StoreError::NotFound) => Problem::not_found("user"),
        UserError::Store(StoreError::Conflict) => changed_meanwhile(),
        UserError::Store(error) => error.into(),
    }
}

fn change<T>(given: Option<Option<T>>) -> Change<T> {
    match given {
        None => Change::Keep,
        Some(None) => Change::Clear,
        Some(Some(value)) => Change::Set(value),
    }
}

/// A field that is there, null or not.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
