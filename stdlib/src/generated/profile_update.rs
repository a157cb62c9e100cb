//! `profile_update` in Rust: written from `identity/profile_update.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, give_some};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../identity/profile_update.rs"]
mod block;

pub use block::ProfileUpdate;

/// The config of `profile_update`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What to change; what is left out stays.
    pub traits: Traits,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { traits: config.required("traits")? })
    }
}

/// The outputs of `profile_update`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// Something is other than it was.
    pub updated: bool,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![("updated".to_owned(), self.updated.give())];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `profile_update`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `no_user`
    NoUser,
    /// `invalid_traits`
    InvalidTraits,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::NoUser => "no_user",
            Self::InvalidTraits => "invalid_traits",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}

/// The record `traits`.
#[derive(Clone, Debug, PartialEq)]
pub struct Traits {
    /// `name`
    pub name: Option<String>,
    /// `groups`
    pub groups: Option<Vec<String>>,
    /// `roles`
    pub roles: Option<Vec<String>>,
    /// `app_metadata`
    pub app_metadata: Option<Vec<(String, Datum)>>,
    /// `user_metadata`
    pub user_metadata: Option<Vec<(String, Datum)>>,
}

impl Value for Traits {
    const WANTED: &'static str = "a record of the declared type";

    fn read(value: &Datum) -> Option<Self> {
        let source = Source::record(value);
        Some(Self {
            name: source.optional("name").ok()?,
            groups: source.optional("groups").ok()?,
            roles: source.optional("roles").ok()?,
            app_metadata: source.optional("app_metadata").ok()?,
            user_metadata: source.optional("user_metadata").ok()?,
        })
    }

    fn give(self) -> Datum {
        let mut fields: Vec<(String, Datum)> = Vec::new();
        give_some(&mut fields, "name", self.name);
        give_some(&mut fields, "groups", self.groups);
        give_some(&mut fields, "roles", self.roles);
        give_some(&mut fields, "app_metadata", self.app_metadata);
        give_some(&mut fields, "user_metadata", self.user_metadata);

        Datum::record(fields)
    }
}
