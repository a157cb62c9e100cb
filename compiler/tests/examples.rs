//! The example projects are clean, and the mistakes that matter most in them are found.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking")]

#[path = "support/project.rs"]
mod support;

use std::path::Path;

fn example(name: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                files.push((path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/"), text));
            }
        }
    }
    files.sort();
    files
}

/// The findings of cymmetri's login after `from` was replaced by `to`, each with its labels and help.
fn changed(from: &str, to: &str) -> String {
    let library = support::library();
    let mut files = example("cymmetri");
    let login = files.iter_mut().find(|(name, _)| name == "flows/login.admit").unwrap();
    assert!(login.1.contains(from), "the example has no `{from}`");
    login.1 = login.1.replace(from, to);
    files.retain(|(name, _)| !name.starts_with("tests/"));
    let (project, found) = support::check(&library, &files);
    let mut text = String::new();
    for one in &found {
        text.push_str(&support::line(&project, one));
        text.push('\n');
        for label in &one.secondary {
            text.push_str(&format!("  {}: {}\n", support::place(&project, label.span), label.message));
        }
        for help in &one.help {
            text.push_str(&format!("  help: {help}\n"));
        }
    }
    text
}

#[test]
fn every_example_is_clean() {
    let library = support::library();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.join("admit.toml").is_file() {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let (project, found) = support::check(&library, &example(&name));
            let lines: Vec<String> = found.iter().map(|found| support::line(&project, found)).collect();
            assert!(found.is_empty(), "{name}:\n{}", lines.join("\n"));
        }
    }
}

#[test]
fn deleting_the_password_check_names_the_contracts_line() {
    let found = changed("    password_check\n", "");
    assert_eq!(
        found,
        "error A0258 flows/login.admit:5 `pre-login`: the stage `pre-login` of `login` has no `password_check` or `webauthn_finish` or \
         `channel_otp_verify` or `social_oidc_callback`\n  \
         stdlib/flows/login.admit:13 `milestone password_check verified       `: the contract's line\n  \
         help: add `password_check` or `webauthn_finish` or `channel_otp_verify` or `social_oidc_callback` to the stage\n"
    );
}

#[test]
fn deleting_the_decision_on_its_result_names_the_contracts_line() {
    let library = support::library();
    let login = example("cymmetri").into_iter().find(|(name, _)| name == "flows/login.admit").unwrap().1;
    let start = login.find("    decision password-result").unwrap();
    let end = login[start..].find("\n    }\n").unwrap() + start + 7;
    drop(library);
    let found = changed(&login[start..end], "");
    assert!(found.starts_with("error A0260 flows/login.admit:"), "{found}");
    assert!(found.contains("`milestone password_check verified       `: the contract's line"), "{found}");
    assert_eq!(found.lines().filter(|line| line.starts_with("error")).count(), 1, "{found}");
}

#[test]
fn reading_the_second_factor_after_the_decision_shows_the_guard() {
    let found = changed(
        "    run flow fraud-screening\n",
        "    decision again {\n      when !step.mfa.verified -> weak { deny { reason: \"weak\" } }\n      default -> strong\n    }\n    \
         run flow fraud-screening\n",
    );
    assert!(found.starts_with("error A0107 flows/login.admit:"), "{found}");
    assert!(found.contains("help: ") && found.contains("has(step.mfa.verified)"), "{found}");
    assert!(found.contains("runs only in the branch `step-up` of `route-on-risk`"), "{found}");
}
