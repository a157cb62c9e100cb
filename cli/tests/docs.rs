//! Every example in the docs is checked: `admit` blocks by the compiler, `cel` lines by both engines, the README's and the
//! examples' commands by running them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on fails")]

#[path = "support/markdown.rs"]
mod markdown;

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use markdown::{Block, blocks, files, root, shell};

#[test]
fn every_admit_block_checks_as_it_says() {
    let mut failures = Vec::new();
    let mut count = 0;
    for path in files(&root().join("docs/src")).into_iter().chain([root().join("README.md")]) {
        for block in blocks(&path) {
            if block.info.split(',').next() == Some("admit") {
                count += 1;
                failures.extend(check_block(&path, &block));
            }
        }
    }
    assert!(count >= 8, "only {count} examples were found");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check_block(path: &Path, block: &Block) -> Option<String> {
    let (code, text) = shell("admit check --format json -", &root(), &block.text);
    let found: serde_json::Value = serde_json::from_str(text.lines().next().unwrap_or_default()).unwrap_or_default();
    let of = |level: &str| -> Vec<String> {
        let list = found["diagnostics"].as_array().cloned().unwrap_or_default();
        list.iter()
            .filter(|one| one["level"] == level)
            .map(|one| one["code"].as_str().unwrap_or("").to_owned())
            .collect()
    };
    let place = format!("{}:{}", path.display(), block.line);
    let options: Vec<&str> = block.info.split(',').skip(1).collect();
    let wanted: Vec<&str> = options.iter().filter_map(|option| option.strip_prefix("error=")).collect();
    if of("error") != wanted || (code != 0) == wanted.is_empty() {
        return Some(format!("{place}: wanted errors {wanted:?}, exit {code}, found\n{text}"));
    }
    if wanted.is_empty() && block.text.contains("\ntest \"") {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("example.admit"), &block.text).unwrap();
        let (code, text) = shell("admit test example.admit", folder.path(), "");
        if code != 0 {
            return Some(format!("{place}: its tests fail\n{text}"));
        }
    }
    if !options.contains(&"warning") && wanted.is_empty() && !of("warning").is_empty() {
        return Some(format!("{place}: unwanted warnings\n{text}"));
    }
    None
}

#[test]
fn every_cel_line_is_true() {
    let mut count = 0;
    for path in files(&root().join("docs/src")) {
        for block in blocks(&path).into_iter().filter(|block| block.info == "cel") {
            for line in block.text.lines() {
                let command = format!("admit eval '{}'", line.replace('\'', "'\\''"));
                assert_eq!(shell(&command, &root(), ""), (0, "true\n".to_owned()), "{}: {line}", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 5, "only {count} lines were found");
}

/// The README's command of that number, 0 first, for the built command.
fn command_of_the_readme(number: usize) -> String {
    let shell = blocks(&root().join("README.md")).into_iter().filter(|block| block.info == "sh").nth(number).unwrap();
    shell.text.replace("cargo run --locked -p admit-cli --", "admit").trim().to_owned()
}

#[test]
fn the_readmes_first_command_prints_a_line_that_signs_the_demo_user_in() {
    let command = command_of_the_readme(0);
    assert!(command.starts_with("admit serve --project examples/cymmetri"), "{command}");
    // Only the port is another one: that of the README may be taken here.
    let command = command.replace("admit ", &format!("exec '{}' ", env!("CARGO_BIN_EXE_admit")));
    let mut child = Command::new("sh")
        .args(["-c", &format!("{command} --listen 127.0.0.1:0")])
        .current_dir(root())
        .env_remove("ADMIT_DATABASE")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said: Vec<String> = lines.take_while(|line| line != "ready").collect();
    let line = said.iter().find_map(|line| line.strip_prefix("try: ")).map(str::to_owned);
    let tried = line.as_deref().map(|line| shell(line, &root(), ""));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.iter().any(|line| line.starts_with("listening on http://127.0.0.1:")), "{said:?}");
    assert!(said.iter().any(|line| line.starts_with("API key, shown this once: admit_local.")), "{said:?}");
    let (code, text) = tried.unwrap_or_else(|| panic!("no line to try in {said:?}"));
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    assert_eq!((code, answer["outcome"].as_str()), (0, Some("session")), "{line:?}: {text}");
}

#[test]
fn the_readmes_second_command_is_the_tests_and_its_third_signs_the_demo_user_in() {
    assert_eq!(command_of_the_readme(1), "cargo test --workspace --locked");
    let command = command_of_the_readme(2);
    assert!(command.starts_with("admit run login"), "{command}");
    let (code, text) = shell(&command, &root(), "");
    assert_eq!(code, 0, "{text}");
    for wanted in ["session", "route-on-risk", "proceed", "issue-session"] {
        assert!(text.contains(wanted), "no `{wanted}` in\n{text}");
    }
    assert!(!text.contains("correct horse"), "the password is in the output:\n{text}");
}

/// `console` blocks: `$ command` lines, each followed by what it prints (`...` stands for anything, a line or a part of
/// one) and, where it is not 0, its exit code as `[exit 1]`. They run in a copy of the project, in order.
#[test]
fn every_command_of_the_examples_prints_what_its_readme_says() {
    let mut count = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap() {
        let project = entry.unwrap().path();
        if !project.join("admit.toml").exists() {
            continue;
        }
        let copy = tempfile::tempdir().unwrap();
        copy_folder(&project, copy.path());
        for block in blocks(&project.join("README.md")).into_iter().filter(|block| block.info == "console") {
            count += run_console(&block, &mut copy.path().to_path_buf(), &project.join("README.md"));
        }
    }
    assert!(count > 5, "only {count} commands were found");
}

/// A guide is followed from its first block to its last, in an empty folder: a block with `file=PATH` is written there.
#[test]
fn every_guide_works_as_it_says() {
    let mut count = 0;
    for path in files(&root().join("docs/src/actions")) {
        let folder = tempfile::tempdir().unwrap();
        let mut here = folder.path().to_path_buf();
        for block in blocks(&path) {
            if let Some(name) = block.info.split(',').find_map(|option| option.strip_prefix("file=")) {
                fs::create_dir_all(here.join(name).parent().unwrap()).unwrap();
                fs::write(here.join(name), &block.text).unwrap();
            } else if block.info == "console" {
                count += run_console(&block, &mut here, &path);
            }
        }
    }
    assert!(count > 5, "only {count} commands were found");
}

fn run_console(block: &Block, folder: &mut PathBuf, page: &Path) -> usize {
    let mut count = 0;
    for section in format!("\n{}", block.text).split("\n$ ").skip(1) {
        let (command, expected) = section.split_once('\n').unwrap_or((section, ""));
        if let Some(name) = command.strip_prefix("cd ") {
            folder.push(name.trim_end());
            continue;
        }
        let (code, mut text) = shell(command, folder, "");
        if code != 0 {
            text.push_str(&format!("[exit {code}]\n"));
        }
        let pattern: Vec<&str> = expected.trim_end().lines().collect();
        let lines: Vec<&str> = text.trim_end().lines().collect();
        assert!(
            matches_lines(&pattern, &lines),
            "{}:{}: $ {command}\nwanted:\n{expected}\nprinted:\n{text}",
            page.display(),
            block.line
        );
        count += 1;
    }
    count
}

fn matches_lines(pattern: &[&str], lines: &[&str]) -> bool {
    match pattern.split_first() {
        None => lines.is_empty(),
        Some((&"...", rest)) => (0..=lines.len()).any(|skip| matches_lines(rest, &lines[skip..])),
        Some((first, rest)) => {
            lines.split_first().is_some_and(|(line, others)| matches_line(first, line) && matches_lines(rest, others))
        }
    }
}

fn matches_line(pattern: &str, line: &str) -> bool {
    match pattern.split_once("...") {
        None => pattern.trim_end() == line.trim_end(),
        Some((before, after)) => line.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).filter(|at| rest.is_char_boundary(*at)).any(|at| matches_line(after, &rest[at..]))
        }),
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The tables of a template's page say what its declaration says.
#[test]
fn the_page_of_a_template_has_its_config_and_outputs() {
    let mut count = 0;
    for (path, text) in admit_stdlib::TEMPLATES.iter().filter(|(path, _)| path.ends_with("/action.admit")) {
        let slug = path.split('/').nth(2).unwrap();
        let page = fs::read_to_string(root().join(format!("docs/src/actions/templates/{slug}.md"))).unwrap();
        let wanted = fields(text);
        for row in &wanted {
            assert!(page.contains(row), "{slug}.md has no line\n{row}");
        }
        let shown = page.lines().filter(|line| line.starts_with("| `") && line.matches(" | ").count() == 3).count();
        assert_eq!(shown, wanted.len(), "{slug}.md shows fields that are not declared");
        count += 1;
    }
    assert_eq!(count, 10);
}

/// A row for each field of a declaration as `admit fmt` writes it, one a line.
fn fields(declaration: &str) -> Vec<String> {
    let mut rows = Vec::new();
    let mut doc: Vec<&str> = Vec::new();
    for line in declaration.lines().filter_map(|line| line.strip_prefix("    ")) {
        if let Some(text) = line.strip_prefix("/// ") {
            doc.push(text);
        } else if let Some((name, rest)) = line.split_once(": ") {
            let (ty, default) = rest.split_once(" = ").unwrap_or((rest, ""));
            let default = if default.is_empty() { String::new() } else { format!("`{}`", default.replace('|', "\\|")) };
            rows.push(format!("| `{name}` | `{}` | {default} | {} |", ty.replace('|', "\\|"), doc.join(" ")));
            doc.clear();
        }
    }
    rows
}

#[test]
fn the_page_of_limits_has_those_that_ship() {
    let page = fs::read_to_string(root().join("docs/src/actions/limits.md")).unwrap();
    let limits = admit_actions::wire::Limits::default();
    for row in [
        format!("`budget` ({} s without one)", limits.wall / 1_000),
        format!("| CPU time | {} s |", limits.cpu / 1_000),
        format!("| memory | {} MiB |", limits.memory >> 20),
        format!("| stack | {} KiB |", limits.stack >> 10),
        format!("two awaited calls of the host | {},000 |", limits.jobs / 1_000),
        format!("verdict, as JSON | {} KiB |", limits.output >> 10),
        format!("| log lines | {} |", limits.log_lines),
        format!("| log text | {} KiB |", limits.log_bytes >> 10),
        format!("| calls of `api.fetch` | {} |", limits.fetches),
        format!("| body of a request | {} KiB |", limits.fetch_request >> 10),
        format!("| bodies of all answers together | {} MiB |", limits.fetch_response >> 20),
    ] {
        assert!(page.contains(&row), "limits.md does not say\n{row}");
    }
}

#[test]
fn the_reference_lists_what_is_declared() {
    let (code, list) = shell("admit doc --list", &root(), "");
    assert_eq!(code, 0, "{list}");
    let shown: Vec<&str> = list.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let sources = admit_stdlib::SOURCES.iter();
    let declared = sources.filter(|(_, text)| text.lines().any(|line| line.starts_with("block "))).count();
    // And what is syntax: decision, condition, run flow, run action.
    assert_eq!(shown.len(), declared + 4, "{list}");
    for line in list.lines().filter(|line| line.starts_with("  ")) {
        assert!(line.trim().contains("  "), "no text: {line}");
    }
    for name in shown {
        let (code, page) = shell(&format!("admit doc {name}"), &root(), "");
        assert!(code == 0 && page.starts_with(name), "{page}");
    }
    let (_, json) = shell("admit doc --json", &root(), "");
    let catalogue: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(catalogue["version"], 1);
    assert_eq!(catalogue["blocks"].as_array().unwrap().len(), declared + 4);
    let (_, event) = shell("admit doc event", &root(), "");
    assert!(event.contains("event.request.asn.is_tor: bool"), "{event}");
    let (code, near) = shell("admit doc password_chek", &root(), "");
    assert!(code == 2 && near.contains("did you mean `password_check`?"), "{near}");
}

/// Its page says what the block is for, and shows it in a flow with a test; `every_admit_block_checks_as_it_says` runs that.
#[test]
fn every_block_has_a_page_with_an_example_that_runs() {
    let mut without = Vec::new();
    for (path, text) in
        admit_stdlib::SOURCES.iter().filter(|(_, text)| text.lines().any(|line| line.starts_with("block ")))
    {
        let name = path.rsplit('/').next().unwrap().trim_end_matches(".admit");
        assert!(
            text.contains(&format!("\nblock {name} in ")) || text.starts_with(&format!("block {name} in ")),
            "{path}"
        );
        let beside = root().join(path).with_extension("md");
        let page = root().join(format!("docs/src/blocks/{name}.md"));
        let shown = |path: &Path| {
            path.exists()
                && blocks(path).iter().any(|block| {
                    let uses = block.text.lines().any(|line| line.split_whitespace().any(|word| word == name));
                    block.info.split(',').next() == Some("admit") && uses && block.text.contains("\ntest \"")
                })
        };
        if !shown(&beside) || !shown(&page) {
            without.push(name);
        }
    }
    assert!(without.is_empty(), "no example with a test on the pages of {}", without.join(", "));
}

#[test]
fn an_empty_project_has_the_default_flows() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("admit.toml"), "[project]\nname = \"empty\"\ncatalogue = \"1\"\n").unwrap();
    for flow in
        admit_stdlib::DEFAULTS.iter().map(|(path, _)| path.rsplit('/').next().unwrap().trim_end_matches(".admit"))
    {
        let (code, text) = shell(&format!("admit emit plan {flow}"), folder.path(), "");
        assert_eq!(code, 0, "{text}");
        let (code, text) = shell(&format!("admit doc flow {flow}"), folder.path(), "");
        assert!(code == 0 && text.contains(&format!("system flow {flow} {{")), "{text}");
    }
    fs::write(folder.path().join("t.admit"), "test \"nobody\" of login {\n  stub identity_lookup { found: false }\n  stub password_check { verified: false }\n  expect deny \"invalid_credentials\"\n}\n\ntest \"a second factor\" of login {\n  stub identity_lookup { found: true, user: { id: \"u\", factors: [\"totp\"] } }\n  stub password_check { verified: true, user: { id: \"u\", factors: [\"totp\"] } }\n  stub mfa { verified: true }\n  expect session\n  expect ran mfa\n  expect session.aal == \"aal2\"\n}\n").unwrap();
    let (code, text) = shell("admit test", folder.path(), "");
    assert_eq!(code, 0, "{text}");
}
