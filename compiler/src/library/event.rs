//! Declarations of the event and the session.

use admit_plan::types::{Field, Kind};

use super::types::{Place, plain_fields, resolve, unique};
use crate::ast::expr::{Expr, ExprKind};
use crate::ast::{FieldDecl, RecordDecl, TypeExprKind};
use crate::diagnostic::Diagnostic;
use crate::schema::{Event, EventField, Session};

/// The event.
pub(super) fn event(decl: &RecordDecl, diagnostics: &mut Vec<Diagnostic>) -> Event {
    Event { fields: unique(&decl.fields, true, diagnostics).map(|decl| field(decl, diagnostics)).collect() }
}

/// The session.
pub(super) fn session(decl: &RecordDecl, diagnostics: &mut Vec<Diagnostic>) -> Session {
    Session { fields: plain_fields(&decl.fields, diagnostics) }
}

fn field(decl: &FieldDecl, diagnostics: &mut Vec<Diagnostic>) -> EventField {
    let mut fields = Vec::new();
    let ty = match &decl.ty.kind {
        // A group: its fields have their own defaults and say themselves when they are known.
        TypeExprKind::Record(inner) if decl.ty.labels.is_empty() => {
            fields = unique(inner, true, diagnostics).map(|decl| field(decl, diagnostics)).collect();
            Kind::Record(fields.iter().map(EventField::in_record).collect::<Vec<Field>>().into()).into()
        }
        TypeExprKind::Record(_)
        | TypeExprKind::Name(_)
        | TypeExprKind::Apply(..)
        | TypeExprKind::Range(..)
        | TypeExprKind::Words(_) => resolve(&decl.ty, Place::Plain, diagnostics).ty,
    };
    if let Some(default) = &decl.default
        && !fits(default, &ty.kind)
    {
        let message = "a field of the event defaults to `false`, `[]` or `{}`, as its type has it";
        diagnostics.push(
            Diagnostic::error("A0512", default.span, message).help("make the type `optional(...)`: unknown is absent"),
        );
    }
    EventField {
        name: decl.name.text.clone(),
        doc: decl.doc.clone(),
        ty,
        known: decl.known,
        defaults: decl.default.is_some(),
        fields,
        span: decl.name.span,
    }
}

/// The default is the one that the event's reader puts where the field is left out.
fn fits(default: &Expr, kind: &Kind) -> bool {
    match (kind, &default.kind) {
        (_, ExprKind::Broken) | (Kind::Error, _) => true,
        (Kind::Bool, ExprKind::Bool(value)) => !value,
        (Kind::List(_), ExprKind::List(items)) => items.is_empty(),
        (Kind::Map(..) | Kind::Dyn, ExprKind::Map(entries)) => entries.is_empty(),
        _ => false,
    }
}
