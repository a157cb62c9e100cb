//! The project: its files by kind, read from paths and bytes. No I/O here: whoever calls has read the files.

mod actions;
pub mod documents;
mod lists;
mod manifest;
mod tenants;
mod text;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use admit_plan::code::Set;
use admit_plan::text::Text;
use rayon::prelude::*;
use smol_str::SmolStr;

use crate::ast::{self, ItemKind};
use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::parse::parse;
use crate::source::{FileId, Sources};

pub use actions::ActionFile;
pub(crate) use actions::Place;
pub use lists::{ListEntry, ListFile};
pub use manifest::{
    BLOCKLIST, Breached, Client, Feed, Geo, Limits, Manifest, PER_TENANT, Provider, Settings, Sms, Smtp, Tokens,
};
pub use tenants::{Tenant, TenantParam};
pub use texts::TextData;
pub(crate) use texts::{read as read_text, together as texts_together};

/// The standard library that this compiler knows: the `catalogue` of `admit.toml`.
pub const CATALOGUE: &str = "1";

/// A project as written: parsed files, nothing resolved across them yet.
#[derive(Clone, Debug, Default)]
pub struct Project {
    /// Every text: the library's files, then the project's in the order given.
    pub sources: Sources,
    /// `admit.toml`, or its defaults where there is none.
    pub manifest: Manifest,
    /// The `.admit` files, in the order given.
    pub files: Vec<ast::File>,
    /// Lists by path.
    pub lists: BTreeMap<SmolStr, ListFile>,
    /// Tenants by slug.
    pub tenants: BTreeMap<SmolStr, Tenant>,
    /// Actions' source files by path, those of the library's templates among them.
    pub action_sources: BTreeMap<SmolStr, FileId>,
    /// Where each `action.admit` lies, and below them the library's templates of other slugs.
    pub actions: Vec<ActionFile>,
    /// Texts of messages, by name and language in order.
    pub texts: Vec<Text>,
    /// What each text needs, the library's among them.
    pub text_data: BTreeMap<SmolStr, TextData>,
}

impl Project {
    /// Reads a project's files: path (relative to the project, `/` between parts) and bytes. A file of a kind that the
    /// project does not know is left alone.
    pub fn read<P: AsRef<str>, B: AsRef<[u8]>>(library: &Library, files: &[(P, B)]) -> (Project, Vec<Diagnostic>) {
        let mut project = Project { sources: library.sources.clone(), ..Project::default() };
        let mut diagnostics = Vec::new();
        let mut programs: Vec<(FileId, String)> = Vec::new();
        let mut tenant_files = Vec::new();
        let mut text_files = Vec::new();
        for (path, bytes) in files {
            let path = path.as_ref().trim_start_matches("./");
            let Some(kind) = FileKind::of(path) else { continue };
            let Some((id, text)) =
                text::read(&mut project.sources, path, bytes.as_ref(), kind.max_bytes(), &mut diagnostics)
            else {
                continue;
            };
            match kind {
                FileKind::Program => programs.push((id, path.to_owned())),
                FileKind::Manifest => project.manifest = manifest::read(id, &text, &mut diagnostics),
                FileKind::List => {
                    project.lists.insert(path.into(), lists::read(id, &text, &mut diagnostics));
                }
                FileKind::Tenant => tenant_files.push((id, path.to_owned(), text)),
                FileKind::Text => {
                    let below = path.strip_prefix("templates/").unwrap_or(path);
                    text_files.extend(texts::read(id, below, &text, &mut diagnostics));
                }
                FileKind::ActionSource => {
                    project.action_sources.insert(path.into(), id);
                }
            }
        }
        let sources = &project.sources;
        let parsed: Vec<_> =
            programs.par_iter().map(|(id, _)| parse(*id, sources.get(*id).map_or("", |source| &source.text))).collect();
        for parsed in parsed {
            diagnostics.extend(parsed.diagnostics);
            project.files.push(parsed.file);
        }
        let paths: Vec<&str> = programs.iter().map(|(_, path)| path.as_str()).collect();
        project.actions = actions::layout(&project, &paths, &mut diagnostics);
        project.take_templates(library);
        lists::check(&project, &mut diagnostics);
        (project.texts, project.text_data) = texts::together(&text_files, &library.texts, &mut diagnostics);
        for (id, path, text) in tenant_files {
            tenants::read(&mut project, id, &path, &text, &mut diagnostics);
        }
        (project, diagnostics)
    }

    /// The library's templates stand where the project has no Action of their slug.
    fn take_templates(&mut self, library: &Library) {
        let own: BTreeSet<SmolStr> = self.actions.iter().map(|action| action.slug.clone()).collect();
        let templates = library.templates.iter().map(|template| &template.file);
        self.actions.extend(templates.filter(|template| !own.contains(&template.slug)).cloned());
        self.action_sources.extend(library.action_sources.iter().map(|(path, id)| (path.clone(), *id)));
    }

    /// All items of the project, in the order of its files.
    pub fn items(&self) -> impl Iterator<Item = &ast::Item> {
        self.files.iter().flat_map(|file| &file.items)
    }

    /// The params as declared, broken ones left out.
    fn params(&self) -> impl Iterator<Item = &ast::Param> {
        self.items().filter(|item| !item.broken).filter_map(|item| match &item.kind {
            ItemKind::Param(param) => Some(param),
            _ => None,
        })
    }

    /// The sets of the lists as declared, by name; a list whose file is not there is left out.
    pub fn list_sets(&self) -> BTreeMap<SmolStr, Set> {
        let mut sets = BTreeMap::new();
        for item in self.items() {
            let ItemKind::List(list) = &item.kind else { continue };
            let Some(file) = self.list(&list.file.value) else { continue };
            sets.entry(list.name.text.clone()).or_insert_with(|| file.set(list.ignore_case));
        }
        sets
    }

    /// The list file at a path, relative to the project.
    pub fn list(&self, path: &str) -> Option<&ListFile> {
        self.lists.get(path.trim_start_matches("./"))
    }
}

/// The kinds of files that a project knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FileKind {
    Program,
    Manifest,
    List,
    Tenant,
    ActionSource,
    Text,
}

impl FileKind {
    fn of(path: &str) -> Option<FileKind> {
        let (name, end) = path.rsplit_once('.').unwrap_or((path, ""));
        let tenant = name.strip_prefix("tenants/").is_some_and(|slug| !slug.contains('/'));
        match end {
            _ if path == "admit.toml" => Some(FileKind::Manifest),
            "admit" => Some(FileKind::Program),
            "txt" if path.starts_with("lists/") => Some(FileKind::List),
            "toml" if tenant => Some(FileKind::Tenant),
            "txt" | "html" if path.starts_with("templates/") => Some(FileKind::Text),
            "ts" | "js" if path.starts_with("actions/") => Some(FileKind::ActionSource),
            // A single file that the user named, or standard input, is a program whatever it is called.
            _ if path == "<stdin>" => Some(FileKind::Program),
            _ => None,
        }
    }

    /// The most bytes that a file may have; sources are bounded by the parser, which says so better.
    fn max_bytes(self) -> usize {
        match self {
            FileKind::Program => usize::MAX,
            FileKind::Manifest | FileKind::Tenant => 1 << 20,
            FileKind::Text => texts::MAX_BYTES,
            FileKind::List => 16 << 20,
            FileKind::ActionSource => 4 << 20,
        }
    }
}
