//! `admit user`, the database and its key file.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::admit::Folder;

const GOOD: &str = "{\"email\": \"a@x.io\", \"password\": \"a long enough sentence\"}\n";

#[test]
fn users_are_added_and_listed() {
    let folder = Folder::new();
    let add = |args: &str, password: &str| folder.with(&format!("user add {args}"), password, &[]);
    add("--email a@x.io --group staff --password-stdin", "a long enough sentence\n").code(0).says("usr_");
    add("--username bob --no-password", "").code(0);
    let list = folder.admit("user list --format json").code(0).json();
    let of = |field: &str| list["users"].as_array().unwrap().iter().map(|user| user[field].clone()).collect::<Vec<_>>();
    assert_eq!(of("identifiers"), [serde_json::json!(["a@x.io"]), serde_json::json!(["bob"])]);
    assert_eq!(of("credentials"), [serde_json::json!(["password"]), serde_json::json!([])]);
    assert_eq!(folder.admit("user list").code(0).out.lines().count(), 2);
    assert_eq!(folder.admit("user list --limit 1").code(0).out.lines().count(), 1);
    add("--email A@x.io --password-stdin", "a long enough sentence").code(2).says("belongs to another user");
    add("--email b@x.io --password-stdin", "\n").code(2).says("the password is empty");
    add("--email b@x.io --password-stdin --no-password", "").code(2);
    add("--no-password", "").code(2).says("a user needs an identifier");
    folder.admit("user list --tenant acme").code(0).says("the tenant `acme` has no users");
    folder.admit("user purge").code(0).says("purged 0 pending users");
    assert_eq!(folder.admit("user purge --hours 0 --format json").code(0).json()["purged"], 0);
    assert_eq!(folder.admit("user list").code(0).out.lines().count(), 2, "who is not pending stays");
    folder.admit("user").code(2);
    folder.admit("user remove").code(2);
}

#[test]
fn listing_and_resuming_make_no_database() {
    let folder = Folder::new();
    folder.admit("user list").code(2).says("there is no database");
    folder.admit("user list --database other.db").code(2).says("there is no database `other.db`");
    assert!(!folder.file("admit.db").exists() && !folder.file("other.db.key").exists());
}

#[test]
fn an_import_names_every_bad_line_and_imports_nothing() {
    let folder = Folder::new();
    let bad = "nonsense\n{\"email\": \"c@x.io\", \"pasword\": \"x\"}\n{\"name\": \"d\"}\n";
    folder.write("u.jsonl", format!("{GOOD}{bad}{{\"email\": \"e@x.io\", \"totp_secret\": \"not base32!\"}}\n"));
    let done = folder.admit("user import u.jsonl").code(2).says("nothing was imported");
    for line in 2..=5 {
        assert!(done.err.contains(&format!("u.jsonl: line {line}: ")), "line {line}: {}", done.err);
    }
    done.says("u.jsonl: line 2: the line is not JSON (column 2)").says("unknown field `pasword`");
    folder.admit("user list").code(0).says("has no users");
    // A user twice, in the file or in the database.
    folder.write("u.jsonl", format!("{GOOD}{GOOD}"));
    folder.admit("user import u.jsonl").code(2).says("u.jsonl: line 2");
    folder.admit("user list").code(0).says("has no users");
    folder.with("user import -", GOOD, &[]).code(0).says("imported 1 user\n");
    folder.with("user import -", GOOD, &[]).code(2).says("belongs to another user");
    folder.run(&["user", "import", "-"], b"\xff", &[]).code(2).says("not UTF-8");
    folder.admit("user import nowhere").code(2);
    folder.admit("user import").code(2);
}

#[test]
fn the_key_file_is_made_once_with_a_notice_and_is_the_owners_alone() {
    let folder = Folder::new();
    folder.with("user import -", GOOD, &[]).code(0).says("made the development key file");
    let mode = |name: &str| fs::metadata(folder.file(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("admit.db"), mode("admit.db.key")), (0o600, 0o600));
    let key = fs::read(folder.file("admit.db.key")).unwrap();
    folder.admit("user list").code(0).hides("key file");
    assert_eq!(fs::read(folder.file("admit.db.key")).unwrap(), key);
    for wide in [0o644, 0o660, 0o604] {
        fs::set_permissions(folder.file("admit.db.key"), fs::Permissions::from_mode(wide)).unwrap();
        folder.admit("user list").code(2).says("can be read by others").says("chmod 600");
    }
    fs::set_permissions(folder.file("admit.db.key"), fs::Permissions::from_mode(0o600)).unwrap();
    folder.write("admit.db.key", "nonsense");
    folder.admit("user list").code(2).says("admit.db.key").hides("nonsense");
    assert_eq!(folder.read("admit.db.key"), "nonsense", "a key file was replaced");
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = Folder::new();
    folder.write("admit.db", "this is no database, and nobody should touch it".repeat(50));
    folder.admit("user list").code(2).says("error: ");
    assert!(folder.read("admit.db").starts_with("this is no database"));
    folder.admit("user list --database no/such/folder/x.db").code(2);
    folder.admit("user list --database .").code(2);
    folder.with("user list", "", &[("ADMIT_DATABASE", "memory")]).code(0).hides("key file");
}
