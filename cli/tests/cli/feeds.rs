//! Feeds as users meet them: in `admit.toml`, on the command line and in runs.

use serde_json::{Value, json};

use crate::admit::Folder;
use crate::mmdb::database;

const FLOW: &str = r#"
system flow login {
  stage pre-login {
    ip_reputation { feeds: ["level1"] }
    decision network {
      when step.ip-reputation.listed -> listed { deny { reason: "listed" } }
      when event.request.asn.is_tor -> tor { deny { reason: "tor" } }
      when has(event.request.geo.country) && event.request.geo.country == "SE" -> country { deny { reason: "country" } }
      when event.request.asn.is_bogon -> bogon { deny { reason: "bogon" } }
      default -> fine
    }
    identity_lookup
    password_check
    decision password-result {
      when !step.password-check.verified -> wrong { deny { reason: "invalid_credentials" } }
      default -> verified
    }
  }
  stage post-auth {}
  stage post-login {
    issue_session
  }
}
"#;

const SETTINGS: &str = r#"
[project]
name = "x"
catalogue = "1"

[feeds.level1]
kind = "blocklist"
path = "feeds/level1.netset"

[feeds.tor]
kind = "tor"
path = "feeds/tor.txt"

[feeds.bogons]
kind = "bogon"

[geo]
city = "feeds/city.mmdb"
"#;

fn project() -> Folder {
    let folder = Folder::project(FLOW);
    folder.write("admit.toml", SETTINGS);
    folder.write("feeds/level1.netset", "# level 1\n5.188.10.0/24\nnonsense\n2a06:e480::/29\n");
    folder.write("feeds/tor.txt", "ExitAddress 5.188.11.7 2026-11-27 19:05:12\n");
    let city = database("GeoLite2-Country", &[("5.188.12.0/24", json!({ "country": { "iso_code": "SE" } }))]);
    folder.write("feeds/city.mmdb", city);
    folder
}

fn reason(folder: &Folder, request: &Value) -> String {
    folder.write("event.json", json!({ "request": request }).to_string());
    folder.write("input.json", r#"{ "identifier": "a@example.com", "password": "wrong" }"#);
    let done = folder.admit("run login --event event.json --input input.json --database memory --format json").code(1);
    let outcome: Value = serde_json::from_str(&done.out).unwrap();
    outcome["reason"].as_str().unwrap_or(&done.out).to_owned()
}

#[test]
fn a_run_knows_of_an_address_what_the_feeds_know() {
    let folder = project();
    for (request, expected) in [
        (json!({ "ip": "5.188.10.7" }), "listed"),
        (json!({ "ip": "2a06:e481::1" }), "listed"),
        (json!({ "ip": "5.188.11.7" }), "tor"),
        (json!({ "ip": "5.188.12.7" }), "country"),
        (json!({ "ip": "203.0.113.9" }), "bogon"),
        (json!({ "ip": "9.9.9.9" }), "invalid_credentials"),
        // What the caller says stands.
        (json!({ "ip": "5.188.12.7", "geo": { "country": "FR" } }), "invalid_credentials"),
        (json!({ "ip": "9.9.9.9", "asn": { "is_tor": true } }), "tor"),
    ] {
        assert_eq!(reason(&folder, &request), expected, "{request}");
    }
}

#[test]
fn feeds_are_listed_checked_and_asked() {
    let folder = project();
    let listed = folder.admit("feeds list --format json").code(0);
    let listed: Value = serde_json::from_str(&listed.out).unwrap();
    let seen: Vec<_> = listed["feeds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|feed| (feed["name"].as_str().unwrap(), feed["kind"].as_str().unwrap(), feed["broken"].as_u64().unwrap()))
        .collect();
    assert_eq!(
        seen,
        [
            ("feeds.bogons", "bogon", 0),
            ("feeds.level1", "blocklist", 1),
            ("feeds.tor", "tor", 0),
            ("geo.city", "city", 0)
        ]
    );
    let checked = folder.admit("feeds check").code(0);
    assert!(checked.out.contains("feeds.level1") && checked.out.contains("2 entries"), "{}", checked.out);
    assert!(
        checked.err.contains("warning: `feeds.level1`: 1 lines cannot be read and are left out, the first in line 3")
    );
    let told = folder.admit("feeds lookup 5.188.12.7").code(0);
    assert_eq!(told.out, "place    SE\n");
    let told = folder.admit("feeds lookup ::ffff:5.188.11.7").code(0);
    assert_eq!(told.out, "held by  feeds.tor (tor)\nis       Tor\n");
    assert_eq!(folder.admit("feeds lookup 9.9.9.9").code(0).out, "nothing is known of 9.9.9.9\n");
    let told: Value = serde_json::from_str(&folder.admit("feeds lookup 5.188.10.7 --format json").code(0).out).unwrap();
    assert_eq!(told["feeds"], json!([{ "name": "level1", "kind": "blocklist" }]));
    folder.admit("feeds lookup nowhere").code(2);
}

#[test]
fn t40_a_run_does_not_start_without_the_feeds_that_its_project_names() {
    let folder = project();
    folder.write("feeds/tor.txt", "<html>\nforbidden\n");
    std::fs::remove_file(folder.file("feeds/level1.netset")).unwrap();
    folder.write("event.json", r#"{ "request": { "ip": "5.188.10.7" } }"#);
    folder.write("input.json", r#"{ "identifier": "a@example.com", "password": "wrong" }"#);
    let done = folder.admit("run login --event event.json --input input.json --database memory").code(2);
    assert!(done.out.is_empty(), "{}", done.out);
    assert!(done.err.contains("`feeds.tor`: the file") && done.err.contains("2 of its 2 lines"), "{}", done.err);
    assert!(done.err.contains("`feeds.level1`: the file") && done.err.contains("admit feeds check"), "{}", done.err);
    let done = folder.admit("feeds check").code(1);
    assert_eq!(done.err.matches("error: ").count(), 2, "{}", done.err);
}

#[test]
fn a_threat_list_that_admit_toml_does_not_have_is_found_by_the_checker() {
    let folder = project();
    folder.admit("check").code(0);
    folder.replace("flows/login.admit", "\"level1\"", "\"level2\"");
    let done = folder.admit("check").code(1);
    assert!(
        done.out.contains("A0293") && done.out.contains("`admit.toml` has no threat list `level2`"),
        "{}",
        done.out
    );
    assert!(done.out.contains("did you mean `level1`?"), "{}", done.out);
    folder.replace("flows/login.admit", "\"level2\"", "\"tor\"");
    let done = folder.admit("check").code(1);
    assert!(done.out.contains("is no threat list but of the kind `tor`"), "{}", done.out);
    // One that a single environment has is enough.
    folder.replace("admit.toml", "[geo]", "[env.live.feeds.tor]\nkind = \"blocklist\"\npath = \"x\"\n\n[geo]");
    folder.admit("check").code(0);
}

#[test]
fn breached_passwords_are_found_offline() {
    let folder = Folder::project(
        r#"
system flow login {
  stage pre-login {
    breached_password { min_count: 20 }
    decision seen {
      when step.breached-password.breached -> often { deny { reason: "breached" } }
      default -> rarely
    }
    identity_lookup
    password_check
    decision password-result {
      when !step.password-check.verified -> wrong { deny { reason: "invalid_credentials" } }
      default -> verified
    }
  }
  stage post-auth {}
  stage post-login {
    issue_session
  }
}
"#,
    );
    // `password` 25 times, `123456` 15 times.
    let dump = "5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:25\r\n7C4A8D09CA3762AF61E59520943DC26494F8941B:15\r\n";
    folder.write("dump.txt", dump);
    let done = folder.admit("feeds build-breached dump.txt -o feeds.bin").code(0);
    assert_eq!(done.out, "2 hashes in 524364 bytes\n");
    assert!(done.err.contains("`file = \"feeds.bin\"`"), "{}", done.err);
    folder.write("admit.toml", "[project]\nname = \"x\"\ncatalogue = \"1\"\n\n[breached]\nfile = \"feeds.bin\"\n");
    folder.admit("feeds check").code(0);
    folder.write("event.json", r#"{ "request": { "ip": "9.9.9.9" } }"#);
    for (password, expected) in
        [("password", "breached"), ("123456", "invalid_credentials"), ("hjkl", "invalid_credentials")]
    {
        folder.write("input.json", json!({ "identifier": "a@example.com", "password": password }).to_string());
        let run = "run login --event event.json --input input.json --database memory --format json";
        let done = folder.admit(run).code(1);
        assert!(done.out.contains(expected), "{password}: {}", done.out);
    }
    let mut bytes = std::fs::read(folder.file("feeds.bin")).unwrap();
    bytes[30] ^= 1;
    folder.write("feeds.bin", bytes);
    let done = folder.admit("feeds check").code(1);
    assert!(done.err.contains("build it again"), "{}", done.err);
    folder.admit("feeds build-breached nothing.txt -o feeds.bin").code(2);
    folder.write(
        "dump.txt",
        "7C4A8D09CA3762AF61E59520943DC26494F8941B:15\n5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:25\n",
    );
    let done = folder.admit("feeds build-breached dump.txt -o other.bin").code(2);
    assert!(
        done.err.contains("line 2 of `dump.txt` is out of order") && !folder.file("other.bin").exists(),
        "{}",
        done.err
    );
}
