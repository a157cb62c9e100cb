//! Generates steps: blocks with config and modifiers, decisions, conditions, runs of custom flows.

use std::fmt::Write as _;

use super::Writer;
use super::known::{Kind, Scope};
use crate::histogram::count;

impl Writer<'_, '_> {
    /// Up to `most` steps.
    pub(super) fn steps(&mut self, scope: &mut Scope, most: usize, depth: usize) {
        for _ in 0..self.choices.below(most + 1) {
            self.step_written(scope, depth);
        }
    }

    fn step_written(&mut self, scope: &mut Scope, depth: usize) {
        match self.choices.below(12) {
            0 | 1 => self.log(scope),
            2 => self.risk(scope),
            3 => self.webhook(scope),
            4 => self.factor(scope),
            5 => self.conditions(scope),
            6 if !self.custom && !self.flows.is_empty() => self.run_flow(),
            7 => self.ends_unless(scope),
            _ if depth < 3 => self.decision(scope, depth),
            _ => self.log(scope),
        }
    }

    pub(super) fn lookup(&mut self, scope: &mut Scope) {
        let (text, label) = match self.choices.below(3) {
            0 => ("identity_lookup\n".to_owned(), "identity-lookup".to_owned()),
            1 => ("identity_lookup { must_exist: true }\n".to_owned(), "identity-lookup".to_owned()),
            _ => {
                let label = self.name("who");
                (format!("identity_lookup as {label} {{ identifier: event.?identifier.orValue(\"\") }}\n"), label)
            }
        };
        self.word(&text);
        self.written(&label, Kind::Lookup);
        scope.add(&label, Kind::Lookup, true);
        if self.choices.one_in(6) {
            let name = self.name("found");
            count("step: decision");
            scope.user = true;
            let (user, log) = (self.condition(scope), self.name("log"));
            self.written(&log, Kind::Log);
            let _ = writeln!(
                self.out,
                "decision {name} {{ when step.{label}.found && ({user}) -> known {{ log_event as {log} {{ name: \"known\", data: {{\"user\": event.user.id}} }} }}\ndefault -> unknown }}"
            );
            scope.user = false;
            scope.add(&log, Kind::Log, false);
        }
    }

    /// A password check and the decision on it.
    pub(super) fn password(&mut self, scope: &mut Scope) {
        let label = if self.choices.one_in(2) {
            self.word("password_check { attempts: 3 }\n");
            "password-check".to_owned()
        } else {
            let label = self.name("secret-word");
            let _ = writeln!(self.out, "password_check as {label}");
            label
        };
        self.written(&label, Kind::Password);
        scope.add(&label, Kind::Password, true);
        if self.choices.one_in(4) {
            self.log(scope);
        }
        if self.slip(4) {
            count("mistake: no decision on the result");
            return;
        }
        if self.choices.one_in(4) {
            return self.any_result(scope, label);
        }
        let name = self.name("result");
        let form = self.choices.below(4);
        count("step: decision");
        let _ = match form {
            0 => writeln!(
                self.out,
                "decision {name} {{ when !step.{label}.verified -> wrong {{ deny {{ reason: \"wrong\" }} }}\ndefault -> right }}"
            ),
            1 => writeln!(
                self.out,
                "decision {name} {{ when step.{label}.verified && !step.{label}.locked -> right\ndefault -> wrong {{ deny {{ reason: \"wrong\", user_message: \"No. {{{{ event.request.path }}}}\" }} }} }}"
            ),
            2 => {
                count("step: decision without default");
                writeln!(
                    self.out,
                    "decision {name} {{ when step.{label}.verified -> right\nwhen !step.{label}.verified -> wrong {{ deny {{ reason: \"wrong\" }} }} }}"
                )
            }
            _ => {
                let other = self.flag_of_event();
                writeln!(
                    self.out,
                    "decision {name} {{ when {other} || !step.{label}.verified -> wrong {{ deny {{ reason: \"wrong\" }} }}\ndefault -> right }}"
                )
            }
        };
        scope.user = true;
    }

    /// Decisions on the result by formulas that may or may not say enough.
    fn any_result(&mut self, scope: &mut Scope, label: String) {
        count("result: any formula");
        let mut labels = vec![label];
        if self.choices.one_in(3) {
            let again = self.name("again");
            let _ = writeln!(self.out, "password_check as {again}");
            self.written(&again, Kind::Password);
            labels.push(again);
        }
        if self.choices.one_in(3) {
            let (flags, formula) = (self.name("result"), self.formula(&labels, 2));
            let _ = writeln!(
                self.out,
                "condition {flags} {{ verified: step.{0}.verified, locked: {formula} }}",
                labels.first().map_or("", String::as_str)
            );
            labels.push(flags);
        }
        for _ in 0..=self.choices.below(3) {
            let (name, when) = (self.name("result"), self.formula(&labels, 2));
            count("step: decision");
            let _ = match self.choices.below(3) {
                0 => writeln!(
                    self.out,
                    "decision {name} {{ when {when} -> wrong {{ deny {{ reason: \"wrong\" }} }}\ndefault -> right }}"
                ),
                1 => writeln!(
                    self.out,
                    "decision {name} {{ when {when} -> right\ndefault -> wrong {{ deny {{ reason: \"wrong\" }} }} }}"
                ),
                _ => {
                    let again = self.name("inner");
                    let inner = self.formula(&labels, 1);
                    writeln!(
                        self.out,
                        "decision {name} {{ when {when} -> yes {{ decision {again} {{ when {inner} -> in\ndefault -> out {{ deny {{ reason: \"wrong\" }} }} }} }}\ndefault -> no {{ deny {{ reason: \"wrong\" }} }} }}"
                    )
                }
            };
        }
        scope.user = true;
    }

    pub(super) fn issue(&mut self, scope: &mut Scope) {
        self.written("issue-session", Kind::Session);
        match self.choices.below(8) {
            0 => self.word("issue_session { ttl: 8h }\n"),
            1 => {
                self.asks_more = true;
                self.word("issue_session { aal_min: \"aal2\" }\n");
            }
            _ => self.word("issue_session\n"),
        }
        scope.settled = true;
    }

    pub(super) fn log(&mut self, scope: &mut Scope) {
        let label = self.name("log");
        let data = match self.choices.below(4) {
            0 => String::new(),
            1 => format!(", data: {{\"what\": \"{}\"}}", self.template(scope)),
            2 => format!(", data: {{\"flag\": {}, \"n\": params.limit + 1}}", self.condition(scope)),
            _ => ", data: {\"path\": event.request.path, ?\"agent\": event.request.?user_agent}".to_owned(),
        };
        let _ = write!(self.out, "log_event as {label} {{ name: \"seen\"{data} }}");
        let read = self.modifiers(true);
        self.written(&label, Kind::Log);
        if let Some(sure) = read {
            scope.add(&label, Kind::Log, sure);
        }
    }

    fn risk(&mut self, scope: &mut Scope) {
        let label = self.name("risk");
        let config = match self.choices.below(3) {
            0 => "",
            1 => " { signals: [\"new_device\", \"anonymizer\"] }",
            _ => " { weights: {new_device: 30, velocity: params.limit} }",
        };
        let _ = write!(self.out, "risk_evaluate as {label}{config}");
        let sure = self.modifiers(false).unwrap_or(false);
        self.written(&label, Kind::Risk);
        scope.add(&label, Kind::Risk, sure);
        scope.risk = scope.risk || sure;
    }

    fn webhook(&mut self, scope: &mut Scope) {
        let label = self.name("hook");
        let body = match self.choices.below(3) {
            0 => String::new(),
            1 => "body: {\"ip\": event.request.ip, ?\"agent\": event.request.?user_agent}\n".to_owned(),
            _ => format!("body: {{\"flag\": {}, \"text\": \"{}\"}}\n", self.condition(scope), self.template(scope)),
        };
        let headers = if self.choices.one_in(2) {
            "headers: {\"authorization\": \"Bearer {{ secrets.partner-key }}\", \"x-client\": event.client.id}\n"
        } else {
            ""
        };
        let url = self.template(scope);
        let _ = write!(
            self.out,
            "call_webhook as {label} {{\nurl: \"https://partner.example.com/{url}\"\n{headers}{body}expect: {{ score: double(0.0 .. 1.0), tags: list(string), level: \"a\" | \"b\" | \"c\", note: optional(string), deep: {{ n: int, m: optional(int) }} }}\n}}"
        );
        let read = self.modifiers(true);
        self.written(&label, Kind::Webhook);
        if let Some(sure) = read {
            scope.add(&label, Kind::Webhook, sure);
        }
    }

    fn factor(&mut self, scope: &mut Scope) {
        let label = self.name("factor");
        let (kind, block) = if self.choices.one_in(2) { (Kind::Mfa, "mfa") } else { (Kind::RequireMfa, "require_mfa") };
        let lenient = self.choices.one_in(3);
        let config = if lenient { " { must_verify: false }" } else { " { attempts: 2 }" };
        let _ = writeln!(self.out, "{block} as {label}{config}");
        self.written(&label, kind);
        if let Some(last) = self.steps.last_mut() {
            last.lenient = lenient;
        }
        scope.add(&label, kind, true);
    }

    fn conditions(&mut self, scope: &mut Scope) {
        count("step: condition");
        let label = self.name("flags");
        let (x, y) = (self.condition(scope), self.condition(scope));
        let _ = writeln!(self.out, "condition {label} {{ x: {x}, y: {y} }}");
        scope.add(&label, Kind::Condition, true);
    }

    fn run_flow(&mut self) {
        count("step: run flow");
        let flows: Vec<&str> = self.flows.iter().map(String::as_str).collect();
        let name = self.choices.pick(&flows);
        let modifiers = match self.choices.below(4) {
            0 => " timeout 20s",
            1 => " on error continue",
            2 => " on error deny \"part_failed\"",
            _ => "",
        };
        let label = format!("run flow {name}{modifiers}\n");
        self.word(&label);
    }

    /// A decision that ends the run where something is absent, so that it is known below.
    fn ends_unless(&mut self, scope: &mut Scope) {
        let name = self.name("unless");
        let unsure: Vec<usize> = (0..).zip(&scope.steps).filter(|(_, step)| !step.sure).map(|(at, _)| at).collect();
        let chosen = self.choices.below(unsure.len());
        let Some(step) = unsure.get(chosen).and_then(|at| scope.steps.get_mut(*at)) else {
            return self.log(scope);
        };
        let Some((field, _)) = step.kind.fields().first() else { return };
        count("guard: branch that ends");
        count("step: deny");
        let _ = writeln!(
            self.out,
            "decision {name} {{ when !has(step.{}.{field}) -> missing {{ deny {{ reason: \"missing\" }} }}\ndefault -> there }}",
            step.label
        );
        // Of a webhook, only the body is read where it is tested; the checker knows whether the rest follows.
        step.sure = true;
    }

    fn decision(&mut self, scope: &mut Scope, depth: usize) {
        count(if depth > 0 { "step: decision in a decision" } else { "step: decision" });
        let name = self.name("route");
        let when = self.condition(scope);
        let _ = writeln!(self.out, "decision {name} {{ when {when} -> yes {{");
        let mut out = Vec::new();
        let mut yes = scope.clone();
        self.steps(&mut yes, 2, depth + 1);
        if self.choices.one_in(3) {
            count("step: deny");
            self.word("deny { reason: \"routed\" }\n");
        } else {
            out.push(yes);
        }
        self.word("}\n");
        if self.choices.one_in(3) {
            let other = self.condition(scope);
            let _ = writeln!(self.out, "when {other} -> other {{");
            let mut third = scope.clone();
            self.steps(&mut third, 1, depth + 1);
            self.word("}\n");
            out.push(third);
        }
        let mut no = scope.clone();
        self.word("default -> no {\n");
        self.steps(&mut no, 1, depth + 1);
        self.word("} }\n");
        out.push(no);
        scope.join(out);
        scope.add(&name, Kind::Decision, true);
    }

    /// Modifiers of a block that does not prompt. Whether its outputs are sure below; none if they cannot be read.
    fn modifiers(&mut self, may_be_async: bool) -> Option<bool> {
        let choice = self.choices.below(10);
        let (kind, text, read) = match choice {
            0 => ("modifier: timeout", " timeout 900ms\n", Some(true)),
            1 => ("modifier: retry", " timeout 200ms retry 2 backoff 50ms\n", Some(true)),
            2 | 3 => ("modifier: on error continue", " on error continue\n", Some(false)),
            4 => ("modifier: on error deny", " retry 1 on error deny \"down\"\n", Some(true)),
            5 if may_be_async => ("modifier: async", " async\n", None),
            _ => {
                self.word("\n");
                return Some(true);
            }
        };
        count(kind);
        self.word(text);
        read
    }

    fn flag_of_event(&mut self) -> &'static str {
        if self.choices.one_in(2) { "event.request.asn.is_tor" } else { "event.request.asn.is_bogon" }
    }
}
