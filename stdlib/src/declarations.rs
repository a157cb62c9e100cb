//! The declarations of the standard library as text: what the compiler gets as its library argument.

/// Name (shown in messages) and text of each file, in the order in which the compiler reads them.
pub const SOURCES: &[(&str, &str)] = &[
    ("stdlib/event.admit", include_str!("../event.admit")),
    ("stdlib/session.admit", include_str!("../session.admit")),
    ("stdlib/auth/mfa.admit", include_str!("../auth/mfa.admit")),
    ("stdlib/auth/password_check.admit", include_str!("../auth/password_check.admit")),
    ("stdlib/auth/require_mfa.admit", include_str!("../auth/require_mfa.admit")),
    ("stdlib/identity/identity_lookup.admit", include_str!("../identity/identity_lookup.admit")),
    ("stdlib/notification/call_webhook.admit", include_str!("../notification/call_webhook.admit")),
    ("stdlib/notification/delay.admit", include_str!("../notification/delay.admit")),
    ("stdlib/notification/log_event.admit", include_str!("../notification/log_event.admit")),
    ("stdlib/notification/send_email.admit", include_str!("../notification/send_email.admit")),
    ("stdlib/risk/risk_evaluate.admit", include_str!("../risk/risk_evaluate.admit")),
    ("stdlib/session/finalize.admit", include_str!("../session/finalize.admit")),
    ("stdlib/session/issue_session.admit", include_str!("../session/issue_session.admit")),
    ("stdlib/terminal/allow.admit", include_str!("../terminal/allow.admit")),
    ("stdlib/terminal/deny.admit", include_str!("../terminal/deny.admit")),
    ("stdlib/flows/login.admit", include_str!("../flows/login.admit")),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn every_declaration_on_disk_is_in_the_table() {
        let mut found = below("", "admit");
        found.retain(|path| !path.starts_with("stdlib/templates/"));
        assert_eq!(found, names(super::SOURCES));
    }

    #[test]
    fn every_template_on_disk_is_in_the_table() {
        let mut found = [below("templates", "admit"), below("templates", "ts")].concat();
        found.sort();
        assert_eq!(found, names(crate::TEMPLATES));
        assert_eq!(found.iter().filter(|path| path.ends_with("/action.admit")).count(), 10);
    }

    /// The files below a folder of this crate whose names end so.
    fn below(folder: &str, end: &str) -> Vec<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = Vec::new();
        let mut folders = vec![root.join(folder)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|found| found == end) {
                    let below = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                    found.push(format!("stdlib/{below}"));
                }
            }
        }
        found.sort();
        found
    }

    fn names(table: &[(&str, &str)]) -> Vec<String> {
        let mut names: Vec<String> = table.iter().map(|(name, _)| (*name).to_owned()).collect();
        names.sort();
        names
    }
}
