//! `credential_set`: the user sets a password, or binds an authenticator app or a passkey.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;

use super::Config;
use crate::factor::Factor;
use crate::factor::enrol::{Enrol, Enrolled, visit};
use crate::factor::policy::{is_new, may_bind};
use crate::new_password::{NewPassword, Set, policy, set};
use crate::policy::Policy;

/// See `credential_set.admit`.
pub struct CredentialSet;

impl Block for CredentialSet {
    fn name(&self) -> &'static str {
        "credential_set"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let (kind, attempts) = (config.kind.word(), config.attempts);
    let user_id = match may_bind(&call).await? {
        Ok(user_id) => user_id,
        Err(denied) => return Ok(denied),
    };
    let output =
        |set: bool| Done::Output(Output { fields: vec![("set".to_owned(), Datum::Bool(set))], ..Output::default() });
    if kind == "password" {
        let new = NewPassword { policy: judged_by(config)?, attempts };
        let submitted = is_new(&call, &user_id).await?;
        return Ok(match set(&mut call, &new, &user_id, submitted).await? {
            Set::Asked(prompt) => Done::Prompt(prompt),
            Set::Done => output(true),
            Set::Refused => output(false),
        });
    }
    let enrol =
        Enrol { factors: Factor::read([kind])?, attempts, backup_codes: 0, issuer: None, template: "code".to_owned() };
    Ok(match visit(&mut call, &enrol, &user_id).await? {
        Enrolled::Asked(prompt) => Done::Prompt(prompt),
        Enrolled::Done(_) => output(true),
        Enrolled::Failed => output(false),
    })
}

fn judged_by(config: Config) -> Result<Policy, BlockError> {
    let lengths = (config.min_length, config.max_length);
    policy(config.with_mfa, lengths, config.classes, config.blocklist, config.min_score)
}
