//! `admit keys`, and runs within a session: what they print, and each way in which they fail.

use serde_json::{Value, json};

use crate::admit::{Done, Folder, LOGIN};

const LOGIN_RUN: &str = "run login --event e.json --input i.json --format json";

/// A project with alice in its database.
fn project() -> Folder {
    let folder = Folder::project(LOGIN);
    folder.write("e.json", "{}");
    folder.write("i.json", r#"{"identifier": "a@x.io", "password": "a long enough sentence"}"#);
    folder.with("user add --email a@x.io --password-stdin", "a long enough sentence", &[]).code(0);
    folder
}

fn sign_in(folder: &Folder) -> Value {
    let answer = folder.admit(LOGIN_RUN).code(0).json();
    assert_eq!(answer["outcome"], "session", "{answer}");
    answer
}

fn token(answer: &Value) -> String {
    answer["token"].as_str().unwrap().to_owned()
}

/// Id and state of each key.
fn keys(done: &Done) -> Vec<(String, String)> {
    let text = |key: &Value, name: &str| key[name].as_str().unwrap().to_owned();
    done.json()["keys"].as_array().unwrap().iter().map(|key| (text(key, "id"), text(key, "state"))).collect()
}

fn logout(folder: &Folder, session: &str) -> Value {
    folder.run(&["run", "logout", "--event", "e.json", "--session", session, "--format", "json"], b"", &[]).json()
}

#[test]
fn keys_are_listed_published_rotated_and_pruned() {
    let folder = project();
    let before = sign_in(&folder);
    let list = folder.admit("keys list --format json").code(0);
    let first = keys(&list);
    let states = |keys: &[(String, String)]| keys.iter().map(|(_, state)| state.clone()).collect::<Vec<_>>();
    assert_eq!(states(&first), ["current", "next"]);
    let listed = list.json();
    let key = &listed["keys"][0];
    assert_eq!((&key["algorithm"], &key["retired_at"]), (&json!("EdDSA"), &Value::Null));
    assert!(key["created_at"].as_i64().unwrap() > 1_600_000_000);
    // For people: a line for each, ids as in the JSON.
    let lines = folder.admit("keys list").code(0).out;
    assert_eq!(lines.lines().count(), 2);
    assert!(first.iter().all(|(id, state)| lines.lines().any(|line| line.starts_with(id) && line.contains(state))));
    // Published are the public halves of all of them, and nothing else.
    let set = folder.admit("keys jwks").code(0);
    let published = set.json()["keys"].as_array().unwrap().clone();
    let kids: Vec<_> = published.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kids, first.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>());
    for key in &published {
        let names: Vec<_> = key.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["alg", "crv", "kid", "kty", "use", "x"], "no private member");
    }
    // What signs is the key that was next; what signed verifies: the session of before is one.
    let rotated = keys(&folder.admit("keys rotate --format json").code(0));
    assert_eq!(states(&rotated), ["retired", "current", "next"]);
    assert_eq!((&rotated[0].0, &rotated[1].0), (&first[0].0, &first[1].0));
    folder.admit("keys prune").code(0).says("no key can be removed: what is retired may still be needed");
    assert_eq!(folder.admit("keys prune --format json").code(0).json(), json!({"removed": []}));
    let after = sign_in(&folder);
    assert_ne!(kid(&token(&before)), kid(&token(&after)));
    for answer in [&before, &after] {
        assert_eq!(logout(&folder, &token(answer))["outcome"], "finalized");
    }
    assert_eq!(keys(&folder.admit("keys list --format json")).len(), 3, "listing changes nothing");
}

/// The header's `kid`, as base64url holds it.
fn kid(token: &str) -> String {
    token.split('.').next().unwrap().to_owned()
}

#[test]
fn keys_that_are_made_have_the_algorithm_that_the_project_says() {
    let folder = project();
    let text = folder.read("admit.toml");
    folder.write("admit.toml", format!("{text}\n[env.edge.tokens]\nalgorithm = \"ES256\"\n"));
    folder.admit("keys jwks").code(0);
    let algorithms = |done: Done| {
        let keys = done.json()["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["algorithm"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(algorithms(folder.admit("keys rotate --env edge --format json").code(0)), ["EdDSA", "EdDSA", "ES256"]);
    assert_eq!(algorithms(folder.admit("keys rotate --format json").code(0)), ["EdDSA", "EdDSA", "ES256", "EdDSA"]);
}

#[test]
fn keys_say_what_is_wrong_and_make_nothing_by_it() {
    let folder = Folder::project(LOGIN);
    for what in ["list", "rotate", "prune"] {
        folder.admit(&format!("keys {what}")).code(2).says("there is no database");
        folder.admit(&format!("keys {what} --database other.db")).code(2).says("there is no database `other.db`");
    }
    assert!(!folder.file("admit.db").exists() && !folder.file("other.db").exists());
    folder.admit("keys jwks").code(0).says("made the development key file");
    for args in ["keys", "keys show", "keys list more", "keys list --database"] {
        folder.admit(args).code(2).says("--help");
    }
    folder.admit("keys list --tenant Acme!").code(2).says("Acme!");
    folder.admit("keys rotate --env prod").code(2).says("prod");
    // Each tenant has keys of its own.
    let own = keys(&folder.admit("keys list --format json").code(0));
    let other = keys(&folder.admit("keys list --tenant acme --format json").code(0));
    assert!(own.iter().all(|key| !other.contains(key)));
    // Another key file opens nothing of it, and changes nothing.
    let key_file = folder.read("admit.db.key");
    folder.write("other/admit.toml", folder.read("admit.toml"));
    folder.admit("keys jwks --database other/admit.db").code(0);
    folder.write("admit.db.key", folder.read("other/admit.db.key"));
    for what in ["list", "jwks", "rotate"] {
        folder.admit(&format!("keys {what}")).code(2).says("the key file is not the one").hides("\"x\"");
    }
    folder.write("admit.db.key", key_file);
    assert_eq!(keys(&folder.admit("keys list --format json").code(0)), own);
    folder.write("admit.db.key", "nonsense");
    folder.admit("keys list").code(2).says("admit.db.key");
    folder.write("broken.db", "this is no database, whatever its name says");
    folder.write("broken.db.key", folder.read("other/admit.db.key"));
    folder.admit("keys list --database broken.db").code(2).says("broken.db");
    // Where there is no project there are no environments.
    let bare = Folder::new();
    bare.admit("keys jwks --env prod").code(2).says("there is no `admit.toml` here");
    bare.admit("keys jwks").code(0);
}

#[test]
fn a_run_within_a_session_takes_it_from_its_token_or_a_file() {
    let folder = project();
    for way in ["token", "file"] {
        let token = token(&sign_in(&folder));
        folder.write("token", format!("{token}\n"));
        let session = if way == "file" { "@token".to_owned() } else { token };
        let answer = logout(&folder, &session);
        assert_eq!(answer["outcome"], "finalized", "{way}: {answer}");
        // It is over: once more with it, nobody is there.
        let answer = logout(&folder, &session);
        assert_eq!((&answer["outcome"], &answer["reason"]), (&json!("deny"), &json!("not_authenticated")), "{way}");
    }
}

#[test]
fn t15_what_is_no_session_of_the_tenant_is_none() {
    let folder = project();
    let good = token(&sign_in(&folder));
    let (head, rest) = good.split_once('.').unwrap();
    let (payload, signature) = rest.split_once('.').unwrap();
    // base64url of {"alg":"none"}: nobody signed it.
    let none = format!("eyJhbGciOiJub25lIn0.{payload}.");
    let swapped = format!("{head}.{payload}.{}", signature.chars().rev().collect::<String>());
    for session in ["", "x", "a.b.c", "-", &none, &swapped, &good[1..], &format!("{good}A"), &"A".repeat(100_000)] {
        let answer = logout(&folder, session);
        let ends = (&answer["outcome"], &answer["reason"]);
        assert_eq!(ends, (&json!("deny"), &json!("not_authenticated")), "{session:.60}");
    }
    let args = ["run", "logout", "--event", "e.json", "--session", &good, "--tenant", "acme", "--format", "json"];
    assert_eq!(folder.run(&args, b"", &[]).json()["reason"], "not_authenticated", "another tenant's");
    // A file that cannot be read is a fault of the command.
    let run = |session: &str| folder.run(&["run", "logout", "--event", "e.json", "--session", session], b"", &[]);
    run("@nowhere").code(2).says("cannot open `nowhere`").hides("outcome");
    folder.write("bytes", b"\xff\xfe");
    run("@bytes").code(2).says("`bytes` is not UTF-8").hides("outcome");
    folder.admit("run --resume x --session y").code(2).says("cannot be used with");
    // None of that ended it.
    assert_eq!(logout(&folder, &good)["outcome"], "finalized");
}
