//! Names of the language as names of Rust.

/// `risk_evaluate`, `new-device` and `GET` as the name of a type or variant: `RiskEvaluate`, `NewDevice`, `Get`.
pub(crate) fn pascal(name: &str) -> String {
    let mut written = String::with_capacity(name.len());
    for part in name.split(|char: char| !char.is_ascii_alphanumeric()).filter(|part| !part.is_empty()) {
        let shouted = part.chars().all(|char| !char.is_ascii_lowercase());
        for (index, char) in part.chars().enumerate() {
            match (index, shouted) {
                (0, _) => written.push(char.to_ascii_uppercase()),
                (_, true) => written.push(char.to_ascii_lowercase()),
                (_, false) => written.push(char),
            }
        }
    }
    match written.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("N{written}"),
        Some(_) if written == "Self" => "Self_".to_owned(),
        Some(_) => written,
        None => "Empty".to_owned(),
    }
}

/// The name of a field: raw where it is a keyword of Rust.
pub(crate) fn field(name: &str) -> String {
    const KEYWORDS: [&str; 30] = [
        "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern", "false", "fn", "for",
        "if", "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "static", "trait",
        "true", "type", "use",
    ];
    if KEYWORDS.contains(&name) || ["where", "while", "yield", "abstract", "final", "override", "try"].contains(&name) {
        format!("r#{name}")
    } else {
        name.to_owned()
    }
}

/// What one item of a list of `factors` is called: `factor`.
pub(crate) fn singular(name: &str) -> String {
    if let Some(stem) = name.strip_suffix("ies") {
        return format!("{stem}y");
    }
    if let Some(stem) = name.strip_suffix("sses") {
        return format!("{stem}ss");
    }
    match name.strip_suffix('s') {
        Some(stem) if !stem.ends_with('s') => stem.to_owned(),
        Some(_) | None => name.to_owned(),
    }
}
