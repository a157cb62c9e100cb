//! What the syntax allows and an Action does not: found by one walk over a module.

use oxc::ast::ast::{
    AccessorProperty, ArrowFunctionExpression, AwaitExpression, CallExpression, Decorator, Expression, ForOfStatement,
    Function, IdentifierReference, ImportDeclaration, ImportExpression, StaticBlock, TSExportAssignment,
    TSImportEqualsDeclaration, TSModuleReference, UnaryExpression, UnaryOperator, VariableDeclaration,
    VariableDeclarationKind, WithClause,
};
use oxc::ast_visit::{Visit, walk};
use oxc::semantic::Scoping;
use oxc::span::{GetSpan, Span};
use oxc::syntax::scope::ScopeFlags;
use smol_str::SmolStr;

/// What a walk found, in the order of the source.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What is refused, and where.
    pub refused: Vec<(Refused, Span)>,
    /// Names that are declared nowhere, where their value is taken.
    pub free: Vec<(SmolStr, Span)>,
}

/// Syntax that an Action may not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// `await` outside of any function.
    TopLevelAwait,
    /// `import("...")`, with what it names where that is a constant.
    DynamicImport,
    /// `require("...")`
    Require,
    /// Syntax of a later edition than the engine's, or of other module systems: its name.
    Unsupported(&'static str),
}

/// Walks a module. `scoping` is that of its names.
pub(crate) fn walk(program: &oxc::ast::ast::Program<'_>, scoping: &Scoping) -> Found {
    let mut walker = Walker { scoping, functions: 0, found: Found::default() };
    walker.visit_program(program);
    walker.found
}

struct Walker<'s> {
    scoping: &'s Scoping,
    functions: u32,
    found: Found,
}

impl Walker<'_> {
    fn refuse(&mut self, what: Refused, span: Span) {
        self.found.refused.push((what, span));
    }

    fn is_free(&self, name: &IdentifierReference<'_>) -> bool {
        let Some(id) = name.reference_id.get() else { return false };
        let reference = self.scoping.get_reference(id);
        reference.symbol_id().is_none() && reference.is_value()
    }
}

impl<'a> Visit<'a> for Walker<'_> {
    fn visit_function(&mut self, it: &Function<'a>, flags: ScopeFlags) {
        self.functions += 1;
        walk::walk_function(self, it, flags);
        self.functions -= 1;
    }

    fn visit_arrow_function_expression(&mut self, it: &ArrowFunctionExpression<'a>) {
        self.functions += 1;
        walk::walk_arrow_function_expression(self, it);
        self.functions -= 1;
    }

    fn visit_await_expression(&mut self, it: &AwaitExpression<'a>) {
        if self.functions == 0 {
            self.refuse(Refused::TopLevelAwait, Span::sized(it.span.start, 5));
        }
        walk::walk_await_expression(self, it);
    }

    fn visit_for_of_statement(&mut self, it: &ForOfStatement<'a>) {
        if it.r#await && self.functions == 0 {
            self.refuse(Refused::TopLevelAwait, Span::sized(it.span.start, 3));
        }
        walk::walk_for_of_statement(self, it);
    }

    fn visit_import_expression(&mut self, it: &ImportExpression<'a>) {
        self.refuse(Refused::DynamicImport, it.span);
        walk::walk_import_expression(self, it);
    }

    fn visit_call_expression(&mut self, it: &CallExpression<'a>) {
        if let Expression::Identifier(name) = it.callee.without_parentheses()
            && name.name == "require"
            && self.is_free(name)
        {
            self.refuse(Refused::Require, it.span);
            it.arguments.iter().for_each(|argument| self.visit_argument(argument));
            return;
        }
        walk::walk_call_expression(self, it);
    }

    fn visit_unary_expression(&mut self, it: &UnaryExpression<'a>) {
        // `typeof name` asks whether there is such a name.
        if it.operator == UnaryOperator::Typeof
            && matches!(it.argument.without_parentheses(), Expression::Identifier(_))
        {
            return;
        }
        walk::walk_unary_expression(self, it);
    }

    fn visit_identifier_reference(&mut self, it: &IdentifierReference<'a>) {
        if self.is_free(it) {
            self.found.free.push((SmolStr::new(it.name.as_str()), it.span));
        }
    }

    fn visit_import_declaration(&mut self, it: &ImportDeclaration<'a>) {
        if it.phase.is_some() {
            self.refuse(Refused::Unsupported("`import defer` and `import source`"), it.span);
        }
        walk::walk_import_declaration(self, it);
    }

    fn visit_with_clause(&mut self, it: &WithClause<'a>) {
        self.refuse(Refused::Unsupported("attributes of imports"), it.span);
    }

    fn visit_decorator(&mut self, it: &Decorator<'a>) {
        self.refuse(Refused::Unsupported("decorators"), it.span);
        walk::walk_decorator(self, it);
    }

    fn visit_accessor_property(&mut self, it: &AccessorProperty<'a>) {
        self.refuse(Refused::Unsupported("`accessor` fields"), it.key.span());
        walk::walk_accessor_property(self, it);
    }

    fn visit_variable_declaration(&mut self, it: &VariableDeclaration<'a>) {
        if matches!(it.kind, VariableDeclarationKind::Using | VariableDeclarationKind::AwaitUsing) {
            self.refuse(Refused::Unsupported("`using`"), it.span);
        }
        walk::walk_variable_declaration(self, it);
    }

    fn visit_ts_import_equals_declaration(&mut self, it: &TSImportEqualsDeclaration<'a>) {
        if matches!(it.module_reference, TSModuleReference::ExternalModuleReference(_)) && !it.import_kind.is_type() {
            self.refuse(Refused::Require, it.span);
        }
        walk::walk_ts_import_equals_declaration(self, it);
    }

    fn visit_ts_export_assignment(&mut self, it: &TSExportAssignment<'a>) {
        self.refuse(Refused::Unsupported("`export =`"), it.span);
        walk::walk_ts_export_assignment(self, it);
    }

    // What a class does when it is made cannot await by itself; the parser says so where it tries.
    fn visit_static_block(&mut self, it: &StaticBlock<'a>) {
        self.functions += 1;
        walk::walk_static_block(self, it);
        self.functions -= 1;
    }
}
