//! Hosts that Actions may call, against those that the project lets anything call.

use super::walk::Used;
use crate::diagnostic::Diagnostic;
use crate::project::Project;
use crate::resolve::Index;
use crate::resolve::action::literals;

/// Warns of hosts that an Action of the project declares, or that the config of one names, and that no environment of
/// the project lets it call: each call would be refused. A project without `admit.toml` says nothing of hosts.
pub(super) fn egress(project: &Project, index: &Index<'_>, used: &Used, out: &mut Vec<Diagnostic>) {
    if !project.sources.iter().any(|(_, source)| source.name == "admit.toml") {
        return;
    }
    let manifest = &project.manifest;
    let lists = || std::iter::once(&manifest.settings.egress).chain(manifest.env.values().map(|env| &env.egress));
    let allowed = |host: &str| lists().flatten().any(|allowed| allows(allowed, host));
    let add = |host: &str| format!("add it to `admit.toml`: below `[egress]`, `hosts = [\"{host}\"]`");
    let run = index.actions.values().flatten().filter(|action| used.actions.contains(&action.name.text));
    for action in run {
        for (host, span) in literals(action.fetch) {
            if !allowed(&host.to_ascii_lowercase()) {
                let message = format!("the project lets nothing call `{host}`");
                out.push(
                    Diagnostic::warning("A0292", span, message)
                        .label(action.name.span, "this action may call it")
                        .help(add(host)),
                );
            }
        }
    }
    for (span, host) in used.granted.iter().filter(|(_, host)| !allowed(host)) {
        let message = format!("the project lets nothing call `{host}`");
        out.push(Diagnostic::warning("A0292", *span, message).help(add(host)));
    }
}

/// `host` or `host:port`: an Action names no port.
fn allows(allowed: &str, host: &str) -> bool {
    allowed.split_once(':').map_or(allowed, |(name, _)| name) == host
}
