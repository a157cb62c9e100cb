//! The options that every command has.

use clap::{Args as ClapArgs, ValueEnum};

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

impl Default for Common {
    /// What holds where the arguments cannot be read.
    fn default() -> Self {
        Self { format: FormatArg::Human, color: ColorArg::Auto, deny: None }
    }
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
