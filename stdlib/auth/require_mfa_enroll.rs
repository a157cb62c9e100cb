//! `require_mfa_enroll`: the user sets up a second factor, and gets backup codes with the first one.

use admit_eval::datum::Datum;
use admit_runtime::block::{Block, BlockError, Call, Done, Output};
use admit_runtime::host::BoxFuture;

use super::Config;
use crate::config::{invalid, text};
use crate::factor::Factor;
use crate::factor::ask::TEMPLATE;
use crate::factor::enrol::{Enrol, Enrolled, visit};
use crate::factor::policy::may_bind;

/// See `require_mfa_enroll.admit`.
pub struct RequireMfaEnroll;

impl Block for RequireMfaEnroll {
    fn name(&self) -> &'static str {
        "require_mfa_enroll"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(mut call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let must_verify = config.must_verify;
    let enrol = Enrol {
        factors: Factor::read(config.factors.iter().map(|factor| factor.word()))?,
        attempts: config.attempts,
        backup_codes: usize::try_from(config.backup_codes).map_err(|_| invalid("backup_codes", "0 to 20"))?,
        issuer: config.issuer,
        template: config.template.unwrap_or_else(|| TEMPLATE.to_owned()),
    };
    let user_id = match may_bind(&call).await? {
        Ok(user_id) => user_id,
        Err(denied) => return Ok(denied),
    };
    let fields = |factor: Option<Factor>| {
        vec![
            ("enrolled".to_owned(), Datum::Bool(factor.is_some())),
            ("factor".to_owned(), text(factor.map_or("none", Factor::word))),
        ]
    };
    Ok(match visit(&mut call, &enrol, &user_id).await? {
        Enrolled::Asked(prompt) => Done::Prompt(prompt),
        Enrolled::Done(factor) => Done::Output(Output { fields: fields(Some(factor)), ..Output::default() }),
        Enrolled::Failed if must_verify => Done::Deny { reason: "mfa_failed".to_owned(), user_message: None },
        Enrolled::Failed => Done::Output(Output { fields: fields(None), ..Output::default() }),
    })
}
