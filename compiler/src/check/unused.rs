//! Names that nothing uses: params, lists, secrets and Actions. An uncalled custom flow is none.

use super::walk::Used;
use crate::diagnostic::Diagnostic;
use crate::resolve::Index;
use crate::source::Span;
use crate::typed::action::Kind;

/// Warns of names that nothing uses; where an item did not parse, it may be what uses them.
pub(super) fn unused(index: &Index<'_>, used: &Used, out: &mut Vec<Diagnostic>) {
    if index.broken {
        return;
    }
    for (name, param) in &index.params {
        if !used.params.contains(*name) {
            out.push(warning("param", name, param.param.name.span));
        }
    }
    for (name, list) in &index.lists {
        if !used.lists.contains(*name) {
            out.push(warning("list", name, list.list.name.span));
        }
    }
    for (name, secret) in &index.secrets {
        if !used.secrets.contains(*name) {
            out.push(warning("secret", name, secret.span));
        }
    }
    for (slug, versions) in &index.actions {
        if !used.actions.contains(*slug)
            && let Some(action) = versions.first().filter(|action| action.kind == Kind::Custom)
        {
            out.push(warning("action", slug, action.name.span));
        }
    }
}

fn warning(kind: &str, name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning("A0290", span, format!("the {kind} `{name}` is never used")).help("use it, or remove it")
}
