//! One module: its text in, JavaScript out, with what it imports and exports.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use admit_compiler::diagnostic::Diagnostic;
use admit_compiler::nearest::nearest;
use admit_compiler::source::{FileId, Span};
use oxc::allocator::Allocator;
use oxc::ast::ast::{Program, Statement, StringLiteral};
use oxc::codegen::{Codegen, CodegenOptions, IndentChar};
use oxc::parser::{ParseOptions, Parser};
use oxc::semantic::{Scoping, SemanticBuilder};
use oxc::span::SourceType;
use oxc::transformer::{TransformOptions, Transformer};
use smol_str::SmolStr;

use crate::entry::Export;
use crate::resolve::{self, Folder, Target};
use crate::syntax::{self, Refused};
use crate::{globals, nesting, say};

mod exports;
mod links;

pub(crate) use links::Links;

/// A module without errors.
#[derive(Debug)]
pub(crate) struct Module {
    /// JavaScript.
    pub code: String,
    /// Source map, where it was TypeScript.
    pub map: Option<String>,
    /// What it imports and which names it gives others.
    pub links: Links,
    /// What it exports, by nature.
    pub exports: Vec<Export>,
}

/// Compiles the module at `path` below the folder.
pub(crate) fn compile(
    (file, path, text): (FileId, &str, &str),
    folder: Folder<'_>,
    out: &mut Vec<Diagnostic>,
) -> Option<Module> {
    let work = || Work { file, path, text, folder, out: Vec::new() }.run();
    // The transformation is known to panic on what it does not expect; a script is no reason to end the command.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok((module, found)) => {
            out.extend(found);
            module
        }
        Err(_) => {
            out.push(say::fault(file));
            None
        }
    }
}

struct Work<'a> {
    file: FileId,
    path: &'a str,
    text: &'a str,
    folder: Folder<'a>,
    out: Vec<Diagnostic>,
}

impl Work<'_> {
    fn run(mut self) -> (Option<Module>, Vec<Diagnostic>) {
        let module = self.compile();
        (module, self.out)
    }

    fn compile(&mut self) -> Option<Module> {
        if let Some(at) = nesting::too_deep(self.text) {
            let at = u32::try_from(at).unwrap_or(u32::MAX);
            let span = Span { file: self.file, start: at.saturating_sub(1), end: at };
            self.out.push(
                Diagnostic::error("A0960", span, "the script is nested too deeply here")
                    .help("give a part of it a name of its own, or put a table into a list"),
            );
            return None;
        }
        let typed = self.path.ends_with(".ts");
        let allocator = Allocator::default();
        let kind = if typed { SourceType::ts() } else { SourceType::mjs() };
        let options = ParseOptions { parse_regular_expression: true, ..ParseOptions::default() };
        let parsed = Parser::new(&allocator, self.text, kind).with_options(options).parse();
        self.syntax(&parsed.diagnostics);
        if parsed.panicked {
            return None;
        }
        let mut program = parsed.program;
        let built = SemanticBuilder::new().with_enum_eval(true).with_check_syntax_error(true).build(&program);
        self.syntax(&built.diagnostics);
        if self.failed() {
            return None;
        }
        let scoping = built.semantic.into_scoping();
        self.refuse(&program, &scoping);
        let exports = exports::of(&program, |at| say::span(self.file, at));
        self.requests(&program);
        if typed {
            let options = TransformOptions::default();
            let done =
                Transformer::new(&allocator, Path::new(self.path), &options).build_with_scoping(scoping, &mut program);
            self.syntax(&done.diagnostics);
        }
        let links = links::of(&program, |at| say::span(self.file, at), |specifier| self.target(specifier));
        self.types_only(&program);
        if self.failed() {
            return None;
        }
        let (code, map) = if typed { self.print(&allocator, &mut program) } else { (self.rewrite(&program), None) };
        Some(Module { code, map, links, exports })
    }

    fn failed(&self) -> bool {
        self.out.iter().any(|found| found.level == admit_compiler::diagnostic::Level::Error)
    }

    fn syntax(&mut self, found: &[oxc::diagnostics::OxcDiagnostic]) {
        let file = self.file;
        for said in found.iter().filter_map(|found| say::syntax(file, found)) {
            let known = |known: &Diagnostic| known.primary.span == said.primary.span && known.message == said.message;
            if !self.out.iter().any(known) {
                self.out.push(said);
            }
        }
    }

    /// Syntax and names that an Action does not have.
    fn refuse(&mut self, program: &Program<'_>, scoping: &Scoping) {
        let found = syntax::walk(program, scoping);
        for (what, at) in found.refused {
            let at = say::span(self.file, at);
            self.out.push(match what {
                Refused::TopLevelAwait => Diagnostic::error("A0954", at, "a module awaits while it is loaded")
                    .help("await inside `execute`, or inside a function that it calls"),
                Refused::DynamicImport => Diagnostic::error("A0952", at, "a module is imported while the Action runs")
                    .help("import it at the top: `import { name } from \"./module.js\"`"),
                Refused::Require => Diagnostic::error("A0952", at, "`require` is not there")
                    .help("import a module of the Action's folder: `import { name } from \"./module.js\"`"),
                Refused::Unsupported(what) => {
                    Diagnostic::error("A0957", at, format!("the engine of Actions does not have {what}")).help(
                        "it has ECMAScript 2023; TypeScript adds types, enums, namespaces and parameter properties",
                    )
                }
            });
        }
        let mut said: Vec<SmolStr> = Vec::new();
        for (name, at) in found.free {
            if globals::is_known(&name) || said.contains(&name) {
                continue;
            }
            let at = say::span(self.file, at);
            let warning = Diagnostic::warning("A0956", at, format!("an Action has no global `{name}`"));
            let near = || nearest(&name, scoping.symbol_names());
            self.out.push(match globals::instead(&name) {
                Some(instead) => warning.help(instead),
                None => match near() {
                    Some(near) => warning.help(format!("did you mean `{near}`?")),
                    None => warning.help("it will not be defined when the Action runs"),
                },
            });
            said.push(name);
        }
    }

    /// Imports of what is no module of the Action, as written: what TypeScript would leave out counts too.
    fn requests(&mut self, program: &Program<'_>) {
        for request in links::requests(program) {
            let at = say::span(self.file, request.span);
            let written = request.value.as_str();
            match self.folder.resolve(self.path, written) {
                Target::Module(_) | Target::Types => {}
                Target::Outside => self.out.push(
                    Diagnostic::error("A0952", at, format!("`{written}` is no module of this Action"))
                        .help(outside(written)),
                ),
                Target::Missing => {
                    self.out.push(
                        Diagnostic::error("A0953", at, format!("there is no module `{written}`"))
                            .help(format!("modules lie in `{}` and end in `.ts` or `.js`", self.folder.path)),
                    );
                }
            }
        }
    }

    /// Imports that are there when the Action runs, of files that hold types only.
    fn types_only(&mut self, program: &Program<'_>) {
        for request in links::requests(program) {
            if self.folder.resolve(self.path, request.value.as_str()) == Target::Types {
                let message = format!("`{}` declares types only, and is not there when the Action runs", request.value);
                self.out.push(
                    Diagnostic::error("A0953", say::span(self.file, request.span), message)
                        .help("import its types: `import type { Name } from ...`"),
                );
            }
        }
    }

    fn target(&self, specifier: &str) -> Option<SmolStr> {
        match self.folder.resolve(self.path, specifier) {
            Target::Module(path) => Some(path),
            Target::Types | Target::Outside | Target::Missing => None,
        }
    }

    /// How the JavaScript names the module that `specifier` means.
    fn rewritten(&self, specifier: &str) -> Option<String> {
        let target = self.target(specifier)?;
        Some(resolve::specifier(self.path, &resolve::output(&target)))
    }

    /// The program as JavaScript, with a source map.
    fn print<'b>(&self, allocator: &'b Allocator, program: &mut Program<'b>) -> (String, Option<String>) {
        for statement in &mut program.body {
            let source: Option<&mut StringLiteral<'b>> = match statement {
                Statement::ImportDeclaration(import) => Some(&mut import.source),
                Statement::ExportAllDeclaration(export) => Some(&mut export.source),
                Statement::ExportFromDeclaration(export) => Some(&mut export.source),
                _ => None,
            };
            if let Some(source) = source
                && let Some(path) = self.rewritten(&source.value)
            {
                source.value = oxc::str::Str::from_str_in(&path, &allocator);
                source.raw = None;
            }
        }
        let options = CodegenOptions {
            source_map_path: Some(self.path.into()),
            indent_char: IndentChar::Space,
            indent_width: 2,
            ..CodegenOptions::default()
        };
        let printed = Codegen::new().with_options(options).build(program);
        let map = printed.map.map(|mut map| {
            map.set_source_contents(Vec::new());
            map.to_json_string()
        });
        (printed.code, map)
    }

    /// JavaScript stays as written, but for the names of modules.
    fn rewrite(&self, program: &Program<'_>) -> String {
        let mut code = String::with_capacity(self.text.len());
        let mut done = 0;
        for request in links::requests(program) {
            let (start, end) = (request.span.start as usize, request.span.end as usize);
            if let (Some(before), Some(path)) = (self.text.get(done..start), self.rewritten(&request.value)) {
                code.push_str(before);
                code.push_str(&serde_json::Value::from(path).to_string());
                done = end;
            }
        }
        code.push_str(self.text.get(done..).unwrap_or_default());
        code
    }
}

fn outside(specifier: &str) -> String {
    let relative = specifier.starts_with('.');
    if relative || specifier.starts_with('/') {
        return "an Action imports modules of its own folder only: `./name.js`".to_owned();
    }
    if specifier.contains(':') {
        return "an Action has no modules of a runtime or of the network: copy what it needs into its folder"
            .to_owned();
    }
    format!("an Action has no packages: copy what it needs of `{specifier}` into its folder")
}
