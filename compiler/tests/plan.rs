//! Plans of the example projects: they verify, are small, come out the same, and survive nothing that was done to them.

mod support;

use admit_compiler::check::check;
use admit_compiler::lower::build;
use admit_compiler::project::Project;
use admit_plan::bundle::Bundle;
use admit_plan::encode::encode;
use admit_plan::listing::flow as listing;
use admit_plan::verify::{load, verify};

fn example(name: &str) -> Vec<(String, String)> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name);
    let mut files = Vec::new();
    for below in ["", "flows", "lists", "tenants"] {
        let Ok(folder) = std::fs::read_dir(root.join(below)) else { continue };
        for entry in folder {
            let path = entry.unwrap().path();
            if let Ok(text) = std::fs::read_to_string(&path) {
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
    build(&project, &library, &checked).unwrap_or_else(|found| panic!("{found:?}"))
}

#[test]
fn every_example_builds_a_plan_that_verifies() {
    for name in ["cymmetri", "fraud-webhook", "step-up-on-risk"] {
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
