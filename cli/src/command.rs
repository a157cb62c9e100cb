//! The commands, one file each.

pub mod action;
pub mod build;
pub mod check;
pub mod doc;
pub mod emit;
pub mod eval;
pub mod explain;
pub mod feeds;
pub mod fmt;
pub mod graph;
pub mod keys;
pub mod new;
pub mod queue;
pub mod run;
pub mod serve;
pub mod test;
pub mod types;
pub mod user;

use clap::Subcommand;

use crate::failure::{Exit, Failure};
use crate::output::Output;

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
    /// List Actions, start one, or start its next version
    Action(action::Args),
    /// Manage the users of a database
    User(user::Args),
    /// Print or rotate the keys that sign tokens
    Keys(keys::Args),
    /// List what is queued or was given up, and let it be tried again
    Queue(queue::Args),
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

/// Runs one command.
pub fn run(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::New(args) => new::run(args),
        Command::Check(args) => check::run(&args, output),
        Command::Fmt(args) => fmt::run(&args, output),
        Command::Test(args) => test::run(&args, output),
        Command::Build(args) => build::run(&args, output),
        Command::Run(args) => run::run(&args, output),
        Command::Serve(args) => serve::run(&args, output),
        Command::Action(args) => action::run(args, output),
        Command::User(args) => user::run(args, output),
        Command::Keys(args) => keys::run(args, output),
        Command::Queue(args) => queue::run(&args, output),
        Command::Feeds(args) => feeds::run(&args, output),
        Command::Emit(args) => emit::run(&args, output),
        Command::Graph(args) => graph::run(&args, output),
        Command::Types(args) => types::run(&args, output),
        Command::Eval(args) => eval::run(&args, output),
        Command::Doc(args) => doc::run(&args, output),
        Command::Explain(args) => explain::run(args, output),
    }
}
