//! JSON merge patches (RFC 7396) over data.

use admit_eval::datum::Datum;

/// Lays a patch over a value: objects are merged, `null` removes, all else replaces. Depth is bounded by the patch, which
/// came from bounded JSON.
pub fn merge(target: Datum, patch: &Datum) -> Datum {
    let Datum::Map(changes) = patch else { return patch.clone() };
    let mut entries = match target {
        Datum::Map(entries) => entries,
        _ => Vec::new(),
    };
    for (key, change) in changes {
        let place = entries.iter().position(|(known, _)| known == key);
        match (place, change) {
            (Some(place), Datum::Null) => {
                entries.remove(place);
            }
            (None, Datum::Null) => {}
            (Some(place), change) => {
                if let Some((_, value)) = entries.get_mut(place) {
                    *value = merge(std::mem::replace(value, Datum::Null), change);
                }
            }
            // Over nothing, so that the `null`s inside a new object go too.
            (None, change) => entries.push((key.clone(), merge(Datum::Null, change))),
        }
    }
    Datum::Map(entries)
}

#[cfg(test)]
mod tests {
    use super::merge;
    use crate::expression::{from_json, to_json};

    /// The cases of RFC 7396, appendix A.
    const CASES: &[(&str, &str, &str)] = &[
        (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
        (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
        (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
        (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
        (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
        (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
        (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
        (r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#),
        (r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#),
        (r#"{"a":"foo"}"#, "null", "null"),
        (r#"{"a":"foo"}"#, r#""bar""#, r#""bar""#),
        (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#),
        ("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#),
        ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
    ];

    #[test]
    fn patches_are_merged_as_the_rfc_says() {
        for (target, patch, result) in CASES {
            let merged = merge(from_json(target.as_bytes()).unwrap(), &from_json(patch.as_bytes()).unwrap());
            assert_eq!(to_json(&merged), *result, "{patch} over {target}");
        }
    }
}
