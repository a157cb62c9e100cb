//! Typing of expressions, as text: an expression, and its type or the diagnostics that it has.

use admit_compiler::ast::expr::Expr;
use admit_compiler::ast::{ConfigValue, ItemKind, Name, StepKind};
use admit_compiler::diagnostic::{Diagnostic, Level};
use admit_compiler::parse::{parse, parse_expr};
use admit_compiler::schema::{Inner, Rules};
use admit_compiler::source::FileId;
use admit_compiler::typed::facts::Facts;
use admit_compiler::typed::narrow::facts_if;
use admit_compiler::typed::scope::{Absent, Access, Mode, Read, Resolved, Root, Scope};
use admit_compiler::typed::tables::{Interner, SlotInfo, Slots};
use admit_compiler::typed::{Expect, Typed, infer};
use admit_plan::code::{Escape, Expr as Code, Part, Pool, SlotId};
use admit_plan::types::{Double, Field, Kind, Labels, Range, Type};

#[test]
fn types_of_expressions() {
    for (text, ty) in [
        ("step.risk.score + 1", "int"),
        ("1 / 0 > 2 || step.found.found", "bool"),
        ("step.risk.score", "int(0 .. 100)"),
        ("step.risk.severity == \"high\" || event.request.asn.is_tor", "bool"),
        ("event.request.geo.?country", "optional(string)"),
        ("event.request.geo.?country.orValue(\"\") in [\"US\", \"IN\"]", "bool"),
        ("\"admins\" in event.user.groups", "bool"),
        ("event.request.ip in lists.bad", "bool"),
        ("now - duration(\"1h\")", "timestamp"),
        ("now + 5m > timestamp(\"2026-01-01T00:00:00Z\")", "bool"),
        ("event.user.app_metadata.tier", "dyn"),
        ("[1, \"x\"]", "list(dyn)"),
        ("[]", "list(dyn)"),
        ("{\"a\": 1}", "map(string, int)"),
        ("{a: 1, b: \"x\"}", "{ a: int, b: string }"),
        ("event.user.groups.map(g, size(g))", "list(int)"),
        ("event.user.groups.filter(g, g.startsWith(\"x\")).first()", "optional(string)"),
        ("event.user.groups.transformMap(i, g, g)", "map(int, string)"),
        ("cel.bind(x, step.risk.score, x > 5 ? x : 0)", "int"),
        ("step.risk.score < 50 ? \"a\" : \"b\"", "string"),
        ("event.request.geo.?country.optMap(c, c.size())", "optional(int)"),
        ("step.risk.?score.orValue(0)", "int(0 .. 100)"),
        ("type(1) == int", "bool"),
        ("event.user.groups.all(a, event.user.groups.exists(b, a == b))", "bool"),
        ("step.risk.score > 2.5 && step.risk.score > 3u", "bool"),
        ("has(event.user.email) && event.user.email.endsWith(\"@x.io\")", "bool"),
        ("!has(event.user.email) || event.user.email == \"a\"", "bool"),
        ("has(event.user.email) ? event.user.email : \"\"", "string"),
        ("has(step.mfa.verified) && step.mfa.factor == \"totp\"", "bool"),
        ("event.user.?email.hasValue() && event.user.email != \"\"", "bool"),
        ("!(!has(event.user.email)) && size(event.user.email) > 3", "bool"),
        ("event.user.?email.orValue(\"\") == \"a@x.io\" && event.user.email != \"\"", "bool"),
        ("ip(event.request.ip).isLoopback() || cidr(\"10.0.0.0/8\").containsIP(event.request.ip)", "bool"),
    ] {
        let (typed, found, _) = infer_in(text, None);
        assert_eq!(codes(&found), "", "{text}: {found:#?}");
        assert_eq!(typed.ty.to_string(), ty, "{text}");
    }
}

#[test]
fn mistakes_have_one_message_at_the_smallest_place() {
    for (text, expected) in [
        ("step.risc.score", "A0100 `step.risc` there is no block `step.risc`; did you mean `step.risk`?"),
        ("evnt.user.id", "A0100 `evnt` there is no name `evnt`; did you mean `event`?"),
        ("step.risk.scor > 5", "A0102 `scor` `step.risk` has no field `scor`; did you mean `score`?"),
        ("step.risk.severity == \"hihg\"", "A0109 `\"hihg\"` `\"hihg\"` is not one of its words; did you mean `high`?"),
        ("step.risk.severity in [\"low\", \"extreme\"]", "A0109 `\"extreme\"`"),
        ("step.risk.score > 100", "A0110 `100` a value of type `int(0 .. 100)` cannot reach this number"),
        ("step.risk.score == 101", "A0110 `101`"),
        ("step.risk.score >= 0", "A0111 `step.risk.score >= 0`"),
        ("step.risk.?score.orValue(0) > 150", "A0110 `150`"),
        ("step.risk.score == \"5\"", "A0124 `\"5\"`"),
        ("event.user.email == null", "A0106 `event.user.email`"),
        ("event.user.id == null", "A0124 `null`"),
        (
            "event.user.email.size() > 3",
            "A0106 `event.user.email` `event.user.email` may be absent here; guard it: `has(event.user.email) && ...`; or give a default: `event.user.?email.orValue(...)`",
        ),
        ("has(event.user.email) || event.user.email == \"a\"", "A0106 `event.user.email`"),
        (
            "step.mfa.verified",
            "A0107 `step.mfa.verified` `mfa` may not have run; guard it: `has(step.mfa.verified) && ...`; or give a default: `step.mfa.?verified.orValue(...)`",
        ),
        ("event.user.?email == \"a\"", "A0124 `\"a\"`"),
        ("event.user.?email.startsWith(\"a\")", "A0105 `event.user.?email`"),
        ("1 + \"a\"", "A0103 `+`"),
        (
            "1 + 1.0",
            "A0103 `+` `+` does not take `int` and `double`; convert one side: `int(...)`, `uint(...)`, `double(...)`",
        ),
        ("step.risk.severity > \"low\"", "A0103 `>`"),
        ("event.user.groups.lenght()", "A0104 `lenght`"),
        (
            "event.user.id.startsWth(\"a\")",
            "A0104 `startsWth` there is no function `startsWth`; did you mean `startsWith`?",
        ),
        ("startsWith(event.user.id, \"a\")", "A0104 `startsWith`"),
        ("event.user.id.startsWith(1)", "A0105 `1`"),
        ("event.user.id.startsWith()", "A0105 `startsWith`"),
        ("event.user.id.matches(\"(\")", "A0113 `\"(\"`"),
        ("{\"a\": 1, \"a\": 2}", "A0114 `\"a\"`"),
        ("{a: 1, \"b\": 2}", "A0115 `\"b\"`"),
        ("lists.bad", "A0118 `lists.bad`"),
        ("secrets.key == \"x\"", "A0119 `secrets.key`"),
        ("event.user.groups.all(1, true)", "A0122 `1`"),
        ("event.user.groups.all(g)", "A0122 `all`"),
        ("has(event)", "A0122 `event`"),
        ("true ? 1 : \"a\"", "A0101 `\"a\"`"),
        ("!step.risk.score", "A0101 `step.risk.score`"),
        (
            "event.user.groups.all(a, event.user.groups.all(b, event.user.groups.all(c, a + b != c)))",
            "A0123 `event.user.groups.all(a, event.user.groups.all(b, event.user.groups.all(c, a + b != c)))`",
        ),
        ("1 / 0 > 2", "A0112 `1 / 0` this constant always fails: division by zero"),
        ("[1, 2][5] == 1", "A0112 `[1, 2][5]`"),
        ("duration(\"5 minutes\") > 1s", "A0112"),
        ("nothing.here + missing", "A0100 `nothing`; A0100 `missing`"),
        ("step.risk.scor + 1 > 5 && step.risk.scor == \"x\"", "A0102 `scor`; A0102 `scor`"),
    ] {
        let (_, found, _) = infer_in(text, None);
        let shown: Vec<String> = found.iter().map(|found| show(text, found)).collect();
        let shown = shown.join("; ");
        let enough = expected.split("; A0").count() == found.len();
        let matches = if expected.contains("; A0") {
            expected.split("; ").zip(&found).all(|(expected, found)| show(text, found).starts_with(expected))
        } else {
            shown.starts_with(expected)
        };
        assert!(enough && matches, "{text}\n expected {expected}\n    found {shown}");
    }
}

#[test]
fn values_fit_what_is_wanted() {
    let factors = Type::list(words(&["totp", "webauthn"]));
    let record = record(vec![("name", Kind::String.into()), ("age", Type::optional(Kind::INT.into()))]);
    let headers = Type::map(Kind::String.into(), secret(Kind::String));
    for (text, want, expected) in [
        ("[\"totp\"]", &factors, ""),
        ("[]", &factors, ""),
        ("[\"fax\"]", &factors, "A0109"),
        ("\"totp\"", &factors, "A0101"),
        ("event.request.asn.is_tor ? [\"totp\"] : [\"webauthn\"]", &factors, ""),
        ("5", &int(1, 10), ""),
        ("50", &int(1, 10), "A0125"),
        ("step.risk.score", &int(1, 10), ""),
        ("1.5", &int(1, 10), "A0101"),
        ("1", &Kind::DOUBLE.into(), "A0101"),
        ("{name: \"a\"}", &record, ""),
        ("{name: \"a\", ?age: event.user.?logins}", &record, ""),
        ("{}", &record, "A0116"),
        ("{name: \"a\", agee: 3}", &record, "A0117"),
        ("{\"name\": \"a\"}", &record, "A0115"),
        ("{name: event.user.?email}", &record, "A0108"),
        ("{name: 1}", &record, "A0101"),
        ("{name: \"a\"}", &Kind::Dyn.into(), "A0115"),
        ("{\"e\": event.user.?email}", &Kind::Dyn.into(), "A0108"),
        ("{?\"e\": event.user.?email}", &Kind::Dyn.into(), ""),
        ("event.user.?email", &Type::optional(Kind::String.into()), ""),
        ("event.user.?email", &Kind::String.into(), "A0108"),
        ("event.user.app_metadata.mail", &Kind::String.into(), ""),
        ("{\"a\": secrets.key}", &headers, ""),
        ("{\"a\": secrets.key + \"x\"}", &headers, "A0119"),
        ("secrets.key", &Kind::String.into(), "A0119"),
        ("event.user.id", &words(&["a"]), "A0101"),
        ("secrets.key", &Type::optional(secret(Kind::String)), ""),
        ("[event.user.?email]", &Kind::Dyn.into(), "A0108"),
        ("[{a: 1}]", &Kind::Dyn.into(), "A0115"),
    ] {
        let (_, found, _) = infer_in(text, Some(want));
        assert_eq!(codes(&found), expected, "{text} as {want}: {found:#?}");
    }
}

#[test]
fn a_field_that_may_be_left_out_wants_the_plain_type() {
    let want = record(vec![("blocked", Type::optional(Kind::Bool.into()))]);
    let (_, found, _) = infer_in("{blocked: 1}", Some(&want));
    assert_eq!(show("{blocked: 1}", &found[0]), "A0101 `1` `bool` is wanted, this is `int`");
}

#[test]
fn templates_escape_for_their_field() {
    for (parts, escape, expected) in [
        (vec!["event.user.id"], Some(Escape::Url), ""),
        (vec!["event.user.id"], None, "A0120"),
        (vec!["event.user.?email"], Some(Escape::Url), "A0121"),
        (vec!["event.user.groups"], Some(Escape::Text), "A0121"),
        (vec!["event.user.groups"], Some(Escape::Json), ""),
        (vec!["step.risk.score", "now"], Some(Escape::Header), ""),
        (vec!["secrets.key"], Some(Escape::Header), "A0119"),
    ] {
        use admit_compiler::ast::expr::{ExprKind, TemplatePart};
        let holes = parts.iter().map(|part| TemplatePart::Hole(parse_expr(FileId(0), part).0)).collect();
        let span = admit_compiler::source::Span { file: FileId(0), start: 0, end: 1 };
        let template = Expr { kind: ExprKind::Template(holes), span };
        let mut scope = Names::new();
        let mut found = Vec::new();
        let ty = Type::from(Kind::String);
        let rules = Rules { escape, ..Rules::default() };
        infer(&template, Expect { ty: Some(&ty), rules: Some(&rules), what: "" }, &mut scope, &mut found);
        assert_eq!(codes(&found), expected, "{parts:?} in {escape:?}");
    }
}

#[test]
fn a_template_inside_a_record_escapes_for_its_own_field() {
    let labelled = |escape| Rules { escape: Some(escape), ..Rules::default() };
    let inside = Rules {
        inner: Inner::Fields(vec![
            ("link".into(), labelled(Escape::Url)),
            ("page".into(), labelled(Escape::Html)),
            ("heads".into(), Rules { inner: Inner::Items(Box::new(labelled(Escape::Header))), ..Rules::default() }),
        ]),
        ..Rules::default()
    };
    let text = || Type::from(Kind::String);
    let heads = Type::map(text(), text());
    let want = record(vec![("page", text()), ("link", text()), ("heads", heads), ("plain", text())]);
    let hole = "\"{{ event.user.id }}\"";
    let source = format!("{{page: {hole}, link: {hole}, heads: {{\"a\": {hole}}}, plain: \"\"}}");
    let mut scope = Names::new();
    let (expr, mut found) = parse_config(&source);
    let typed = infer(&expr, Expect { ty: Some(&want), rules: Some(&inside), what: "" }, &mut scope, &mut found);
    assert_eq!(codes(&found), "");
    let mut escapes = Vec::new();
    escapes_of(&typed.code, &mut escapes);
    assert_eq!(escapes, [Escape::Html, Escape::Url, Escape::Header]);

    let (expr, mut found) = parse_config(&source.replace("plain: \"\"", &format!("plain: {hole}")));
    infer(&expr, Expect { ty: Some(&want), rules: Some(&inside), what: "" }, &mut scope, &mut found);
    assert_eq!(codes(&found), "A0120", "a field without a kind takes no templates");
}

#[test]
fn facts_tell_cases_that_are_never_taken_and_cases_that_are_exhaustive() {
    for (cases, expected) in [
        (&["step.risk.score >= 80", "step.risk.score > 90"][..], "never: 1"),
        (&["step.risk.score >= 80", "step.risk.score > 50"], ""),
        (&["step.risk.score >= 80", "step.risk.score < 80"], "exhaustive"),
        (&["step.risk.score > 79.5", "step.risk.score <= 79u"], "exhaustive"),
        (&["step.risk.severity == \"high\"", "step.risk.severity in [\"low\", \"medium\"]"], "exhaustive"),
        (&["step.risk.severity != \"high\"", "step.risk.severity == \"low\""], "never: 1"),
        (&["step.found.found", "!step.found.found"], "exhaustive"),
        (
            &["step.found.found && event.request.asn.is_tor", "!step.found.found", "!event.request.asn.is_tor"],
            "exhaustive",
        ),
        (&["!has(event.user.email)", "event.user.email == \"a\"", "true"], "exhaustive"),
        (&["params.limit > 0.5", "params.limit <= 0.5"], "exhaustive"),
        (&["event.user.?email.orValue(\"\") == \"a\"", "has(event.user.email)"], ""),
        (&["event.user.id == \"a\"", "event.user.id in [\"a\"]"], "never: 1"),
    ] {
        let mut scope = Names::new();
        let mut said = String::new();
        for (index, case) in cases.iter().enumerate() {
            let (expr, _) = parse_expr(FileId(0), case);
            let mut found = Vec::new();
            let typed = infer(&expr, Expect::default(), &mut scope, &mut found);
            assert_eq!(codes(&found), "", "{case}: {found:#?}");
            if scope.facts.and(&facts_if(&typed.code, true, &scope)).is_impossible() {
                said = format!("never: {index}");
            }
            let after = scope.facts.and(&facts_if(&typed.code, false, &scope));
            scope.facts = after;
        }
        if scope.facts.is_impossible() {
            said = "exhaustive".to_owned();
        }
        assert_eq!(said, expected, "{cases:?}");
    }
}

#[test]
fn there_is_one_span_for_each_node_of_the_code() {
    for text in [
        "has(event.user.email) && event.user.email.matches(\"a+\") ? [1, 2].map(x, x + 1)[0] : cel.bind(y, 2, -y)",
        "event.user.?email.optMap(e, e.size()).orValue(0) > 1 || {\"a\": 1}.a == 1 || has(event.user.app_metadata.a.b)",
        "step.risk.severity in [\"low\"] ? {a: 1, ?b: event.user.?email} : {a: 2}",
    ] {
        let (typed, found, _) = infer_in(text, None);
        assert_eq!(codes(&found), "", "{text}: {found:#?}");
        assert_eq!(typed.spans.len(), nodes(&typed.code), "{text}: {:?}", typed.code);
    }
}

#[test]
fn the_deepest_expression_that_parses_is_typed_on_a_small_stack() {
    let deep = format!("{}1{}", "[".repeat(60), "]".repeat(60));
    let unary = format!("{}true", "!".repeat(240));
    let sum = format!("1{}", " + 1".repeat(240));
    let choice = format!("{}1", "true ? 1 : ".repeat(240));
    let methods = format!("\"a\"{}", ".trim()".repeat(240));
    let binds = format!("{}1{}", "cel.bind(x, 1, ".repeat(60), ")".repeat(60));
    let walks = format!("{}true{}", "[1].all(x, ".repeat(50), ")".repeat(50));
    let maps = format!("{}1{}", "{\"a\": [".repeat(30), "]}".repeat(30));
    let run = move || {
        for text in [deep, unary, sum, choice, methods, binds, walks, maps] {
            let (_, found, _) = infer_in(&text, None);
            assert_eq!(codes(&found), "", "{text}");
        }
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

fn infer_in(text: &str, want: Option<&Type>) -> (Typed, Vec<Diagnostic>, Names) {
    let (expr, mut found) = parse_expr(FileId(0), text);
    let mut scope = Names::new();
    let typed = infer(&expr, Expect { ty: want, rules: None, what: "" }, &mut scope, &mut found);
    (typed, found, scope)
}

/// The value of a config field, in which templates may stand.
#[expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a helper of tests fails by panicking")]
fn parse_config(value: &str) -> (Expr, Vec<Diagnostic>) {
    let parsed = parse(FileId(0), &format!("custom flow f {{ stage s {{ b {{ c: {value} }} }} }}"));
    let ItemKind::Flow(flow) = &parsed.file.items[0].kind else { panic!("a flow") };
    let StepKind::Block(block) = &flow.stages[0].steps[0].kind else { panic!("a block") };
    let ConfigValue::Expr(expr) = &block.config.as_ref().unwrap().fields[0].value else { panic!("a value") };
    (expr.clone(), parsed.diagnostics)
}

/// How the holes of templates are escaped, in order.
fn escapes_of(code: &Code, out: &mut Vec<Escape>) {
    if let Code::Template(parts) = code {
        out.extend(parts.iter().filter_map(|part| match part {
            Part::Hole(_, escape) => Some(*escape),
            Part::Text(_) => None,
        }));
    }
    code.for_each_child(&mut |child| escapes_of(child, out));
}

fn codes(found: &[Diagnostic]) -> String {
    let codes: Vec<&str> = found.iter().map(|found| found.code).collect();
    codes.join(", ")
}

fn show(text: &str, found: &Diagnostic) -> String {
    let span = found.primary.span;
    let at = &text[span.start as usize..span.end as usize];
    assert_eq!(found.level == Level::Warning, found.code == "A0111");
    let help = found.help.iter().map(|help| format!("; {help}")).collect::<String>();
    format!("{} `{at}` {}{help}", found.code, found.message)
}

/// How many nodes the code has.
fn nodes(code: &Code) -> usize {
    1 + match code {
        Code::Select(a, _) | Code::HasField(a, _) | Code::OptSelect(a, _) => nodes(a),
        Code::Not(a) | Code::Neg(a) | Code::InSet(a, _) | Code::Matches(a, _) => nodes(a),
        Code::Index(parts) | Code::OptIndex(parts) | Code::Binary(_, parts) | Code::Bind(parts) => {
            nodes(&parts.0) + nodes(&parts.1)
        }
        Code::And(parts) | Code::Or(parts) | Code::Call(_, parts) => parts.iter().map(nodes).sum(),
        Code::Cond(parts) => nodes(&parts.0) + nodes(&parts.1) + nodes(&parts.2),
        Code::List(items) => items.iter().map(|item| nodes(&item.value)).sum(),
        Code::Map(entries) => entries.iter().map(|entry| nodes(&entry.key) + nodes(&entry.value)).sum(),
        Code::Comprehension(walk) => nodes(&walk.range) + walk.cond.iter().chain(&walk.value).map(nodes).sum::<usize>(),
        Code::Template(parts) => {
            parts.iter().map(|part| if let Part::Hole(hole, _) = part { nodes(hole) } else { 0 }).sum()
        }
        _ => 0,
    }
}

fn record(fields: Vec<(&str, Type)>) -> Type {
    Kind::Record(fields.into_iter().map(|(name, ty)| Field { name: name.into(), ty }).collect()).into()
}

fn words(words: &[&str]) -> Type {
    Kind::Enum(words.iter().map(|word| (*word).into()).collect()).into()
}

fn int(min: i64, max: i64) -> Type {
    Kind::Int(Range { min: Some(min), max: Some(max) }).into()
}

fn secret(kind: Kind) -> Type {
    Type { kind, labels: Labels { secret: true, pii: false } }
}

/// A small flow's names: `mfa` may not have run, the rest has.
struct Names {
    roots: Vec<(&'static str, Type)>,
    facts: Facts,
    pool: Interner,
    slots: Slots<String>,
}

impl Names {
    fn new() -> Self {
        let text = || Type::from(Kind::String);
        let bool = || Type::from(Kind::Bool);
        let user = record(vec![
            ("id", text()),
            ("email", Type::optional(text())),
            ("logins", Type::optional(Kind::INT.into())),
            ("groups", Type::list(text())),
            ("app_metadata", Kind::Dyn.into()),
        ]);
        let request = record(vec![
            ("ip", text()),
            ("asn", record(vec![("is_tor", bool())])),
            ("geo", record(vec![("country", Type::optional(text()))])),
        ]);
        let limit = Kind::Double(Range { min: Some(Double(0.0)), max: Some(Double(1.0)) });
        Self {
            roots: vec![
                ("event", record(vec![("user", user), ("request", request)])),
                ("step.risk", record(vec![("score", int(0, 100)), ("severity", words(&["low", "medium", "high"]))])),
                ("step.mfa", record(vec![("verified", bool()), ("factor", words(&["totp", "webauthn"]))])),
                ("step.found", record(vec![("found", bool())])),
                ("params.limit", limit.into()),
                ("secrets.key", secret(Kind::String)),
                ("now", Kind::Timestamp.into()),
            ],
            facts: Facts::nothing(),
            pool: Interner::default(),
            slots: Slots::default(),
        }
    }
}

impl Scope for Names {
    fn resolve(&mut self, chain: &[Name], _root: bool, _out: &mut Vec<Diagnostic>) -> Resolved {
        let used = chain.len().min(2);
        let both = chain.iter().take(used).map(|name| name.text.as_str()).collect::<Vec<_>>().join(".");
        if both == "lists.bad" {
            return Resolved::List { used: 2, set: self.pool.set(vec!["1.2.3.4".into()], false) };
        }
        for (index, (name, ty)) in self.roots.iter().enumerate() {
            let first = chain.first().is_some_and(|first| first.text == *name);
            if *name == both || first {
                let used = if first { 1 } else { 2 };
                return Resolved::Root(Root { used, place: (*name).into(), ty: ty.clone(), id: index as u32 });
            }
        }
        let known = |family: &str| self.roots.iter().any(|(name, _)| name.starts_with(&format!("{family}.")));
        let family = chain.first().is_some_and(|first| known(&first.text));
        let (used, what) = if family { (2, "block") } else { (1, "name") };
        let candidates = self.roots.iter().map(|(name, _)| (*name).into()).collect();
        Resolved::Unknown { used, what, candidates }
    }

    fn read(&mut self, read: &Read<'_>, _out: &mut Vec<Diagnostic>) -> Access {
        let absent = (read.root.place == "step.mfa").then(|| Absent {
            place: "step.mfa".into(),
            code: "A0107",
            message: "`mfa` may not have run".to_owned(),
            labels: Vec::new(),
            help: Vec::new(),
            guard: true,
        });
        let maybe = absent.is_some() || read.optional;
        Access::Slot { slot: self.slots.slot(read.place.to_owned(), read.place, read.ty, maybe), absent }
    }

    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn pool(&mut self) -> &mut Interner {
        &mut self.pool
    }

    fn constants(&self) -> &Pool {
        self.pool.pool()
    }

    fn slot(&self, id: SlotId) -> Option<SlotInfo<'_>> {
        self.slots.info(id)
    }

    fn mode(&self) -> Mode {
        Mode::Declared
    }
}
