//! Values in templates (security.md T28): whatever is put in, the text around it keeps its structure, as a parser of the
//! text's own kind reads it.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests say what must be there")]

use admit_eval::template::escape_into;
use admit_eval::value::Value;
use admit_plan::code::Escape;
use proptest::prelude::*;
use url::Url;

/// Values that mean something in one of the kinds of text.
const PAYLOADS: &[&str] = &[
    "",
    "plain",
    "a b+c",
    "../../admin",
    "/etc/passwd",
    "?x=1&y=2#frag",
    "%2e%2e%2f",
    "@evil.example",
    "//evil.example/",
    "a\\b",
    "\r\nset-cookie: a=b",
    "\n",
    "\u{0}",
    "\u{7f}",
    "\"},\"admin\":true,{\"",
    "\\\"",
    "<script>alert(1)</script>",
    "' onmouseover='x",
    "&lt;&#x3c;",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "{event.user.email}",
    "\u{202e}\u{2028}\u{feff}",
    "\u{1b}[31m",
    "ünï😀",
];

fn escaped(value: &str, escape: Escape) -> Option<String> {
    let mut text = String::new();
    escape_into(Value::Str(value), escape, &mut text).ok().map(|()| text)
}

/// What a value would have to do to get out of its place.
fn keeps_its_place(value: &str) {
    if let Some(part) = escaped(value, Escape::Url) {
        let url = Url::parse(&format!("https://api.example.com/users/{part}/risk?q={part}&z=1")).unwrap();
        assert_eq!((url.host_str(), url.fragment()), (Some("api.example.com"), None), "{value:?}");
        let segments: Vec<&str> = url.path_segments().unwrap().collect();
        assert_eq!((segments.len(), segments[0], segments[2]), (3, "users", "risk"), "{value:?}");
        let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert_eq!(query, [("q".to_owned(), value.to_owned()), ("z".to_owned(), "1".to_owned())]);
    }
    if let Some(part) = escaped(value, Escape::Header) {
        assert!(!part.bytes().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{value:?}");
    }
    let json: serde_json::Value =
        serde_json::from_str(&format!("{{\"a\":{},\"b\":1}}", escaped(value, Escape::Json).unwrap())).unwrap();
    assert_eq!(json, serde_json::json!({ "a": value, "b": 1 }));
    let html = escaped(value, Escape::Html).unwrap();
    assert!(!html.contains(['<', '>', '"', '\'']), "{value:?}");
    let back = html.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    assert_eq!(back.replace("&amp;", "&"), value);
}

#[test]
fn t28_payloads_keep_their_place() {
    PAYLOADS.iter().for_each(|payload| keeps_its_place(payload));
    for control in ["\r\nset-cookie: a=b", "\n", "\u{0}", "\u{7f}"] {
        assert_eq!(escaped(control, Escape::Header), None, "{control:?}");
    }
}

#[test]
fn t28_dot_segments_are_refused_in_urls() {
    assert_eq!([escaped(".", Escape::Url), escaped("..", Escape::Url)], [None, None]);
    assert_eq!(escaped("...", Escape::Url).as_deref(), Some("..."));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t28_any_value_keeps_its_place(value in any::<String>()) {
        keeps_its_place(&value);
    }
}
