//! Actions of made bundles: two versions of one, of which the second may demand a second factor.

use admit_plan::bundle::{
    ACTION_EFFECTS, Action, ActionUse, BlockNode, BlockType, ConfigValue, Effects, Module, NodeId, NodeKind, OnError,
};
use admit_plan::code::{Expr, StrId};
use admit_plan::types::{Field, Kind, Type};

use super::{Flow, Hole};
use crate::choices::Choices;

/// Names among the strings of a made bundle.
const RUN: StrId = 24;
const FACTOR: StrId = 25;
const MUST_VERIFY: StrId = 26;
const VERSIONS: [StrId; 2] = [27, 28];
const HOST: StrId = 29;
const TRIGGER: StrId = 30;
/// `alpha` and `beta`, the outputs; `zeta`, the slug and a claim.
const ALPHA: StrId = 9;
const BETA: StrId = 10;
const ZETA: StrId = 14;

/// The block types below those of [`super::blocks`].
const RUN_BLOCK: u32 = 5;
const FACTOR_BLOCK: u32 = 6;

/// What runs Actions, and what asks for a second factor.
pub(super) fn blocks() -> [BlockType; 2] {
    let output = [
        Field { name: "alpha".into(), ty: Kind::Bool.into() },
        Field { name: "beta".into(), ty: Type::optional(Kind::String.into()) },
    ];
    let verified: Type = Kind::Record([Field { name: "alpha".into(), ty: Kind::Bool.into() }].into()).into();
    let prompts = Effects { prompts: true, ..Effects::default() };
    [
        BlockType {
            name: RUN,
            output: Kind::Record(output.into()).into(),
            prompt: None,
            effects: ACTION_EFFECTS,
            takes: Vec::new(),
        },
        BlockType {
            name: FACTOR,
            output: verified.clone(),
            prompt: Some(verified),
            effects: prompts,
            takes: Vec::new(),
        },
    ]
}

/// One version or both.
pub(super) fn actions(choices: &mut Choices<'_>) -> Vec<Action> {
    let mut made = Vec::new();
    for (at, version) in VERSIONS.into_iter().enumerate() {
        if at == 0 && choices.one_in(4) {
            continue;
        }
        let code = format!("export default () => {}", choices.byte());
        let mut modules = vec![Module { path: "action.js".into(), code }];
        for other in 0..choices.below(3) {
            modules.push(Module { path: format!("lib/m{other}.js").into(), code: "export {}".to_owned() });
        }
        let mut defaults = vec![(ALPHA, Expr::Bool(choices.one_in(2)))];
        if choices.one_in(2) {
            defaults.push((BETA, Expr::Str(21)));
        }
        made.push(Action {
            slug: ZETA,
            version,
            hash: Action::hash_of(&modules),
            modules,
            defaults,
            fetch: if choices.one_in(2) { vec![HOST] } else { Vec::new() },
            claims: if choices.one_in(2) { vec![ZETA] } else { Vec::new() },
            secrets: if choices.one_in(2) { vec![choices.below(2) as u32] } else { Vec::new() },
            prompts: at == 1,
            enabled: !choices.one_in(5),
        });
    }
    made
}

/// Source maps of some modules.
pub(super) fn maps(action: &Action) -> Vec<Option<String>> {
    action.modules.iter().enumerate().map(|(at, _)| (at == 0).then(|| "{}".to_owned())).collect()
}

impl Flow<'_, '_, '_> {
    /// An Action, and below it what it may demand.
    pub(super) fn action(&mut self, holes: Vec<Hole>) -> Vec<Hole> {
        let action = self.choices.below(self.bundle.actions.len());
        let prompts = self.bundle.actions.get(action).is_some_and(|action| action.prompts);
        let mut node = plain(RUN_BLOCK);
        node.timeout = 1 + self.choices.below(2_000) as u64;
        node.config.push((ALPHA, self.config(1)));
        node.on_error = match self.on_error() {
            OnError::Continue if prompts => OnError::Halt,
            other => other,
        };
        node.is_async = !prompts && self.choices.one_in(4);
        node.retry = (!prompts && self.choices.one_in(3)).then_some((1, 50));
        let demand = prompts.then(|| self.nodes.len() as NodeId + 1);
        let mut granted = |name| if self.choices.one_in(3) { vec![name] } else { Vec::new() };
        let (fetch, claims) = (granted(HOST), granted(ZETA));
        node.action = Some(Box::new(ActionUse { action: action as u32, trigger: TRIGGER, demand, fetch, claims }));
        let id = self.push(15, NodeKind::Block(Box::new(node)), holes);
        let mut onward = vec![Hole::Next(id)];
        if prompts {
            let mut factor = plain(FACTOR_BLOCK);
            factor.config.push((MUST_VERIFY, ConfigValue::Expr(Expr::Bool(true))));
            let id = self.push(16, NodeKind::Block(Box::new(factor)), Vec::new());
            onward.push(Hole::Next(id));
        }
        onward
    }
}

fn plain(block: u32) -> BlockNode {
    BlockNode {
        block,
        action: None,
        config: Vec::new(),
        timeout: 500,
        retry: None,
        on_error: OnError::Halt,
        is_async: false,
        sets: Vec::new(),
        provides: Vec::new(),
        ensures: Vec::new(),
    }
}
