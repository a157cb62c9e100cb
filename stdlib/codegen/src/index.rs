//! `generated.rs`: the modules, the table that finds a block by name, and the texts of the library.

use std::fmt::Write as _;

use crate::COMMAND;
use crate::names::pascal;

/// The text of `generated.rs`. Names of blocks and paths below `stdlib` are sorted.
pub(crate) fn module(blocks: &[(&str, Vec<&str>)], paths: &[&str]) -> String {
    let mut text = format!(
        "//! The blocks and the texts of the standard library: written from the declarations by `{COMMAND}`. Do not edit: where
//! two branches meet in this file, run it again.

use std::sync::Arc;

use admit_runtime::block::{{Block, Registry}};

"
    );
    for (block, _) in blocks {
        let _ = writeln!(text, "pub mod {block};");
    }
    text.push_str("\n/// What several blocks have.\npub mod shared;\n");
    let _ = write!(
        text,
        "
/// The implementation of every block that is declared.
pub fn registry() -> Registry {{
    let mut registry = Registry::default();
    for (block, errors) in blocks() {{
        registry.add_declared(block, errors);
    }}
    registry
}}

/// Each with the errors that its declaration names.
fn blocks() -> [(Arc<dyn Block>, &'static [&'static str]); {}] {{
    [
",
        blocks.len()
    );
    for (block, errors) in blocks {
        let _ = writeln!(text, "(Arc::new({block}::{}), &{errors:?}),", pascal(block));
    }
    text.push_str("]\n}\n");
    let of = |wanted: &dyn Fn(&str) -> bool| paths.iter().copied().filter(|path| wanted(path)).collect::<Vec<_>>();
    table(
        &mut text,
        "SOURCES",
        "The declarations: name (shown in messages) and text of each file, in the order in which the compiler reads them.",
        &of(&|path| {
            path.ends_with(".admit") && !path.starts_with("templates/") && !path.starts_with("flows/defaults/")
        }),
    );
    table(
        &mut text,
        "DEFAULTS",
        "The default flows: what stands where a project has no system flow of their name.",
        &of(&|path| path.starts_with("flows/defaults/")),
    );
    table(
        &mut text,
        "PAGES",
        "The pages beside the declarations: path and text, a title first.",
        &of(&|path| path.ends_with(".md")),
    );
    table(
        &mut text,
        "TEMPLATES",
        "The Action templates: path and text of each declaration, `templates/<slug>/<version>/action.admit`, and its source.",
        &of(&|path| path.starts_with("templates/")),
    );
    text
}

fn table(text: &mut String, name: &str, doc: &str, paths: &[&str]) {
    let _ = write!(text, "\n/// {doc}\npub const {name}: &[(&str, &str)] = &[\n");
    for path in paths {
        let _ = writeln!(text, "(\"stdlib/{path}\", include_str!(\"../{path}\")),");
    }
    text.push_str("];\n");
}
