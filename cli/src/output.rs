//! What commands print: results to standard output, everything else to standard error; colours where they are wanted.

use std::io::{IsTerminal, Write};

use admit_compiler::diagnostic::{Diagnostic, Level};
use admit_compiler::render::{self, Format, sanitize};
use admit_compiler::source::Sources;

use crate::args::{ColorArg, Common, Deny, FormatArg};
use crate::failure::{Exit, Failure};

/// How this invocation prints.
pub struct Output {
    /// The format of diagnostics and results.
    pub format: Format,
    /// Colours on standard output.
    pub color: bool,
    deny_warnings: bool,
}

impl Output {
    /// From the common options and the environment (`NO_COLOR`, `CLICOLOR_FORCE`).
    pub fn new(common: &Common) -> Self {
        let format = match common.format {
            FormatArg::Human => Format::Human,
            FormatArg::Json => Format::Json,
            FormatArg::Sarif => Format::Sarif,
            FormatArg::Github => Format::Github,
            FormatArg::Junit => Format::Junit,
        };
        let color = match common.color {
            ColorArg::Always => true,
            ColorArg::Never => false,
            ColorArg::Auto => !matches!(anstream::AutoStream::choice(&std::io::stdout()), anstream::ColorChoice::Never),
        };
        Self { format, color, deny_warnings: common.deny == Some(Deny::Warnings) }
    }

    /// Prints diagnostics in the chosen format and says whether they are findings.
    pub fn diagnostics(&self, diagnostics: &[Diagnostic], sources: &Sources) -> Exit {
        print(&render::render(self.format, diagnostics, sources, self.color));
        self.exit(diagnostics)
    }

    /// Prints diagnostics beside the result of a command. People read them on standard error; in another format they are
    /// the result where they stand against one, and else remarks on standard error, so that one document is printed.
    pub fn diagnostics_aside(&self, diagnostics: &[Diagnostic], sources: &Sources) -> Exit {
        let exit = self.exit(diagnostics);
        if !self.human() && exit == Exit::Findings {
            return self.diagnostics(diagnostics, sources);
        }
        self.remarks(diagnostics, sources);
        exit
    }

    /// Prints diagnostics that do not stand against the result, to standard error for people.
    pub fn remarks(&self, diagnostics: &[Diagnostic], sources: &Sources) {
        if !diagnostics.is_empty() {
            note(&render::render(Format::Human, diagnostics, sources, self.color && std::io::stderr().is_terminal()));
        }
    }

    fn exit(&self, diagnostics: &[Diagnostic]) -> Exit {
        let counts = |diagnostic: &Diagnostic| diagnostic.level == Level::Error || self.deny_warnings;
        if diagnostics.iter().any(counts) { Exit::Findings } else { Exit::Ok }
    }

    /// Prints why a command could not do its work, on standard error.
    pub fn failure(&self, failure: &Failure) {
        let mut text = format!("error: {}\n", sanitize::lines(&failure.message));
        if let Some(help) = &failure.help {
            text.push_str(&format!("help: {}\n", sanitize::lines(help)));
        }
        note(&text);
    }

    /// Whether people read the result.
    pub fn human(&self) -> bool {
        self.format == Format::Human
    }

    /// The text in the style (SGR codes), where colours are on.
    pub fn paint(&self, codes: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{codes}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

/// Writes a result to standard output. A closed pipe ends the output silently, as with any filter.
pub fn print(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _closed_pipe = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// Writes a remark to standard error.
pub fn note(text: &str) {
    let _closed_pipe = std::io::stderr().lock().write_all(text.as_bytes());
}
