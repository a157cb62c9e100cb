//! The standard library: declarations as text ([`SOURCES`]) and an implementation beside each; the Action templates
//! ([`TEMPLATES`]).

use std::sync::Arc;

use admit_runtime::block::{Block, Registry};

mod address;
mod config;
mod declarations;
mod message;
pub mod password;
mod templates;
mod texts;

#[path = "../auth/mfa.rs"]
mod mfa;
#[path = "../auth/password_check.rs"]
mod password_check;
#[path = "../auth/require_mfa.rs"]
mod require_mfa;
#[path = "../auth/totp.rs"]
mod totp;

#[path = "../identity/identity_lookup.rs"]
mod identity_lookup;

#[path = "../notification/call_webhook.rs"]
mod call_webhook;
#[path = "../notification/delay.rs"]
mod delay;
#[path = "../notification/log_event.rs"]
mod log_event;
#[path = "../notification/send_email.rs"]
mod send_email;

#[path = "../risk/risk_evaluate.rs"]
mod risk_evaluate;

#[path = "../session/finalize.rs"]
mod finalize;
#[path = "../session/issue_session.rs"]
mod issue_session;

#[path = "../terminal/allow.rs"]
mod allow;
#[path = "../terminal/deny.rs"]
mod deny;

pub use declarations::SOURCES;
pub use templates::TEMPLATES;
pub use texts::TEXTS;

/// All that a project is checked against: the declarations, then the templates with their sources.
pub fn files() -> Vec<(&'static str, &'static str)> {
    SOURCES.iter().chain(TEMPLATES).copied().collect()
}

/// The implementation of every block that is declared.
pub fn registry() -> Registry {
    let blocks: [Arc<dyn Block>; 13] = [
        Arc::new(allow::Allow),
        Arc::new(call_webhook::CallWebhook),
        Arc::new(delay::Delay),
        Arc::new(deny::Deny),
        Arc::new(finalize::Finalize),
        Arc::new(identity_lookup::IdentityLookup),
        Arc::new(issue_session::IssueSession),
        Arc::new(log_event::LogEvent),
        Arc::new(mfa::Mfa),
        Arc::new(password_check::PasswordCheck),
        Arc::new(require_mfa::RequireMfa),
        Arc::new(risk_evaluate::RiskEvaluate),
        Arc::new(send_email::SendEmail),
    ];
    let mut registry = Registry::default();
    for block in blocks {
        registry.add(block);
    }
    registry
}
