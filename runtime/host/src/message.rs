//! Where messages leave: SMTP for mail, an HTTP gateway for SMS, a folder for development. Nothing is dropped: what is not
//! set up refuses the message before it is queued.

use std::path::PathBuf;

use admit_runtime::host::{HostError, Secret};
use admit_runtime::message::{Channel, Message, SendError};

use crate::client::Guarded;
use crate::egress::Egress;
use crate::resolve::Lookup;

mod bounded;
mod folder;
mod format;
mod sms;
mod smtp;

pub use sms::{SmsGateway, default_body};
pub use smtp::{Security, SmtpServer, mailbox};

/// The outlets of one tenant.
#[derive(Clone, Debug, Default)]
pub struct Outlets {
    /// Takes mail.
    pub smtp: Option<SmtpServer>,
    /// Takes text messages.
    pub sms: Option<SmsGateway>,
    /// Takes everything instead of these two: a folder, one file a message.
    pub mailbox: Option<PathBuf>,
    /// What they may connect to: the gateway and the mail server as configured, and peers on this machine.
    pub peers: Egress,
    /// Where the links of messages lead: `https://login.example.com`, without a `/` at the end.
    pub link_base: Option<String>,
}

/// What outlets send with.
pub(crate) struct Means<'a> {
    pub client: &'a Guarded,
    pub lookup: &'a dyn Lookup,
    /// The secret that the outlet's settings name.
    pub secret: Option<Secret>,
}

impl Outlets {
    /// Whether a message may be queued for this channel.
    pub(crate) fn can_send(&self, channel: Channel) -> Result<(), HostError> {
        let (is_set, what, section) = match channel {
            Channel::Mail => (self.smtp.is_some(), "mail", "smtp"),
            Channel::Sms => (self.sms.is_some(), "text messages", "sms"),
        };
        if is_set || self.mailbox.is_some() {
            return Ok(());
        }
        Err(HostError::NotFound(format!(
            "nothing takes {what}: set `[{section}]` in admit.toml, or give `--mailbox DIR` while you develop"
        )))
    }

    /// The name of the secret that sending over this channel needs.
    pub(crate) fn secret_name(&self, channel: Channel) -> Option<&str> {
        if self.mailbox.is_some() {
            return None;
        }
        match channel {
            Channel::Mail => self.smtp.as_ref()?.password.as_deref(),
            Channel::Sms => self.sms.as_ref()?.secret.as_deref(),
        }
    }

    /// Sends one message.
    pub(crate) async fn send(&self, means: Means<'_>, message: &Message) -> Result<(), SendError> {
        if let Some(folder) = &self.mailbox {
            return folder::put(folder, message);
        }
        let not_set = || SendError::again("the channel is not set up any more");
        match message.channel {
            Channel::Mail => smtp::send(self.smtp.as_ref().ok_or_else(not_set)?, &self.peers, means, message).await,
            Channel::Sms => sms::send(self.sms.as_ref().ok_or_else(not_set)?, &self.peers, means, message).await,
        }
    }
}
