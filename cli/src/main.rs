//! The `admit` command: parses arguments, runs one command and turns its result into an exit code.
//!
//! Exit codes: 0 ok; 1 findings (errors, warnings with `--deny warnings`, a failed test, a run that was denied or
//! failed); 2 wrong usage, or a file that cannot be opened.

mod args;
mod command;
mod failure;
mod files;
mod host;
mod log;
mod notify;
mod output;
mod progress;
mod project;
mod remote;
mod retention;
mod settings;
mod trace;
mod world;

use std::process::ExitCode;

use clap::Parser;

use args::Common;
use command::Command;

/// Sign-in flows as code: parse, check, test, build and run them.
#[derive(Debug, Parser)]
#[command(name = "admit", version, about, disable_help_subcommand = true, arg_required_else_help = true)]
struct Cli {
    /// Options of every command.
    #[command(flatten)]
    common: Common,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    // Before anything opens a file or starts a thread.
    admit_actions::worker::run_if_asked();
    let (args, settings) = match settings::parse::<Cli>() {
        Ok(parsed) => parsed,
        Err(failure) => {
            output::Output::new(&Common::default()).failure(&failure);
            return ExitCode::from(2);
        }
    };
    let output = output::Output::new(&args.common);
    match command::run(args.command, &output, &settings) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(2)
        }
    }
}
