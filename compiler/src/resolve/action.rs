//! Actions as declared: the clauses read into one value.

use admit_plan::types::{Field, Kind, Type};
use semver::Version;
use smol_str::SmolStr;

use crate::ast::{ActionClause, ActionDecl, FieldDecl, Grant, Item, Name};
use crate::diagnostic::Diagnostic;
use crate::library::Library;
use crate::library::types::{self, Place, Resolved};
use crate::nearest::nearest;
use crate::source::Span;
use crate::typed::action::Kind as ActionKind;

/// Engine time of an Action that declares no budget, in milliseconds.
pub const DEFAULT_BUDGET: u64 = 2_000;

/// The most engine time that an Action may declare, in milliseconds.
pub const MAX_BUDGET: u64 = 60_000;

/// A declared Action.
#[derive(Debug)]
pub struct Action<'a> {
    /// Its item.
    pub item: &'a Item,
    /// Its slug.
    pub name: &'a Name,
    /// Its version; `0.0.0` where it says none (a diagnostic says so).
    pub version: Version,
    /// It says its version.
    pub versioned: bool,
    /// Trigger slots: `login.post-auth`.
    pub triggers: Vec<SmolStr>,
    /// Config fields.
    pub config: Vec<ActionField<'a>>,
    /// Outputs: those without a default are optional.
    pub output: Vec<ActionField<'a>>,
    /// Whose it is.
    pub kind: ActionKind,
    /// Hosts that it may call.
    pub fetch: &'a [Grant],
    /// Claims that it may set.
    pub claims: &'a [Grant],
    /// It may demand a second factor.
    pub prompts: bool,
    /// It is not skipped.
    pub enabled: bool,
    /// Secrets that it may read.
    pub secrets: &'a [Name],
    /// Engine time, in milliseconds.
    pub budget: u64,
}

/// A field of an Action's config or output.
#[derive(Debug)]
pub struct ActionField<'a> {
    /// As declared.
    pub field: &'a FieldDecl,
    /// Its type and what may be written for it.
    pub resolved: Resolved,
}

impl Action<'_> {
    /// The record of its outputs, as a step that ran it has them.
    pub fn output_type(&self) -> Type {
        let fields = self.output.iter().map(|output| {
            let ty = output.resolved.ty.clone();
            let sure = output.field.default.is_some() || matches!(ty.kind, Kind::Optional(_));
            Field { name: output.field.name.text.clone(), ty: if sure { ty } else { Type::optional(ty) } }
        });
        Kind::Record(fields.collect()).into()
    }
}

/// Reads a declaration's clauses.
pub(crate) fn read<'a>(
    item: &'a Item,
    declaration: &'a ActionDecl,
    kind: ActionKind,
    library: &Library,
    out: &mut Vec<Diagnostic>,
) -> Action<'a> {
    let name = &declaration.name;
    let mut action = Action {
        item,
        name,
        version: Version::new(0, 0, 0),
        versioned: false,
        triggers: Vec::new(),
        config: Vec::new(),
        output: Vec::new(),
        kind,
        fetch: &[],
        claims: &[],
        prompts: false,
        enabled: true,
        secrets: &[],
        budget: DEFAULT_BUDGET,
    };
    let mut seen: Vec<&'static str> = Vec::new();
    for clause in &declaration.clauses {
        let (word, span) = word_of(clause, name.span);
        if seen.contains(&word) {
            out.push(Diagnostic::error("A0281", span, format!("the action `{}` has two clauses `{word}`", name.text)));
            continue;
        }
        seen.push(word);
        match clause {
            ActionClause::Version(text) => match Version::parse(&text.value) {
                Ok(version) => action.version = version,
                Err(_) => out.push(
                    Diagnostic::error("A0282", text.span, format!("`{}` is no version", text.value))
                        .help("write three numbers, as semver.org says: `\"1.2.0\"`"),
                ),
            },
            ActionClause::Source(text) => {
                if !text.value.ends_with(".ts") && !text.value.ends_with(".js") {
                    let message = format!("`{}` is neither TypeScript nor JavaScript", text.value);
                    out.push(
                        Diagnostic::error("A0282", text.span, message).help("name a file that ends in `.ts` or `.js`"),
                    );
                }
            }
            ActionClause::Triggers(paths) => {
                for path in paths {
                    let slot = path.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(".");
                    check_trigger(&slot, path.span, library, out);
                    if action.triggers.iter().any(|known| *known == slot) {
                        out.push(twice("trigger", &slot, path.span));
                        continue;
                    }
                    action.triggers.push(SmolStr::from(slot));
                }
            }
            ActionClause::Config(fields) => action.config = read_fields(fields, Place::Config, out),
            ActionClause::Output(fields) => action.output = read_fields(fields, Place::Plain, out),
            ActionClause::Fetch(hosts) => {
                action.fetch = hosts;
                for host in hosts {
                    if let Grant::Text(host) = host {
                        check_host(host, out);
                    }
                }
            }
            ActionClause::Claims(claims) => {
                action.claims = claims;
                for claim in claims {
                    if let Grant::Text(claim) = claim {
                        check_claim(claim, out);
                    }
                }
            }
            ActionClause::Secrets(names) => {
                action.secrets = names;
                repeated("secret", names.iter().map(|name| (name.text.as_str(), name.span)), out);
            }
            ActionClause::Effects(effects) => {
                for effect in effects {
                    if effect.text == "prompts" {
                        action.prompts = true;
                    } else {
                        let message = format!("an action has no effect `{}`", effect.text);
                        out.push(Diagnostic::error("A0282", effect.span, message).help(
                            "`effects prompts` says that it may demand a second factor; nothing else is declared so",
                        ));
                    }
                }
            }
            ActionClause::Budget(duration) => {
                action.budget = duration.millis;
                if duration.millis == 0 || duration.millis > MAX_BUDGET {
                    let message = "an action takes more than no time, and less than a minute";
                    out.push(
                        Diagnostic::error("A0282", duration.span, message)
                            .help("Actions are short: what takes longer belongs behind a webhook"),
                    );
                }
            }
            ActionClause::Enabled(enabled, _) => action.enabled = *enabled,
        }
    }
    repeated("host", literals(action.fetch), out);
    repeated("claim", literals(action.claims), out);
    for grant in action.fetch.iter().chain(action.claims) {
        check_grant(grant, &action.config, out);
    }
    action.versioned = seen.contains(&"version");
    if !item.broken {
        for needed in ["version", "source", "triggers"] {
            if !seen.contains(&needed) {
                let message = format!("the action `{}` has no `{needed}`", name.text);
                out.push(Diagnostic::error("A0283", name.span, message));
            }
        }
    }
    action
}

fn read_fields<'a>(fields: &'a [FieldDecl], place: Place, out: &mut Vec<Diagnostic>) -> Vec<ActionField<'a>> {
    let mut read: Vec<ActionField<'a>> = Vec::with_capacity(fields.len());
    for field in fields {
        match read.iter().find(|known| known.field.name.text == field.name.text) {
            Some(first) => out.push(
                Diagnostic::error(
                    "A0281",
                    field.name.span,
                    format!("the field `{}` is declared twice", field.name.text),
                )
                .label(first.field.name.span, "first here"),
            ),
            None => {
                let resolved = types::resolve(&field.ty, place, out);
                if let Some(what) = not_json(&resolved.ty) {
                    let message = format!("`{}` holds {what}, which JSON cannot carry", field.name.text);
                    out.push(Diagnostic::error("A0282", type_span(field), message).help(
                        "code of an Action sees JSON: numbers, strings, bools, lists, records, and maps with string keys",
                    ));
                }
                if matches!(place, Place::Plain) && resolved.ty.labels.secret {
                    let message = format!("the output `{}` is a secret, and results are never one", field.name.text);
                    out.push(Diagnostic::error("A0282", type_span(field), message).help("keep it inside the Action"));
                }
                read.push(ActionField { field, resolved });
            }
        }
    }
    read
}

fn type_span(field: &FieldDecl) -> Span {
    field.ty.span
}

/// What in a type has no form in JSON. Bytes are base64, times, durations and addresses strings, as in all JSON of ours;
/// integers are numbers also beyond 2^53, where JavaScript rounds them.
fn not_json(ty: &Type) -> Option<&'static str> {
    match &ty.kind {
        Kind::Type => Some("a type"),
        Kind::List(held) | Kind::Optional(held) => not_json(held),
        Kind::Map(key, value) => match key.kind {
            Kind::String | Kind::Enum(_) | Kind::Dyn | Kind::Error => not_json(value),
            _ => Some("a map whose keys are no strings"),
        },
        Kind::Record(fields) => fields.iter().find_map(|field| not_json(&field.ty)),
        Kind::Error
        | Kind::Dyn
        | Kind::Null
        | Kind::Bool
        | Kind::Int(_)
        | Kind::Uint(_)
        | Kind::Double(_)
        | Kind::String
        | Kind::Enum(_)
        | Kind::Bytes
        | Kind::Timestamp
        | Kind::Duration
        | Kind::Ip
        | Kind::Cidr => None,
    }
}

/// Hosts or claims that are named, not those that the config gives.
pub(crate) fn literals<'g>(grants: &'g [Grant]) -> impl Iterator<Item = (&'g str, Span)> + use<'g> {
    grants.iter().filter_map(|grant| match grant {
        Grant::Text(text) => Some((text.value.as_str(), text.span)),
        Grant::Config(..) => None,
    })
}

/// Names that a clause lists twice.
fn repeated<'n>(what: &str, names: impl Iterator<Item = (&'n str, Span)>, out: &mut Vec<Diagnostic>) {
    let mut seen = Vec::new();
    for (name, span) in names {
        if seen.contains(&name) {
            out.push(twice(what, name, span));
        }
        seen.push(name);
    }
}

fn twice(what: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::error("A0281", span, format!("the {what} `{name}` is listed twice")).help("list it once")
}

/// A trigger is `<flow>.<stage>` of a contract.
fn check_trigger(slot: &str, span: Span, library: &Library, out: &mut Vec<Diagnostic>) {
    let known: Vec<String> = library
        .contracts
        .iter()
        .flat_map(|(name, contract)| contract.stages.iter().map(move |stage| format!("{name}.{}", stage.name)))
        .collect();
    if known.iter().any(|known| known == slot) {
        return;
    }
    let flow = slot.split('.').next().unwrap_or(slot);
    let declared = library.contracts.contains_key(flow);
    if crate::schema::SYSTEM_FLOWS.contains(&flow) && !declared {
        // A system flow of a library that this one does not hold: nothing can run there, and nothing is wrong.
        return;
    }
    let found = Diagnostic::error("A0284", span, format!("there is no trigger `{slot}`"));
    out.push(match nearest(slot, known.iter().map(String::as_str)) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found.help("a trigger is a system flow and one of its stages: `login.post-auth`"),
    });
}

/// A host or claim that a field of the config names is known only where that field is a constant text.
fn check_grant(grant: &Grant, config: &[ActionField<'_>], out: &mut Vec<Diagnostic>) {
    let Grant::Config(name, span) = grant else { return };
    let Some(field) = config.iter().find(|field| field.field.name.text == name.text) else {
        let found = Diagnostic::error("A0282", *span, format!("the config has no field `{}`", name.text));
        out.push(match nearest(&name.text, config.iter().map(|field| field.field.name.text.as_str())) {
            Some(near) => found.help(format!("did you mean `{near}`?")),
            None => found.help(format!("declare it: `config {{ {}: constant string }}`", name.text)),
        });
        return;
    };
    let resolved = &field.resolved;
    if !matches!(resolved.ty.kind, Kind::Error)
        && (resolved.ty.present().kind != Kind::String || !resolved.rules.constant || resolved.ty.labels.secret)
    {
        out.push(
            Diagnostic::error("A0282", *span, format!("the field `{}` is no constant text", name.text))
                .label(field.field.ty.span, "declared here")
                .help("what an action may touch is known before it runs: `constant string`, or `optional(constant string)`"),
        );
    }
}

/// Hosts are names without scheme, path or wildcard.
fn check_host(host: &crate::ast::Text, out: &mut Vec<Diagnostic>) {
    let well_formed = !host.value.is_empty()
        && host
            .value
            .split('.')
            .all(|part| !part.is_empty() && part.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '-'));
    if !well_formed {
        out.push(
            Diagnostic::error("A0282", host.span, format!("`{}` is no host name", host.value))
                .help("write the name alone: `\"hooks.example.com\"`, no scheme, port, path or `*`"),
        );
    }
}

/// Claims that a token has a meaning for already are not an Action's to set.
fn check_claim(claim: &crate::ast::Text, out: &mut Vec<Diagnostic>) {
    if admit_plan::claims::RESERVED.contains(&claim.value.as_str()) {
        let message = format!("the claim `{}` is reserved", claim.value);
        out.push(
            Diagnostic::error("A0282", claim.span, message)
                .help("the server alone says what it holds; choose another name"),
        );
    } else if claim.value.is_empty() {
        out.push(Diagnostic::error("A0282", claim.span, "a claim has a name"));
    }
}

fn word_of(clause: &ActionClause, name: Span) -> (&'static str, Span) {
    match clause {
        ActionClause::Version(text) => ("version", text.span),
        ActionClause::Source(text) => ("source", text.span),
        ActionClause::Triggers(paths) => ("triggers", paths.first().map_or(name, |path| path.span)),
        ActionClause::Config(fields) => ("config", fields.first().map_or(name, |field| field.name.span)),
        ActionClause::Output(fields) => ("output", fields.first().map_or(name, |field| field.name.span)),
        ActionClause::Fetch(hosts) => ("fetch", hosts.first().map_or(name, Grant::span)),
        ActionClause::Claims(claims) => ("claims", claims.first().map_or(name, Grant::span)),
        ActionClause::Secrets(names) => ("secrets", names.first().map_or(name, |secret| secret.span)),
        ActionClause::Effects(effects) => ("effects", effects.first().map_or(name, |effect| effect.span)),
        ActionClause::Budget(duration) => ("budget", duration.span),
        ActionClause::Enabled(_, span) => ("enabled", *span),
    }
}
