//! Generates conditions and templates over what is known.

use super::Writer;
use super::known::{Known, Scope};
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
        match self.choices.below(14) {
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
