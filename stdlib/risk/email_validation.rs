//! `email_validation`: the grammar, the lists and the name servers.

use admit_runtime::block::{Block, BlockError, Call, Done};
use admit_runtime::feeds::MailServers;
use admit_runtime::host::BoxFuture;

use super::{Config, Error, Outputs};
use crate::mailbox::Mailbox;

/// See `email_validation.admit`.
pub struct EmailValidation;

impl Block for EmailValidation {
    fn name(&self) -> &'static str {
        "email_validation"
    }

    fn run<'a>(&'a self, call: Call<'a>) -> BoxFuture<'a, Result<Done, BlockError>> {
        Box::pin(run(call))
    }
}

async fn run(call: Call<'_>) -> Result<Done, BlockError> {
    let config = Config::read(&call)?;
    let mailbox = config.email.as_deref().and_then(Mailbox::parse);
    let has_mx = match &mailbox {
        Some(mailbox) if config.dns => Some(takes_mail(&call, mailbox.domain()).await?),
        Some(_) | None => None,
    };
    let outputs = Outputs {
        valid: mailbox.as_ref().is_some_and(|it| it.registrable().is_some()) && has_mx != Some(false),
        disposable: mailbox.as_ref().is_some_and(Mailbox::is_disposable),
        role: mailbox.as_ref().is_some_and(Mailbox::is_role),
        domain: mailbox.map(|it| it.domain().to_owned()),
        has_mx,
    };
    Ok(Done::Output(outputs.into()))
}

async fn takes_mail(call: &Call<'_>, domain: &str) -> Result<bool, BlockError> {
    let servers = call.host.mail_servers(domain).await;
    Ok(match servers.map_err(|error| Error::Unavailable.because(error.to_string()))? {
        MailServers::Named(_) | MailServers::Itself => true,
        MailServers::Refused | MailServers::Nobody => false,
    })
}
