//! What contracts ask of the flows under them, with contracts of the test's own in place of the standard ones.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "support/project.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod support;

use admit_compiler::library::Library;

const VERIFY: &str = r#"
contract mfa-verify on auth.mfa.verify.submitted {
  needs session
  input {}
  stage pre-verify { milestone mfa verified { must_verify: false } }
  stage post-verify { milestone finalize }
  ends finalize
}
"#;

/// Codes, and the text that each points at.
fn findings(contract: &str, flow: &str) -> Vec<String> {
    // The templates of Actions name stages of the standard contracts.
    let standard = |path: &str| path.starts_with("stdlib/flows/") || path.starts_with("stdlib/templates/");
    let mut files: Vec<_> = support::stdlib_files().into_iter().filter(|(path, _)| !standard(path)).collect();
    files.push(("contract.admit".to_owned(), contract.to_owned()));
    let (library, found) = Library::load(&files);
    assert_eq!(found, []);
    let manifest = "[project]\nname = \"p\"\ncatalogue = \"1\"\n";
    let (project, found) = support::check(
        &library,
        &[("admit.toml", manifest), ("flows/a.admit", flow)].map(|(path, text)| (path.into(), text.into())),
    );
    let at = |found: &admit_compiler::diagnostic::Diagnostic| {
        let source = project.sources.get(found.primary.span.file).unwrap();
        source.text[found.primary.span.start as usize..found.primary.span.end as usize].to_owned()
    };
    found.iter().map(|found| format!("{} {}", found.code, at(found))).collect()
}

#[test]
fn finalize_settles_where_the_contract_ends_in_it() {
    let decided = "decision result {
      when !step.mfa.verified -> wrong { deny { reason: \"wrong\" } }
      default -> right
    }";
    for (decision, expected) in [(decided, vec![]), ("", vec!["A0260 finalize"])] {
        let flow = format!(
            "system flow mfa-verify {{ stage pre-verify {{ mfa {decision} }} stage post-verify {{ finalize }} }}"
        );
        assert_eq!(findings(VERIFY, &flow), expected, "{flow}");
    }
    // What has no result has run at least.
    let flow = "system flow mfa-verify {
      stage pre-verify { mfa }
      stage post-verify {
        decision d { when event.request.asn.is_tor -> a { risk_evaluate } default -> b }
        finalize
      }
    }";
    let contract = VERIFY.replace("milestone finalize", "milestone risk_evaluate\n milestone finalize");
    let contract = contract.replace("mfa verified {", "mfa {");
    assert_eq!(findings(&contract, flow), ["A0262 finalize"]);
}
