//! `admit action`: the Actions of a project, and new ones.

mod bump;
mod list;
mod new;
mod places;

use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Arguments of `admit action`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

/// What to do with Actions.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// List the Actions that flows can run: the project's own and the templates
    List(list::Args),
    /// Start an Action: its declaration and its source
    New(new::Args),
    /// Start the next version of an Action from its newest; flows keep the version that they pin
    Bump(bump::Args),
}

/// Does it.
pub fn run(args: Args, output: &Output) -> Result<Exit, Failure> {
    match args.what {
        What::List(args) => list::run(&args, output),
        What::New(args) => new::run(&args),
        What::Bump(args) => bump::run(&args),
    }
}
