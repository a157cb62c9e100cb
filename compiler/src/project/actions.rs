//! Where Actions lie: `actions/<slug>/<version>/action.admit`, the declaration, with its source beside it.

use semver::Version;
use smol_str::SmolStr;

use super::Project;
use super::text::span;
use crate::ast::{ActionClause, ItemKind};
use crate::diagnostic::Diagnostic;
use crate::source::FileId;

/// An Action's declaration in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionFile {
    /// Its slug.
    pub slug: SmolStr,
    /// Its version.
    pub version: Version,
    /// The file that declares it.
    pub file: FileId,
    /// The source file that it names, if the project has it.
    pub source: Option<FileId>,
}

/// The Actions of the project, by the layout of their folders; what breaks the layout is a diagnostic. `paths` are
/// those of [`Project::files`].
pub(super) fn layout(project: &Project, paths: &[&str], diagnostics: &mut Vec<Diagnostic>) -> Vec<ActionFile> {
    let mut found = Vec::new();
    for (path, file) in paths.iter().zip(&project.files) {
        let folder = path.strip_prefix("actions/").map(|below| below.split('/').collect::<Vec<_>>());
        let place = match folder.as_deref() {
            Some([slug, version, "action.admit"]) => Version::parse(version).ok().map(|version| (*slug, version)),
            _ => None,
        };
        if folder.is_some() && place.is_none() {
            let message = format!("`{path}` is not where the project looks for Actions");
            diagnostics.push(
                Diagnostic::error("A0909", span(file.id, 0..0), message)
                    .help("an Action lies in `actions/<slug>/<version>/action.admit`, with a version such as `1.2.0`"),
            );
        }
        for item in &file.items {
            let ItemKind::Action(action) = &item.kind else { continue };
            let Some((slug, version)) = &place else {
                if folder.is_none() {
                    let message = format!("the Action `{}` is declared in `{path}`", action.name.text);
                    let help = format!("move it to `actions/{}/<version>/action.admit`", action.name.text);
                    diagnostics.push(Diagnostic::error("A0909", action.name.span, message).help(help));
                }
                continue;
            };
            if action.name.text != *slug {
                let message = format!("the Action `{}` lies in the folder of `{slug}`", action.name.text);
                let help = format!("call it `{slug}`, or move it to `actions/{}`", action.name.text);
                diagnostics.push(Diagnostic::error("A0909", action.name.span, message).help(help));
                continue;
            }
            let mut source = None;
            for clause in &action.clauses {
                match clause {
                    ActionClause::Version(text) if text.value != version.to_string() => {
                        let message = format!("the version `{}` lies in the folder of `{version}`", text.value);
                        let help = "the folder and the declaration name the same version";
                        diagnostics.push(Diagnostic::error("A0909", text.span, message).help(help));
                    }
                    ActionClause::Source(text) => {
                        let wanted = path.replace("action.admit", &text.value);
                        source = project.action_sources.get(wanted.as_str()).copied();
                        if source.is_none() {
                            let message = format!("there is no file `{wanted}`");
                            let help = "the source lies beside the declaration and ends in `.ts` or `.js`";
                            diagnostics.push(Diagnostic::error("A0909", text.span, message).help(help));
                        }
                    }
                    ActionClause::Version(_)
                    | ActionClause::Triggers(_)
                    | ActionClause::Config(_)
                    | ActionClause::Output(_)
                    | ActionClause::Fetch(_)
                    | ActionClause::Claims(_)
                    | ActionClause::Secrets(_)
                    | ActionClause::Effects(_)
                    | ActionClause::Budget(_)
                    | ActionClause::Enabled(..) => {}
                }
            }
            found.push(ActionFile { slug: (*slug).into(), version: version.clone(), file: file.id, source });
        }
    }
    found
}
