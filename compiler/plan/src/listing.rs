//! The plan as text for people: `admit emit plan` and snapshots. Nothing reads it back.
//!
//! Slots are `s0`, locals `$0`, nodes plain numbers; `s3?` may be absent. It prints any bundle, verified or not: what
//! an index names nothing is printed as `?7`.

mod code;

use std::fmt::Write;

use crate::bundle::{
    Action, BlockNode, BlockType, Branch, Bundle, ConfigValue, Effects, FlowPlan, Node, NodeId, NodeKind, OnError,
    SecretPart,
};
use crate::code::{Slot, Source, StrId};

pub use code::expr;

/// The whole bundle.
pub fn bundle(bundle: &Bundle) -> String {
    let mut out = Out { bundle, text: String::new() };
    out.line(0, &format!("project {} catalogue {}", bundle.project, bundle.catalogue));
    for (id, set) in bundle.pool.sets.iter().enumerate() {
        let how = if set.ignore_case { " ignore case" } else { "" };
        out.line(0, &format!("set {id}: {} entries{how}", set.entries.len()));
    }
    for (id, regex) in bundle.pool.regexes.iter().enumerate() {
        out.line(0, &format!("regex {id}: {}", code::quoted(regex)));
    }
    for (id, block) in bundle.blocks.iter().enumerate() {
        out.block_type(id, block);
    }
    for (id, param) in bundle.params.iter().enumerate() {
        let default = param.default.as_ref().map(|code| format!(" = {}", expr(&bundle.pool, code)));
        let name = out.name(param.name);
        out.line(0, &format!("param {id}: {name}: {}{}", param.ty, default.unwrap_or_default()));
    }
    for (id, secret) in bundle.secrets.iter().enumerate() {
        let name = out.name(*secret);
        out.line(0, &format!("secret {id}: {name}"));
    }
    for (id, action) in bundle.actions.iter().enumerate() {
        out.action(id, action);
    }
    for plan in &bundle.flows {
        out.flow(plan);
    }
    out.text
}

/// One flow of the bundle.
pub fn flow(bundle: &Bundle, flow: &FlowPlan) -> String {
    let mut out = Out { bundle, text: String::new() };
    out.flow(flow);
    out.text
}

struct Out<'a> {
    bundle: &'a Bundle,
    text: String,
}

impl Out<'_> {
    fn line(&mut self, indent: usize, line: &str) {
        for _ in 0..indent {
            self.text.push_str("  ");
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn name(&self, id: StrId) -> String {
        code::name(&self.bundle.pool, id)
    }

    fn path(&self, root: &str, parts: &[StrId]) -> String {
        parts.iter().fold(root.to_owned(), |path, part| path + "." + &self.name(*part))
    }

    fn block_type(&mut self, id: usize, block: &BlockType) {
        let name = self.name(block.name);
        let mut line = format!("block {id}: {name}{} -> {}", effects(block.effects), block.output);
        if let Some(prompt) = &block.prompt {
            let _infallible = write!(line, " prompt {prompt}");
        }
        if !block.takes.is_empty() {
            let takes: Vec<String> = block.takes.iter().map(|field| self.name(*field)).collect();
            let _infallible = write!(line, " takes {}", takes.join(", "));
        }
        self.line(0, &line);
    }

    fn action(&mut self, id: usize, action: &Action) {
        let (slug, version) = (self.name(action.slug), self.name(action.version));
        let prompts = if action.prompts { " prompts" } else { "" };
        let disabled = if action.enabled { "" } else { " disabled" };
        let hash: String = action.hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.line(0, &format!("action {id}: {slug}@{version} {hash}{prompts}{disabled}"));
        for module in &action.modules {
            let line = format!("module {}: {} bytes", code::quoted(&module.path), module.code.len());
            self.line(1, &line);
        }
        for (name, default) in &action.defaults {
            let line = format!("default {} = {}", self.name(*name), self.expr(default));
            self.line(1, &line);
        }
        let secret = |id: &u32| self.bundle.secrets.get(*id as usize).map_or(format!("?{id}"), |name| self.name(*name));
        let secrets: Vec<String> = action.secrets.iter().map(secret).collect();
        let names = |ids: &[StrId]| ids.iter().map(|id| self.name(*id)).collect::<Vec<_>>();
        for (what, list) in [("fetch", names(&action.fetch)), ("claims", names(&action.claims)), ("secrets", secrets)] {
            if !list.is_empty() {
                self.line(1, &format!("{what} {}", list.join(", ")));
            }
        }
    }

    fn flow(&mut self, flow: &FlowPlan) {
        let name = self.name(flow.name);
        let session = if flow.needs_session { " needs session" } else { "" };
        self.line(0, &format!("flow {name} budget {}{session}", millis(flow.budget)));
        self.line(1, &format!("input {}", flow.input));
        if !flow.ends.is_empty() {
            let ends: Vec<String> = flow.ends.iter().map(|id| self.block_name(*id)).collect();
            self.line(1, &format!("ends {}", ends.join(", ")));
        }
        for (id, slot) in flow.slots.iter().enumerate() {
            self.slot(id, slot);
        }
        for (id, node) in (0..).zip(&flow.nodes) {
            self.node(id, node);
        }
    }

    fn slot(&mut self, id: usize, slot: &Slot) {
        let absent = if slot.maybe_absent { "?" } else { "" };
        let source = match &slot.source {
            Source::Event(path) => self.path("event", path),
            Source::Input(path) => self.path("input", path),
            Source::Step(node, path) => self.path(&format!("node {node}"), path),
            Source::Session(path) => self.path("session", path),
            Source::Param(id) => match self.bundle.params.get(*id as usize) {
                Some(param) => format!("params.{}", self.name(param.name)),
                None => format!("params.?{id}"),
            },
            Source::Secret(id) => format!("secret {id}"),
            Source::Now => "now".to_owned(),
            Source::Variable(name) => self.name(*name),
        };
        self.line(1, &format!("s{id}{absent} = {source}: {}", slot.ty));
    }

    fn node(&mut self, id: NodeId, node: &Node) {
        let label = self.name(node.label);
        let next = edge(node.next);
        match &node.kind {
            NodeKind::Stage { when, otherwise } => {
                let when = when.as_ref().map(|when| format!(" when {} else{}", self.expr(when), edge(*otherwise)));
                self.line(1, &format!("{id}: stage {label}{}{next}", when.unwrap_or_default()));
            }
            NodeKind::Block(block) => self.block(id, &label, block, &next),
            NodeKind::Decision { cases, default } => {
                self.line(1, &format!("{id}: decision {label}{next}"));
                for case in cases {
                    let line = format!("when {} -> {}", self.expr(&case.when), self.branch(&case.branch));
                    self.line(2, &line);
                }
                if let Some(branch) = default {
                    let line = format!("default -> {}", self.branch(branch));
                    self.line(2, &line);
                }
            }
            NodeKind::Condition { fields } => {
                self.line(1, &format!("{id}: condition {label}{next}"));
                for (name, when) in fields {
                    let line = format!("{}: {}", self.name(*name), self.expr(when));
                    self.line(2, &line);
                }
            }
            NodeKind::EnterFlow { flow, entry, budget, on_error } => {
                let budget = budget.map(|budget| format!(" budget {}", millis(budget))).unwrap_or_default();
                let (flow, on_error) = (self.name(*flow), self.on_error(on_error));
                self.line(1, &format!("{id}: enter {flow} as {label} at {entry}{budget}{on_error}{next}"));
            }
            NodeKind::LeaveFlow { enter } => self.line(1, &format!("{id}: leave {enter}{next}")),
        }
    }

    fn block(&mut self, id: NodeId, label: &str, block: &BlockNode, next: &str) {
        let retry = match block.retry {
            Some((times, 0)) => format!(" retry {times}"),
            Some((times, backoff)) => format!(" retry {times} backoff {}", millis(backoff)),
            None => String::new(),
        };
        let is_async = if block.is_async { " async" } else { "" };
        let (ty, on_error) = (self.block_name(block.block), self.on_error(&block.on_error));
        let timeout = millis(block.timeout);
        self.line(1, &format!("{id}: {ty} as {label} timeout {timeout}{retry}{on_error}{is_async}{next}"));
        if let Some(place) = &block.action {
            let action = match self.bundle.actions.get(place.action as usize) {
                Some(action) => format!("{}@{}", self.name(action.slug), self.name(action.version)),
                None => format!("?{}", place.action),
            };
            let demand = place.demand.map(|to| format!(" may demand {to}")).unwrap_or_default();
            let line = format!("runs {action} at {}{demand}", self.name(place.trigger));
            self.line(2, &line);
        }
        for (name, value) in &block.config {
            let line = format!("{}: {}", self.name(*name), self.config(value));
            self.line(2, &line);
        }
        for set in &block.sets {
            let to = set.to.as_ref().map(|to| format!(" to {}", self.expr(to))).unwrap_or_default();
            let line = format!("sets {}{to}{}", self.path("event", &set.path), self.when(set.when.as_ref()));
            self.line(2, &line);
        }
        for (path, when) in &block.provides {
            let line = format!("provides {}{}", self.path("event", path), self.when(when.as_ref()));
            self.line(2, &line);
        }
        for (what, when) in &block.ensures {
            let line = format!("ensures {}{}", self.expr(what), self.when(when.as_ref()));
            self.line(2, &line);
        }
    }

    fn config(&self, value: &ConfigValue) -> String {
        match value {
            ConfigValue::Expr(code) => self.expr(code),
            ConfigValue::Type(ty) => format!("type {ty}"),
            ConfigValue::Secret(parts) => {
                let part = |part: &SecretPart| match part {
                    SecretPart::Text(text) => code::text(&self.bundle.pool, *text),
                    SecretPart::Expr(code) => self.expr(code),
                    SecretPart::Secret(id, escape) => match self.bundle.secrets.get(*id as usize) {
                        Some(name) => format!("{} secrets.{}", code::escape(*escape), self.name(*name)),
                        None => format!("{} secrets.?{id}", code::escape(*escape)),
                    },
                };
                format!("secret [{}]", parts.iter().map(part).collect::<Vec<_>>().join(" + "))
            }
            ConfigValue::Record(fields) => {
                let field = |(name, value): &(StrId, ConfigValue)| {
                    format!("{}: {}", code::text(&self.bundle.pool, *name), self.config(value))
                };
                format!("{{{}}}", fields.iter().map(field).collect::<Vec<_>>().join(", "))
            }
        }
    }

    fn branch(&self, branch: &Branch) -> String {
        match branch.target {
            Some(target) => format!("{} at {target}", self.name(branch.name)),
            None => self.name(branch.name),
        }
    }

    fn when(&self, when: Option<&crate::code::Expr>) -> String {
        when.map(|when| format!(" when {}", self.expr(when))).unwrap_or_default()
    }

    fn on_error(&self, on_error: &OnError) -> String {
        match on_error {
            OnError::Halt => String::new(),
            OnError::Continue => " on error continue".to_owned(),
            OnError::Deny(reason) => format!(" on error deny {}", code::text(&self.bundle.pool, *reason)),
        }
    }

    fn block_name(&self, id: u32) -> String {
        self.bundle.blocks.get(id as usize).map_or_else(|| format!("?{id}"), |block| self.name(block.name))
    }

    fn expr(&self, code: &crate::code::Expr) -> String {
        expr(&self.bundle.pool, code)
    }
}

fn edge(to: Option<NodeId>) -> String {
    to.map_or_else(|| " -> end".to_owned(), |to| format!(" -> {to}"))
}

fn effects(effects: Effects) -> String {
    let words = [
        (effects.reads, " reads"),
        (effects.writes, " writes"),
        (effects.sends, " sends"),
        (effects.prompts, " prompts"),
        (effects.mints, " mints"),
        (effects.ends, " ends"),
    ];
    words.into_iter().filter_map(|(has, word)| has.then_some(word)).collect()
}

/// Milliseconds as the language writes them: in the largest unit that divides them.
fn millis(time: u64) -> String {
    match time {
        0 => "0ms".to_owned(),
        _ if time.is_multiple_of(86_400_000) => format!("{}d", time / 86_400_000),
        _ if time.is_multiple_of(3_600_000) => format!("{}h", time / 3_600_000),
        _ if time.is_multiple_of(60_000) => format!("{}m", time / 60_000),
        _ if time.is_multiple_of(1_000) => format!("{}s", time / 1_000),
        _ => format!("{time}ms"),
    }
}
