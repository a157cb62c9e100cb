//! `channel_otp_verify` in Rust: written from `auth/channel_otp_verify.admit` by `cargo run -p admit-stdlib-codegen`. Do not edit.

use crate::value::{Source, Value, answered, answered_secret};
use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call, Input, Output};
use admit_runtime::host::Secret;

#[path = "../../auth/channel_otp_verify.rs"]
mod block;

pub use block::ChannelOtpVerify;

/// The config of `channel_otp_verify`.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The challenge that `channel_otp_send` made.
    pub challenge: String,
    /// How often the user may try in one run.
    pub attempts: i64,
}

impl Config {
    /// The config that the block was called with.
    ///
    /// # Errors
    /// A value that the declaration does not allow, which no checked plan gives.
    pub fn read(call: &Call<'_>) -> Result<Self, BlockError> {
        let config = Source::config(call);
        Ok(Self { challenge: config.required("challenge")?, attempts: config.ranged("attempts", 1..=5)? })
    }
}

/// The outputs of `channel_otp_verify`, all of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    /// The code is right: the user has the address or number that it was sent to, which counts as verified from now on.
    pub verified: bool,
    /// How often the code might still have been tried.
    pub attempts_left: i64,
}

impl Outputs {
    /// As the engine takes them.
    pub fn fields(self) -> Vec<(String, Datum)> {
        let fields: Vec<(String, Datum)> = vec![
            ("verified".to_owned(), self.verified.give()),
            ("attempts_left".to_owned(), self.attempts_left.give()),
        ];

        fields
    }
}

impl From<Outputs> for Output {
    /// Without a user and without what the block sets: `Output { user, ..outputs.into() }`.
    fn from(outputs: Outputs) -> Self {
        Self { fields: outputs.fields(), ..Self::default() }
    }
}

/// The user's answer to `channel_otp_verify`.
pub struct Answer<'a> {
    /// The code, as it was received. Spaces and dashes in it do not count.
    pub code: Option<&'a Secret>,
    /// Sends another code: once `resend_after` of the challenge is 0.
    pub resend: Option<bool>,
}

impl<'a> Answer<'a> {
    /// What was submitted; none where nothing was, or not all that is needed.
    pub fn read(input: Option<&'a Input>) -> Option<Self> {
        let input = input?;
        Some(Self { code: answered_secret(input, "code"), resend: answered(input, "resend") })
    }
}
