//! A user's attributes: what is sealed in the row and what `event.user` shows of it.

use std::ops::Deref;

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::host::StoreError;
use admit_runtime::identifier::normalise_identifier;
use admit_runtime::patch::merge;
use admit_runtime::tenant::TenantId;
use admit_runtime::unit::factors;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::json::json_object;
use crate::keys::unsealed;
use crate::seal::SealKey;
use crate::users::Status;

/// Largest `app_metadata` and `user_metadata` that a run may leave, as JSON in bytes.
const LARGEST_METADATA: usize = 64 * 1024;

/// The attributes of a user, stored as sealed JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Profile {
    /// E-mail address, an identifier.
    pub email: Option<String>,
    /// The address was proved.
    pub email_verified: bool,
    /// Phone number in E.164 form, an identifier.
    pub phone: Option<String>,
    /// The number was proved.
    pub phone_verified: bool,
    /// User name, an identifier.
    pub username: Option<String>,
    /// For people.
    pub name: Option<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Set by the application only.
    pub app_metadata: serde_json::Map<String, serde_json::Value>,
    /// The user may change it.
    pub user_metadata: serde_json::Map<String, serde_json::Value>,
}

/// Secret text of a user to be added: no `Debug`, zeroized when dropped.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

/// A user to be added; also a line of an import (JSON, unknown keys refused).
#[derive(Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NewUser {
    /// `usr_...`; made where it is left out.
    pub id: Option<String>,
    /// E-mail address, an identifier.
    pub email: Option<String>,
    /// The address was proved.
    pub email_verified: bool,
    /// Phone number in E.164 form, an identifier.
    pub phone: Option<String>,
    /// The number was proved.
    pub phone_verified: bool,
    /// User name, an identifier.
    pub username: Option<String>,
    /// For people.
    pub name: Option<String>,
    /// Groups.
    pub groups: Vec<String>,
    /// Roles.
    pub roles: Vec<String>,
    /// Set by the application only.
    pub app_metadata: serde_json::Map<String, serde_json::Value>,
    /// The user may change it.
    pub user_metadata: serde_json::Map<String, serde_json::Value>,
    /// Cannot sign in.
    pub blocked: bool,
    /// The password itself: only in an import, where [`crate::parse_users`] hashes it.
    pub password: Option<SecretText>,
    /// PHC string of the password.
    pub password_hash: Option<SecretText>,
    /// TOTP seed in base32 (RFC 4648, padding optional).
    pub totp_secret: Option<SecretText>,
    /// `SHA1` where it is left out, `SHA256`, `SHA512`: what the app was set up with.
    pub totp_hash: Option<String>,
    /// 6 to 8; 6 where it is left out.
    pub totp_digits: Option<i64>,
    /// 15 to 120 seconds; 30 where it is left out.
    pub totp_step: Option<i64>,
    /// Seed of a token that counts (HOTP, RFC 4226) in base32.
    pub hotp_secret: Option<SecretText>,
    /// The counter of the token's next code.
    pub hotp_counter: i64,
    /// 6 to 8; 6 where it is left out.
    pub hotp_digits: Option<i64>,
}

/// What a listing shows of a user.
#[derive(Clone, Debug, PartialEq)]
pub struct UserSummary {
    /// `usr_...`
    pub id: String,
    /// May it sign in?
    pub status: Status,
    /// Its attributes; none where the user was erased.
    pub profile: Option<Profile>,
    /// Kinds of credentials, in order (`password`, `totp`).
    pub credentials: Vec<String>,
    /// When it was added.
    pub created_at: Instant,
    /// Last sign-in.
    pub last_login_at: Option<Instant>,
    /// Sign-ins so far.
    pub login_count: i64,
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl Deref for SecretText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for SecretText {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

impl Profile {
    /// `Conflict` where metadata is larger than it may be.
    pub(crate) fn check_size(&self) -> Result<(), StoreError> {
        for metadata in [&self.app_metadata, &self.user_metadata] {
            let size = serde_json::to_vec(metadata).map_err(|error| StoreError::Failed(error.to_string()))?.len();
            if size > LARGEST_METADATA {
                return Err(StoreError::Conflict);
            }
        }
        Ok(())
    }
}

impl NewUser {
    /// Its attributes.
    pub(crate) fn profile(&self) -> Profile {
        Profile {
            email: self.email.as_deref().map(|email| email.trim().to_owned()),
            email_verified: self.email_verified,
            phone: self.phone.as_deref().map(|phone| normalise_identifier(phone).1),
            phone_verified: self.phone_verified,
            username: self.username.as_deref().map(|name| name.trim().to_owned()),
            name: self.name.clone(),
            groups: self.groups.clone(),
            roles: self.roles.clone(),
            app_metadata: self.app_metadata.clone(),
            user_metadata: self.user_metadata.clone(),
        }
    }
}

/// The identifiers of a profile with their kinds, as given.
pub(crate) fn identifiers(profile: &Profile) -> Vec<(&'static str, &str)> {
    [("email", &profile.email), ("phone", &profile.phone), ("username", &profile.username)]
        .into_iter()
        .filter_map(|(kind, value)| value.as_deref().map(|value| (kind, value)))
        .collect()
}

/// What `event.user` shows (blocks.md, The event): unknown leaves are left out.
pub(crate) fn event_user(user: &UserSummary, profile: &Profile) -> Datum {
    let mut fields = Vec::with_capacity(16);
    let mut put = |name: &str, value: Datum| fields.push((Datum::Str(name.into()), value));
    let text = |value: &str| Datum::Str(value.into());
    put("id", text(&user.id));
    for (name, value) in
        [("email", &profile.email), ("phone", &profile.phone), ("username", &profile.username), ("name", &profile.name)]
    {
        if let Some(value) = value {
            put(name, text(value));
        }
    }
    put("email_verified", Datum::Bool(profile.email_verified));
    put("phone_verified", Datum::Bool(profile.phone_verified));
    put("groups", words(&profile.groups));
    put("roles", words(&profile.roles));
    put("created_at", Datum::Timestamp(user.created_at));
    if let Some(at) = user.last_login_at {
        put("last_login_at", Datum::Timestamp(at));
    }
    put("login_count", Datum::Int(user.login_count));
    put("blocked", Datum::Bool(user.status == Status::Blocked));
    put("factors", factors(user.credentials.iter().map(String::as_str)));
    put("app_metadata", json_object(&profile.app_metadata));
    put("user_metadata", json_object(&profile.user_metadata));
    Datum::Map(fields)
}

/// A sealed profile with its `app_metadata` patched (RFC 7396). `Conflict` where that would be larger than it may be.
pub(crate) fn patched_profile(
    key: &SealKey,
    tenant: &TenantId,
    user_id: &str,
    sealed: &[u8],
    patches: &[Datum],
) -> Result<Vec<u8>, StoreError> {
    let unreadable =
        |error: serde_json::Error| StoreError::Failed(format!("the profile of `{user_id}` is not readable: {error}"));
    let place = ["profile", tenant.as_str(), user_id];
    let plain = key.open(&place, sealed).map_err(unsealed)?;
    let mut profile: Profile = serde_json::from_slice(&plain).map_err(unreadable)?;
    let before = json_object(&profile.app_metadata);
    let merged = patches.iter().fold(before, merge);
    let serde_json::Value::Object(metadata) = admit_eval::json::to_json(&merged) else {
        return Err(StoreError::Failed("a patch of `app_metadata` is no object".to_owned()));
    };
    profile.app_metadata = metadata;
    profile.check_size()?;
    let plain = Zeroizing::new(serde_json::to_vec(&profile).map_err(unreadable)?);
    key.seal(&place, &plain).map_err(unsealed)
}

fn words(list: &[String]) -> Datum {
    Datum::List(list.iter().map(|word| Datum::Str(word.as_str().into())).collect())
}
