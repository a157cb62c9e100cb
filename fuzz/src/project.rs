//! A generated project of any size, for benchmarks of the checker: every declared block, six decisions a flow, shared
//! lists, params, secrets and custom flows, no two flows alike. The same size and seed give the same project.

use std::fmt::Write as _;

/// The files of a project of `flows` flows, about 62 lines each: path and text. One is `login`, which runs some of the
/// others; the others are custom flows, since a project has one flow for each contract.
pub fn project(flows: usize, seed: u64) -> Vec<(String, String)> {
    let mut random = Random(seed | 1);
    let mut files = vec![
        ("admit.toml".to_owned(), "[project]\nname = \"generated\"\ncatalogue = \"1\"\n".to_owned()),
        ("flows/shared.admit".to_owned(), shared()),
        ("lists/disposable.txt".to_owned(), list("mail", "example")),
        ("lists/countries.txt".to_owned(), list("x", "y")),
        ("flows/login.admit".to_owned(), login(flows.saturating_sub(1), &mut random)),
    ];
    let mut text = String::new();
    for number in 1..flows {
        custom(&mut text, number, &mut random);
        if number % FLOWS_PER_FILE == 0 || number + 1 == flows {
            files.push((
                format!("flows/custom-{:04}.admit", number.div_ceil(FLOWS_PER_FILE)),
                std::mem::take(&mut text),
            ));
        }
    }
    files
}

/// Lines in all `.admit` files of a project.
pub fn lines(files: &[(String, String)]) -> usize {
    files.iter().filter(|(path, _)| path.ends_with(".admit")).map(|(_, text)| text.lines().count()).sum()
}

const FLOWS_PER_FILE: usize = 20;
/// How many custom flows `login` runs.
const RUN_BY_LOGIN: usize = 12;

/// Numbers that look random (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn of<'w>(&mut self, words: &[&'w str]) -> &'w str {
        let at = usize::try_from(self.below(words.len() as u64)).unwrap_or(0);
        words.get(at).copied().unwrap_or("")
    }
}

fn shared() -> String {
    let mut text = String::from(
        "list disposable ignore case from \"lists/disposable.txt\"\nlist countries from \"lists/countries.txt\"\nsecret partner-key\n",
    );
    for number in 0..20 {
        let _ = writeln!(text, "param limit-{number}: int(0 .. 100) = {}", 10 + number * 4);
        let _ = writeln!(text, "param host-{number}: string = \"https://partner-{number}.example.com/score\"");
    }
    text.push_str("rule factor-before-session { before issue_session require event.authentication.aal != \"aal0\" }\n");
    text
}

fn list(first: &str, last: &str) -> String {
    (0..500).map(|number| format!("{first}{number}.{last}\n")).collect()
}

fn login(others: usize, random: &mut Random) -> String {
    let mut text = String::from(
        "/// The generated login.\nsystem flow login {\n  budget 900s\n\n  stage pre-login {\n    identity_lookup { must_exist: true }\n    password_check { attempts: 3 }\n    decision password-result {\n      when !step.password-check.verified -> wrong { deny { reason: \"invalid_credentials\", user_message: \"Not right.\" } }\n      default -> verified\n    }\n  }\n\n  stage post-auth {\n    risk_evaluate as risk\n",
    );
    for number in 0..5 {
        let factor = random.of(&["mfa", "require_mfa"]);
        let _ = writeln!(
            text,
            "    decision route-{number} {{\n      when step.risk.score >= {} && event.request.geo.?country.orValue(\"\") in lists.countries -> step-up {{ {factor} as factor-{number} {{ attempts: {} }} }}\n      when event.request.asn.is_tor && step.risk.severity == \"high\" -> tor {{ deny {{ reason: \"tor_{number}\" }} }}\n      default -> proceed\n    }}",
            40 + number * 10,
            1 + random.below(9),
        );
    }
    for number in 0..others.min(RUN_BY_LOGIN) {
        let _ = writeln!(text, "    run flow custom-{}", 1 + number * (others / RUN_BY_LOGIN).max(1));
    }
    text.push_str("  }\n\n  stage post-login {\n    issue_session { ttl: 8h }\n    log_event { name: \"login.completed\" }\n  }\n}\n");
    text
}

/// One custom flow. Thresholds, fields and words differ from flow to flow, and the number is in its names.
fn custom(text: &mut String, number: usize, random: &mut Random) {
    let (param, host) = (random.below(20), random.below(20));
    let (low, high) = (20 + random.below(20), 60 + random.below(30));
    let flag = random.of(&["is_tor", "is_vpn", "is_proxy", "is_hosting", "is_bogon"]);
    let other = random.of(&["is_tor", "is_vpn", "is_proxy", "is_hosting", "is_bogon"]);
    let leaf = random.of(&["name", "email", "phone", "username"]);
    let client = random.of(&["spa", "web", "native", "m2m"]);
    let method = random.of(&["GET", "POST", "PUT"]);
    let _ = writeln!(
        text,
        r#"/// Generated flow {number}.
custom flow custom-{number} "Flow {number}" {{
  stage signals "Signals" {{
    risk_evaluate as risk-{number} {{ signals: ["new_device", "velocity", "{signal}"] }} timeout {timeout}ms
    call_webhook as partner-{number} {{
      url: "{{{{ params.host-{host} }}}}?user={{{{ event.user.id }}}}&n={number}"
      method: "{method}"
      headers: {{"authorization": "Bearer {{{{ secrets.partner-key }}}}", "x-flow": "{number}"}}
      body: {{"ip": event.request.ip, ?"{leaf}": event.user.?{leaf}, "n": {number}}}
      expect: {{ score: double(0.0 .. 1.0), tags: list(string), level: "a" | "b" | "c" }}
    }} timeout 800ms retry 1 backoff 50ms on error continue
    condition flags-{number} {{
      anonymous: event.request.asn.{flag} || event.request.asn.{other},
      throwaway: event.user.?email.orValue("").split("@").last().orValue("") in lists.disposable,
      young: event.user.login_count < {young},
      grouped: event.user.groups.exists(g, g.startsWith("g{number}-")),
    }}
  }}

  stage routing "Routing" {{
    decision score-{number} {{
      when step.risk-{number}.score >= {high} && step.flags-{number}.anonymous -> blocked {{
        log_event {{ name: "flow.blocked", data: {{"flow": "{number}", "score": string(step.risk-{number}.score)}} }}
        deny {{ reason: "high_risk_{number}" }}
      }}
      when step.risk-{number}.score >= {low} && !step.flags-{number}.grouped -> step-up {{ mfa as second-{number} }}
      default -> pass
    }}
    decision partner-gate-{number} {{
      when !has(step.partner-{number}.body) -> unknown {{ log_event {{ name: "partner.down" }} async }}
      when step.partner-{number}.body.score > 0.{high} || "bad-{number}" in step.partner-{number}.body.tags -> bad {{
        deny {{ reason: "partner_{number}", user_message: "Not now, {{{{ event.user.?{leaf}.orValue('you') }}}}." }}
      }}
      when step.partner-{number}.body.level == "c" -> watch {{ log_event {{ name: "partner.watch" }} }}
      default -> fine
    }}
    decision place-{number} {{
      when event.request.geo.?country.orValue("{number}") in lists.countries -> listed {{
        require_mfa as place-factor-{number} {{ factor: "totp", attempts: 2 }}
      }}
      when step.flags-{number}.any && step.risk-{number}.severity == "medium" -> odd
      default -> usual
    }}
    decision app-{number} {{
      when event.client.type == "{client}" && step.flags-{number}.young -> young-app {{
        decision inner-{number} {{
          when event.authentication.aal == "aal1" -> weak {{ mfa as app-factor-{number} {{ attempts: 5 }} }}
          default -> strong
        }}
      }}
      default -> known-app
    }}
  }}

  stage verdict "Verdict" {{
    decision verdict-{number} {{
      when step.risk-{number}.score > params.limit-{param} && step.flags-{number}.throwaway -> fraud {{
        deny {{ reason: "fraud_{number}" }}
      }}
      when has(step.second-{number}.verified) && step.second-{number}.factor == "totp" -> seconded {{ allow }}
      default -> clean {{ allow }}
    }}
  }}
}}
"#,
        signal = random.of(&["new_country", "impossible_travel", "anonymizer"]),
        timeout = 200 + number % 300,
        young = 1 + number % 17,
    );
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_project_has_about_sixty_lines_a_flow_and_no_two_flows_alike() {
        let files = super::project(100, 7);
        assert!(super::lines(&files) >= 6_000, "{}", super::lines(&files));
        assert_eq!(files, super::project(100, 7));
        let mut texts: Vec<&str> = files.iter().flat_map(|(_, text)| text.split("custom flow ").skip(1)).collect();
        let all = texts.len();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), all);
    }
}
