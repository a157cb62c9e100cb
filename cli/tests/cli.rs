//! The `admit` command from outside: what users type, what they get and how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

#[path = "cli/action.rs"]
mod action;
#[path = "support/admit.rs"]
mod admit;
#[path = "cli/api.rs"]
mod api;
#[path = "cli/bad_input.rs"]
mod bad_input;
#[path = "cli/build.rs"]
mod build;
#[path = "cli/canary.rs"]
mod canary;
#[path = "cli/check.rs"]
mod check;
#[path = "support/clock.rs"]
mod clock;
#[path = "cli/deploy.rs"]
mod deploy;
#[path = "cli/egress.rs"]
mod egress;
#[path = "cli/faults.rs"]
mod faults;
#[path = "cli/feeds.rs"]
mod feeds;
#[path = "cli/files.rs"]
mod files;
#[path = "cli/flows.rs"]
mod flows;
#[path = "cli/fmt.rs"]
mod fmt;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/logout.rs"]
mod logout;
#[path = "../../runtime/host/tests/support/mail.rs"]
mod mail;
#[path = "cli/messages.rs"]
mod messages;
#[path = "../../runtime/host/tests/support/mmdb.rs"]
mod mmdb;
#[path = "cli/new.rs"]
mod new;
#[path = "../../runtime/host/tests/support/npm.rs"]
mod npm;
#[path = "cli/once.rs"]
mod once;
#[path = "cli/operate.rs"]
mod operate;
#[path = "cli/operated.rs"]
mod operated;
#[path = "../../runtime/store/tests/it/support/postgres.rs"]
mod postgres;
#[path = "cli/print.rs"]
mod print;
#[path = "cli/printed.rs"]
mod printed;
#[path = "../../stdlib/tests/support/provider.rs"]
mod provider;
#[path = "cli/queue.rs"]
mod queue;
#[path = "cli/run.rs"]
mod run;
#[path = "cli/run_action.rs"]
mod run_action;
#[path = "cli/secrets.rs"]
mod secrets;
#[path = "cli/serve.rs"]
mod serve;
#[path = "support/served.rs"]
mod served;
#[path = "cli/server.rs"]
mod server;
#[path = "cli/simulate.rs"]
mod simulate;
#[path = "support/site.rs"]
mod site;
#[path = "cli/social.rs"]
mod social;
#[path = "cli/stream.rs"]
mod stream;
#[path = "cli/suspend.rs"]
mod suspend;
#[path = "cli/sweep.rs"]
mod sweep;
#[path = "cli/templates.rs"]
mod templates;
#[path = "cli/tenants.rs"]
mod tenants;
#[path = "cli/terminal.rs"]
mod terminal;
#[path = "cli/test.rs"]
mod test;
#[path = "cli/tokens.rs"]
mod tokens;
#[path = "support/totp.rs"]
mod totp;
#[path = "cli/types.rs"]
mod types;
#[path = "cli/unhappy.rs"]
mod unhappy;
#[path = "cli/user.rs"]
mod user;
#[path = "cli/webhook.rs"]
mod webhook;
