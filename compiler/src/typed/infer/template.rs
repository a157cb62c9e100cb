//! Templates: text with `{{ }}` holes, escaped for the field's kind.

use admit_plan::code::{Escape, Expr as Code, Part};
use admit_plan::types::{Kind, Type};

use super::{Cx, Node};
use crate::ast::expr::TemplatePart;
use crate::diagnostic::Diagnostic;
use crate::schema::{Inner, Rules};
use crate::source::Span;
use crate::typed::Typed;

/// How templates are escaped where typing stands, and in what is inside: a template stands only as the whole value of
/// a field, item or entry that is written out.
#[derive(Clone, Copy, Default)]
pub(super) struct Templates<'r> {
    /// What is declared of the value.
    rules: Option<&'r Rules>,
    /// The kind declared for it or for what is around it; none: no templates.
    escape: Option<Escape>,
}

impl<'r> Templates<'r> {
    /// In a value of which this is declared.
    pub fn of(rules: &'r Rules) -> Self {
        Self { rules: Some(rules), escape: rules.escape }
    }

    /// In a field of a record.
    pub fn field(self, name: &str) -> Self {
        self.within(match self.rules.map(|rules| &rules.inner) {
            Some(Inner::Fields(fields)) => fields.iter().find(|(known, _)| known == name).map(|(_, rules)| rules),
            Some(Inner::Items(items)) => Some(items),
            Some(Inner::None) | None => None,
        })
    }

    /// In an item of a list, or a value of a map.
    pub fn items(self) -> Self {
        self.within(match self.rules.map(|rules| &rules.inner) {
            Some(Inner::Items(items)) => Some(items),
            Some(Inner::Fields(_) | Inner::None) | None => None,
        })
    }

    fn within(self, rules: Option<&'r Rules>) -> Self {
        Self { rules, escape: rules.and_then(|rules| rules.escape).or(self.escape) }
    }
}

impl<'a> Cx<'a> {
    /// Types what stands inside a literal.
    pub(super) fn inside<T>(&mut self, templates: Templates<'a>, type_it: impl FnOnce(&mut Self) -> T) -> T {
        let outer = std::mem::replace(&mut self.templates, templates);
        let typed = type_it(self);
        self.templates = outer;
        typed
    }

    /// A string literal with holes.
    pub(super) fn template(&mut self, parts: &[TemplatePart], span: Span) -> Typed {
        let Some(escape) = self.templates.escape else {
            self.report(
                Diagnostic::error("A0120", span, "a template cannot stand here")
                    .help("this field takes its text as it is; `\\{{` writes the braces themselves"),
            );
            return Typed::error(span);
        };
        // Expressions inside a hole hold no templates of their own.
        let outer = std::mem::take(&mut self.templates);
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
        self.templates = outer;
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
