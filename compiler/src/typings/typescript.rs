//! The TypeScript declarations of one Action: a module beside its source, so that Actions do not see each other's types.

use std::fmt::Write;

use admit_plan::types::{Field, Kind, Type};

use super::{Seen, View};
use crate::schema::EventField;
use crate::typed::action;
use crate::typed::constant::evaluate;

/// The first line of every file that is written, so that others are never written over.
pub const MARK: &str = "// Written by `admit types`; changes are lost.";

/// The text of `types.d.ts`.
pub fn declaration(view: &View<'_>) -> String {
    let action = view.action;
    let mut out = Text::default();
    out.line(MARK);
    let places = match view.slots.is_empty() {
        true => "No flow runs it: the event is what is known from the beginning of its triggers' flows.".to_owned(),
        false => format!("As it runs in {}.", listed(view.slots.iter())),
    };
    out.line(&format!("// {} {}. {places}", action.slug, action.version));
    out.line("");
    out.doc("What a flow that runs this Action configures.");
    config(&mut out, &action.config);
    event(&mut out, view);
    steps(&mut out, view);
    out.text.push_str(CONTEXT);
    input(&mut out, view);
    outcome(&mut out, action.prompts);
    api(&mut out, action);
    out.text.push_str(EXECUTE);
    out.text
}

/// The text of the `tsconfig.json` of an Action, which checks it as it will run. `source` is the folder of its source,
/// from that of the file; both are one where `types.d.ts` lies beside the source.
pub fn tsconfig(source: &str) -> String {
    let here = source == ".";
    let roots = if here { String::new() } else { format!("    \"rootDirs\": [\".\", {}],\n", quoted(source)) };
    let include: Vec<String> = match here {
        true => ["**/*.ts", "**/*.js"].map(quoted).into(),
        false => ["types.d.ts".to_owned(), format!("{source}/**/*.ts"), format!("{source}/**/*.js")]
            .map(|path| quoted(&path))
            .into(),
    };
    format!(
        "{MARK}\n{{\n  \"compilerOptions\": {{\n{roots}{COMPILER_OPTIONS}  }},\n  \"include\": [{}]\n}}\n",
        include.join(", ")
    )
}

/// The text of a `tsconfig.json` over those of all Actions, whose folders are given from its own: `tsc -b` checks them.
pub fn tsconfig_of_all<S: AsRef<str>>(folders: &[S]) -> String {
    let references: Vec<String> =
        folders.iter().map(|folder| format!("\n    {{ \"path\": {} }}", quoted(folder.as_ref()))).collect();
    format!("{MARK}\n{{\n  \"files\": [],\n  \"references\": [{}\n  ]\n}}\n", references.join(","))
}

/// As Actions are: ES modules of ECMAScript 2023, each compiled by itself, with nothing of a browser or of Node.js.
const COMPILER_OPTIONS: &str = r#"    "target": "es2023",
    "lib": ["es2023"],
    "types": [],
    "module": "esnext",
    "moduleResolution": "bundler",
    "moduleDetection": "force",
    "allowImportingTsExtensions": true,
    "isolatedModules": true,
    "allowJs": true,
    "strict": true,
    "noEmit": true
"#;

const CONTEXT: &str = r#"/** Where and how this Action runs. */
export interface Context {
  readonly flow: string;
  readonly run_id: string;
  readonly tenant: string;
  /** The label of the step. */
  readonly label: string;
  /** The same at every try of this step of this run. */
  readonly idempotency_key: string;
  /** 1 at the first try. */
  readonly attempt: number;
  /** RFC 3339. */
  readonly now: string;
  /** It was queued: nobody waits for it. */
  readonly is_async: boolean;
}

"#;

const EXECUTE: &str = r#"/** What `api.fetch` sends. */
export interface ActionRequest {
  /** `GET` where it is left out. */
  readonly method?: string;
  readonly headers?: { readonly [name: string]: string | undefined };
  /** Text; write objects with `JSON.stringify`. */
  readonly body?: string;
}

/** What `api.fetch` gives. */
export interface ActionResponse {
  readonly status: number;
  /** The status is 200 to 299. */
  readonly ok: boolean;
  readonly url: string;
  readonly headers: {
    get(name: string): string | null;
    has(name: string): boolean;
    entries(): IterableIterator<[string, string]>;
  };
  text(): Promise<string>;
  json(): Promise<unknown>;
}

/** What `api.rateLimit` gives. */
export interface RateLimit {
  readonly allowed: boolean;
  /** Calls within the window, this one counted. */
  readonly count: number;
  readonly remaining: number;
  /** Seconds until the window is over. */
  readonly retryAfter: number;
}

/** The function that runs: exported as `execute`, or the only one that is exported. Nothing returned means `continue`. */
export type Execute = (input: Input, api: Api) => Outcome | void | Promise<Outcome | void>;

declare global {
  /** The same as `input.event`. */
  const event: Event;
  /** The same as `input.step`. */
  const step: Steps;
  /** The same as the second argument of `execute`. */
  const api: Api;
  /** Goes to the log of the run. */
  const console: {
    debug(...values: unknown[]): void;
    log(...values: unknown[]): void;
    info(...values: unknown[]): void;
    warn(...values: unknown[]): void;
    error(...values: unknown[]): void;
  };
}
"#;

/// Names at the top level of `input` besides the groups of the event.
const OF_INPUT: [&str; 6] = ["trigger", "context", "event", "step", "state", "config"];

#[derive(Default)]
struct Text {
    text: String,
    indent: usize,
}

impl Text {
    fn line(&mut self, line: &str) {
        if !line.is_empty() {
            self.text.extend(std::iter::repeat_n("  ", self.indent));
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    /// A doc comment; nothing where there is nothing to say.
    fn doc(&mut self, doc: &str) {
        let doc = doc.trim().replace("*/", "*\\/");
        let lines: Vec<&str> = doc.lines().map(str::trim).collect();
        match lines.as_slice() {
            [] => {}
            [line] => self.line(&format!("/** {line} */")),
            lines => {
                self.line("/**");
                lines.iter().for_each(|line| self.line(format!(" * {line}").trim_end()));
                self.line(" */");
            }
        }
    }

    fn open(&mut self, line: &str) {
        self.line(line);
        self.indent += 1;
    }

    fn close(&mut self, line: &str) {
        self.indent = self.indent.saturating_sub(1);
        self.line(line);
    }
}

fn config(out: &mut Text, fields: &[action::Field]) {
    out.open("export interface Config {");
    for field in fields {
        let mut doc = field.doc.trim().to_owned();
        if let Some(value) = field.default.as_ref().and_then(|(code, pool)| evaluate(code, pool).ok()) {
            let gap = if doc.is_empty() { "" } else { "\n\n" };
            let _infallible = write!(doc, "{gap}@default {}", admit_eval::json::to_json(&value));
        }
        out.doc(&doc);
        let optional = matches!(field.ty.kind, Kind::Optional(_));
        out.line(&format!("readonly {}{}: {};", key(&field.name), mark(optional), of(field.ty.present())));
    }
    out.close("}");
    out.line("");
}

fn event(out: &mut Text, view: &View<'_>) {
    out.doc("The event, as it is known wherever this Action runs.");
    out.open("export interface Event {");
    event_fields(out, &view.event.fields, "", view);
    out.close("}");
    out.line("");
}

fn event_fields(out: &mut Text, fields: &[EventField], around: &str, view: &View<'_>) {
    for field in fields.iter().filter(|field| !is_secret(&field.ty)) {
        let path = if around.is_empty() { field.name.to_string() } else { format!("{around}.{}", field.name) };
        let may_lack = field.known.is_some() || matches!(field.ty.kind, Kind::Optional(_));
        let optional = may_lack && !view.known.contains(path.as_str());
        out.doc(&field.doc.join("\n"));
        let head = format!("readonly {}{}: ", key(&field.name), mark(optional));
        if field.fields.is_empty() {
            out.line(&format!("{head}{};", of(&without_secrets(field.ty.present()))));
        } else {
            out.open(&format!("{head}{{"));
            event_fields(out, &field.fields, &path, view);
            out.close("};");
        }
    }
}

fn steps(out: &mut Text, view: &View<'_>) {
    out.doc("Outputs of the steps that have run, by label; those that have run at some places only may be absent.");
    if view.steps.is_empty() {
        out.line("export interface Steps {}");
        out.line("");
        return;
    }
    out.open("export interface Steps {");
    for (label, Seen { outputs, sure }) in &view.steps {
        let mut types: Vec<String> = Vec::new();
        for output in outputs {
            let ty = output
                .as_ref()
                .map_or_else(|| "{ readonly [output: string]: unknown }".to_owned(), |ty| of(&without_secrets(ty)));
            if !types.contains(&ty) {
                types.push(ty);
            }
        }
        out.line(&format!("readonly {}{}: {};", quoted(label), mark(!sure), types.join(" | ")));
    }
    out.close("}");
    out.line("");
}

fn input(out: &mut Text, view: &View<'_>) {
    out.doc("What `execute` gets. The groups of the event stand at its top level, too.");
    let clashes: Vec<String> = view
        .event
        .fields
        .iter()
        .filter(|field| OF_INPUT.contains(&field.name.as_str()))
        .map(|field| quoted(&field.name))
        .collect();
    let event = if clashes.is_empty() { "Event".to_owned() } else { format!("Omit<Event, {}>", clashes.join(" | ")) };
    out.open(&format!("export interface Input extends {event} {{"));
    let triggers = if view.slots.is_empty() {
        view.action.triggers.iter().collect::<Vec<_>>()
    } else {
        view.slots.iter().collect()
    };
    let triggers: Vec<String> = triggers.into_iter().map(|slot| quoted(slot)).collect();
    out.doc("The slot that it runs in.");
    out.line(&format!("readonly trigger: {};", union(&triggers)));
    out.line("readonly context: Context;");
    out.line("readonly event: Event;");
    out.line("readonly step: Steps;");
    out.doc("The same as `step`.");
    out.line("readonly state: Steps;");
    out.line("readonly config: Config;");
    out.close("}");
    out.line("");
}

fn outcome(out: &mut Text, prompts: bool) {
    out.doc("What `execute` may return.");
    out.line("export type Outcome =");
    out.indent += 1;
    out.doc("The run goes on.");
    out.line("| { readonly kind: \"continue\" }");
    out.doc("The run is denied: `code` is the reason for programs, `reason` what the user is told.");
    out.line("| { readonly kind: \"block\"; readonly code?: string; readonly reason?: string }");
    if prompts {
        out.doc("The user has to show a second factor.");
        out.line("| { readonly kind: \"demand_mfa\" }");
    }
    out.doc("Where the user goes after success: a URL of the project's redirect allowlist.");
    out.line("| { readonly kind: \"redirect\"; readonly url: string };");
    out.indent -= 1;
    out.line("");
}

fn api(out: &mut Text, action: &action::Action) {
    out.doc("What this Action may do.");
    out.open("export interface Api {");
    out.doc("Denies the run. The reason goes to audit; the user sees a general text.");
    out.line("deny(reason: string): void;");
    out.line("readonly access: { deny(reason: string): void };");
    if action.prompts {
        out.doc("Demands a second factor.");
        out.line("demandMfa(): void;");
    }
    out.doc("Sends the user to a URL of the project's redirect allowlist after success.");
    out.line("redirect(url: string): void;");
    out.doc("Sets a declared output, which later steps read.");
    out.open("readonly state: {");
    for field in &action.output {
        out.doc(&field.doc);
        out.line(&format!("set(key: {}, value: {}): void;", quoted(&field.name), of(field.ty.present())));
    }
    if action.output.is_empty() {
        out.doc("This Action declares no `output`.");
        out.line("set(key: never, value: never): void;");
    }
    out.close("};");
    out.doc("Writes a line to the log of the run; `console` does, too.");
    out.line("log(level: \"debug\" | \"info\" | \"warn\" | \"error\", ...values: unknown[]): void;");
    out.doc("Merges the patch into the user's `app_metadata` (RFC 7396): null takes a key away.");
    out.line("readonly user: { setAppMetadata(patch: { readonly [key: string]: unknown }): void };");
    let claims = names(&action.claims, !action.claims_from.is_empty());
    out.doc(match claims.as_str() {
        "never" => "This Action declares no `claims`.",
        _ => "Sets a claim of the token that is issued: any value that JSON has.",
    });
    out.line(&format!("readonly session: {{ setCustomClaim(name: {claims}, value: {{}} | null): void }};"));
    out.line(&format!("readonly accessToken: {{ setCustomClaim(name: {claims}, value: {{}} | null): void }};"));
    let hosts = action.fetch.iter().map(|host| format!("`{host}`"));
    let hosts: Vec<String> =
        hosts.chain(action.fetch_from.iter().map(|field| format!("that of `config.{field}`"))).collect();
    out.doc(&match hosts.is_empty() {
        true => "This Action declares no hosts under `fetch`: every call fails.".to_owned(),
        false => format!("Calls a declared host: {}.", hosts.join(", ")),
    });
    out.line("fetch(url: string, init?: ActionRequest): Promise<ActionResponse>;");
    let secrets = names(&action.secrets, false);
    if secrets == "never" {
        out.doc("This Action declares no `secrets`.");
    }
    out.line(&format!("readonly secrets: {{ get(name: {secrets}): string }};"));
    out.doc("Counts a call under the key, on all nodes; refuses it above the limit per window.");
    out.line("rateLimit(key: string, limit: number, windowSeconds: number): Promise<RateLimit>;");
    out.close("}");
    out.line("");
}

/// The names that a call takes; any, where some are known only where a flow runs the Action.
fn names<S: AsRef<str>>(declared: &[S], others: bool) -> String {
    if others {
        return "string".to_owned();
    }
    union(&declared.iter().map(|name| quoted(name.as_ref())).collect::<Vec<_>>())
}

fn union(types: &[String]) -> String {
    if types.is_empty() { "never".to_owned() } else { types.join(" | ") }
}

fn listed<S: AsRef<str>>(names: impl Iterator<Item = S>) -> String {
    names.map(|name| name.as_ref().to_owned()).collect::<Vec<_>>().join(", ")
}

fn mark(optional: bool) -> &'static str {
    if optional { "?" } else { "" }
}

fn is_secret(ty: &Type) -> bool {
    ty.labels.secret || ty.present().labels.secret
}

/// The type of a value's JSON, as an Action reads it: frozen, times and bytes as text, nothing where it is absent.
fn of(ty: &Type) -> String {
    match &ty.kind {
        Kind::Error | Kind::Dyn => "unknown".to_owned(),
        Kind::Null => "null".to_owned(),
        Kind::Bool => "boolean".to_owned(),
        Kind::Int(_) | Kind::Uint(_) | Kind::Double(_) => "number".to_owned(),
        Kind::String | Kind::Bytes | Kind::Timestamp | Kind::Duration | Kind::Type | Kind::Ip | Kind::Cidr => {
            "string".to_owned()
        }
        Kind::Enum(words) => union(&words.iter().map(|word| quoted(word)).collect::<Vec<_>>()),
        Kind::List(item) => format!("readonly {}[]", operand(item)),
        Kind::Map(_, value) => match of(value).as_str() {
            "unknown" => "{ readonly [key: string]: unknown }".to_owned(),
            value => format!("{{ readonly [key: string]: {value} | undefined }}"),
        },
        Kind::Record(fields) => record(fields),
        Kind::Optional(inner) => format!("{} | null", of(inner)),
    }
}

/// The type without the fields that are secret: an Action is given none of an event or a step.
fn without_secrets(ty: &Type) -> Type {
    let kind = match &ty.kind {
        Kind::Record(fields) => {
            let kept = fields.iter().filter(|field| !is_secret(&field.ty));
            Kind::Record(kept.map(|field| Field { name: field.name.clone(), ty: without_secrets(&field.ty) }).collect())
        }
        Kind::Optional(inner) => Type::optional(without_secrets(inner)).kind,
        Kind::List(item) => Type::list(without_secrets(item)).kind,
        Kind::Map(key, value) => Type::map(Type::clone(key), without_secrets(value)).kind,
        other => other.clone(),
    };
    Type { kind, labels: ty.labels }
}

fn operand(ty: &Type) -> String {
    let text = of(ty);
    let plain = match &ty.kind {
        Kind::Enum(words) => words.len() == 1,
        Kind::List(_) | Kind::Optional(_) => false,
        _ => true,
    };
    if plain { text } else { format!("({text})") }
}

fn record(fields: &[Field]) -> String {
    let field = |field: &Field| {
        let optional = matches!(field.ty.kind, Kind::Optional(_));
        format!("readonly {}{}: {}", key(&field.name), mark(optional), of(field.ty.present()))
    };
    let fields: Vec<String> = fields.iter().map(field).collect();
    if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join("; ")) }
}

/// A name of a field as a key: snake_case is always one.
fn key(name: &str) -> String {
    let plain = name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_')
        && !name.starts_with(|letter: char| letter.is_ascii_digit());
    if plain { name.to_owned() } else { quoted(name) }
}

/// A JSON string, which is one of TypeScript's too.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
