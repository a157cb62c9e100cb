//! Config: fields against their declaration.

use admit_plan::bundle::{ConfigValue as Value, SecretPart};
use admit_plan::code::{self, Escape, Part};
use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

use super::as_type::as_type;
use super::code::for_each_read;
use super::effects::ConstantConfig;
use super::same::bare;
use super::state::State;
use super::walk::Walk;
use crate::ast::expr::{Expr, ExprKind};
use crate::ast::{Config, ConfigField, ConfigValue};
use crate::diagnostic::{Diagnostic, Level};
use crate::library::types::{self, Place};
use crate::nearest::nearest;
use crate::schema::Rules;
use crate::source::Span;
use crate::typed::flow::{self, Egress, Source};
use crate::typed::{Expect, Typed};

/// A declared field, of a block or an Action.
pub(super) struct Declared<'d> {
    /// Its name.
    pub name: &'d SmolStr,
    /// Its type.
    pub ty: &'d Type,
    /// What may be written for it.
    pub rules: &'d Rules,
    /// Its default.
    pub default: Option<&'d Expr>,
}

impl<'d> Declared<'d> {
    /// A block's field.
    pub fn of(field: &'d crate::schema::ConfigField) -> Self {
        Self { name: &field.name, ty: &field.ty, rules: &field.rules, default: field.default.as_ref() }
    }
}

/// Whose config it is.
pub(super) struct Owner<'o> {
    /// What it is called: `call_webhook`.
    pub name: &'o str,
    /// Where it stands.
    pub span: Span,
    /// Its label, for the egress report.
    pub label: &'o str,
    /// It sends what it is given out.
    pub sends: bool,
    /// Fields that the contract fixes, and its line.
    pub fixed: &'o [(SmolStr, Expr)],
    /// The contract's line.
    pub line: Option<Span>,
}

/// A checked config.
#[derive(Default)]
pub(super) struct Checked {
    /// Its fields in the order declared.
    pub fields: Vec<flow::Config>,
    /// Types that were written for fields of type `type`.
    pub types: Vec<(SmolStr, Type)>,
    /// Bools that are constant.
    pub constants: ConstantConfig,
    /// Words that are constant.
    pub words: Vec<(SmolStr, SmolStr)>,
}

impl Walk<'_, '_> {
    /// Checks what was written against what is declared.
    pub(super) fn config(
        &mut self,
        owner: &Owner<'_>,
        declared: &[Declared<'_>],
        written: Option<&Config>,
        state: &State,
    ) -> Checked {
        let fields = written.map_or(&[][..], |config| config.fields.as_slice());
        let meant = self.names(owner, declared, fields);
        let mut checked = Checked::default();
        for field in declared {
            let given = fields.iter().find(|written| written.name.text == *field.name);
            if let Some((_, fixed)) = owner.fixed.iter().find(|(name, _)| name == field.name) {
                self.fixed(owner, field, given, fixed, state, &mut checked);
            } else if let Some(given) = given {
                self.given(owner, field, given, state, &mut checked);
            } else if let Some(default) = field.default {
                self.default(owner, field, default, state, &mut checked);
            } else if !matches!(field.ty.kind, Kind::Optional(_)) && !meant.contains(&field.name.as_str()) {
                self.error(
                    Diagnostic::error("A0216", owner.span, format!("`{}` has no `{}`", owner.name, field.name))
                        .help(format!("add `{}: ...` to its config", field.name)),
                );
            }
        }
        self.message_text(owner, declared, fields);
        checked
    }

    /// Unknown and repeated fields. Returns the fields that misspelt names seem to mean, which are not missing too.
    fn names<'d>(&mut self, owner: &Owner<'_>, declared: &[Declared<'d>], fields: &[ConfigField]) -> Vec<&'d str> {
        let mut meant = Vec::new();
        for (position, field) in fields.iter().enumerate() {
            let name = &field.name;
            let before = fields.get(..position).unwrap_or(&[]);
            if let Some(first) = before.iter().find(|known| known.name.text == name.text) {
                self.error(
                    Diagnostic::error("A0217", name.span, format!("the field `{}` is given twice", name.text))
                        .label(first.name.span, "first here"),
                );
            } else if !declared.iter().any(|known| *known.name == name.text) {
                let found =
                    Diagnostic::error("A0215", name.span, format!("`{}` has no field `{}`", owner.name, name.text));
                let known = declared.iter().map(|known| known.name.as_str());
                let near = nearest(&name.text, known.clone());
                meant.extend(near);
                self.error(match near {
                    Some(near) => found.help(format!("did you mean `{near}`?")),
                    None if declared.is_empty() => found.help("it takes no config"),
                    None => found.help(format!("its fields are {}", listed(known))),
                });
            }
        }
        meant
    }

    /// A field that the contract fixes: it may be left out, or given as the contract has it.
    fn fixed(
        &mut self,
        owner: &Owner<'_>,
        field: &Declared<'_>,
        given: Option<&ConfigField>,
        fixed: &Expr,
        state: &State,
        checked: &mut Checked,
    ) {
        if let Some(given) = given {
            let same = matches!(&given.value, ConfigValue::Expr(expr) if super::same::same(expr, fixed));
            if !same {
                let mut found = Diagnostic::error(
                    "A0221",
                    given.name.span,
                    format!("the contract fixes `{}` of `{}`", field.name, owner.name),
                );
                if let Some(line) = owner.line {
                    found = found.label(line, "the contract's line");
                }
                self.error(found.help(format!("leave `{}` out", field.name)));
            }
        }
        self.default(owner, field, fixed, state, checked);
    }

    fn given(
        &mut self,
        owner: &Owner<'_>,
        field: &Declared<'_>,
        given: &ConfigField,
        state: &State,
        checked: &mut Checked,
    ) {
        let wants_type = field.ty.present().kind == Kind::Type;
        match &given.value {
            ConfigValue::Expr(Expr { kind: ExprKind::Broken, .. }) => {}
            value if wants_type => {
                let written = match value {
                    ConfigValue::Type(ty) => Some(ty.clone()),
                    ConfigValue::Expr(expr) => as_type(expr),
                };
                let Some(written) = written else {
                    let span = value_span(value);
                    self.error(
                        Diagnostic::error("A0219", span, format!("`{}` takes a type", field.name))
                            .help("write one as in a declaration: `{ score: double, reasons: list(string) }`"),
                    );
                    return;
                };
                let ty = types::resolve(&written, Place::Plain, &mut self.out).ty;
                checked.types.push((field.name.clone(), ty.clone()));
                checked.fields.push(flow::Config {
                    name: field.name.clone(),
                    ty: field.ty.clone(),
                    value: Value::Type(ty),
                    span: Some(written.span),
                    spans: Vec::new(),
                });
            }
            ConfigValue::Type(ty) => {
                self.error(Diagnostic::error(
                    "A0219",
                    ty.span,
                    format!("`{}` takes a value, and this is a type", field.name),
                ));
            }
            ConfigValue::Expr(expr) => {
                let what = format!("field `{}`", field.name);
                let expect = Expect { ty: Some(field.ty), rules: Some(field.rules), what: &what };
                let before = self.out.len();
                let typed = self.config_expr(expr, expect, state);
                let sound = !self.out.iter().skip(before).any(|found| found.level == Level::Error);
                if !sound {
                    return;
                }
                if field.rules.constant && !typed.constant {
                    self.error(
                        Diagnostic::error("A0218", expr.span, format!("`{}` must be a constant", field.name))
                            .help("write the value itself; what varies belongs in another field"),
                    );
                }
                if let Some(named) = field.rules.names {
                    literals(expr, &mut |name, span| {
                        self.used.named.insert((span, named, name.clone()));
                    });
                }
                if owner.sends {
                    self.report_egress(owner, field, &typed);
                }
                self.put(field, expr, typed, Some(expr.span), checked);
            }
        }
    }

    /// A default stands where the block stands; what is wrong with it here is said of the block.
    fn default(
        &mut self,
        owner: &Owner<'_>,
        field: &Declared<'_>,
        default: &Expr,
        state: &State,
        checked: &mut Checked,
    ) {
        if field.ty.present().kind == Kind::Type {
            return;
        }
        let expect = Expect { ty: Some(field.ty), rules: Some(field.rules), what: "" };
        let before = self.out.len();
        let typed = self.config_expr(default, expect, state);
        let found = self.out.split_off(before);
        if let Some(found) = found.iter().find(|found| found.level == Level::Error) {
            self.error(
                Diagnostic::error("A0216", owner.span, format!("`{}` has no `{}` here", owner.name, field.name))
                    .label(found.primary.span, format!("its default does not stand here: {}", found.message))
                    .help(format!("give it: `{}: ...`", field.name)),
            );
            return;
        }
        self.put(field, default, typed, None, checked);
    }

    fn put(&mut self, field: &Declared<'_>, expr: &Expr, typed: Typed, span: Option<Span>, checked: &mut Checked) {
        match &bare(expr).kind {
            ExprKind::Bool(value) => checked.constants.push((field.name.clone(), *value)),
            ExprKind::Str(word) => checked.words.push((field.name.clone(), word.clone())),
            _ => {}
        }
        let secret = typed.secret;
        let value = if secret { self.secret_value(typed.code, expr.span) } else { Value::Expr(typed.code) };
        checked.fields.push(flow::Config {
            name: field.name.clone(),
            ty: field.ty.clone(),
            value,
            span,
            spans: if secret { Vec::new() } else { typed.spans },
        });
    }

    /// Code that names a secret as a value that the host completes: the secret alone, in a template, or in a field
    /// of a record or map literal.
    fn secret_value(&mut self, code: code::Expr, span: Span) -> Value {
        match code {
            code::Expr::Slot(slot) if self.secret_of(slot).is_some() => {
                let id = self.secret_of(slot).unwrap_or_default();
                Value::Secret(vec![SecretPart::Secret(id, Escape::Text)])
            }
            code::Expr::Template(parts) => {
                let mut secret = Vec::with_capacity(parts.len());
                for part in parts {
                    secret.push(match part {
                        Part::Text(text) => SecretPart::Text(text),
                        Part::Hole(code::Expr::Slot(slot), escape) => match self.secret_of(slot) {
                            Some(id) => SecretPart::Secret(id, escape),
                            None => {
                                SecretPart::Expr(code::Expr::Template(vec![Part::Hole(code::Expr::Slot(slot), escape)]))
                            }
                        },
                        Part::Hole(hole, escape) => {
                            if self.names_secret(&hole) {
                                self.secret_misused(span);
                            }
                            SecretPart::Expr(code::Expr::Template(vec![Part::Hole(hole, escape)]))
                        }
                    });
                }
                Value::Secret(secret)
            }
            code::Expr::Map(entries) => {
                let mut fields = Vec::with_capacity(entries.len());
                for entry in entries {
                    match entry.key {
                        code::Expr::Str(key) if !entry.optional => {
                            let holds = self.names_secret(&entry.value);
                            let value =
                                if holds { self.secret_value(entry.value, span) } else { Value::Expr(entry.value) };
                            fields.push((key, value));
                        }
                        _ => self.secret_misused(span),
                    }
                }
                Value::Record(fields)
            }
            other => {
                self.secret_misused(span);
                Value::Expr(other)
            }
        }
    }

    fn secret_misused(&mut self, span: Span) {
        self.error(
            Diagnostic::error("A0239", span, "a secret is no value to compute with")
                .help("name it alone, or in a `{{ }}` of a template, as a field's value or in a map literal of one"),
        );
    }

    fn secret_of(&self, slot: u32) -> Option<u32> {
        match self.slots.all().get(slot as usize).map(|entry| &entry.source) {
            Some(Source::Secret(id)) => Some(*id),
            Some(_) | None => None,
        }
    }

    fn names_secret(&self, expr: &code::Expr) -> bool {
        let mut named = false;
        for_each_read(expr, &mut |slot| named |= self.secret_of(slot).is_some());
        named
    }

    /// Personal data in what a block sends goes to the report.
    fn report_egress(&mut self, owner: &Owner<'_>, field: &Declared<'_>, typed: &Typed) {
        let mut read = Vec::new();
        for_each_read(&typed.code, &mut |slot| {
            if !read.contains(&slot) {
                read.push(slot);
            }
        });
        for slot in read {
            let Some(entry) = self.slots.all().get(slot as usize) else { continue };
            let mut paths = Vec::new();
            personal(&entry.place, &entry.ty, &mut paths);
            let span = typed.spans.iter().flatten().next().copied().unwrap_or(owner.span);
            for path in paths {
                self.egress.push(Egress {
                    step: owner.label.into(),
                    block: owner.name.into(),
                    path,
                    field: field.name.clone(),
                    span,
                });
            }
        }
    }
}

/// The strings that are written out: one, or those of a list. What is computed is known when it runs.
fn literals(expr: &Expr, found: &mut impl FnMut(&SmolStr, Span)) {
    match &bare(expr).kind {
        ExprKind::Str(text) => found(text, expr.span),
        ExprKind::List(elements) => elements.iter().for_each(|element| literals(&element.value, found)),
        _ => {}
    }
}

/// The places of personal data in a value.
fn personal(place: &SmolStr, ty: &Type, out: &mut Vec<SmolStr>) {
    if ty.labels.pii {
        out.push(place.clone());
        return;
    }
    match &ty.kind {
        Kind::Record(fields) => {
            for field in fields.iter() {
                personal(&smol_str::format_smolstr!("{place}.{}", field.name), &field.ty, out);
            }
        }
        Kind::Optional(inner) | Kind::List(inner) | Kind::Map(_, inner) => personal(place, inner, out),
        _ => {}
    }
}

fn value_span(value: &ConfigValue) -> Span {
    match value {
        ConfigValue::Expr(expr) => expr.span,
        ConfigValue::Type(ty) => ty.span,
    }
}

/// Names in backticks, with commas.
pub(super) fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
