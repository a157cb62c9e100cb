//! `admit deploy` against a server: what it shows, what it switches, and what it leaves alone.

use serde_json::{Value, json};

use crate::admit::{Done, Folder, LOGIN};
use crate::served::Served;

/// A project with a server of it.
fn served() -> (Folder, Served) {
    let folder = Folder::project(LOGIN);
    folder.write("users.jsonl", r#"{"email": "alice@example.com", "password": "correct horse battery staple"}"#);
    let served = Served::start(&folder, &[]);
    (folder, served)
}

fn deploy(folder: &Folder, served: &Served, key: &str, args: &str) -> Done {
    let server = format!("http://{}", served.address);
    let args: Vec<&str> = ["deploy"].into_iter().chain(args.split(' ').filter(|arg| !arg.is_empty())).collect();
    folder.run(&args, b"", &[("ADMIT_SERVER", &server), ("ADMIT_KEY", key)])
}

/// The next plan: another flow beside it, a webhook and a claim in it.
fn change(folder: &Folder) {
    folder.write(
        "admit.toml",
        "[project]\nname = \"x\"\ncatalogue = \"1\"\n\n[egress]\nhosts = [\"hooks.example.com\"]\n",
    );
    folder.replace(
        "flows/login.admit",
        "issue_session }",
        "call_webhook { url: \"https://hooks.example.com/in\" } on error continue\n  set_custom_claim { name: \"https://x.example/tier\", value: \"gold\" }\n  issue_session }",
    );
    folder.replace("flows/login.admit", "system flow login {", "system flow login {\n  budget 9s\n");
}

#[test]
fn a_deploy_shows_what_it_changes_and_then_makes_it_live() {
    let (folder, served) = served();
    let key = served.key.clone();
    deploy(&folder, &served, &key, "").code(0).says("it is live already");
    change(&folder);
    let live = |served: &Served| served.get("/v1/bundles").json()["deploys"].as_array().unwrap().len();
    let shown = deploy(&folder, &served, &key, "--dry-run").code(0);
    let shown = shown.says("~ flow login").says("+ host hooks.example.com").says("+ claim https://x.example/tier");
    shown.says("budget of login: ").says(" -> 9000 ms").says("a dry run");
    deploy(&folder, &served, &key, "").code(2).says("nobody is there to agree").says("--yes");
    assert_eq!(live(&served), 1, "nothing was deployed yet");
    let done = deploy(&folder, &served, &key, "--yes --format json").code(0).json();
    let one = &done["tenants"][0];
    assert_eq!((one["result"].as_str(), &one["live"]), (Some("deployed"), &one["bundle"]), "{done}");
    assert_eq!(one["changes"]["egress"]["added"], json!(["hooks.example.com"]));
    assert_eq!(live(&served), 2);
    deploy(&folder, &served, &key, "--yes").code(0).says("it is live already");

    // Back again, by its hash.
    let first = one["replaced"]["bundle"].as_str().unwrap();
    let back = deploy(&folder, &served, &key, &format!("--activate {first} --yes")).code(0);
    back.says("- host hooks.example.com").says("deployed");
    assert_eq!(live(&served), 3);
    let audit = served.get("/v1/audit").body;
    assert!(audit.contains("flow.deployed") && audit.contains("flow.rolled_back"), "{audit}");
    deploy(&folder, &served, &key, &format!("--activate {} --yes", "0".repeat(64))).code(1).says("no such bundle");
}

#[test]
fn who_may_not_or_cannot_is_told_and_nothing_changes() {
    let (folder, served) = served();
    let made = served.post("/v1/keys", &json!({ "name": "reader", "scopes": ["read"] })).json();
    let reader = made["key"].as_str().unwrap();
    change(&folder);
    deploy(&folder, &served, reader, "--yes").code(2).says("does not have the scope `deploy`");
    deploy(&folder, &served, "admit_x.y.z", "--yes").code(2).says("send a valid API key").hides("admit_x.y.z");
    deploy(&folder, &served, &served.key, "--all-tenants --yes").code(2).says("does not have the scope `operate`");
    let nowhere = [("ADMIT_SERVER", "http://127.0.0.1:1"), ("ADMIT_KEY", "admit_x.y.z")];
    folder.run(&["deploy", "--yes"], b"", &nowhere).code(2).says("cannot reach");
    let plain = [("ADMIT_SERVER", "http://admit.example.com"), ("ADMIT_KEY", "admit_x.y.z")];
    folder.run(&["deploy", "--yes"], b"", &plain).code(2).says("a key is not sent to");
    folder.write("broken.admitplan", "no plan");
    deploy(&folder, &served, &served.key, "broken.admitplan --yes").code(2).says("the plan is refused");
    folder.replace("flows/login.admit", "identity_lookup", "identity_lookdown");
    deploy(&folder, &served, &served.key, "--yes").code(1).says("identity_lookdown");
    assert_eq!(served.get("/v1/bundles").json()["deploys"].as_array().unwrap().len(), 1);
}

#[test]
fn where_one_tenant_does_not_fit_none_is_switched() {
    let (folder, served) = served();
    let made = folder.admit("keys create --scopes operate,deploy,read,manage --format json").code(0).json();
    let key = made["key"].as_str().unwrap();
    for slug in ["acme", "globex"] {
        folder.admit(&format!("tenant create {slug}")).code(0);
    }
    let tenants = "--tenant local,acme,globex";
    let done = deploy(&folder, &served, key, &format!("{tenants} --yes --format json")).code(0).json();
    let results = |done: &Value| -> Vec<String> {
        done["tenants"].as_array().unwrap().iter().map(|one| one["result"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(results(&done), ["unchanged", "deployed", "deployed"], "{done}");
    // One that needs a value that only two of them have.
    folder.replace("flows/login.admit", "system flow login {", "param region: string\n\nsystem flow login {");
    let needs = "when params.region == \"\" -> nowhere { deny { reason: \"no_region\" } }\n";
    folder.replace("flows/login.admit", "decision password-result {", &format!("decision password-result {{\n{needs}"));
    let give = |tenant: &str| {
        let headers = [("authorization", format!("Bearer {key}")), ("admit-tenant", tenant.to_owned())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let body = json!({ "value": "eu" }).to_string();
        assert_eq!(served.call("PUT", "/v1/params/region?ahead=true", &headers, body.as_bytes()).status, 200);
    };
    give("local");
    give("acme");
    let refused = deploy(&folder, &served, key, &format!("{tenants} --yes")).code(1);
    refused.says("local, acme").says("`region`").says("globex  refused");
    let refused = deploy(&folder, &served, key, &format!("{tenants} --yes --format json")).code(1).json();
    assert_eq!(results(&refused), ["unchanged", "unchanged", "refused"], "{refused}");
    give("globex");
    let done = deploy(&folder, &served, key, "--all-tenants --yes --format json").code(0).json();
    assert_eq!(results(&done), ["deployed", "deployed", "deployed"], "{done}");
    deploy(&folder, &served, key, "--tenant nobody --yes").code(1).says("no such tenant");
}

#[test]
fn of_pipelines_that_deploy_at_once_exactly_one_wins() {
    let (folder, served) = served();
    let tag = served.get("/v1/bundles").header("etag").unwrap().to_owned();
    let plans: Vec<Vec<u8>> = (1..=6)
        .map(|number| {
            let next = Folder::project(&LOGIN.replace("invalid_credentials", &format!("refused_{number}")));
            next.admit("build -o next.admitplan").code(0);
            std::fs::read(next.file("next.admitplan")).unwrap()
        })
        .collect();
    let key = format!("Bearer {}", served.key);
    let put = |plan: &[u8]| served.call("PUT", "/v1/bundles", &[("authorization", &key), ("if-match", &tag)], plan);
    let replies: Vec<_> = std::thread::scope(|scope| {
        let racers: Vec<_> = plans.iter().map(|plan| scope.spawn(|| put(plan))).collect();
        racers.into_iter().map(|racer| racer.join().unwrap()).collect()
    });
    let won = replies.iter().filter(|reply| reply.status == 200).count();
    let lost: Vec<_> = replies.iter().filter(|reply| reply.status == 412).collect();
    assert_eq!((won, lost.len()), (1, 5), "{:?}", replies.iter().map(|reply| &reply.body).collect::<Vec<_>>());
    let who = served.key.split('.').nth(1).unwrap();
    assert!(lost.iter().all(|reply| reply.body.contains(who)), "it says who has deployed: {}", lost[0].body);
    assert_eq!(served.get("/v1/bundles").json()["deploys"].as_array().unwrap().len(), 2);

    // The same from the command line: each that says it has deployed stands in the history.
    let pipelines: Vec<Folder> = (7..=8)
        .map(|number| Folder::project(&LOGIN.replace("invalid_credentials", &format!("refused_{number}"))))
        .collect();
    let codes: Vec<i32> = std::thread::scope(|scope| {
        let served = &served;
        let run = |folder| scope.spawn(move || deploy(folder, served, &served.key, "--yes"));
        let racers: Vec<_> = pipelines.iter().map(run).collect();
        racers
            .into_iter()
            .map(|racer| {
                let done = racer.join().unwrap();
                assert!(done.code == 0 || done.out.contains("deployed meanwhile"), "{}{}", done.out, done.err);
                done.code
            })
            .collect()
    });
    let deployed = codes.iter().filter(|code| **code == 0).count();
    assert!(deployed >= 1, "{codes:?}");
    assert_eq!(served.get("/v1/bundles").json()["deploys"].as_array().unwrap().len(), 2 + deployed);
    drop(folder);
}
