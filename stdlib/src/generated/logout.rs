//! `logout` in Rust: written from `session/logout.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, give_some};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Output};

#[path = "../../session/logout.rs"]
mod block;

pub use super::shared::Which;
pub use block::Logout;

/// The config of `logout`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Which sessions end.
    pub which: Which,
    /// Lists the pages to load in frames.
    pub front_channel: bool,
    /// Tells clients through the back channel.
    pub back_channel: bool,
    /// Where the client wants the user to go (OpenID Connect RP-Initiated Logout 1.0); without, `event.transaction.redirect_uri`.
    pub post_logout_redirect: Option<String>,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self {
            which: config.required("which")?,
            front_channel: config.required("front_channel")?,
            back_channel: config.required("back_channel")?,
            post_logout_redirect: config.optional("post_logout_redirect")?,
        })
    }
}

/// The outputs of `logout`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// A session has ended.
    pub ended: bool,
    /// Pages to load in frames.
    pub front_channel_urls: Vec<String>,
    /// Where the user goes: what was asked for, if it is allowed.
    pub redirect_to: Option<String>,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let mut fields: Vec<(String, Datum)> = vec![
            ("ended".to_owned(), self.ended.give()),
            ("front_channel_urls".to_owned(), self.front_channel_urls.give()),
        ];
        give_some(&mut fields, "redirect_to", self.redirect_to);

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}
