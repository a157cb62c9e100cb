//! Users as runs write them: whole ones that are made, changes of those that are there, and both as the record
//! `event.user` of blocks.md.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;

use crate::identifier::normalise_identifier;
use crate::patch::merge;
use crate::state::{field, str_datum, text_field};

/// The fields of `event.user` that identify somebody, each unique in its tenant.
pub const IDENTIFIERS: [&str; 3] = ["email", "phone", "username"];

/// A user to be made.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUser {
    /// `usr_...`
    pub id: String,
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
    /// Set by the application only: a record of JSON values.
    pub app_metadata: Datum,
    /// The user may change it: a record of JSON values.
    pub user_metadata: Datum,
}

/// What becomes of an attribute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Change<T> {
    /// It stays.
    #[default]
    Keep,
    /// It goes.
    Clear,
    /// It becomes this.
    Set(T),
}

/// Changes of a user. An address or number that becomes another one is not verified any more, unless
/// [`Write::SetVerified`](crate::unit::Write::SetVerified) follows.
#[derive(Clone, Debug, PartialEq)]
pub struct UserChanges {
    /// E-mail address.
    pub email: Change<String>,
    /// Phone number in E.164 form.
    pub phone: Change<String>,
    /// User name.
    pub username: Change<String>,
    /// For people.
    pub name: Change<String>,
    /// Groups, all of them.
    pub groups: Change<Vec<String>>,
    /// Roles, all of them.
    pub roles: Change<Vec<String>>,
    /// A merge patch (RFC 7396): an object.
    pub app_metadata: Option<Datum>,
    /// A merge patch (RFC 7396): an object.
    pub user_metadata: Option<Datum>,
}

/// What of a user can be proved to be theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proved {
    /// The e-mail address.
    Email,
    /// The phone number.
    Phone,
}

impl Proved {
    /// The field of `event.user` that holds it: `email`, `phone`.
    pub fn field(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }

    /// The field that says it was proved.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Email => "email_verified",
            Self::Phone => "phone_verified",
        }
    }
}

impl Default for NewUser {
    fn default() -> Self {
        Self {
            id: String::new(),
            email: None,
            email_verified: false,
            phone: None,
            phone_verified: false,
            username: None,
            name: None,
            groups: Vec::new(),
            roles: Vec::new(),
            app_metadata: Datum::Map(Vec::new()),
            user_metadata: Datum::Map(Vec::new()),
        }
    }
}

impl Default for UserChanges {
    fn default() -> Self {
        Self {
            email: Change::Keep,
            phone: Change::Keep,
            username: Change::Keep,
            name: Change::Keep,
            groups: Change::Keep,
            roles: Change::Keep,
            app_metadata: None,
            user_metadata: None,
        }
    }
}

impl NewUser {
    /// As `event.user`, made at this time: unknown leaves are left out.
    pub fn record(&self, at: Instant) -> Datum {
        let texts =
            [("email", &self.email), ("phone", &self.phone), ("username", &self.username), ("name", &self.name)];
        let mut fields = vec![("id", str_datum(&self.id))];
        fields.extend(texts.into_iter().filter_map(|(name, value)| Some((name, str_datum(value.as_deref()?)))));
        fields.extend([
            ("email_verified", Datum::Bool(self.email_verified)),
            ("phone_verified", Datum::Bool(self.phone_verified)),
            ("groups", words(&self.groups)),
            ("roles", words(&self.roles)),
            ("created_at", Datum::Timestamp(at)),
            ("login_count", Datum::Int(0)),
            ("blocked", Datum::Bool(false)),
            ("factors", Datum::List(Vec::new())),
            ("app_metadata", self.app_metadata.clone()),
            ("user_metadata", self.user_metadata.clone()),
        ]);
        Datum::record(fields)
    }
}

impl UserChanges {
    /// Over a record `event.user`.
    pub fn over(&self, user: Datum) -> Datum {
        let mut user = user;
        let texts =
            [("email", &self.email), ("phone", &self.phone), ("username", &self.username), ("name", &self.name)];
        for (name, change) in texts {
            if let (Some(flag), true) = (flag_of(name), is_other(&user, name, change)) {
                put(&mut user, flag, Some(Datum::Bool(false)));
            }
            match change {
                Change::Keep => {}
                Change::Clear => put(&mut user, name, None),
                Change::Set(text) => put(&mut user, name, Some(str_datum(text))),
            }
        }
        for (name, change) in [("groups", &self.groups), ("roles", &self.roles)] {
            match change {
                Change::Keep => {}
                Change::Clear => put(&mut user, name, Some(Datum::List(Vec::new()))),
                Change::Set(list) => put(&mut user, name, Some(words(list))),
            }
        }
        for (name, patch) in [("app_metadata", &self.app_metadata), ("user_metadata", &self.user_metadata)] {
            if let Some(patch) = patch {
                let known = field(&user, name).cloned().unwrap_or(Datum::Map(Vec::new()));
                put(&mut user, name, Some(merge(known, patch)));
            }
        }
        user
    }

    /// The identifiers that are to be set, by field.
    pub fn identifiers(&self) -> impl Iterator<Item = (&'static str, &str)> {
        IDENTIFIERS.into_iter().zip([&self.email, &self.phone, &self.username]).filter_map(
            |(name, change)| match change {
                Change::Set(text) => Some((name, text.as_str())),
                Change::Keep | Change::Clear => None,
            },
        )
    }
}

/// Sets or removes a field of a record.
pub(crate) fn put(record: &mut Datum, name: &str, value: Option<Datum>) {
    let Datum::Map(entries) = record else { return };
    let place = entries.iter().position(|(key, _)| key.as_str() == Some(name));
    match (place.and_then(|place| entries.get_mut(place)), place, value) {
        (Some((_, known)), _, Some(value)) => *known = value,
        (Some(_), Some(place), None) => {
            entries.remove(place);
        }
        (_, _, Some(value)) => entries.push((str_datum(name), value)),
        (_, _, None) => {}
    }
}

/// Whether a record `event.user` has this identifier, however it is typed.
pub(crate) fn has_identifier(user: &Datum, identifier: &str) -> bool {
    let wanted = normalise_identifier(identifier);
    IDENTIFIERS.iter().any(|name| text_field(user, name).is_some_and(|known| normalise_identifier(known) == wanted))
}

fn flag_of(name: &str) -> Option<&'static str> {
    match name {
        "email" => Some(Proved::Email.flag()),
        "phone" => Some(Proved::Phone.flag()),
        _ => None,
    }
}

fn is_other(user: &Datum, name: &str, change: &Change<String>) -> bool {
    match change {
        Change::Keep => false,
        Change::Clear => true,
        Change::Set(text) => {
            text_field(user, name).is_none_or(|known| normalise_identifier(known) != normalise_identifier(text))
        }
    }
}

fn words(list: &[String]) -> Datum {
    Datum::List(list.iter().map(|word| str_datum(word)).collect())
}
