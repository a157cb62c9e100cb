//! Actions in plans: which versions a plan carries and how; and that a plan which says of one what cannot be is refused.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail by panicking, and changes name the part of a plan that they change"
)]

#[path = "support/project.rs"]
#[expect(dead_code, reason = "shared with tests that need more of it")]
mod support;

use admit_compiler::check::check;
use admit_compiler::lower::build;
use admit_compiler::project::Project;
use admit_compiler::scripts::{Script, ScriptModule, Scripts};
use admit_plan::bundle::{Action, ActionUse, BlockNode, Bundle, ConfigValue, NodeKind, OnError};
use admit_plan::code::Expr;
use admit_plan::encode::encode;
use admit_plan::listing;
use admit_plan::verify::{load, verify};

const LOGIN: &str = r#"
system flow login {
  budget 20s
  stage pre-login {
    identity_lookup
    password_check
    decision password-result {
      when !step.password-check.verified -> wrong { deny { reason: "invalid_credentials" } }
      default -> verified
    }
    run flow gate
  }
  stage post-auth {
    run action tag@1.10.0 { domains: {"cymmetri.com": "enterprise"} } on error continue
    run action ask@1.0.0 as ask-first { key: secrets.k }
    condition seen { corporate: step.ask-first.segment == "corporate" }
  }
  stage post-login {
    issue_session
  }
}
custom flow gate {
  stage s {
    run action tag@1.9.0
    allow
  }
}
secret k
secret spare
"#;

const TAG: &str = r#"action tag {
  version "VERSION"
  source "action.ts"
  triggers login.pre-login, login.post-auth
  config { domains: map(string, string) = {} }
  output { segment: "corporate" | "self_serve" = "self_serve", note: string, n: int = 1 + 2, at: timestamp }
  fetch "hooks.example.com"
  claims "segment", "tier"
}
"#;

const ASK: &str = r#"action ask {
  version "1.0.0"
  source "action.ts"
  triggers login.post-auth
  config { key: secret string }
  output { segment: "corporate" | "self_serve" = "self_serve" }
  secrets spare
  effects prompts
  enabled false
}
"#;

fn files() -> Vec<(String, String)> {
    let mut files = vec![
        ("admit.toml".into(), "[project]\nname = \"p\"\ncatalogue = \"1\"\n".into()),
        ("flows/login.admit".into(), LOGIN.into()),
        ("actions/ask/1.0.0/action.admit".into(), ASK.into()),
        ("actions/ask/1.0.0/action.ts".into(), String::new()),
    ];
    for version in ["1.9.0", "1.10.0", "2.0.0"] {
        files.push((format!("actions/tag/{version}/action.admit"), TAG.replace("VERSION", version)));
        files.push((format!("actions/tag/{version}/action.ts"), String::new()));
    }
    files
}

fn module(path: &str, code: &str, map: Option<&str>) -> ScriptModule {
    ScriptModule { path: path.into(), code: code.into(), map: map.map(Into::into) }
}

fn scripts() -> Scripts {
    let mut scripts = Scripts::new();
    for (slug, version) in [("ask", "1.0.0"), ("tag", "1.9.0"), ("tag", "1.10.0"), ("tag", "2.0.0")] {
        let code = format!("export function execute() {{ return {{ kind: \"continue\" }} }} // {version}");
        let mut modules = vec![module("action.js", &code, Some("{}"))];
        if version == "1.10.0" {
            modules.extend([module("lib/a.js", "export {}", None), module("lib/b.js", "export {}", None)]);
        }
        scripts.insert((slug.into(), version.parse().unwrap()), Script { modules });
    }
    scripts
}

fn built_with(files: &[(String, String)], scripts: &Scripts) -> Result<Bundle, Vec<String>> {
    let library = support::library();
    let (project, mut diagnostics) = Project::read(&library, files);
    let checked = check(&project, &library);
    diagnostics.extend(checked.diagnostics.iter().cloned());
    let errors: Vec<_> = diagnostics
        .iter()
        .filter(|found| found.level == admit_compiler::diagnostic::Level::Error)
        .map(|found| support::line(&project, found))
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    build(&project, &library, &checked, scripts)
        .map_err(|found| found.iter().map(|one| support::line(&project, one)).collect())
}

fn built() -> Bundle {
    built_with(&files(), &scripts()).unwrap_or_else(|found| panic!("{found:?}"))
}

fn text(bundle: &Bundle, id: u32) -> &str {
    &bundle.pool.strings[id as usize]
}

#[test]
fn only_pinned_versions_are_carried_in_the_order_of_semver() {
    let bundle = built();
    let names: Vec<String> = bundle
        .actions
        .iter()
        .map(|one| format!("{}@{}", text(&bundle, one.slug), text(&bundle, one.version)))
        .collect();
    assert_eq!(names, ["ask@1.0.0", "tag@1.9.0", "tag@1.10.0"]);
    assert!(bundle.event.is_some());
    let maps: Vec<Vec<bool>> =
        bundle.debug.as_ref().unwrap().maps.iter().map(|maps| maps.iter().map(Option::is_some).collect()).collect();
    assert_eq!(maps, [vec![true], vec![true], vec![true, false, false]]);
    let bytes = encode(&bundle).unwrap();
    assert_eq!(*load(&bytes).unwrap().bundle(), bundle);
    assert_eq!(encode(&built()).unwrap(), bytes, "it comes out the same");
}

#[test]
fn the_listing_shows_what_an_action_may_do_and_where_it_runs() {
    let bundle = built();
    let listed = listing::bundle(&bundle);
    for line in [
        "action 0: ask@1.0.0 HASH prompts disabled",
        "  secrets spare",
        "action 2: tag@1.10.0 HASH",
        "  module \"lib/a.js\": 9 bytes",
        "  default segment = \"self_serve\"",
        "  default n = 3",
        "  fetch hooks.example.com",
        "  claims segment, tier",
        "    runs tag@1.9.0 at login.pre-login",
        "    runs tag@1.10.0 at login.post-auth",
        "    must_verify: true",
    ] {
        let hashless = |line: &str| {
            let words: Vec<&str> = line.split(' ').map(|word| if word.len() == 16 { "HASH" } else { word }).collect();
            words.join(" ")
        };
        assert!(listed.lines().any(|one| hashless(one) == line), "{line}\n{listed}");
    }
    let demand = listed.lines().find(|line| line.contains("may demand")).unwrap();
    let to = demand.rsplit(' ').next().unwrap();
    assert!(listed.contains(&format!("  {to}: mfa as ask-first-mfa timeout 1s")), "{listed}");
}

#[test]
fn without_its_javascript_no_plan_is_built() {
    let mut scripts = scripts();
    scripts.remove(&("tag".into(), "1.9.0".parse().unwrap()));
    let found = built_with(&files(), &scripts).unwrap_err();
    assert_eq!(
        found,
        [
            "error A0602 actions/tag/1.9.0/action.admit:1 `tag`: the Action `tag@1.9.0` has no JavaScript that could go into the plan"
        ]
    );
    scripts.remove(&("tag".into(), "2.0.0".parse().unwrap()));
    assert_eq!(built_with(&files(), &scripts).unwrap_err().len(), 1, "nothing pins 2.0.0");
}

#[test]
fn a_plan_without_actions_has_no_event() {
    let login = LOGIN.lines().filter(|line| !line.contains("run action") && !line.contains("run flow"));
    let login = login.filter(|line| !line.contains("condition seen")).collect::<Vec<_>>().join("\n");
    let mut files = files();
    files[1].1 = login;
    let bundle = built_with(&files, &Scripts::new()).unwrap();
    assert!(bundle.event.is_none() && bundle.actions.is_empty());
    verify(bundle).unwrap();
}

/// The node that runs the Action, and its use.
fn place(bundle: &mut Bundle, label: &str) -> BlockNode {
    node(bundle, label).clone()
}

fn node<'b>(bundle: &'b mut Bundle, label: &str) -> &'b mut BlockNode {
    let label = bundle.pool.strings.iter().position(|one| one == label).unwrap() as u32;
    let found =
        bundle.flows[0].nodes.iter_mut().find(|node| node.label == label && matches!(node.kind, NodeKind::Block(_)));
    match &mut found.unwrap().kind {
        NodeKind::Block(block) => block,
        _ => panic!("a block"),
    }
}

fn used<'b>(bundle: &'b mut Bundle, label: &str) -> &'b mut ActionUse {
    node(bundle, label).action.as_mut().unwrap()
}

/// Changes the modules of an Action as somebody would who also makes the hash fit.
fn modules(action: &mut Action, change: impl FnOnce(&mut Action)) {
    change(action);
    action.hash = Action::hash_of(&action.modules);
}

type Change = fn(&mut Bundle);

const HOSTILE: &[(&str, Change)] = &[
    ("an event that no Action reads", |bundle| {
        bundle.actions.clear();
    }),
    ("Actions without an event", |bundle| bundle.event = None),
    ("an event that is not a record", |bundle| bundle.event = Some(admit_plan::types::Kind::Bool.into())),
    ("it is not in the order of slugs and versions", |bundle| bundle.actions.swap(1, 2)),
    ("it is not in the order of slugs and versions", |bundle| bundle.actions[2] = bundle.actions[1].clone()),
    ("string 4294967295 does not exist", |bundle| bundle.actions[0].slug = u32::MAX),
    ("a name that is no slug", |bundle| {
        let version = bundle.actions[0].version;
        bundle.actions[0].slug = version;
    }),
    ("a version that is none", |bundle| {
        let slug = bundle.actions[0].slug;
        bundle.actions[0].version = slug;
    }),
    ("a hash of other modules", |bundle| bundle.actions[0].modules[0].code.push(' ')),
    ("a hash of other modules", |bundle| bundle.actions[0].hash[31] ^= 1),
    ("no modules, or too many", |bundle| modules(&mut bundle.actions[0], |action| action.modules.clear())),
    ("no modules, or too many", |bundle| {
        modules(&mut bundle.actions[0], |action| {
            let one = action.modules[0].clone();
            action.modules = (0..65)
                .map(|n| admit_plan::bundle::Module { path: format!("m{n:02}.js").into(), ..one.clone() })
                .collect();
        });
    }),
    ("modules of more than 1048576 bytes", |bundle| {
        modules(&mut bundle.actions[2], |action| {
            for module in &mut action.modules {
                module.code = " ".repeat(400_000);
            }
        });
    }),
    ("`../action.js` is no path of a module", |bundle| path(bundle, "../action.js")),
    ("`/action.js` is no path of a module", |bundle| path(bundle, "/action.js")),
    ("`lib//a.js` is no path of a module", |bundle| path(bundle, "lib//a.js")),
    ("`lib/./a.js` is no path of a module", |bundle| path(bundle, "lib/./a.js")),
    ("`c:a.js` is no path of a module", |bundle| path(bundle, "c:a.js")),
    ("`lib\\\\a.js` is no path of a module", |bundle| path(bundle, "lib\\a.js")),
    ("`a\\nb.js` is no path of a module", |bundle| path(bundle, "a\nb.js")),
    ("`action.ts` is no path of a module", |bundle| path(bundle, "action.ts")),
    ("one name stands twice", |bundle| {
        modules(&mut bundle.actions[2], |action| action.modules[0].path = "lib/a.js".into())
    }),
    ("modules that are not in the order of their paths", |bundle| {
        modules(&mut bundle.actions[2], |action| action.modules.swap(1, 2));
    }),
    ("one name stands twice", |bundle| {
        let fetch = bundle.actions[2].fetch[0];
        bundle.actions[2].fetch.push(fetch);
    }),
    ("a host that is none", |bundle| {
        let strange = bundle.pool.strings.len() as u32;
        bundle.pool.strings.push("https://hooks.example.com".into());
        bundle.actions[2].fetch.push(strange);
    }),
    ("a claim that is no Action's to set", |bundle| {
        let strange = bundle.pool.strings.len() as u32;
        bundle.pool.strings.push("sub".into());
        bundle.actions[2].claims.push(strange);
    }),
    ("secret 9 does not exist", |bundle| bundle.actions[0].secrets.push(9)),
    ("one name stands twice", |bundle| bundle.actions[0].secrets = vec![0, 0]),
    ("one name stands twice", |bundle| {
        let default = bundle.actions[2].defaults[0].clone();
        bundle.actions[2].defaults.push(default);
    }),
    ("slot 0 does not exist", |bundle| bundle.actions[2].defaults[0].1 = Expr::Slot(0)),
    ("a default of `segment` that does not fit its type", |bundle| bundle.actions[2].defaults[0].1 = Expr::Bool(true)),
    ("a default of `segment` that does not fit its type", |bundle| {
        let other = bundle.actions[2].slug;
        bundle.actions[2].defaults[0].1 = Expr::Str(other);
    }),
    ("`segment` may be absent, but says that it is not", |bundle| {
        bundle.actions[2].defaults.remove(0);
    }),
    ("a default of `tag`, which is no output", |bundle| {
        let slug = bundle.actions[2].slug;
        bundle.actions[2].defaults[1].0 = slug;
    }),
    ("Action 7 does not exist", |bundle| used(bundle, "tag").action = 7),
    ("string 4294967295 does not exist", |bundle| used(bundle, "tag").trigger = u32::MAX),
    ("a block that runs an Action, and no Action", |bundle| node(bundle, "tag").action = None),
    ("an Action in a block that runs none", |bundle| {
        let action = place(bundle, "tag").action;
        node(bundle, "identity-lookup").action = action;
    }),
    ("an Action in a block that runs none", |bundle| {
        let block = place(bundle, "tag").block;
        bundle.blocks[block as usize].effects.mints = true;
    }),
    ("a demand that the Action may not make, or none that it may", |bundle| {
        let demand = used(bundle, "ask-first").demand;
        used(bundle, "tag").demand = demand;
    }),
    ("a demand that the Action may not make, or none that it may", |bundle| used(bundle, "ask-first").demand = None),
    ("an Action that may ask the user may not be async", |bundle| {
        node(bundle, "ask-first").on_error = OnError::Continue
    }),
    ("an Action that may ask the user may not be async", |bundle| node(bundle, "ask-first").is_async = true),
    ("an Action that may ask the user may not be async", |bundle| node(bundle, "ask-first").retry = Some((1, 0))),
    ("an Action that sets, provides or ensures", |bundle| {
        node(bundle, "ask-first").ensures.push((Expr::Bool(true), None));
    }),
    ("an edge to node 0", |bundle| used(bundle, "ask-first").demand = Some(0)),
    ("an edge to node 9999", |bundle| used(bundle, "ask-first").demand = Some(9999)),
    ("it demands what is no second factor", |bundle| {
        let mfa = place(bundle, "ask-first-mfa").block;
        bundle.pool.strings.push("mfa2".into());
        bundle.blocks[mfa as usize].name = bundle.pool.strings.len() as u32 - 1;
    }),
    ("it demands a second factor that need not be shown", |bundle| {
        for (_, value) in &mut node(bundle, "ask-first-mfa").config {
            if *value == ConfigValue::Expr(Expr::Bool(true)) {
                *value = ConfigValue::Expr(Expr::Bool(false));
            }
        }
    }),
    ("it demands a second factor that need not be shown", |bundle| node(bundle, "ask-first-mfa").config.clear()),
    ("it goes on elsewhere than what it demands", |bundle| {
        let to = used(bundle, "ask-first").demand.unwrap() as usize;
        let further = bundle.flows[0].nodes[to].next.and_then(|next| bundle.flows[0].nodes[next as usize].next);
        bundle.flows[0].nodes[to].next = further;
    }),
    ("which only an Action's demand leads to", |bundle| {
        let to = used(bundle, "ask-first").demand;
        let nodes = &mut bundle.flows[0].nodes;
        let before = to.unwrap() as usize - 3;
        nodes[before].next = to;
    }),
];

fn path(bundle: &mut Bundle, path: &str) {
    modules(&mut bundle.actions[0], |action| action.modules[0].path = path.into());
}

#[test]
fn a_plan_that_says_of_an_action_what_cannot_be_is_refused() {
    let good = built();
    verify(good.clone()).unwrap();
    for (why, change) in HOSTILE {
        let mut bundle = good.clone();
        bundle.debug = None;
        change(&mut bundle);
        let refused = verify(bundle.clone()).err().map(|refusal| refusal.to_string());
        assert!(refused.as_deref().is_some_and(|text| text.contains(why)), "wanted `{why}`, got {refused:?}");
        if let Ok(bytes) = encode(&bundle) {
            assert!(load(&bytes).is_err(), "{why}, from bytes");
        }
    }
}

#[test]
fn source_maps_are_those_of_the_actions() {
    for change in [(|bundle| bundle.debug.as_mut().unwrap().maps.clear()) as Change, |bundle| {
        bundle.debug.as_mut().unwrap().maps[2].push(None)
    }] {
        let mut bundle = built();
        change(&mut bundle);
        assert!(verify(bundle).unwrap_err().to_string().contains("it is not about these Actions"));
    }
}
