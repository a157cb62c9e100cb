//! What a run of a generated project is given: an event with optional fields left out at random, params, and for every
//! block a stub that answers within its declared types, fails, or takes its time.

use admit_eval::datum::Datum;
use admit_eval::value::Instant;
use admit_runtime::testing::{Answer, Stub, Target, TestCase};
use smol_str::SmolStr;

use super::known::Kind;
use super::{Whole, Written};
use crate::choices::Choices;
use crate::histogram::count;

pub(super) const KINDS: &[&str] =
    &["stub: outputs", "stub: fails", "stub: takes time", "stub: none", "event: field given", "event: field left out"];

/// Optional fields of the event, by path below it.
const FIELDS: &[(&str, Form)] = &[
    ("client.name", Form::Text),
    ("connection.provider", Form::Text),
    ("request.user_agent", Form::Text),
    ("request.language", Form::Text),
    ("request.device.os", Form::Text),
    ("request.geo.country", Form::Country),
    ("request.geo.city", Form::Text),
    ("request.geo.lat", Form::Degrees),
    ("request.asn.org", Form::Text),
    ("request.asn.number", Form::Number),
    ("request.asn.is_tor", Form::Flag),
    ("request.asn.is_vpn", Form::Flag),
    ("request.asn.is_bogon", Form::Flag),
    ("request.device.is_new", Form::Flag),
    ("request.headers", Form::Headers),
    ("client.metadata", Form::Metadata),
    ("tenant.plan", Form::Text),
    ("transaction.protocol", Form::Text),
    ("transaction.prompt", Form::Text),
    ("transaction.scopes", Form::Texts),
    ("transaction.acr_values", Form::Texts),
];

const USER: &[(&str, Form)] = &[
    ("email", Form::Text),
    ("phone", Form::Text),
    ("username", Form::Text),
    ("name", Form::Text),
    ("groups", Form::Texts),
    ("last_login_at", Form::Time),
    ("login_count", Form::Number),
    ("email_verified", Form::Flag),
];

#[derive(Clone, Copy)]
enum Form {
    Text,
    Texts,
    Country,
    Degrees,
    Number,
    Flag,
    Headers,
    Metadata,
    Time,
}

pub(super) fn given(
    choices: &mut Choices<'_>,
    files: Vec<(String, String)>,
    steps: &[Written],
    asks_more: bool,
) -> Whole {
    let mut case = TestCase { title: "generated".to_owned(), flow: "login".into(), ..TestCase::default() };
    case.secrets.push(("partner-key".into(), b"sesame".to_vec()));
    case.event = Some(event(choices));
    if choices.one_in(2) {
        case.params.push(("limit".into(), Datum::Int(number(choices, 101))));
        case.params.push(("ratio".into(), Datum::Double(number(choices, 11) as f64 / 10.0)));
        case.params.push(("modes".into(), words(choices, &["a", "b", "c"])));
    }
    if choices.one_in(3) {
        case.params.push(("wanted".into(), text("/login")));
    }
    let (mut right, mut looked) = (Vec::new(), Vec::new());
    for step in steps {
        let Some(answer) = answer(choices, step) else { continue };
        let after = if choices.one_in(12) {
            count("stub: takes time");
            u64::from(choices.byte()) * 8
        } else {
            0
        };
        if let Answer::Outputs { outputs, .. } = &answer {
            if step.kind == Kind::Lookup {
                looked.push(step.label.clone());
            }
            let is_right = outputs.iter().any(|(name, value)| name == "verified" && *value == Datum::Bool(true));
            if step.kind == Kind::Password && is_right {
                right.push(step.label.clone());
            }
        }
        case.stubs.push(Stub { target: Target::Label(step.label.as_str().into()), answer, after });
    }
    Whole { files, case, right, looked, asks_more }
}

/// What the stub of a block does; none where the block itself runs.
fn answer(choices: &mut Choices<'_>, step: &Written) -> Option<Answer> {
    let outputs = match step.kind {
        // Terminals are never stubbed; the rest of these run nothing.
        Kind::Session | Kind::Condition | Kind::Decision => return None,
        Kind::Log | Kind::Risk if choices.one_in(3) => {
            count("stub: none");
            return None;
        }
        Kind::Log => vec![of("id", text("log_1"))],
        Kind::Lookup => vec![of("found", flag(choices))],
        Kind::Password => vec![
            of("verified", Datum::Bool(!choices.one_in(4))),
            of("locked", Datum::Bool(choices.one_in(4))),
            of("needs_rehash", flag(choices)),
        ],
        Kind::Mfa => vec![
            of("verified", verified(choices, step)),
            of("factor", text("totp")),
            of("trusted_device", Datum::Bool(false)),
            of("aal2", flag(choices)),
        ],
        Kind::RequireMfa => vec![of("verified", verified(choices, step)), of("aal2", flag(choices))],
        Kind::Risk => vec![
            of("score", Datum::Int(number(choices, 101))),
            of("severity", word(choices, &["low", "medium", "high"])),
            of("recommendation", word(choices, &["allow", "challenge", "deny"])),
            of("reasons", words(choices, &["velocity", "new_device", "anonymizer"])),
        ],
        Kind::Webhook => vec![
            of("status", Datum::Int(200 + number(choices, 10))),
            of("headers", if choices.one_in(2) { record(vec![("etag", text("e1"))]) } else { record(Vec::new()) }),
            of("body", body(choices)),
        ],
    };
    if choices.one_in(9) {
        count("stub: fails");
        return Some(Answer::Error(FAILURE.to_owned()));
    }
    count("stub: outputs");
    Some(Answer::Outputs { outputs, user: Some(user(choices)) })
}

/// What a stub that fails says.
pub(crate) const FAILURE: &str = "the stub fails";

fn verified(choices: &mut Choices<'_>, step: &Written) -> Datum {
    // Where it must verify, a block that answers at all has verified.
    if step.lenient { flag(choices) } else { Datum::Bool(true) }
}

fn body(choices: &mut Choices<'_>) -> Datum {
    let mut deep = vec![("n", Datum::Int(number(choices, 20)))];
    if choices.one_in(2) {
        deep.push(("m", Datum::Int(1)));
    }
    let mut fields = vec![
        ("score", Datum::Double(number(choices, 11) as f64 / 10.0)),
        ("tags", words(choices, &["t1", "t2", "x"])),
        ("level", word(choices, &["a", "b", "c"])),
        ("deep", record(deep)),
    ];
    if choices.one_in(2) {
        fields.push(("note", text("note")));
    }
    record(fields)
}

fn user(choices: &mut Choices<'_>) -> Datum {
    let mut user = record(vec![("id", text("usr_baseline"))]);
    for (name, form) in USER {
        if choices.one_in(2) {
            put(&mut user, name, value(choices, *form));
        }
    }
    user
}

fn event(choices: &mut Choices<'_>) -> Datum {
    let mut event = record(Vec::new());
    for (path, form) in FIELDS {
        if choices.one_in(2) {
            count("event: field given");
            put(&mut event, path, value(choices, *form));
        } else {
            count("event: field left out");
        }
    }
    event
}

fn value(choices: &mut Choices<'_>, form: Form) -> Datum {
    match form {
        Form::Text => word(choices, &["a1", "a2x", "", "Grüße", "web"]),
        Form::Texts => words(choices, &["scope-1", "g2", "a3", "a"]),
        Form::Country => word(choices, &["KP", "DE"]),
        Form::Degrees => Datum::Double(number(choices, 90) as f64),
        Form::Number => Datum::Int(number(choices, 250)),
        Form::Flag => flag(choices),
        Form::Headers => record(vec![("x-1", text("a")), ("x-3", text("b"))]),
        Form::Metadata => record(vec![("tier", word(choices, &["gold1", "none"]))]),
        Form::Time => Datum::Timestamp(Instant { seconds: 1_767_200_000 + number(choices, 200), nanos: 0 }),
    }
}

/// Puts a value at a path, making the records above it.
fn put(record: &mut Datum, path: &str, value: Datum) {
    let Datum::Map(entries) = record else { return };
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let key = text(first);
    let at = entries.iter().position(|(known, _)| *known == key).unwrap_or_else(|| {
        entries.push((key, Datum::Map(Vec::new())));
        entries.len() - 1
    });
    let Some((_, place)) = entries.get_mut(at) else { return };
    match rest {
        Some(rest) => put(place, rest, value),
        None => *place = value,
    }
}

fn of(name: &str, value: Datum) -> (SmolStr, Datum) {
    (name.into(), value)
}

fn record(fields: Vec<(&str, Datum)>) -> Datum {
    Datum::Map(fields.into_iter().map(|(name, value)| (text(name), value)).collect())
}

fn text(text: &str) -> Datum {
    Datum::Str(text.into())
}

fn flag(choices: &mut Choices<'_>) -> Datum {
    Datum::Bool(choices.one_in(2))
}

fn word(choices: &mut Choices<'_>, of: &[&str]) -> Datum {
    text(choices.pick(of))
}

fn words(choices: &mut Choices<'_>, of: &[&str]) -> Datum {
    Datum::List(of.iter().filter(|_| choices.one_in(2)).map(|word| text(word)).collect())
}

fn number(choices: &mut Choices<'_>, end: usize) -> i64 {
    i64::try_from(choices.below(end)).unwrap_or(0)
}
