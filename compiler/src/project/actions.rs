//! Where Actions lie: `actions/<slug>/<version>/action.admit`, the declaration, with its source beside it. Templates of
//! the library lie the same way below `templates/`.

use std::collections::BTreeMap;

use semver::Version;
use smol_str::{SmolStr, format_smolstr};

use super::Project;
use super::text::span;
use crate::ast::{ActionClause, ActionDecl, File, Item, ItemKind};
use crate::diagnostic::Diagnostic;
use crate::source::FileId;
use crate::typed::action::Kind;

/// The folder of a project's Actions.
const ACTIONS: &str = "actions/";

/// An Action's declaration in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionFile {
    /// Its slug.
    pub slug: SmolStr,
    /// Its version.
    pub version: Version,
    /// Whose it is.
    pub kind: Kind,
    /// Its folder, as the paths of its files begin: `actions/tag/1.2.0/`.
    pub folder: SmolStr,
    /// The file that declares it.
    pub file: FileId,
    /// The source file that it names, if it is there.
    pub source: Option<FileId>,
}

/// Where Actions are looked for.
pub(crate) struct Place<'a> {
    /// The folder of them all: `actions/`.
    pub root: &'a str,
    /// Files that may be their sources, by path.
    pub sources: &'a BTreeMap<SmolStr, FileId>,
    /// Whose they are.
    pub kind: Kind,
}

/// The Actions of the project, by the layout of their folders, then the library's; what breaks the layout is a
/// diagnostic. `paths` are those of [`Project::files`].
pub(super) fn layout(project: &Project, paths: &[&str], diagnostics: &mut Vec<Diagnostic>) -> Vec<ActionFile> {
    let place = Place { root: ACTIONS, sources: &project.action_sources, kind: Kind::Custom };
    let mut found = Vec::new();
    for (path, file) in paths.iter().zip(&project.files) {
        found.extend(place.actions(path, file, diagnostics).into_iter().map(|(action, _)| action));
    }
    found
}

impl Place<'_> {
    /// The Actions that a file declares.
    pub fn actions<'f>(
        &self,
        path: &str,
        file: &'f File,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<(ActionFile, &'f Item)> {
        let below = path.strip_prefix(self.root).map(|below| below.split('/').collect::<Vec<_>>());
        let place = match below.as_deref() {
            Some([slug, version, "action.admit"]) => Version::parse(version).ok().map(|version| (*slug, version)),
            _ => None,
        };
        if below.is_some() && place.is_none() {
            let message = format!("`{path}` is not where the project looks for Actions");
            let help = format!(
                "an Action lies in `{}<slug>/<version>/action.admit`, with a version such as `1.2.0`",
                self.root
            );
            diagnostics.push(Diagnostic::error("A0909", span(file.id, 0..0), message).help(help));
        }
        let mut found = Vec::new();
        for item in &file.items {
            let ItemKind::Action(action) = &item.kind else { continue };
            let Some((slug, version)) = &place else {
                if below.is_none() {
                    let message = format!("the Action `{}` is declared in `{path}`", action.name.text);
                    let help = format!("move it to `{}{}/<version>/action.admit`", self.root, action.name.text);
                    diagnostics.push(Diagnostic::error("A0909", action.name.span, message).help(help));
                }
                continue;
            };
            if action.name.text != *slug {
                let message = format!("the Action `{}` lies in the folder of `{slug}`", action.name.text);
                let help = format!("call it `{slug}`, or move it to `{}{}`", self.root, action.name.text);
                diagnostics.push(Diagnostic::error("A0909", action.name.span, message).help(help));
                continue;
            }
            let folder = format_smolstr!("{}{slug}/{version}/", self.root);
            let source = self.source(action, version, &folder, diagnostics);
            let (slug, version) = (SmolStr::from(*slug), version.clone());
            found.push((ActionFile { slug, version, kind: self.kind, folder, file: file.id, source }, item));
        }
        found
    }

    /// The source that the declaration names; what it says of its version is that of its folder.
    fn source(
        &self,
        action: &ActionDecl,
        version: &Version,
        folder: &str,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Option<FileId> {
        let mut source = None;
        for clause in &action.clauses {
            match clause {
                ActionClause::Version(text) if text.value != version.to_string() => {
                    let message = format!("the version `{}` lies in the folder of `{version}`", text.value);
                    let help = "the folder and the declaration name the same version";
                    diagnostics.push(Diagnostic::error("A0909", text.span, message).help(help));
                }
                ActionClause::Source(text) => {
                    let wanted = format!("{folder}{}", text.value);
                    source = self.sources.get(wanted.as_str()).copied();
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
        source
    }
}
