//! What a module imports, and which names it gives others, as they are when it runs.

use admit_compiler::source::Span;
use oxc::ast::ast::{
    BindingPattern, Declaration, ImportDeclarationSpecifier, ImportOrExportKind, Program, Statement, StringLiteral,
};
use smol_str::SmolStr;

/// The links of a module.
#[derive(Clone, Debug, Default)]
pub(crate) struct Links {
    /// Modules that it names, in order, each once: paths below the folder.
    pub modules: Vec<SmolStr>,
    /// Names that it takes from others.
    pub takes: Vec<Link>,
    /// Names that it gives, but for those of `stars`.
    pub gives: Vec<SmolStr>,
    /// Modules all of whose names it gives too, but `default`.
    pub stars: Vec<SmolStr>,
}

/// A name that a module takes from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Link {
    /// The other module.
    pub module: SmolStr,
    /// The name there.
    pub name: SmolStr,
    /// Where it is named.
    pub span: Span,
}

/// The links of a program. Imports that are of no module are left out.
pub(crate) fn of(
    program: &Program<'_>,
    span: impl Fn(oxc::span::Span) -> Span,
    target: impl Fn(&str) -> Option<SmolStr>,
) -> Links {
    let mut links = Links::default();
    for request in requests(program) {
        if let Some(module) = target(&request.value)
            && !links.modules.contains(&module)
        {
            links.modules.push(module);
        }
    }
    let link = |module: &SmolStr, name: &str, at| Link { module: module.clone(), name: name.into(), span: span(at) };
    for statement in &program.body {
        match statement {
            Statement::ImportDeclaration(import) => {
                let Some(module) = target(&import.source.value) else { continue };
                for specifier in import.specifiers.iter().flatten() {
                    match specifier {
                        ImportDeclarationSpecifier::ImportSpecifier(one) if one.import_kind.is_value() => {
                            links.takes.push(link(&module, &one.imported.name(), one.span));
                        }
                        ImportDeclarationSpecifier::ImportDefaultSpecifier(one) => {
                            links.takes.push(link(&module, "default", one.span));
                        }
                        ImportDeclarationSpecifier::ImportSpecifier(_)
                        | ImportDeclarationSpecifier::ImportNamespaceSpecifier(_) => {}
                    }
                }
            }
            Statement::ExportFromDeclaration(export) => {
                let Some(module) = target(&export.source.value) else { continue };
                for one in &export.specifiers {
                    links.takes.push(link(&module, &one.local.name(), one.span));
                    links.gives.push(one.exported.name().as_str().into());
                }
            }
            Statement::ExportAllDeclaration(export) => match &export.exported {
                Some(name) => links.gives.push(name.name().as_str().into()),
                None => links.stars.extend(target(&export.source.value)),
            },
            Statement::ExportNamedDeclaration(export) => {
                links.gives.extend(export.specifiers.iter().map(|one| SmolStr::new(one.exported.name().as_str())));
            }
            Statement::ExportDefaultDeclaration(_) => links.gives.push("default".into()),
            Statement::ExportDeclaration(export) => names(&export.declaration, &mut links.gives),
            _ => {}
        }
    }
    links
}

/// The modules that a program names where values are imported, in order.
pub(crate) fn requests<'p, 'a>(program: &'p Program<'a>) -> impl Iterator<Item = &'p StringLiteral<'a>> {
    program.body.iter().filter_map(|statement| match statement {
        Statement::ImportDeclaration(import) => {
            let types = |specifiers: &oxc::allocator::Vec<'_, ImportDeclarationSpecifier<'_>>| {
                !specifiers.is_empty() && specifiers.iter().all(is_type)
            };
            let erased = import.import_kind.is_type() || import.specifiers.as_ref().is_some_and(types);
            (!erased).then_some(&import.source)
        }
        Statement::ExportAllDeclaration(export) => export.export_kind.is_value().then_some(&export.source),
        Statement::ExportFromDeclaration(export) => {
            let types = !export.specifiers.is_empty() && export.specifiers.iter().all(|one| one.export_kind.is_type());
            (export.export_kind.is_value() && !types).then_some(&export.source)
        }
        _ => None,
    })
}

fn is_type(specifier: &ImportDeclarationSpecifier<'_>) -> bool {
    matches!(specifier, ImportDeclarationSpecifier::ImportSpecifier(one) if one.import_kind == ImportOrExportKind::Type)
}

/// The names that a declaration makes.
fn names(declaration: &Declaration<'_>, out: &mut Vec<SmolStr>) {
    match declaration {
        Declaration::VariableDeclaration(variables) => {
            variables.declarations.iter().for_each(|variable| bound(&variable.id, out));
        }
        Declaration::FunctionDeclaration(function) => {
            out.extend(function.id.iter().map(|id| SmolStr::new(id.name.as_str())))
        }
        Declaration::ClassDeclaration(class) => out.extend(class.id.iter().map(|id| SmolStr::new(id.name.as_str()))),
        // What TypeScript declares is gone, or a variable, once it is JavaScript.
        Declaration::TSTypeAliasDeclaration(_)
        | Declaration::TSInterfaceDeclaration(_)
        | Declaration::TSEnumDeclaration(_)
        | Declaration::TSExternalModuleDeclaration(_)
        | Declaration::TSNamespaceDeclaration(_)
        | Declaration::TSGlobalDeclaration(_)
        | Declaration::TSImportEqualsDeclaration(_) => {}
    }
}

fn bound(pattern: &BindingPattern<'_>, out: &mut Vec<SmolStr>) {
    out.extend(pattern.get_binding_identifiers().iter().map(|id| SmolStr::new(id.name.as_str())));
}
