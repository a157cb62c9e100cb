//! Generates conditions and templates over what is known.

use super::Writer;
use super::known::{Kind, Known, Scope};
use crate::histogram::count;

pub(super) const KINDS: &[&str] = &[
    "read: event",
    "read: optional event",
    "read: user",
    "read: user unguarded",
    "read: risk score",
    "read: step",
    "read: step that may not have run",
    "read: session",
    "read: now",
    "read: params",
    "read: list",
    "guard: has",
    "guard: .?",
    "guard: has or",
    "guard: ternary",
    "guard: branch that ends",
    "expression: macro",
    "expression: map key",
    "expression: dyn",
    "expression: bind",
    "expression: network",
    "expression: and",
    "expression: or",
    "expression: not",
    "expression: ternary",
    "guard: perhaps none",
    "guard: branch taken",
    "read: parent",
    "result: any formula",
];

const FLAGS: &[&str] = &["is_tor", "is_vpn", "is_proxy", "is_hosting", "is_bogon"];

/// Optional strings of the event.
const TEXTS: &[&str] = &[
    "event.client.name",
    "event.connection.provider",
    "event.request.user_agent",
    "event.request.language",
    "event.request.device.os",
    "event.request.geo.country",
    "event.request.geo.city",
    "event.request.asn.org",
    "event.tenant.plan",
    "event.transaction.protocol",
    "event.transaction.prompt",
];
const USER_TEXTS: &[&str] = &["event.user.email", "event.user.phone", "event.user.username", "event.user.name"];

const EVENT: &[&str] = &[
    "event.client.type == \"spa\"",
    "event.client.id.startsWith(\"c#\")",
    "event.connection.strategy != \"social\"",
    "event.request.method == \"POST\"",
    "event.request.path.contains(\"#\")",
    "event.request.device.is_new",
    "event.authentication.aal != \"aal2\"",
    "event.request.ip == \"203.0.113.#\"",
    "event.tenant.id != \"t#\"",
    "event.request.path.matches(\"^/l[a-z]*#?\")",
];
const MACROS: &[&str] = &[
    "event.transaction.scopes.exists(s, s == \"scope-#\")",
    "event.transaction.acr_values.all(a, a.size() < #)",
    "event.transaction.scopes.filter(s, s.endsWith(\"#\")).size() > 0",
    "event.transaction.scopes.map(s, s.lowerAscii()).exists_one(s, s == \"#\")",
    "\"scope-#\" in event.transaction.scopes",
    "event.transaction.scopes.map(s, s.size()).exists(n, n > # && n < 30)",
    "event.transaction.scopes.first().orValue(\"\") == \"a#\"",
];
const USER: &[&str] = &[
    "event.user.login_count > #",
    "event.user.email_verified",
    "event.user.groups.exists(g, g == \"g#\")",
    "event.user.id.startsWith(\"usr_#\")",
    "\"totp\" in event.user.factors",
    "now - event.user.created_at < duration(\"#h\")",
    "event.user.?email.orValue(\"\").split(\"@\").last().orValue(\"\") in lists.throwaway",
    "event.user.?last_login_at.optMap(t, now - t > 5m).orValue(false)",
    "event.user.?email.orValue(\"\").endsWith(params.domain)",
];
const OTHER: &[(&str, &str)] = &[
    ("expression: map key", "\"x-#\" in event.request.headers && event.request.headers[\"x-#\"] == \"a\""),
    ("expression: map key", "event.request.headers[?\"x-#\"].orValue(\"\") == \"a\""),
    ("expression: dyn", "event.client.metadata.?tier.orValue(\"none\") == \"gold#\""),
    ("expression: dyn", "\"tier\" in event.client.metadata && event.client.metadata.tier == #"),
    ("expression: bind", "cel.bind(p, event.request.path, p.size() > # || p == event.request.method)"),
    ("expression: network", "isIP(event.request.ip) && cidr(\"10.#.0.0/16\").containsIP(event.request.ip)"),
    ("read: now", "now.getHours() < #"),
    ("read: now", "now - event.transaction.requested_at > 5m"),
    ("read: list", "event.request.geo.?country.orValue(\"#\") in lists.countries"),
    ("read: params", "event.request.geo.?lat.orValue(0.#) > params.ratio"),
    ("read: params", "params.modes.exists(m, m == \"b\") && event.request.path != \"/#\""),
    ("read: params", "event.request.asn.?number.orValue(#) % 7 == params.limit"),
    ("read: params", "has(params.wanted) && params.wanted == event.request.path"),
    ("read: params", "params.?wanted.orValue(\"#\") == event.request.path"),
    ("expression: macro", "{\"a\": event.request.path, ?\"b\": event.request.?language}.exists(k, k == \"b\")"),
    ("expression: macro", "[event.request.path, ?event.request.?language].size() > #"),
    ("expression: network", "isIP(event.request.ip) && ip(event.request.ip).isLoopback()"),
];
const SESSION: &[&str] = &[
    "session.aal == \"aal2\"",
    "session.user_id.startsWith(\"usr_#\")",
    "session.expires_at - session.issued_at > 1h",
    "session.methods.size() > #",
];

impl Writer<'_, '_> {
    /// A bool over what is known here.
    pub(super) fn condition(&mut self, scope: &Scope) -> String {
        match self.choices.below(9) {
            0 => {
                count("expression: and");
                format!("{} && {}", self.atom(scope), self.atom(scope))
            }
            1 => {
                count("expression: or");
                format!("({}) || {}", self.atom(scope), self.atom(scope))
            }
            2 => {
                count("expression: not");
                format!("!({})", self.atom(scope))
            }
            3 => {
                count("expression: ternary");
                format!("{} ? ({}) : ({})", self.flag(), self.atom(scope), self.atom(scope))
            }
            _ => self.atom(scope),
        }
    }

    /// A template's text, without quotes.
    pub(super) fn template(&mut self, scope: &Scope) -> String {
        match self.choices.below(4) {
            0 => "{{ event.request.path }}-{{ params.domain }}".to_owned(),
            1 if scope.user => "{{ event.user.id }}/{{ event.user.?name.orValue('you') }}".to_owned(),
            2 => "{{ string(params.limit) }}{{ event.?identifier.orValue('') }}".to_owned(),
            _ => "{{ event.client.id }}".to_owned(),
        }
    }

    fn atom(&mut self, scope: &Scope) -> String {
        if scope.settled && self.choices.one_in(2) {
            count("read: session");
            return self.form(SESSION);
        }
        match self.choices.below(16) {
            14 => self.sly(scope),
            15 => self.after_branch(scope),
            0 => self.flag(),
            1 => {
                count("read: event");
                self.form(EVENT)
            }
            2 | 3 => self.optional(scope),
            4 => {
                count("expression: macro");
                self.form(MACROS)
            }
            5 | 6 => self.user(scope),
            7 => {
                count("read: risk score");
                let number = self.choices.below(90);
                if scope.risk || self.slip(3) {
                    format!("event.authentication.risk_score > {number}")
                } else {
                    format!("event.authentication.?risk_score.orValue(0) > {number}")
                }
            }
            8..11 => self.other(),
            _ => self.step(scope),
        }
    }

    /// A formula over what a sign-in's result may hang on; whether it says enough is the checker's to find out.
    pub(super) fn formula(&mut self, labels: &[String], depth: usize) -> String {
        if depth == 0 || self.choices.one_in(4) {
            let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
            return match self.choices.below(8) {
                0 => self.flag(),
                1 => "has(event.user)".to_owned(),
                2 => format!("step.{}.locked", self.choices.pick(&labels)),
                3 => "event.authentication.aal == \"aal1\"".to_owned(),
                _ => format!("step.{}.verified", self.choices.pick(&labels)),
            };
        }
        let (left, right) = (self.formula(labels, depth - 1), self.formula(labels, depth - 1));
        match self.choices.below(6) {
            0 => format!("({left} || {right})"),
            1 => format!("({left} && {right})"),
            2 => format!("!({left} || {right})"),
            3 => format!("({left} == {right})"),
            4 => format!("({left} ? {right} : {})", self.formula(labels, depth - 1)),
            _ => format!("!{left}"),
        }
    }

    /// A read beside a guard that may not guard it: accepted only where it does.
    fn sly(&mut self, scope: &Scope) -> String {
        count("guard: perhaps none");
        let (guard, read) = (self.place(scope), self.place(scope));
        match self.choices.below(8) {
            0 => format!("(has({guard}) || {read} == {read})"),
            1 => format!("(has({guard}) && has({read}) && {read} == {guard})"),
            2 => format!("(!has({guard}) ? {read} == {read} : {guard} == {guard})"),
            3 => format!("!(!has({read}) || {read} != {read})"),
            4 => format!("((has({guard}) || has({read})) && {read} == {read})"),
            5 => format!("([1].exists(n, has({read}) && n > 0) && {read} == {read})"),
            6 => format!("cel.bind(g, has({read}), g && {read} == {read})"),
            _ => format!("(has({read}) == true && {read} == {read})"),
        }
    }

    /// A path that may be absent.
    fn place(&mut self, scope: &Scope) -> String {
        let unsure: Vec<&Known> = scope.steps.iter().filter(|step| !step.sure).collect();
        let fields = |step: &Known| step.kind.fields().first().map(|(field, _)| format!("step.{}.{field}", step.label));
        if let Some(found) = unsure.get(self.choices.below(unsure.len() + 2)).and_then(|step| fields(step)) {
            return found;
        }
        match self.choices.below(6) {
            0 => "event.authentication.risk_score".to_owned(),
            1 => "event.user.email".to_owned(),
            2 => "event.user.id".to_owned(),
            3 => "params.wanted".to_owned(),
            _ => self.choices.pick(TEXTS).to_owned(),
        }
    }

    /// A read of what ran in a branch, where that branch was taken.
    fn after_branch(&mut self, scope: &Scope) -> String {
        let decided = |step: &&Known| step.kind == Kind::Decision;
        let routes: Vec<&Known> = scope.steps.iter().filter(decided).collect();
        let unsure: Vec<&Known> = scope.steps.iter().filter(|step| !step.sure && step.kind != Kind::Decision).collect();
        let (route, read) =
            (routes.get(self.choices.below(routes.len())), unsure.get(self.choices.below(unsure.len())));
        let Some((route, (field, step))) =
            route.zip(read.and_then(|step| step.kind.fields().first().map(|(field, _)| (field, step))))
        else {
            return self.flag();
        };
        count("guard: branch taken");
        let branch = if self.choices.one_in(3) { "no" } else { "yes" };
        format!("(step.{0}.branch == \"{branch}\" && step.{1}.{field} == step.{1}.{field})", route.label, step.label)
    }

    fn flag(&mut self) -> String {
        count("read: event");
        format!("event.request.asn.{}", self.choices.pick(FLAGS))
    }

    fn form(&mut self, forms: &[&str]) -> String {
        let form = self.choices.pick(forms);
        let number = self.choices.below(9).to_string();
        form.replace('#', &number)
    }

    fn other(&mut self) -> String {
        let number = self.choices.below(OTHER.len());
        let Some((kind, form)) = OTHER.get(number) else { return self.flag() };
        count(kind);
        self.form(&[form])
    }

    fn user(&mut self, scope: &Scope) -> String {
        if scope.user || self.slip(3) {
            count("read: user unguarded");
            self.form(USER)
        } else {
            count("read: user");
            let read = self.form(USER);
            format!("has(event.user) && {read}")
        }
    }

    fn optional(&mut self, scope: &Scope) -> String {
        count("read: optional event");
        let path =
            if scope.user && self.choices.one_in(3) { self.choices.pick(USER_TEXTS) } else { self.choices.pick(TEXTS) };
        if self.slip(4) {
            count("mistake: unguarded read");
            return format!("{path}.startsWith(\"a\")");
        }
        let number = self.choices.below(9);
        self.guarded(path, &format!(".startsWith(\"a{number}\")"), "false")
    }

    fn step(&mut self, scope: &Scope) -> String {
        if self.custom && self.choices.one_in(4) {
            count("read: parent");
            return if self.choices.one_in(2) {
                "parent.step.identity-lookup.?found.orValue(false)".to_owned()
            } else {
                "(has(parent.step.password-check.verified) && parent.step.password-check.verified)".to_owned()
            };
        }
        let readable: Vec<&Known> = scope.steps.iter().filter(|step| !step.kind.fields().is_empty()).collect();
        let Some(step) = readable.get(self.choices.below(readable.len())) else { return self.flag() };
        let (fields, number) = (step.kind.fields(), self.choices.below(fields_of(step)));
        let Some((field, compared)) = fields.get(number) else { return self.flag() };
        let digit = (1 + self.choices.below(8)).to_string();
        let (path, compared) = (format!("step.{}.{field}", step.label), compared.replace('#', &digit));
        if step.sure {
            count("read: step");
            return format!("{path}{compared}");
        }
        if self.slip(4) {
            count("mistake: unguarded read");
            return format!("{path}{compared}");
        }
        count("read: step that may not have run");
        self.guarded(&path, &compared, "false")
    }

    /// A read of something that may be absent, guarded one way or another.
    fn guarded(&mut self, path: &str, compared: &str, otherwise: &str) -> String {
        let optional = path.rsplit_once('.').map(|(above, last)| format!("{above}.?{last}")).unwrap_or_default();
        match self.choices.below(4) {
            0 => {
                count("guard: has");
                format!("has({path}) && {path}{compared}")
            }
            1 => {
                count("guard: .?");
                format!("{optional}.optMap(v, v{compared}).orValue({otherwise})")
            }
            2 => {
                count("guard: has or");
                format!("(!has({path}) || {path}{compared})")
            }
            _ => {
                count("guard: ternary");
                format!("(has({path}) ? {path}{compared} : {otherwise})")
            }
        }
    }
}

fn fields_of(step: &Known) -> usize {
    step.kind.fields().len()
}
