//! The OpenAPI document against the server that it describes: its routes, its scopes, its page.

use serde_json::{Value, json};

use super::admit::Folder;
use super::served::Served;

/// A call as the document has it.
pub struct Call {
    pub method: String,
    pub path: String,
    /// None: it needs no key.
    pub scope: Option<String>,
    pub operation: Value,
}

/// All calls of a document.
pub fn calls(document: &Value) -> Vec<Call> {
    let mut calls = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let scope = operation["security"][0]["key"][0].as_str().map(ToOwned::to_owned);
            calls.push(Call { method: method.to_uppercase(), path: path.clone(), scope, operation: operation.clone() });
        }
    }
    calls
}

/// The path with its names filled in.
pub fn filled(path: &str, with: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { with } else { part });
    parts.collect::<Vec<_>>().join("/")
}

#[test]
fn the_document_names_the_routes_that_there_are_and_the_command_prints_it() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let reply = served.call("GET", "/openapi.json", &[], b"");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    let document = reply.json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"), "{}", document["openapi"]);
    assert_eq!(folder.admit("openapi").code(0).out, reply.body);
    folder.admit("openapi --out api.json").code(0);
    folder.admit("openapi --out api.json --check").code(0);
    folder.write("api.json", "{}");
    folder.admit("openapi --out api.json --check").code(1).says("admit openapi --out api.json");

    let calls = calls(&document);
    assert!(calls.len() >= 13, "{}", calls.len());
    let mut ids: Vec<&str> = calls.iter().map(|call| call.operation["operationId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "{ids:?}");
    let mut paths: Vec<&String> = calls.iter().map(|call| &call.path).collect();
    paths.dedup();
    for path in paths {
        for method in ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"] {
            let there = calls.iter().any(|call| call.path == *path && call.method == method);
            let status = served.call(method, &filled(path, "x"), &[], b"").status;
            assert_eq!(status != 405, there, "{method} {path}: {status}");
        }
    }
    for call in &calls {
        assert!(call.operation["summary"].is_string(), "{} {} says what it does", call.method, call.path);
        assert!(call.operation["responses"]["default"]["$ref"].is_string(), "{} {}", call.method, call.path);
    }
}

#[test]
fn t31_every_call_is_open_to_the_scope_that_the_document_names_and_to_no_other() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &[]);
    let document = served.call("GET", "/openapi.json", &[], b"").json();
    let calls = calls(&document);
    let mut scopes: Vec<&String> = calls.iter().filter_map(|call| call.scope.as_ref()).collect();
    scopes.sort_unstable();
    scopes.dedup();
    assert!(scopes.len() >= 4, "{scopes:?}");
    let keys: Vec<(&String, String)> = scopes
        .iter()
        .map(|scope| {
            if *scope == "operate" {
                // Nobody has it to give: it comes from the command line.
                let made = folder.admit("keys create --scopes operate --format json").code(0).json();
                return (*scope, made["key"].as_str().unwrap().to_owned());
            }
            let made = served.post("/v1/keys", &json!({ "name": scope, "scopes": [scope] }));
            (*scope, made.json()["key"].as_str().unwrap_or_else(|| panic!("{scope}: {}", made.body)).to_owned())
        })
        .collect();
    for call in &calls {
        let path = filled(&call.path, "x");
        let bare = served.call(&call.method, &path, &[], b"");
        let Some(wanted) = &call.scope else {
            assert!(bare.status != 401 && bare.status != 403, "{} {path}: {}", call.method, bare.status);
            continue;
        };
        assert_eq!(bare.status, 401, "{} {path}", call.method);
        for (scope, key) in &keys {
            // A stream has no end, unless it is told to begin nowhere.
            let headers = [("authorization", &*format!("Bearer {key}")), ("last-event-id", "x")];
            let reply = served.call(&call.method, &path, &headers, b"");
            let refused = reply.status == 403 && reply.json()["code"] == "missing_scope";
            assert_eq!(refused, *scope != wanted, "{} {path} with `{scope}`: {}", call.method, reply.body);
            assert!(!refused || reply.body.contains(&format!("`{wanted}`")), "{}", reply.body);
            assert_ne!(reply.status, 401, "{} {path}", call.method);
        }
    }
}

#[test]
fn the_page_of_the_document_loads_its_own_files_alone() {
    let folder = Folder::example("cymmetri");
    let served = Served::start(&folder, &["--database", "memory"]);
    let there = served.call("GET", "/docs", &[], b"");
    assert_eq!((there.status, there.header("location")), (308, Some("/docs/")));
    let page = served.call("GET", "/docs/", &[], b"");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    let started = served.call("GET", "/docs/swagger-initializer.js", &[], b"");
    assert!(started.body.contains("/openapi.json"), "{}", started.body);
    assert_eq!(served.call("GET", "/docs/nothing.js", &[], b"").status, 404);
    assert_eq!(served.call("GET", "/docs/..%2fadmit.toml", &[], b"").status, 404);
}
