//! Operating without a server: where settings are from, backups that move, audit that is verified, what is old, users erased.

use serde_json::Value;

use crate::admit::Folder;
use crate::postgres;
use crate::served::Served;

fn setting(printed: &Value, name: &str) -> (Value, String) {
    let found = printed["settings"].as_array().unwrap().iter().find(|one| one["name"] == name);
    let found = found.unwrap_or_else(|| panic!("no {name} in {printed}"));
    (found["value"].clone(), found["from"].as_str().unwrap().to_owned())
}

#[test]
fn a_flag_comes_before_a_variable_before_a_file_before_the_default() {
    let folder = Folder::new();
    folder.write(
        "serve.toml",
        "listen = \"127.0.0.1:1\"\nmost_runs = 7\nallow-egress = [\"localhost:1\", \"localhost:2\"]\n\
         [log]\nformat = \"json\"\nrequests = true\n[retention]\nruns = \"90d\"\n",
    );
    folder.write("database", "postgres://admit:canary-password@db/admit\n");
    let variables =
        [("ADMIT_LISTEN", "127.0.0.1:2"), ("ADMIT_DATABASE_FILE", "database"), ("ADMIT_LOG_LEVEL", "debug")];
    let args = "serve --config serve.toml --print-config --listen 127.0.0.1:3 --format json";
    let printed = folder.with(args, "", &variables).code(0).hides("canary-password").json();
    let is = |name: &str, value: Value, from: &str| {
        assert_eq!(setting(&printed, name), (value, from.to_owned()), "{name}");
    };
    is("listen", "127.0.0.1:3".into(), "flag");
    is("log-level", "debug".into(), "environment ADMIT_LOG_LEVEL");
    is("database", "postgres://admit:***@db/admit".into(), "ADMIT_DATABASE_FILE");
    is("most-runs", "7".into(), "file serve.toml");
    is("log-format", "json".into(), "file serve.toml");
    is("log-requests", "true".into(), "file serve.toml");
    is("retention-runs", "90d".into(), "file serve.toml");
    is("allow-egress", serde_json::json!(["localhost:1", "localhost:2"]), "file serve.toml");
    is("stop-after", "30s".into(), "default");
    is("users", Value::Null, "default");
    // What is printed is a file again.
    let text = folder.with("serve --config serve.toml --print-config", "", &[]).code(0).out;
    folder.write("again.toml", &text);
    let again = folder.admit("serve --config again.toml --print-config --format json").code(0).json();
    assert_eq!(setting(&again, "most-runs"), ("7".into(), "file again.toml".to_owned()));
    // Each variable is heard; that of the file itself too.
    let from = folder.with("serve --print-config --format json", "", &[("ADMIT_CONFIG", "serve.toml")]).code(0).json();
    assert_eq!(setting(&from, "listen"), ("127.0.0.1:1".into(), "file serve.toml".to_owned()));
}

#[test]
fn what_a_file_cannot_say_is_refused_with_what_was_meant() {
    let folder = Folder::new();
    for (text, says, help) in [
        ("lisen = \"127.0.0.1:1\"", "there is no setting `lisen`", "did you mean `listen`?"),
        ("[tls]\ncerd = \"x\"", "there is no setting `tls-cerd`", "did you mean `tls-cert`?"),
        ("colour = \"x\"", "there is no setting `colour`", "admit serve --help"),
        ("config = \"x\"", "there is no setting `config`", ""),
        ("listen = 7.5", "`listen` is a text, a number, true or false, or a list of texts", ""),
        ("listen = [\"127.0.0.1:1\", \"127.0.0.1:2\"]", "`listen` has one value, not a list", ""),
        ("listen = \"here\"", "invalid value 'here' for '--listen", "--help"),
        ("retention-runs = \"ninety\"", "is no age", ""),
        ("tls-cert = \"a\"\n[tls]\ncert = \"b\"", "`tls-cert` is set twice", ""),
        ("listen = ", "serve.toml", "line 1"),
    ] {
        folder.write("serve.toml", text);
        folder.admit("serve --config serve.toml --print-config").code(2).says("serve.toml").says(says).says(help);
    }
    folder.admit("serve --config none.toml").code(2).says("cannot read `none.toml`");
    let both = [("ADMIT_DATABASE", "a.db"), ("ADMIT_DATABASE_FILE", "b")];
    folder
        .with("serve --print-config", "", &both)
        .code(2)
        .says("both `ADMIT_DATABASE` and `ADMIT_DATABASE_FILE` are set");
    folder
        .with("serve --print-config", "", &[("ADMIT_DATABASE_FILE", "b")])
        .code(2)
        .says("`ADMIT_DATABASE_FILE` names it");
}

#[test]
fn a_backup_is_restored_into_a_new_database_on_either_server() {
    let folder = Folder::example("cymmetri");
    folder.admit("user import users.jsonl").code(0);
    folder.admit("run login --event events/office.json --input inputs/alice.json").code(0).says("outcome: session");
    folder.admit("backup one.backup").code(0).says("rows of").says("key file is not in it");
    folder.admit("backup one.backup").code(2).says("`one.backup` is there already");
    folder.admit("restore one.backup --check").code(0).says("is whole");
    folder.admit("restore one.backup --database two.db").code(2).says("there is no key file `two.db.key`");
    assert!(!folder.file("two.db").exists(), "nothing is made for it");
    folder.admit("restore one.backup").code(2).says("the database is not empty");
    let key = "--key-file admit.db.key";
    folder.admit(&format!("restore one.backup --database two.db {key}")).code(0).says("every audit log verifies");
    let sign_in = "run login --event events/office.json --input inputs/alice.json --database two.db";
    folder.admit(&format!("{sign_in} {key}")).code(0).says("outcome: session");
    folder.admit(&format!("audit verify --database two.db {key}")).code(0).says("the chain is whole");

    folder
        .write("bent.backup", std::fs::read(folder.file("one.backup")).unwrap().into_iter().rev().collect::<Vec<u8>>());
    folder.admit(&format!("restore bent.backup --database three.db {key}")).code(2).says("this is no backup");
    if let Some(server) = postgres::start(false) {
        let there = format!("--database {server}/postgres {key}");
        folder.admit(&format!("restore one.backup {there}")).code(0);
        folder.admit(&format!("audit verify --all-tenants {there}")).code(0).says("local: ");
        folder.admit(&format!("backup back.backup {there}")).code(0);
        folder.admit(&format!("restore back.backup --database four.db {key}")).code(0);
        let there = "--database four.db --key-file admit.db.key";
        folder.admit(&format!("user list {there}")).code(0).says("alice");
    }
}

#[test]
fn the_audit_log_is_listed_and_what_is_old_of_it_goes() {
    let folder = Folder::example("cymmetri");
    folder.admit("user import users.jsonl").code(0);
    for _ in 0..3 {
        folder.admit("run login --event events/office.json --input inputs/alice.json").code(0);
    }
    let listed = folder.admit("audit list --kind flow.* --format json").code(0).json();
    let entries = listed["entries"].as_array().unwrap().clone();
    assert!(entries.len() >= 3 && entries.iter().all(|one| one["type"].as_str().unwrap().starts_with("flow.")));
    folder.admit("audit list --limit 1").code(0).says("1  ");
    let verified = folder.admit("audit verify --format json").code(0).json();
    assert_eq!((&verified["tenants"][0]["ok"], &verified["tenants"][0]["pruned"]), (&true.into(), &0.into()));

    folder.admit("retention run").code(0).says("nothing is old enough");
    folder.write("serve.toml", "listen = \"127.0.0.1:1\"\n[retention]\nruns = \"0s\"\naudit = \"0s\"\n");
    std::thread::sleep(std::time::Duration::from_millis(20));
    folder.admit("retention run --config serve.toml --dry-run").code(0).says("3 runs would be removed");
    folder.admit("retention run --config serve.toml").code(0).says("3 runs removed").says("audit removed");
    folder.admit("audit verify").code(0).says("those before were pruned");
    folder.admit("audit list").code(0).says("audit.pruned").hides("flow.run_completed");
    folder.admit("retention run --retention-runs ninety").code(2).says("is no age");
}

#[test]
fn an_erased_user_is_gone_and_audit_verifies() {
    let folder = Folder::example("cymmetri");
    folder.admit("user import users.jsonl").code(0);
    let sign_in = "run login --event events/office.json --input inputs/alice.json";
    folder.admit(sign_in).code(0).says("outcome: session");
    let email = folder.admit("user list --format json").code(0).json()["users"][0]["identifiers"][0].clone();
    let email = email.as_str().unwrap();
    folder.admit(&format!("user delete {email}")).code(0).says("its key is destroyed");
    folder.admit(&format!("user delete {email}")).code(2).says("there is no user");
    folder.admit("audit verify").code(0).says("the chain is whole");
    folder.admit("audit list").code(0).says("user.deleted");
}

#[test]
fn a_user_erased_over_the_api_cannot_sign_in_and_sessions_end() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let login: Value = serde_json::from_str(&folder.read("requests/login.json")).unwrap();
    let session = served.post("/v1/flows/login/runs", &login).json();
    let user = session["session"]["user_id"].as_str().unwrap_or_else(|| panic!("{session}")).to_owned();
    let path = format!("/v1/users/{user}");
    assert_eq!(served.with_key("DELETE", "/v1/users/usr_none", &[], b"").status, 404);
    assert_eq!(served.with_key("DELETE", &path, &[], b"").json()["erased"], true);
    assert_eq!(served.with_key("DELETE", &path, &[], b"").status, 404);
    assert_eq!(served.post("/v1/flows/login/runs", &login).json()["outcome"], "deny");
    assert!(served.get("/v1/audit").body.contains("user.deleted"));
}
