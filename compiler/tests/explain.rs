//! The pages of the codes: the wrong example raises exactly its code, the right one no error.

mod support;

use admit_compiler::codes;
use admit_compiler::diagnostic::Level;

#[test]
fn every_page_shows_its_code() {
    let library = support::library();
    let mut wrong = Vec::new();
    for code in codes::all() {
        let found = |section: &str| -> Option<Vec<String>> {
            let files = files(code.page, section)?;
            let (_, found) = support::check(&library, &files);
            let of_level = found.iter().filter(|found| found.level == code.level || found.level == Level::Error);
            Some(of_level.map(|found| format!("{} {}", found.code, found.message)).collect())
        };
        let raised = found("## Wrong");
        let fits = raised
            .as_ref()
            .is_some_and(|raised| !raised.is_empty() && raised.iter().all(|line| line.starts_with(code.id)));
        if !fits {
            wrong.push(format!("{}: the wrong example raises {raised:#?}", code.id));
        }
        if found("## Right").is_none_or(|raised| !raised.is_empty()) {
            wrong.push(format!("{}: the right example raises {:#?}", code.id, found("## Right")));
        }
        if !code.page.starts_with(&format!("# {}: {}\n", code.id, code.title)) {
            wrong.push(format!("{}: the page's title is not the code's", code.id));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The fenced files of a section: an `admit` block is a file of its own, others are named by their info string.
fn files(page: &str, section: &str) -> Option<Vec<(String, String)>> {
    let after = page.split_once(section)?.1;
    let text = after.split("\n## ").next()?;
    let mut files = Vec::new();
    let mut open: Option<(String, String)> = None;
    for line in text.lines() {
        match (&mut open, line.strip_prefix("```")) {
            (Some(_), Some("")) => files.extend(open.take()),
            (Some((_, body)), _) => {
                body.push_str(line);
                body.push('\n');
            }
            (None, Some("admit")) => open = Some((format!("flows/page{}.admit", files.len()), String::new())),
            (None, Some(name)) => open = Some((name.to_owned(), String::new())),
            (None, None) => {}
        }
    }
    (!files.is_empty()).then_some(files)
}
