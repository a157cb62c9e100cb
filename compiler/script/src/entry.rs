//! The function that runs: `execute`, or the only function that the entry exports.

use admit_compiler::diagnostic::Diagnostic;
use admit_compiler::source::{FileId, Span};
use smol_str::SmolStr;

const HELP: &str = "write `export async function execute(input) { ... }`";

/// An export of the entry, as far as it can be told without running it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Export {
    /// Its name, `default` for the default.
    pub name: SmolStr,
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub nature: Nature,
}

/// What an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nature {
    /// A function.
    Function,
    /// A generator: calling it runs nothing.
    Generator,
    /// A class: it cannot be called without `new`.
    Class,
    /// A value that is no function.
    Value,
    /// Only known when it runs.
    Unknown,
}

/// Says what stands against calling the script.
pub(crate) fn check(file: FileId, exports: &[Export], out: &mut Vec<Diagnostic>) {
    if let Some(execute) = exports.iter().find(|export| export.name == "execute") {
        let what = match execute.nature {
            Nature::Function | Nature::Unknown => return,
            Nature::Generator => "a generator, of which a call runs nothing",
            Nature::Class => "a class",
            Nature::Value => "no function",
        };
        out.push(Diagnostic::error("A0951", execute.span, format!("`execute` is {what}")).help(HELP));
        return;
    }
    let mut callable = exports.iter().filter(|export| export.nature != Nature::Value);
    let (first, second) = (callable.next(), callable.next());
    match (first, second) {
        (None, _) => {
            let at = Span { file, start: 0, end: 0 };
            out.push(Diagnostic::error("A0951", at, "the script exports no function to run").help(HELP));
        }
        (Some(first), Some(second)) => out.push(
            Diagnostic::error("A0951", second.span, "the script exports more than one function, and none is `execute`")
                .label(first.span, "another one")
                .help("call the one that runs `execute`"),
        ),
        (Some(only), None) => {
            let what = match only.nature {
                Nature::Function | Nature::Value => return,
                Nature::Generator => "is a generator, of which a call runs nothing",
                Nature::Class => "is a class",
                Nature::Unknown => "may or may not be a function",
            };
            let message = format!("the only export that could run, `{}`, {what}", only.name);
            out.push(Diagnostic::error("A0951", only.span, message).help(HELP));
        }
    }
}
