//! `refresh_token_validate` in Rust: written from `session/refresh_token_validate.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Value, give_some};
use admit_eval::datum::Datum;
use admit_runtime::block::Output;

#[path = "../../session/refresh_token_validate.rs"]
mod block;

pub use block::RefreshTokenValidate;

/// The outputs of `refresh_token_validate`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// It may be exchanged.
    pub valid: bool,
    /// It was used before by somebody else, or too long ago.
    pub reused: bool,
    /// The session that it belongs to, where it is valid.
    pub session_id: Option<String>,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let mut fields: Vec<(String, Datum)> =
            vec![("valid".to_owned(), self.valid.give()), ("reused".to_owned(), self.reused.give())];
        give_some(&mut fields, "session_id", self.session_id);

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}
