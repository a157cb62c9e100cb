//! The commands, one file each.

pub mod build;
pub mod check;
pub mod emit;
pub mod eval;
pub mod explain;
pub mod fmt;
pub mod graph;
pub mod new;
pub mod run;
pub mod test;
pub mod user;

use crate::args::Command;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Runs one command.
pub fn run(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::New(args) => new::run(args),
        Command::Check(args) => check::run(&args, output),
        Command::Fmt(args) => fmt::run(&args, output),
        Command::Test(args) => test::run(&args, output),
        Command::Build(args) => build::run(&args, output),
        Command::Run(args) => run::run(&args, output),
        Command::User(args) => user::run(args, output),
        Command::Emit(args) => emit::run(&args, output),
        Command::Graph(args) => graph::run(&args, output),
        Command::Eval(args) => eval::run(&args, output),
        Command::Explain(args) => explain::run(args, output),
    }
}
