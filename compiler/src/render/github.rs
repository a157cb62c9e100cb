//! GitHub workflow commands: one annotation a line, errors first, since a step shows ten of each level.

use crate::diagnostic::{Diagnostic, Level};
use crate::render::position::position;
use crate::render::sanitize;
use crate::source::Sources;

/// Renders one command a line.
pub fn render(diagnostics: &[Diagnostic], sources: &Sources) -> String {
    let of = |level| diagnostics.iter().filter(move |diagnostic| diagnostic.level == level);
    of(Level::Error).chain(of(Level::Warning)).map(|diagnostic| command(diagnostic, sources)).collect()
}

fn command(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let place = position(diagnostic.primary.span, sources);
    let help = diagnostic.help.iter().map(|help| format!("\nhelp: {help}"));
    let text: String = std::iter::once(diagnostic.message.clone()).chain(help).collect();
    format!(
        "::{} file={},line={},col={},endLine={},endColumn={},title={}::{}\n",
        super::level_word(diagnostic.level),
        property(&place.path),
        place.line,
        place.column,
        place.end_line,
        place.end_column,
        diagnostic.code,
        data(&text),
    )
}

fn data(text: &str) -> String {
    sanitize::lines(text).replace('%', "%25").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
