//! Cases, read from Markdown.

use std::collections::BTreeMap;
use std::path::Path;

/// One case.
pub struct Case {
    /// Its heading.
    pub title: String,
    /// The steps of the stage.
    pub steps: String,
    /// Files of the project beside the flow: custom flows, Actions.
    pub files: Vec<(String, String)>,
    /// What is given and expected.
    pub given: toml::Table,
}

/// All cases, by block.
pub fn all() -> BTreeMap<String, Vec<Case>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract/cases");
    let mut all = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let block = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        let cases = text.split("\n## ").skip(1).map(|case| read(&block, case)).collect();
        all.insert(block, cases);
    }
    all
}

fn read(block: &str, text: &str) -> Case {
    let title = text.lines().next().unwrap().to_owned();
    let fence = |name: &str| {
        let (_, rest) = text.split_once(&format!("```{name}\n"))?;
        rest.split_once("\n```").map(|(body, _)| body.to_owned())
    };
    let given = fence("case").unwrap_or_default();
    let given = given.parse().unwrap_or_else(|error| panic!("{block}: {title}: {error}"));
    let steps = fence("steps").unwrap_or_else(|| panic!("{block}: {title}: there are no steps"));
    Case { title, steps, files: Vec::new(), given }
}
