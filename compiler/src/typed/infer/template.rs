//! Templates: text with `{{ }}` holes, escaped for the field's kind.

use admit_plan::code::{Escape, Expr as Code, Part};
use admit_plan::types::{Kind, Type};

use super::{Cx, Node};
use crate::ast::expr::TemplatePart;
use crate::diagnostic::Diagnostic;
use crate::source::Span;
use crate::typed::Typed;

impl Cx<'_> {
    /// A string literal with holes.
    pub(super) fn template(&mut self, parts: &[TemplatePart], span: Span) -> Typed {
        let Some(escape) = self.template else {
            self.report(
                Diagnostic::error("A0120", span, "a template cannot stand here")
                    .help("this field takes its text as it is; `\\{{` writes the braces themselves"),
            );
            return Typed::error(span);
        };
        // Expressions inside a hole hold no templates of their own.
        let outer = self.template.take();
        let mut node = Node::new(span);
        let mut codes = Vec::with_capacity(parts.len());
        let mut labels = admit_plan::types::Labels::default();
        for part in parts {
            match part {
                TemplatePart::Text(text) => codes.push(Part::Text(self.scope.pool().string(text))),
                TemplatePart::Hole(hole) => {
                    let typed = self.open(hole);
                    self.in_hole(&typed, escape, hole.span);
                    labels.pii |= typed.ty.labels.pii;
                    labels.secret |= typed.ty.labels.secret;
                    codes.push(Part::Hole(node.child(typed).1, escape));
                }
            }
        }
        self.template = outer;
        let mut typed = node.done(Type { kind: Kind::String, labels }, Code::Template(codes));
        typed.secret |= labels.secret;
        typed
    }

    fn in_hole(&mut self, typed: &Typed, escape: Escape, span: Span) {
        let message = match &typed.ty.kind {
            Kind::Optional(_) => "an optional cannot be put into text".to_owned(),
            Kind::Record(_) | Kind::Map(..) | Kind::List(_) | Kind::Null | Kind::Type | Kind::Bytes => {
                format!("a value of type `{}` cannot be put into text", typed.ty.kind)
            }
            Kind::Error
            | Kind::Dyn
            | Kind::Bool
            | Kind::Int(_)
            | Kind::Uint(_)
            | Kind::Double(_)
            | Kind::String
            | Kind::Enum(_)
            | Kind::Timestamp
            | Kind::Duration
            | Kind::Ip
            | Kind::Cidr => return,
        };
        if escape == Escape::Json {
            return;
        }
        let mut diagnostic = Diagnostic::error("A0121", span, message);
        if matches!(typed.ty.kind, Kind::Optional(_)) {
            diagnostic = diagnostic.help("give it a default: `.orValue(\"\")`");
        }
        self.report(diagnostic);
    }
}
