//! The command line: options that every command has, and the commands.

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

use crate::command;

/// Sign-in flows as code: parse, check, test, build and run them.
#[derive(Debug, Parser)]
#[command(name = "admit", version, about, disable_help_subcommand = true, arg_required_else_help = true)]
pub struct Args {
    /// Options of every command.
    #[command(flatten)]
    pub common: Common,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, ClapArgs)]
pub struct Common {
    /// How findings are printed
    #[arg(long, global = true, value_enum, default_value_t = FormatArg::Human, env = "ADMIT_FORMAT")]
    pub format: FormatArg,
    /// When to use colours; NO_COLOR is heeded
    #[arg(long, global = true, value_enum, default_value_t = ColorArg::Auto)]
    pub color: ColorArg,
    /// Exit with 1 for warnings too
    #[arg(long, global = true, value_enum, value_name = "WHAT")]
    pub deny: Option<Deny>,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// For people
    Human,
    /// One JSON object
    Json,
    /// SARIF 2.1.0
    Sarif,
    /// GitHub annotations
    Github,
    /// JUnit XML
    Junit,
}

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What else counts as a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Deny {
    /// Warnings
    Warnings,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a project in a new folder
    New(command::new::Args),
    /// Check a project, a file, or standard input
    Check(command::check::Args),
    /// Format sources
    Fmt(command::fmt::Args),
    /// Run the project's tests, offline
    Test(command::test::Args),
    /// Write the bundle that the runtime executes
    Build(command::build::Args),
    /// Run a flow for one sign-in
    Run(Box<command::run::Args>),
    /// Manage the users of a database
    User(command::user::Args),
    /// Print a stage of the compiler
    Emit(command::emit::Args),
    /// Draw a flow
    Graph(command::graph::Args),
    /// Evaluate an expression, or a file of conformance cases
    Eval(command::eval::Args),
    /// Explain a code of a finding
    Explain(command::explain::Args),
}
