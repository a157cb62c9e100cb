//! The page of the store lists what is used of PostgreSQL: held against the log of what the tests of the store make it do.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Words that are spelt as keywords are and are none: of values and of the migrator's own comments.
const NO_KEYWORDS: [&str; 2] = ["UTF", "V"];

#[test]
fn the_page_lists_every_feature_of_postgres_that_the_statement_log_shows_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    // The cases on PostgreSQL again, in a process whose server logs each statement.
    let status = Command::new(std::env::current_exe().unwrap())
        .arg("on_postgres")
        .env("ADMIT_TEST_STATEMENTS", "all")
        .env("ADMIT_TEST_LOG", &log)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "the cases on PostgreSQL fail");
    let Some(text) = read(&log) else { return };
    let used: BTreeSet<String> = statements(&text).flat_map(|statement| words(&without_literals(&statement))).collect();
    assert!(used.len() > 60 && used.contains("SKIP"), "the log was not read: {used:?}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/store.md");
    let page = std::fs::read_to_string(page).unwrap();
    let table = page.split("What is used of it:").nth(1).unwrap().split("\n\n").nth(1).unwrap();
    let spans = table.split('`').skip(1).step_by(2);
    let names = |span: &str| span.split(|char: char| !is_word(char)).map(ToOwned::to_owned).collect::<Vec<_>>();
    let listed: BTreeSet<String> = spans.flat_map(names).filter(|name| name.len() > 1).collect();
    let missing: Vec<&String> = used.difference(&listed).collect();
    // What is no keyword there may be a column's name or a setting's.
    let is_keyword = |word: &&String| word.chars().all(|char| char.is_ascii_uppercase());
    let unused: Vec<&String> = listed.difference(&used).filter(is_keyword).collect();
    assert!(
        missing.is_empty() && unused.is_empty(),
        "used and not listed: {missing:?}\nlisted and not used: {unused:?}"
    );
}

/// The log; none where there is no PostgreSQL. It is there a moment after the process has ended.
fn read(log: &Path) -> Option<String> {
    let start = Instant::now();
    while !log.exists() && start.elapsed() < Duration::from_secs(10) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let text = std::fs::read(log).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(text.is_some() || std::env::var_os("ADMIT_TEST_POSTGRES").is_none(), "there is no log");
    text
}

/// The statements of our own connections, each with the lines that go on.
fn statements(log: &str) -> impl Iterator<Item = String> {
    let mut found: Vec<String> = Vec::new();
    let mut is_ours = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let Some(statement) = found.last_mut().filter(|_| is_ours) {
                statement.push('\n');
                statement.push_str(more);
            }
            continue;
        }
        let said = line.strip_prefix("admit|").and_then(|line| line.strip_prefix("LOG:  "));
        let said = said
            .and_then(|said| said.split_once(": "))
            .filter(|(what, _)| *what == "statement" || what.starts_with("execute "));
        is_ours = said.is_some();
        found.extend(said.map(|(_, statement)| statement.to_owned()));
    }
    found.into_iter()
}

/// Without what stands in quotes, and without comments.
fn without_literals(statement: &str) -> String {
    let lines: Vec<&str> = statement.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let text = lines.join("\n");
    text.split('\'').step_by(2).collect::<Vec<_>>().join(" ")
}

fn is_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || char == '_'
}

/// Keywords, which we write in capitals, and the names of functions, which a parenthesis follows.
fn words(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.char_indices().filter(|(at, char)| is_word(*char) && !text[..*at].ends_with(is_word)) {
        let word: String = text[at..].chars().take_while(|char| is_word(*char)).collect();
        let is_keyword = word.len() > 1 && word.chars().all(|char| char.is_ascii_uppercase());
        let is_function = word.chars().all(|char| char.is_ascii_lowercase() || char == '_')
            && text[at + word.len()..].starts_with('(')
            && !word.starts_with('_');
        if (is_keyword && !NO_KEYWORDS.contains(&word.as_str())) || is_function {
            found.push(word);
        }
    }
    found
}
