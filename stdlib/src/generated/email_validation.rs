//! `email_validation` in Rust: written from `risk/email_validation.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, give_some};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../risk/email_validation.rs"]
mod block;

pub use block::EmailValidation;

/// The config of `email_validation`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The address.
    pub email: Option<String>,
    /// Asks the name servers whether the domain takes mail.
    pub dns: bool,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { email: config.optional("email")?, dns: config.required("dns")? })
    }
}

/// The outputs of `email_validation`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// It is an address that mail may reach.
    pub valid: bool,
    /// Its domain is one of throw-away mail.
    pub disposable: bool,
    /// It is the mailbox of a function, such as `postmaster` or `sales`.
    pub role: bool,
    /// Its domain in lower case, other scripts as `xn--`; absent where it is no address.
    pub domain: Option<String>,
    /// The domain takes mail: it has an MX record that names a host, or none and a public address (RFC 5321 section 5.1). Absent
    /// without `dns`.
    pub has_mx: Option<bool>,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let mut fields: Vec<(String, Datum)> = vec![
            ("valid".to_owned(), self.valid.give()),
            ("disposable".to_owned(), self.disposable.give()),
            ("role".to_owned(), self.role.give()),
        ];
        give_some(&mut fields, "domain", self.domain);
        give_some(&mut fields, "has_mx", self.has_mx);

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The errors of `email_validation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// `unavailable`
    Unavailable,
}

impl Error {
    /// Its name in the declaration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
        }
    }

    /// The error, with what happened: for trace and audit, never for the user.
    pub fn because(self, detail: impl Into<String>) -> BlockError {
        BlockError::Named { name: self.name(), detail: detail.into() }
    }
}
