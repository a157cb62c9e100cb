//! Names and dotted chains: variables of macros, paths of the scope, type names.

use admit_plan::code::{Expr as Code, SlotId};
use admit_plan::types::{Kind, Type};
use smol_str::SmolStr;

use super::{Cx, Node, leaf};
use crate::ast::Name;
use crate::ast::expr::{Expr, ExprKind};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::source::Span;
use crate::typed::scope::{Absent, Access, Mode, Read, Resolved, Root, Usage};
use crate::typed::{Typed, signatures};

/// A dotted chain of names: `event.user.?email`.
pub(super) struct Chain {
    /// It starts with a dot.
    pub root: bool,
    /// Its names.
    pub names: Vec<Name>,
    /// The part of the expression that ends with each name.
    pub spans: Vec<Span>,
    /// Which name is the first after `.?`.
    pub optional_from: Option<usize>,
}

/// How far a chain goes as a path of record fields.
struct Walk {
    /// How many names it took.
    used: usize,
    /// The dotted path.
    place: String,
    path: Vec<SmolStr>,
    /// The type of the value when it is there.
    ty: Type,
    /// Places on the way that are optional by declaration, with the number of names they took.
    optional: Vec<(usize, String)>,
}

impl Chain {
    /// The chain that an expression is, if it is nothing but names.
    pub(super) fn of(expr: &Expr) -> Option<Self> {
        let mut names = Vec::new();
        let mut spans = Vec::new();
        let mut optional = Vec::new();
        let mut at = expr;
        let root = loop {
            match &at.kind {
                ExprKind::Paren(inner) => at = inner,
                ExprKind::Select { operand, field, optional: opt } => {
                    names.push(field.clone());
                    spans.push(at.span);
                    optional.push(*opt);
                    at = operand;
                }
                ExprKind::Ident(name) | ExprKind::RootIdent(name) => {
                    names.push(name.clone());
                    spans.push(at.span);
                    optional.push(false);
                    break matches!(at.kind, ExprKind::RootIdent(_));
                }
                _ => return None,
            }
        };
        names.reverse();
        spans.reverse();
        optional.reverse();
        let optional_from = optional.iter().position(|optional| *optional);
        Some(Self { root, names, spans, optional_from })
    }

    /// The names before the first `.?`, joined by dots.
    pub(super) fn dotted(&self) -> String {
        let names: Vec<&str> = self.names.iter().map(|name| name.text.as_str()).collect();
        names.join(".")
    }

    /// Names that can be part of a path: up to the first that was written in backquotes for its odd characters.
    fn plain(&self) -> &[Name] {
        let odd = |name: &Name| {
            name.text.is_empty() || name.text.contains(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
        };
        let end = self.names.iter().position(odd).unwrap_or(self.names.len());
        self.names.get(..end).unwrap_or_default()
    }

    fn span(&self, used: usize) -> Span {
        self.spans.get(used.saturating_sub(1)).or(self.spans.last()).copied().unwrap_or_else(|| self.names_span())
    }

    fn names_span(&self) -> Span {
        // A chain has at least one name; the fallback only keeps this total.
        self.names.last().map_or(Span { file: crate::source::FileId(0), start: 0, end: 0 }, |name| name.span)
    }
}

impl Cx<'_> {
    /// A name, or a selection that may be part of a longer name.
    pub(super) fn path(&mut self, expr: &Expr) -> Typed {
        match Chain::of(expr) {
            Some(chain) => self.chain(&chain, Usage::Value),
            None => match &expr.kind {
                ExprKind::Select { operand, field, optional } => {
                    let operand = self.value(operand);
                    self.select(operand, field, *optional, expr.span)
                }
                _ => Typed::error(expr.span),
            },
        }
    }

    /// `has(a.b.c)` for a chain.
    pub(super) fn has_chain(&mut self, chain: &Chain) -> Typed {
        self.chain(chain, Usage::Has)
    }

    /// The list that a chain names, for the right side of `in`.
    pub(super) fn list_name(&mut self, expr: &Expr) -> Option<admit_plan::code::SetId> {
        let chain = Chain::of(expr)?;
        if chain.names.len() < 2 || chain.names.first().is_none_or(|name| name.text != "lists") || self.is_local(&chain)
        {
            return None;
        }
        let mut said = Vec::new();
        match self.scope.resolve(chain.plain(), chain.root, &mut said) {
            Resolved::List { used, set } if used == chain.names.len() => Some(set),
            Resolved::List { .. } | Resolved::Root(_) | Resolved::Refused | Resolved::Unknown { .. } => None,
        }
    }

    fn is_local(&self, chain: &Chain) -> bool {
        let first = chain.names.first();
        !chain.root && first.is_some_and(|name| self.locals.iter().any(|local| local.name == name.text))
    }

    fn chain(&mut self, chain: &Chain, usage: Usage) -> Typed {
        if let Some(typed) = self.local(chain) {
            return self.rest(typed, chain, 1, usage);
        }
        let resolved = self.scope.resolve(chain.plain(), chain.root, self.out);
        match resolved {
            Resolved::Root(root) => self.below(chain, &root, usage),
            Resolved::List { used, .. } => {
                let list = chain.names.iter().take(used).map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
                self.report(
                    Diagnostic::error(
                        "A0118",
                        chain.span(used),
                        format!("the list `{list}` can only stand right of `in`"),
                    )
                    .help(format!("write `value in {list}`")),
                );
                Typed::error(chain.span(used))
            }
            Resolved::Refused => Typed::error(chain.span(chain.names.len())),
            Resolved::Unknown { used, what, candidates } => self.unknown(chain, used, what, &candidates, usage),
        }
    }

    fn local(&self, chain: &Chain) -> Option<Typed> {
        if chain.root {
            return None;
        }
        let name = chain.names.first()?;
        let index = self.locals.iter().rposition(|local| local.name == name.text)?;
        let local = self.locals.get(index)?;
        let id = u32::try_from(index).unwrap_or(u32::MAX);
        Some(leaf(local.ty.clone(), Code::Local(id), chain.span(1)))
    }

    /// A name that the scope does not know: a type, or a mistake.
    fn unknown(&mut self, chain: &Chain, used: usize, what: &str, candidates: &[SmolStr], usage: Usage) -> Typed {
        for length in (1..=chain.names.len()).rev() {
            let parts: Vec<&str> = chain.names.iter().take(length).map(|name| name.text.as_str()).collect();
            let written = parts.join(".");
            let container = if chain.root { "" } else { self.scope.container() };
            let name = qualified(container, &written).find_map(|name| signatures::type_name(&name));
            if let Some(name) = name {
                let id = self.scope.pool().string(name);
                let typed = leaf(Kind::Type, Code::Type(id), chain.span(length));
                return self.rest(typed, chain, length, usage);
            }
        }
        let span = chain.span(used);
        let written: Vec<&str> = chain.names.iter().take(used).map(|name| name.text.as_str()).collect();
        let written = written.join(".");
        let mut diagnostic = Diagnostic::error("A0100", span, format!("there is no {what} `{written}`"));
        if let Some((left, right)) = subtraction(&written, candidates) {
            diagnostic = diagnostic.help(format!("to subtract, write spaces: `{left} - {right}`"));
        } else if let Some(help) = did_you_mean(&written, candidates.iter().map(SmolStr::as_str)) {
            diagnostic = diagnostic.help(help);
        } else if candidates.is_empty() && self.declared() && chain.names.len() == 1 {
            diagnostic = diagnostic.help(format!("text is written in quotes: `\"{written}\"`"));
        }
        self.report(diagnostic);
        self.unknown_code(chain.span(chain.names.len()))
    }

    /// Code that always fails: what an unknown name is where nothing is checked.
    pub(super) fn unknown_code(&self, span: Span) -> Typed {
        let ty = if self.mode == Mode::Unchecked { Kind::Dyn } else { Kind::Error };
        leaf(ty, Code::Call(admit_plan::func::Func::Unknown, Vec::new()), span).varying()
    }

    fn below(&mut self, chain: &Chain, root: &Root, usage: Usage) -> Typed {
        let walk = match self.walk(chain, root) {
            Ok(walk) => walk,
            Err(diagnostic) => {
                self.report(*diagnostic);
                return Typed::error(chain.span(chain.names.len()));
            }
        };
        let whole = walk.used == chain.names.len();
        // `.?` after the path is a selection of its own.
        let required = chain.optional_from.filter(|from| *from < walk.used);
        let read_as = match usage {
            Usage::Has if whole => Usage::Has,
            Usage::Value | Usage::Has | Usage::Optional => match required {
                Some(_) => Usage::Optional,
                None => Usage::Value,
            },
        };
        let span = chain.span(walk.used);
        let optional = !walk.optional.is_empty();
        let read = Read { root, path: &walk.path, place: &walk.place, ty: &walk.ty, optional, usage: read_as, span };
        let (slot, absent) = match self.scope.read(&read, self.out) {
            Access::Slot { slot, absent } => (slot, absent),
            Access::Refused => return Typed::error(chain.span(chain.names.len())),
        };
        if usage == Usage::Has {
            return self.has_slot(chain, &walk, slot);
        }
        let there = self.presence(chain, root, &walk, absent, required);
        self.secrecy(&walk.ty, &walk.place, span);
        let (ty, code) = match read_as {
            Usage::Optional => (Type::optional(walk.ty.clone()), Code::OptSlot(slot)),
            Usage::Value | Usage::Has => (walk.ty.clone(), Code::Slot(slot)),
        };
        let mut typed = leaf(ty, code, span).varying();
        typed.secret = walk.ty.labels.secret;
        if !there {
            typed.ty = Kind::Error.into();
        }
        self.rest(typed, chain, walk.used, usage)
    }

    /// Walks the chain's names as fields of records.
    fn walk(&self, chain: &Chain, root: &Root) -> Result<Walk, Box<Diagnostic>> {
        let mut walk = Walk {
            used: root.used,
            place: root.place.to_string(),
            path: Vec::new(),
            ty: root.ty.clone(),
            optional: Vec::new(),
        };
        if !self.scope.walks_fields() {
            return Ok(walk);
        }
        walk.ty = root.ty.present().clone();
        if matches!(root.ty.kind, Kind::Optional(_)) {
            walk.optional.push((root.used, walk.place.clone()));
        }
        for (index, name) in chain.plain().iter().enumerate().skip(root.used) {
            let Kind::Record(fields) = &walk.ty.kind else { break };
            let Some(field) = fields.iter().find(|field| field.name == name.text) else {
                let names = fields.iter().map(|field| field.name.as_str());
                return Err(Box::new(no_field(&walk.place, name, names)));
            };
            walk.used = index + 1;
            walk.place.push('.');
            walk.place.push_str(&name.text);
            walk.path.push(name.text.clone());
            if matches!(field.ty.kind, Kind::Optional(_)) {
                walk.optional.push((walk.used, walk.place.clone()));
            }
            let labels = field.ty.labels;
            let mut ty = field.ty.present().clone();
            ty.labels.pii |= labels.pii || walk.ty.labels.pii;
            ty.labels.secret |= labels.secret || walk.ty.labels.secret;
            walk.ty = ty;
        }
        Ok(walk)
    }

    /// Reports a value that may be absent where it is read; false if so.
    fn presence(
        &mut self,
        chain: &Chain,
        root: &Root,
        walk: &Walk,
        absent: Option<Absent>,
        required: Option<usize>,
    ) -> bool {
        // What must be there: everything, or the names before the first `.?`.
        let needed = required.unwrap_or(walk.used);
        let place_of = |used: usize| {
            let below = walk.path.iter().take(used.saturating_sub(root.used));
            below.fold(root.place.to_string(), |place, name| format!("{place}.{name}"))
        };
        let needed_place = place_of(needed);
        let span = chain.span(walk.used);
        if let Some(absent) = absent {
            let stands = required.is_some() && (absent.place == root.place || !covers(&absent.place, &needed_place));
            if !stands && !self.facts.is_present(&absent.place) {
                self.report(absent_diagnostic(absent, &walk.place, span));
                return false;
            }
        }
        let missing = walk.optional.iter().find(|(used, place)| *used <= needed && !self.facts.is_present(place));
        if let Some((used, place)) = missing {
            let diagnostic = Diagnostic::error("A0106", chain.span(*used), format!("`{place}` may be absent here"));
            self.report(guarded(diagnostic, place, &walk.place));
        }
        missing.is_none()
    }

    /// A secret stands only where one is accepted.
    fn secrecy(&mut self, ty: &Type, place: &str, span: Span) {
        if ty.labels.secret && !self.secret_here {
            self.report(Diagnostic::error("A0119", span, format!("the secret `{place}` must not be read here")).help(
                "a secret can be the value of a config field that accepts one, or stand alone in a `{{ }}` of it",
            ));
        }
    }

    /// `has(path)`: false when any part is absent.
    fn has_slot(&mut self, chain: &Chain, walk: &Walk, slot: SlotId) -> Typed {
        let span = chain.span(chain.names.len());
        if walk.used == chain.names.len() {
            return leaf(Kind::Bool, Code::Has(slot), span).varying();
        }
        let mut parts = Vec::new();
        let mut and = Node::new(span);
        if self.scope.walks_fields() && self.scope.slot(slot).is_none_or(|slot| slot.maybe_absent) {
            let has = leaf(Kind::Bool, Code::Has(slot), chain.span(walk.used)).varying();
            parts.push(and.child(has).1);
        }
        let mut operand = leaf(walk.ty.clone(), Code::Slot(slot), chain.span(walk.used)).varying();
        for (index, name) in chain.names.iter().enumerate().skip(walk.used) {
            let last = index + 1 == chain.names.len();
            if last || self.declared() {
                let has = self.has_field(operand.clone(), name, chain.span(index + 1));
                parts.push(and.child(has).1);
            }
            if !last {
                operand = self.select_present(operand, name, chain.span(index + 1));
            }
        }
        match <[Code; 1]>::try_from(parts) {
            Ok([only]) => {
                and.spans.remove(0);
                and.done(Kind::Bool, only)
            }
            Err(parts) => and.done(Kind::Bool, Code::And(parts)),
        }
    }

    /// The selections of a chain from name `from` on.
    fn rest(&mut self, mut typed: Typed, chain: &Chain, from: usize, usage: Usage) -> Typed {
        for (index, name) in chain.names.iter().enumerate().skip(from) {
            let span = chain.span(index + 1);
            let last = index + 1 == chain.names.len();
            let optional = chain.optional_from.is_some_and(|from| index == from);
            typed = match usage {
                Usage::Has if last => self.has_field(typed, name, span),
                Usage::Has | Usage::Value | Usage::Optional => self.select(typed, name, optional, span),
            };
        }
        typed
    }
}

/// A name as cel-spec looks for it: in the container, in those around it, and at the root.
pub fn qualified<'n>(container: &'n str, name: &'n str) -> impl Iterator<Item = String> + 'n {
    let around = std::iter::successors((!container.is_empty()).then_some(container), |container| {
        container.rsplit_once('.').map(|(outer, _)| outer)
    });
    around.map(move |container| format!("{container}.{name}")).chain(std::iter::once(name.to_owned()))
}

/// The error for a field that a record does not have.
pub(super) fn no_field<'n>(of: &str, name: &Name, names: impl Iterator<Item = &'n str>) -> Diagnostic {
    let names: Vec<&str> = names.collect();
    let diagnostic = Diagnostic::error("A0102", name.span, format!("`{of}` has no field `{}`", name.text));
    match did_you_mean(&name.text, names.iter().copied()) {
        Some(help) => diagnostic.help(help),
        None if names.is_empty() => diagnostic,
        None => diagnostic.help(format!("it has {}", list_names(&names))),
    }
}

/// A line of help that names the nearest candidate.
pub(super) fn did_you_mean<'n>(written: &str, known: impl IntoIterator<Item = &'n str>) -> Option<String> {
    nearest(written, known).map(|name| format!("did you mean `{name}`?"))
}

/// Adds the guards that make a read of `path` safe.
pub(super) fn guarded(diagnostic: Diagnostic, place: &str, path: &str) -> Diagnostic {
    let diagnostic = diagnostic.help(format!("guard it: `has({place}) && ...`"));
    match (place == path, path.rsplit_once('.')) {
        (true, Some((record, field))) => {
            diagnostic.help(format!("or give a default: `{record}.?{field}.orValue(...)`"))
        }
        (_, _) => diagnostic,
    }
}

fn absent_diagnostic(absent: Absent, path: &str, span: Span) -> Diagnostic {
    let mut diagnostic = Diagnostic::error(absent.code, span, absent.message);
    diagnostic.secondary = absent.labels;
    diagnostic.help = absent.help;
    if absent.guard {
        diagnostic = guarded(diagnostic, path, path);
    }
    diagnostic
}

fn list_names(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if names.len() > SHOWN { " and more" } else { "" };
    format!("{}{more}", shown.join(", "))
}

fn covers(outer: &str, inner: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// `params.limit-1` where there is a `params.limit`: the longest slug is taken, so that it names something else.
fn subtraction<'w>(written: &'w str, known: &[SmolStr]) -> Option<(&'w str, &'w str)> {
    let dashes = written.match_indices('-').map(|(at, _)| at);
    dashes
        .rev()
        .filter_map(|at| Some((written.get(..at)?, written.get(at + 1..)?)))
        .find(|(left, right)| known.iter().any(|name| name == left) && right.bytes().all(|byte| byte.is_ascii_digit()))
}
