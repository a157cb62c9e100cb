//! What a deploy changes: two bundles compared as people ask of them, by flows, Actions, hosts, claims, budgets, params, secrets.
//!
//! Names and contents are compared, never indices: a list that moves in the pool changes nothing, one whose entries change
//! changes every flow that asks for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{BlockNode, Bundle, ConfigValue, FlowPlan, NodeKind, SecretPart};
use crate::code::{Expr, Part, StrId};
use crate::listing;

/// Names that came, went, or mean something else than before, each in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// They are new.
    pub added: Vec<String>,
    /// They are gone.
    pub removed: Vec<String>,
    /// They stay, and are not what they were.
    pub changed: Vec<String>,
}

/// A time budget that is another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetChange {
    /// The flow.
    pub flow: String,
    /// Before, in milliseconds.
    pub from: u64,
    /// From now on, in milliseconds.
    pub to: u64,
}

/// What changes from one bundle to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// System flows; one changes also with a list or a text that it uses.
    pub flows: Named,
    /// Actions, `slug@version`; changed: the same version with other code or rights.
    pub actions: Named,
    /// Hosts that blocks and Actions may call. One that is computed stands as `computed in FLOW at LABEL`.
    pub egress: Named,
    /// Claims that flows and Actions set in tokens.
    pub claims: Named,
    /// Budgets of flows that were there before.
    pub budgets: Vec<BudgetChange>,
    /// Params; changed: another type, default, or none any more.
    pub params: Named,
    /// Names of secrets.
    pub secrets: Named,
}

/// A bundle by names.
#[derive(Default)]
struct Facts {
    flows: BTreeMap<String, String>,
    actions: BTreeMap<String, String>,
    egress: BTreeMap<String, String>,
    claims: BTreeMap<String, String>,
    budgets: BTreeMap<String, u64>,
    params: BTreeMap<String, String>,
    secrets: BTreeMap<String, String>,
}

impl Named {
    /// Nothing is other than it was.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    fn between(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Self {
        let only = |one: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
            one.keys().filter(|name| !other.contains_key(*name)).cloned().collect()
        };
        let other = |(name, what): &(&String, &String)| before.get(*name).is_some_and(|was| was != *what);
        Self {
            added: only(after, before),
            removed: only(before, after),
            changed: after.iter().filter(other).map(|(name, _)| name.clone()).collect(),
        }
    }
}

impl Changes {
    /// From one bundle, or from none, to another.
    pub fn between(before: Option<&Bundle>, after: &Bundle) -> Self {
        let (old, new) = (before.map(Facts::of).unwrap_or_default(), Facts::of(after));
        let budgets = new.budgets.iter().filter_map(|(flow, to)| {
            let from = *old.budgets.get(flow)?;
            (from != *to).then(|| BudgetChange { flow: flow.clone(), from, to: *to })
        });
        Self {
            flows: Named::between(&old.flows, &new.flows),
            actions: Named::between(&old.actions, &new.actions),
            egress: Named::between(&old.egress, &new.egress),
            claims: Named::between(&old.claims, &new.claims),
            budgets: budgets.collect(),
            params: Named::between(&old.params, &new.params),
            secrets: Named::between(&old.secrets, &new.secrets),
        }
    }

    /// Nothing changes that is told of.
    pub fn is_empty(&self) -> bool {
        let named = [&self.flows, &self.actions, &self.egress, &self.claims, &self.params, &self.secrets];
        named.into_iter().all(Named::is_empty) && self.budgets.is_empty()
    }
}

impl Facts {
    fn of(bundle: &Bundle) -> Self {
        let mut facts = Self::default();
        let name = |id: StrId| bundle.pool.strings.get(id as usize).map(ToString::to_string).unwrap_or_default();
        let names = |ids: &[StrId]| ids.iter().map(|id| name(*id)).collect::<BTreeSet<_>>();
        for action in &bundle.actions {
            let secrets: Vec<String> =
                action.secrets.iter().filter_map(|id| bundle.secrets.get(*id as usize)).map(|id| name(*id)).collect();
            let (hosts, claims) = (names(&action.fetch), names(&action.claims));
            let defaults: Vec<String> = action
                .defaults
                .iter()
                .map(|(output, code)| format!("{}={}", name(*output), listing::expr(&bundle.pool, code)))
                .collect();
            let what = format!(
                "{:?} {hosts:?} {claims:?} {secrets:?} {defaults:?} {} {}",
                action.hash, action.prompts, action.enabled
            );
            facts.actions.insert(format!("{}@{}", name(action.slug), name(action.version)), what);
            facts.egress.extend(hosts.into_iter().map(|host| (host, String::new())));
            facts.claims.extend(claims.into_iter().map(|claim| (claim, String::new())));
        }
        for flow in &bundle.flows {
            let flow_name = name(flow.name);
            for node in &flow.nodes {
                let NodeKind::Block(block) = &node.kind else { continue };
                let at = format!("computed in {flow_name} at {}", name(node.label));
                facts.block(bundle, block, &at);
            }
            facts.budgets.insert(flow_name.clone(), flow.budget);
            facts.flows.insert(flow_name, content(bundle, flow));
        }
        for param in &bundle.params {
            let default = param.default.as_ref().map(|code| listing::expr(&bundle.pool, code));
            facts.params.insert(name(param.name), format!("{} = {default:?}", param.ty));
        }
        facts.secrets.extend(bundle.secrets.iter().map(|id| (name(*id), String::new())));
        facts
    }

    fn block(&mut self, bundle: &Bundle, block: &BlockNode, at: &str) {
        let name = |id: StrId| bundle.pool.strings.get(id as usize).map_or("", |text| text.as_str());
        if let Some(used) = &block.action {
            self.egress.extend(used.fetch.iter().map(|id| (name(*id).to_owned(), String::new())));
            self.claims.extend(used.claims.iter().map(|id| (name(*id).to_owned(), String::new())));
        }
        let ty = bundle.blocks.get(block.block as usize).map_or("", |ty| name(ty.name));
        let field = |wanted: &str| block.config.iter().find(|(id, _)| name(*id) == wanted).map(|(_, value)| value);
        match (ty, field("url"), field("name")) {
            ("call_webhook", Some(url), _) => {
                let host = beginning(bundle, url).and_then(|(url, is_all)| host_of(&url, is_all));
                self.egress.insert(host.unwrap_or_else(|| at.to_owned()), String::new());
            }
            ("set_custom_claim", _, Some(ConfigValue::Expr(Expr::Str(id)))) => {
                self.claims.insert(name(*id).to_owned(), String::new());
            }
            _ => {}
        }
    }
}

/// What a text begins with whatever is computed later in it, and whether that is all of it.
fn beginning(bundle: &Bundle, value: &ConfigValue) -> Option<(String, bool)> {
    let (id, is_all) = match value {
        ConfigValue::Expr(Expr::Str(id)) => (*id, true),
        ConfigValue::Expr(Expr::Template(parts)) => match parts.first()? {
            Part::Text(id) => (*id, parts.len() == 1),
            Part::Hole(..) => return None,
        },
        ConfigValue::Secret(parts) => match parts.first()? {
            SecretPart::Text(id) => (*id, parts.len() == 1),
            SecretPart::Expr(_) | SecretPart::Secret(..) => return None,
        },
        ConfigValue::Expr(_) | ConfigValue::Type(_) | ConfigValue::Record(_) => return None,
    };
    bundle.pool.strings.get(id as usize).map(|text| (text.to_string(), is_all))
}

/// The host of a URL, where all of the host is there.
fn host_of(url: &str, is_all: bool) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().filter(|host| !host.is_empty() && !host.contains('@'))?;
    (is_all || rest.len() > host.len()).then(|| host.to_ascii_lowercase())
}

/// A flow as its listing has it, what stands elsewhere in the bundle written in.
fn content(bundle: &Bundle, flow: &FlowPlan) -> String {
    let mut text = listing::flow(bundle, flow);
    for (id, set) in bundle.pool.sets.iter().enumerate() {
        let marker = format!(" in set {id})");
        if text.contains(&marker) {
            text = text.replace(&marker, &format!(" in {} {:?})", set.ignore_case, set.entries));
        }
    }
    for (id, regex) in bundle.pool.regexes.iter().enumerate() {
        let marker = format!(" matches regex {id})");
        if text.contains(&marker) {
            text = text.replace(&marker, &format!(" matches {regex:?})"));
        }
    }
    // Which texts it sends is computed; so all of them count where it sends any.
    let sends = |block: &BlockNode| bundle.blocks.get(block.block as usize).is_some_and(|ty| ty.effects.sends);
    if flow.nodes.iter().any(|node| matches!(&node.kind, NodeKind::Block(block) if sends(block))) {
        text.push_str(&format!("{:?}", bundle.texts));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_off_the_beginning_of_urls() {
        assert_eq!(host_of("https://API.example.com:8443/x", false).as_deref(), Some("api.example.com:8443"));
        assert_eq!(host_of("https://api.example.com", true).as_deref(), Some("api.example.com"));
        assert_eq!(host_of("https://api.", false), None, "what follows is computed");
        for url in ["https://", "nothing", "https://user@host/"] {
            assert_eq!(host_of(url, true), None, "{url}");
        }
    }
}
