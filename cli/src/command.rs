//! The commands, one file each.

pub mod explain;
pub mod new;

use crate::args::Command;
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Runs one command.
pub fn run(command: Command, output: &Output) -> Result<Exit, Failure> {
    match command {
        Command::New(args) => new::run(args),
        Command::Explain(args) => explain::run(args, output),
    }
}
