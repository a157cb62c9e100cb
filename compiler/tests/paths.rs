//! T41: on random small flows, the checker's word on the result that counts is that of trying every path.
//!
//! A flow is accepted exactly if every path that reaches `issue_session` has run `password_check` and then been decided
//! on as verified.

#[expect(dead_code, reason = "only codes are looked at")]
#[path = "support/project.rs"]
mod support;

use proptest::prelude::*;

/// A step of a random flow; the terminal `issue_session` stands in the last stage.
#[derive(Clone, Debug)]
enum Step {
    /// `log_event`
    Log,
    /// A decision on the password's result: what each side does.
    OnPassword(Vec<Step>, Vec<Step>),
    /// A decision on something that says nothing of the password.
    OnFlag(Vec<Step>, Vec<Step>),
    /// `deny`
    Deny,
}

fn steps(depth: u32) -> BoxedStrategy<Vec<Step>> {
    let leaf = prop_oneof![4 => Just(Step::Log), 1 => Just(Step::Deny)];
    if depth == 0 {
        return prop::collection::vec(leaf, 0..2).boxed();
    }
    let inner = move || steps(depth - 1);
    let step = prop_oneof![
        2 => leaf,
        3 => (inner(), inner()).prop_map(|(yes, no)| Step::OnPassword(yes, no)),
        2 => (inner(), inner()).prop_map(|(yes, no)| Step::OnFlag(yes, no)),
    ];
    prop::collection::vec(step, 0..4).boxed()
}

/// Whether a run with these answers comes out of the end; flags are asked in order, one bit each.
fn comes_out(steps: &[Step], verified: bool, flags: u32, asked: &mut u32) -> bool {
    steps.iter().all(|step| match step {
        Step::Log => true,
        Step::Deny => false,
        Step::OnPassword(yes, no) => {
            let taken = if verified { yes } else { no };
            comes_out(taken, verified, flags, asked)
        }
        Step::OnFlag(yes, no) => {
            let bit = flags >> *asked & 1 == 1;
            *asked += 1;
            comes_out(if bit { yes } else { no }, verified, flags, asked)
        }
    })
}

/// The steps as text. Each flag is asked of another country, so that no decision says anything of another.
fn text(steps: &[Step], number: &mut u32, out: &mut String) {
    for step in steps {
        *number += 1;
        let name = *number;
        match step {
            Step::Log => out.push_str("log_event { name: \"seen\" }\n"),
            Step::Deny => {
                out.push_str("deny { reason: \"refused\" }\n");
                // What stands below is unreachable, which is another error.
                return;
            }
            Step::OnPassword(yes, no) | Step::OnFlag(yes, no) => {
                let condition = if matches!(step, Step::OnPassword(..)) {
                    "step.password-check.verified".to_owned()
                } else {
                    format!("\"flag-{name}\" in event.transaction.scopes")
                };
                out.push_str(&format!("decision d-{name} {{\nwhen {condition} -> yes {{\n"));
                text(yes, number, out);
                out.push_str("}\ndefault -> no {\n");
                text(no, number, out);
                out.push_str("}\n}\n");
            }
        }
    }
}

fn codes(steps: &[Step]) -> Vec<&'static str> {
    let mut middle = String::new();
    text(steps, &mut 0, &mut middle);
    let flow = format!(
        "system flow login {{\nstage pre-login {{\nidentity_lookup\npassword_check\n{middle}}}\nstage post-auth {{}}\n\
         stage post-login {{ issue_session }}\n}}\n"
    );
    let library = support::library();
    let (_, found) = support::check(&library, &[("flows/login.admit".to_owned(), flow)]);
    found.iter().map(|found| found.code).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t41_a_session_needs_the_result_that_counts_on_every_path(steps in steps(2)) {
        let found = codes(&steps);
        // Branches that repeat a decision are "never taken", and a flow of which no path comes out is unreachable:
        // other errors, which say nothing of the result.
        let other = ["A0247", "A0267", "A0263"];
        prop_assume!(!found.iter().any(|code| other.contains(code)));
        let unverified_out = (0..1 << 12).any(|flags| comes_out(&steps, false, flags, &mut 0));
        prop_assert_eq!(found.contains(&"A0260"), unverified_out, "{:?}", found);
    }
}
