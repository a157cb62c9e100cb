//! "Did you mean": the known name nearest to what was written.

/// The nearest of `known`, if it is near enough to be meant: at most a third of the letters differ, and no more than
/// three. Of equally near ones the first.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).clamp(1, 3);
    let mut best: Option<(usize, &str)> = None;
    for name in known {
        if name.len().abs_diff(word.len()) > limit.saturating_mul(4) {
            continue;
        }
        let far = strsim::osa_distance(word, name);
        if far <= limit && best.is_none_or(|(nearest, _)| far < nearest) {
            best = Some((far, name));
        }
    }
    best.map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_its_word_and_another_word_finds_none() {
        let known = ["string", "timestamp", "int"];
        assert_eq!(nearest("strnig", known), Some("string"));
        assert_eq!(nearest("timestmap", known), Some("timestamp"));
        assert_eq!(nearest("itn", known), Some("int"));
        assert_eq!(nearest("webhook", known), None);
    }
}
