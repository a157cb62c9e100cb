//! What a module exports, by nature, as it is written: types and declarations without a value do not count.

use std::collections::BTreeMap;

use admit_compiler::source::Span;
use oxc::ast::ast::{
    BindingPattern, Declaration, ExportDefaultDeclarationKind, Expression, Function, ImportOrExportKind, Program,
    Statement, VariableDeclaration, VariableDeclarationKind,
};
use oxc::span::GetSpan;

use crate::entry::{Export, Nature};

/// The exports of a program.
pub(super) fn of(program: &Program<'_>, span: impl Fn(oxc::span::Span) -> Span) -> Vec<Export> {
    let mut known: BTreeMap<&str, Nature> = BTreeMap::new();
    for statement in &program.body {
        let declaration = match statement {
            Statement::ExportDeclaration(export) => Some(&export.declaration),
            statement => statement.as_declaration(),
        };
        declared(declaration, &mut |name, _, nature| {
            known.insert(name, nature);
        });
        if let Statement::ImportDeclaration(import) = statement {
            let names = import.specifiers.iter().flatten().map(|one| one.local().name.as_str());
            known.extend(names.map(|name| (name, Nature::Unknown)));
        }
    }
    let mut exports = Vec::new();
    let mut add = |name: &str, at: oxc::span::Span, nature| {
        exports.push(Export { name: name.into(), span: span(at), nature });
    };
    for statement in &program.body {
        match statement {
            Statement::ExportDeclaration(export) => declared(Some(&export.declaration), &mut add),
            Statement::ExportDefaultDeclaration(export) => {
                let at = export.declaration.span();
                match &export.declaration {
                    ExportDefaultDeclarationKind::FunctionDeclaration(it) => {
                        add("default", it.id.as_ref().map_or(export.span, |id| id.span), function(it));
                    }
                    ExportDefaultDeclarationKind::ClassDeclaration(_) => add("default", at, Nature::Class),
                    ExportDefaultDeclarationKind::TSInterfaceDeclaration(_) => {}
                    other => {
                        if let Some(value) = other.as_expression() {
                            add("default", at, of_value(value, &known));
                        }
                    }
                }
            }
            Statement::ExportNamedDeclaration(export) if export.export_kind.is_value() => {
                for one in export.specifiers.iter().filter(|one| one.export_kind == ImportOrExportKind::Value) {
                    // A name that is not there as a value is a type's.
                    if let Some(nature) = known.get(one.local.name().as_str()) {
                        add(&one.exported.name(), one.span, *nature);
                    }
                }
            }
            Statement::ExportFromDeclaration(export) if export.export_kind.is_value() => {
                for one in export.specifiers.iter().filter(|one| one.export_kind == ImportOrExportKind::Value) {
                    add(&one.exported.name(), one.span, Nature::Unknown);
                }
            }
            Statement::ExportAllDeclaration(export) if export.export_kind.is_value() => match &export.exported {
                // A namespace is an object.
                Some(name) => add(&name.name(), export.span, Nature::Value),
                None => add("*", export.span, Nature::Unknown),
            },
            _ => {}
        }
    }
    exports
}

/// Names that a declaration gives a value, with its nature.
fn declared<'a>(declaration: Option<&Declaration<'a>>, add: &mut impl FnMut(&'a str, oxc::span::Span, Nature)) {
    let Some(declaration) = declaration else { return };
    match declaration {
        Declaration::FunctionDeclaration(it) if !it.declare && it.body.is_some() => {
            if let Some(id) = &it.id {
                add(id.name.as_str(), id.span, function(it));
            }
        }
        Declaration::ClassDeclaration(it) if !it.declare => {
            if let Some(id) = &it.id {
                add(id.name.as_str(), id.span, Nature::Class);
            }
        }
        Declaration::VariableDeclaration(it) if !it.declare => variables(it, add),
        Declaration::TSEnumDeclaration(it) if !it.declare => add(it.id.name.as_str(), it.id.span, Nature::Value),
        Declaration::TSNamespaceDeclaration(it) if !it.declare => add(it.id.name.as_str(), it.id.span, Nature::Value),
        Declaration::TSImportEqualsDeclaration(it) if it.import_kind.is_value() => {
            add(it.id.name.as_str(), it.id.span, Nature::Unknown);
        }
        Declaration::FunctionDeclaration(_)
        | Declaration::ClassDeclaration(_)
        | Declaration::VariableDeclaration(_)
        | Declaration::TSEnumDeclaration(_)
        | Declaration::TSNamespaceDeclaration(_)
        | Declaration::TSImportEqualsDeclaration(_)
        | Declaration::TSTypeAliasDeclaration(_)
        | Declaration::TSInterfaceDeclaration(_)
        | Declaration::TSExternalModuleDeclaration(_)
        | Declaration::TSGlobalDeclaration(_) => {}
    }
}

fn variables<'a>(it: &VariableDeclaration<'a>, add: &mut impl FnMut(&'a str, oxc::span::Span, Nature)) {
    let fixed = it.kind == VariableDeclarationKind::Const;
    for variable in &it.declarations {
        match (&variable.id, &variable.init) {
            (BindingPattern::BindingIdentifier(id), Some(value)) => {
                let nature = of_value(value, &BTreeMap::new());
                // Another value may be assigned to what is no constant.
                let nature = if fixed || nature == Nature::Function { nature } else { Nature::Unknown };
                add(id.name.as_str(), id.span, nature);
            }
            (pattern, _) => {
                for id in pattern.get_binding_identifiers() {
                    add(id.name.as_str(), id.span, Nature::Unknown);
                }
            }
        }
    }
}

fn function(it: &Function<'_>) -> Nature {
    if it.generator { Nature::Generator } else { Nature::Function }
}

/// The nature of a value, `known` being that of names.
fn of_value(value: &Expression<'_>, known: &BTreeMap<&str, Nature>) -> Nature {
    match value.get_inner_expression() {
        Expression::ArrowFunctionExpression(_) => Nature::Function,
        Expression::FunctionExpression(it) => function(it),
        Expression::ClassExpression(_) => Nature::Class,
        Expression::Identifier(name) => known.get(name.name.as_str()).copied().unwrap_or(Nature::Unknown),
        Expression::BooleanLiteral(_)
        | Expression::NullLiteral(_)
        | Expression::NumericLiteral(_)
        | Expression::BigIntLiteral(_)
        | Expression::RegExpLiteral(_)
        | Expression::StringLiteral(_)
        | Expression::TemplateLiteral(_)
        | Expression::ArrayExpression(_)
        | Expression::ObjectExpression(_)
        | Expression::UnaryExpression(_)
        | Expression::BinaryExpression(_)
        | Expression::UpdateExpression(_)
        | Expression::NewExpression(_) => Nature::Value,
        _ => Nature::Unknown,
    }
}
