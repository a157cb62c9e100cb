//! Plans of the example projects: they verify, are small, come out the same, and survive nothing that was done to them.

#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

#[path = "support/project.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod support;

use admit_compiler::check::check;
use admit_compiler::lower::build;
use admit_compiler::project::{ActionFile, Project};
use admit_compiler::scripts::{Script, ScriptModule, Scripts};
use admit_plan::bundle::{Bundle, NodeKind};
use admit_plan::encode::{ContentHash, Refusal, encode, resealed};
use admit_plan::listing::flow as listing;
use admit_plan::verify::{load, verify};

/// An example without its Actions: their JavaScript is no part of what these tests measure and change.
fn example(name: &str) -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let mut files = Vec::new();
    let mut folders: Vec<_> = ["", "flows", "lists", "tenants"].map(|below| root.join(below)).into();
    for action in std::fs::read_dir(root.join("actions")).into_iter().flatten() {
        folders.extend(std::fs::read_dir(action.unwrap().path()).unwrap().map(|version| version.unwrap().path()));
    }
    for folder in folders {
        let Ok(folder) = std::fs::read_dir(folder) else { continue };
        for entry in folder {
            let path = entry.unwrap().path();
            if let Ok(text) = std::fs::read_to_string(&path) {
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("run action "));
                let text = lines.flat_map(|line| [line, "\n"]).collect::<String>();
                let text =
                    text.replace("step.tag-corporate-vs-self-serve.?segment.orValue(\"unknown\")", "\"unknown\"");
                files.push((path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"), text));
            }
        }
    }
    files.sort();
    files
}

fn built(files: &[(String, String)]) -> Bundle {
    let library = support::library();
    let (project, diagnostics) = Project::read(&library, files);
    assert_eq!(diagnostics, []);
    let checked = check(&project, &library);
    let errors: Vec<_> = checked.diagnostics.iter().map(|found| support::line(&project, found)).collect();
    assert_eq!(
        checked.diagnostics.iter().filter(|d| d.level == admit_compiler::diagnostic::Level::Error).count(),
        0,
        "{errors:?}"
    );
    // The JavaScript itself is not the compiler's: any stands for it here.
    let script = |action: &ActionFile| {
        let module = ScriptModule { path: "action.js".into(), code: "export function execute() {}".into(), map: None };
        ((action.slug.clone(), action.version.clone()), Script { modules: vec![module] })
    };
    let scripts: Scripts = project.actions.iter().map(script).collect();
    build(&project, &library, &checked, &scripts).unwrap_or_else(|found| panic!("{found:?}"))
}

#[test]
fn what_reads_a_step_of_a_branch_that_is_never_taken_is_lowered_without_it() {
    let flow = r#"
system flow login {
  stage pre-login {
    identity_lookup
    password_check
    decision result {
      when !step.password-check.verified -> wrong { deny { reason: "wrong" } }
      when step.password-check.verified  -> right
      default                            -> never { condition flags { x: event.request.asn.is_bogon } }
    }
    condition seen {
      guarded: has(step.flags.x) && step.flags.x
      nowhere: !step.password-check.verified ? step.flags.x : true
    }
  }
  stage post-auth {}
  stage post-login { issue_session }
}
"#;
    let manifest = "[project]\nname = \"p\"\ncatalogue = \"1\"\n";
    let bundle =
        built(&[("admit.toml", manifest), ("flows/a.admit", flow)].map(|(path, text)| (path.into(), text.into())));
    verify(bundle).unwrap();
}

/// `post-failure` runs where `post-success` does not: the plan shows it by its edges, so that one of both always runs.
#[test]
fn a_stage_for_where_the_one_before_does_not_run_is_led_to_from_there_alone() {
    let flow = r#"system flow mfa-verify {
  stage pre-verify { mfa }
  stage post-success { finalize }
  stage post-failure { log_event { name: "mfa.failed" } deny { reason: "mfa_failed" } }
}
"#;
    let manifest = "[project]\nname = \"p\"\ncatalogue = \"1\"\n";
    let bundle =
        built(&[("admit.toml", manifest), ("flows/a.admit", flow)].map(|(path, text)| (path.into(), text.into())));
    verify(bundle.clone()).unwrap();
    let nodes = &bundle.flows[0].nodes;
    let label = |id: usize| bundle.pool.strings[nodes[id].label as usize].as_str();
    let labels: Vec<&str> = (0..nodes.len()).map(label).collect();
    assert_eq!(labels, ["pre-verify", "mfa", "post-success", "finalize", "post-failure", "log-event", "deny"]);
    let next: Vec<Option<u32>> = nodes.iter().map(|node| node.next).collect();
    assert_eq!(next, [Some(1), Some(2), Some(3), None, Some(5), Some(6), None]);
    let NodeKind::Stage { when: Some(_), otherwise: Some(4) } = &nodes[2].kind else { panic!("{:?}", nodes[2]) };
    let NodeKind::Stage { when: None, otherwise: None } = &nodes[4].kind else { panic!("{:?}", nodes[4]) };
}

#[test]
fn every_example_builds_a_plan_that_verifies() {
    for name in
        ["cymmetri", "fraud-webhook-branch", "step-up-mfa-on-risk", "tag-corporate-vs-self-serve", "welcome-new-users"]
    {
        let bundle = built(&example(name));
        let bytes = encode(&bundle).unwrap();
        let verified =
            load(&bytes).unwrap_or_else(|refusal| panic!("{name}: {refusal}\n{}", listing(&bundle, &bundle.flows[0])));
        assert_eq!(*verified.bundle(), bundle, "{name}");
        assert_eq!(encode(verified.bundle()).unwrap(), bytes, "{name}");
        assert_eq!(encode(&built(&example(name))).unwrap(), bytes, "{name} comes out the same");
    }
}

#[test]
fn the_cymmetri_login_without_debug_table_is_under_2_kb() {
    let mut bundle = built(&example("cymmetri"));
    let whole = verify(bundle.clone()).unwrap().hash();
    bundle.debug = None;
    let bytes = encode(&bundle).unwrap();
    println!("{} bytes", bytes.len());
    assert!(bytes.len() < 2_000, "{} bytes", bytes.len());
    assert_eq!(load(&bytes).unwrap().hash(), whole, "the debug table has no part in the content hash");
}

#[test]
fn a_content_hash_is_read_as_it_is_shown() {
    let hash = verify(built(&example("cymmetri"))).unwrap().hash();
    assert_eq!(hash.to_string().parse(), Ok(hash));
    for text in ["", "0", &"+1".repeat(32), &"0".repeat(63), &"é".repeat(32)] {
        assert!(text.parse::<ContentHash>().is_err(), "{text}");
    }
}

#[test]
fn t8_a_plan_with_any_bit_flipped_is_refused() {
    let bytes = encode(&built(&example("cymmetri"))).unwrap();
    for at in 0..bytes.len() {
        // Beyond the header every byte is hashed alike: one bit of each is enough there.
        for bit in if at < 64 { 0..8 } else { at % 8..at % 8 + 1 } {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1 << bit;
            assert!(load(&flipped).is_err(), "byte {at}, bit {bit}");
        }
    }
    for cut in [0, 5, 20, 45, 100, bytes.len() / 2, bytes.len() - 1] {
        assert!(load(&bytes[..cut]).is_err(), "cut at {cut}");
    }
}

#[test]
fn t8_a_plan_changed_and_hashed_again_is_refused_or_sound() {
    let mut bundle = built(&example("cymmetri"));
    bundle.debug = None;
    let bytes = encode(&bundle).unwrap();
    let mut sound = 0;
    for at in 46..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        let Some(sealed) = resealed(&changed) else { continue };
        match load(&sealed) {
            Ok(verified) => {
                sound += 1;
                assert_eq!(encode(verified.bundle()).unwrap(), sealed, "byte {at}");
                assert!(!admit_plan::listing::bundle(verified.bundle()).is_empty());
            }
            Err(refusal) => assert!(!refusal.to_string().is_empty()),
        }
    }
    // Most of a plan is text and numbers that may be others.
    assert!(sound > 100, "{sound}");
}

#[test]
fn a_plan_of_another_version_says_so() {
    let mut bytes = encode(&built(&example("cymmetri"))).unwrap();
    bytes[8] = 9;
    assert_eq!(load(&bytes), Err(Refusal::Version(9)));
    assert_eq!(load(b"not a plan").unwrap_err().to_string(), "this is not an admit plan");
}
