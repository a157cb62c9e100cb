//! The commands, one file each.

pub mod action;
pub mod audit;
pub mod backup;
pub mod build;
pub mod check;
pub mod deploy;
pub mod doc;
pub mod emit;
pub mod eval;
pub mod explain;
pub mod feeds;
pub mod fmt;
pub mod graph;
pub mod keys;
pub mod new;
pub mod openapi;
pub mod queue;
pub mod retention;
pub mod run;
pub mod serve;
pub mod simulate;
pub mod tenant;
pub mod test;
pub mod types;
pub mod user;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::settings::Setting;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a project in a new folder
    New(new::Args),
    /// Check a project, a file, or standard input
    Check(check::Args),
    /// Format sources
    Fmt(fmt::Args),
    /// Run the project's tests, offline
    Test(test::Args),
    /// Write the bundle that the runtime executes
    Build(build::Args),
    /// Run a flow for one sign-in
    Run(Box<run::Args>),
    /// Serve a project over HTTP
    Serve(Box<serve::Args>),
    /// Print the OpenAPI document of the HTTP API
    Openapi(openapi::Args),
    /// Show what a deploy would change on a server, and make it live
    Deploy(Box<deploy::Args>),
    /// Run a flow without the world: nothing is written, nobody is called
    Simulate(Box<simulate::Args>),
    /// List, make, disable the tenants of a database
    Tenant(tenant::Args),
    /// List Actions, start one, or start its next version
    Action(action::Args),
    /// Manage the users of a database
    User(user::Args),
    /// The keys that sign tokens, and the API keys of callers
    Keys(keys::Args),
    /// List what is queued or was given up, and let it be tried again
    Queue(queue::Args),
    /// Read the audit log, or verify that nobody has changed it
    Audit(audit::Args),
    /// Write everything that a database holds into a file
    Backup(backup::BackupArgs),
    /// Put a backup into a new database
    Restore(backup::RestoreArgs),
    /// Remove what was kept for long enough
    Retention(retention::Args),
    /// Check, list or ask the files behind risk signals
    Feeds(feeds::Args),
    /// Print a stage of the compiler
    Emit(emit::Args),
    /// Draw a flow
    Graph(graph::Args),
    /// Write the types of the project's Actions
    Types(types::Args),
    /// Evaluate an expression, or a file of conformance cases
    Eval(eval::Args),
    /// Print the reference of blocks, the event and the system flows
    Doc(doc::Args),
    /// Explain a code of a finding
    Explain(explain::Args),
}

/// Runs one command. `settings` are where its values are from, of one that has a configuration file.
pub fn run(command: Command, output: &Output, settings: &[Setting]) -> Result<Exit, Failure> {
    match command {
        Command::New(args) => new::run(args),
        Command::Check(args) => check::run(&args, output),
        Command::Fmt(args) => fmt::run(&args, output),
        Command::Test(args) => test::run(&args, output),
        Command::Build(args) => build::run(&args, output),
        Command::Run(args) => run::run(&args, output),
        Command::Openapi(args) => openapi::run(&args),
        Command::Serve(args) => serve::run(&args, output, settings),
        Command::Deploy(args) => deploy::run(&args, output),
        Command::Simulate(args) => simulate::run(&args, output),
        Command::Tenant(args) => tenant::run(args, output),
        Command::Action(args) => action::run(args, output),
        Command::User(args) => user::run(args, output),
        Command::Keys(args) => keys::run(args, output),
        Command::Queue(args) => queue::run(&args, output),
        Command::Audit(args) => audit::run(&args, output),
        Command::Backup(args) => backup::backup(&args, output),
        Command::Restore(args) => backup::restore(&args, output),
        Command::Retention(args) => retention::run(&args, output),
        Command::Feeds(args) => feeds::run(&args, output),
        Command::Emit(args) => emit::run(&args, output),
        Command::Graph(args) => graph::run(&args, output),
        Command::Types(args) => types::run(&args, output),
        Command::Eval(args) => eval::run(&args, output),
        Command::Doc(args) => doc::run(&args, output),
        Command::Explain(args) => explain::run(args, output),
    }
}
