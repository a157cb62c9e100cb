//! Texts of messages where a block names one: there is such a text, and its data is given.

use super::config::{Declared, Owner, listed};
use super::walk::Walk;
use crate::ast::expr::{Expr, ExprKind, MapKey};
use crate::ast::{ConfigField, ConfigValue};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;

impl Walk<'_, '_> {
    /// Checks the constant field `template` against the texts that there are, and the field `data`, where the block has one,
    /// against what the text needs.
    pub(super) fn message_text(&mut self, owner: &Owner<'_>, declared: &[Declared<'_>], fields: &[ConfigField]) {
        let declares = |name: &str| declared.iter().find(|field| *field.name == name);
        let Some(field) = declares("template").filter(|field| field.rules.constant) else { return };
        let given = fields.iter().find(|given| given.name.text == "template");
        let written = match given.map(|given| &given.value) {
            Some(ConfigValue::Expr(expr)) => Some(expr),
            Some(ConfigValue::Type(_)) => return,
            None => field.default,
        };
        let Some(Expr { kind: ExprKind::Str(word), span }) = written else { return };
        let span = if given.is_some() { *span } else { owner.span };
        let texts = self.index.texts;
        let Some(needs) = texts.get(word) else {
            // The library's own default is there whatever a host's library says of it; declarations that came without texts
            // say nothing of any.
            if given.is_some() && !texts.is_empty() {
                let found = Diagnostic::error("A0931", span, format!("there is no text `{word}`"));
                self.error(match nearest(word, texts.keys().map(|name| name.as_str())) {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None => found.help(format!("write it in `templates/{word}.txt`")),
                });
            }
            return;
        };
        match declares("data") {
            Some(_) => self.message_data(owner, fields, (word, &needs.fields)),
            None => {
                // The block fills it with what its own text needs.
                let Some(Expr { kind: ExprKind::Str(own), .. }) = field.default else { return };
                let Some(filled) = texts.get(own) else { return };
                let more = needs.fields.iter().filter(|field| !filled.fields.contains(field));
                let more: Vec<&str> = more.map(|(name, _)| name.as_str()).collect();
                if !more.is_empty() {
                    let has = listed(filled.fields.iter().map(|(name, _)| name.as_str()));
                    let message = format!("`{}` does not give {} to `{word}`", owner.name, listed(more.into_iter()));
                    self.error(Diagnostic::error("A0932", span, message).help(format!("it gives {has}")));
                }
            }
        }
    }

    /// A map literal has every field that the text needs, and no literal of another type. What is not written as one shows
    /// when it is filled.
    fn message_data(
        &mut self,
        owner: &Owner<'_>,
        fields: &[ConfigField],
        (word, needs): (&str, &[(smol_str::SmolStr, smol_str::SmolStr)]),
    ) {
        let given = fields.iter().find(|given| given.name.text == "data");
        let none = Vec::new();
        let (entries, span) = match given.map(|given| &given.value) {
            Some(ConfigValue::Expr(Expr { kind: ExprKind::Map(entries), span })) => (entries, *span),
            Some(_) => return,
            None => (&none, owner.span),
        };
        for (name, ty) in needs {
            let entry = entries.iter().find(|entry| match &entry.key {
                MapKey::Bare(key) => key.text == *name,
                MapKey::Expr(key) => matches!(&key.kind, ExprKind::Str(key) if key == name),
            });
            let Some(entry) = entry else {
                self.error(
                    Diagnostic::error("A0932", span, format!("`data` has no `{name}` for the text `{word}`"))
                        .help(format!("add `\"{name}\": ...`, a {ty}")),
                );
                continue;
            };
            let is = match &entry.value.kind {
                ExprKind::Str(_) | ExprKind::Template(_) => "string",
                ExprKind::Int(_) => "int",
                ExprKind::Double(_) => "double",
                ExprKind::Bool(_) => "bool",
                ExprKind::List(_) => "list",
                ExprKind::Map(_) => "map",
                _ => continue,
            };
            if is != ty.as_str() {
                let message = format!("the text `{word}` takes `{name}` as a {ty}, and this is a {is}");
                self.error(Diagnostic::error("A0932", entry.value.span, message));
            }
        }
    }
}
