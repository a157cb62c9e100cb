//! T1: what one tenant has, another cannot see.

use super::admit::Folder;
use super::served::Served;

/// A server with two tenants, `acme` and `local`, each with a key of its own; the key of `acme`, and the server with that of `local`.
pub fn two_tenants(folder: &Folder) -> (String, Served) {
    let acme = Served::start(folder, &["--tenant", "acme"]);
    let key = acme.key.clone();
    assert!(acme.stop());
    (key, Served::start(folder, &[]))
}

#[test]
fn t1_a_bundle_that_another_tenant_has_loaded_is_unknown() {
    let folder = Folder::example("cymmetri");
    let acme = Served::start(&folder, &["--tenant", "acme"]);
    let key = acme.key.clone();
    let acme_tag = acme.get("/v1/bundles").header("etag").unwrap().to_owned();
    assert!(acme.stop());
    // `local` runs another bundle; that of acme is loaded by a run of acme.
    folder.replace("flows/login.admit", "step.risk.severity == \"medium\"", "step.risk.severity == \"low\"");
    let served = Served::start(&folder, &[]);
    let tag = served.get("/v1/bundles").header("etag").unwrap().to_owned();
    assert_ne!(tag, acme_tag);
    let login = folder.read("requests/login.json");
    let auth = format!("Bearer {key}");
    let run = served.call("POST", "/v1/flows/login/runs", &[("authorization", &auth)], login.as_bytes()).json();
    assert_eq!(run["outcome"], "session", "{run}");
    let activate = |hash: &str| {
        let path = format!("/v1/bundles/{}/activate", hash.trim_matches('"'));
        let reply = served.with_key("POST", &path, &[("if-match", &tag)], b"");
        (reply.status, reply.body)
    };
    let (theirs, nobodys) = (activate(&acme_tag), activate(&format!("\"{}\"", "ab".repeat(32))));
    assert_eq!(theirs.0, 404, "{theirs:?}");
    assert_eq!(theirs, nobodys);
    assert_eq!(activate(&tag).0, 200, "its own is known");
}
