//! Names of `admit.toml` that flows give to blocks: threat lists of `[feeds]`, providers of `[providers]`.

use smol_str::SmolStr;

use super::config::listed;
use super::walk::Used;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::project::{BLOCKLIST, Project, Settings};
use crate::schema::Named;

/// Refuses names that no environment of the project has. A project without `admit.toml` says nothing of them.
pub(super) fn named(project: &Project, used: &Used, out: &mut Vec<Diagnostic>) {
    if !project.sources.iter().any(|(_, source)| source.name == "admit.toml") {
        return;
    }
    for (span, what, name) in &used.named {
        let known: Vec<&SmolStr> =
            project.manifest.all_settings().flat_map(|settings| names(*what, settings)).collect();
        if known.contains(&name) {
            continue;
        }
        let (thing, section, new) = match what {
            Named::Feed => {
                ("threat list", "feeds", format!("kind = \"{BLOCKLIST}\"` and `path = \"feeds/{name}.netset\""))
            }
            Named::Provider => {
                ("provider", "providers", "issuer = \"https://...\"`, `client_id` and `redirect_uri".to_owned())
            }
        };
        let kind = project.manifest.all_settings().flat_map(|settings| &settings.feeds);
        let other = kind.filter(|feed| *what == Named::Feed && feed.name == *name).map(|feed| &feed.kind).next();
        let message = match other {
            Some(kind) => format!("`[feeds.{name}]` of `admit.toml` is no threat list but of the kind `{kind}`"),
            None => format!("`admit.toml` has no {thing} `{name}`"),
        };
        let help = match nearest(name, known.iter().map(|known| known.as_str())) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => format!("add it to `admit.toml`: below `[{section}.{name}]`, `{new}`"),
            None => format!("it has {}", listed(known.iter().map(|known| known.as_str()))),
        };
        out.push(Diagnostic::error("A0293", *span, message).help(help));
    }
}

fn names(what: Named, settings: &Settings) -> Vec<&SmolStr> {
    match what {
        Named::Feed => settings.feeds.iter().filter(|feed| feed.kind == BLOCKLIST).map(|feed| &feed.name).collect(),
        Named::Provider => settings.providers.iter().map(|provider| &provider.name).collect(),
    }
}
