//! Declarations of contracts.

use admit_plan::types::Kind;
use rustc_hash::FxHashMap;
use smol_str::SmolStr;

use super::Library;
use super::types::plain_fields;
use crate::ast::{self, ConfigValue, Item};
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::schema::{Alternative, Contract, ContractStage, Milestone, SYSTEM_FLOWS};
use crate::source::Span;

/// A contract, over the library's blocks.
pub(super) fn contract(
    decl: &ast::Contract,
    item: &Item,
    library: &Library,
    diagnostics: &mut Vec<Diagnostic>,
) -> Contract {
    if !SYSTEM_FLOWS.contains(&decl.name.text.as_str()) {
        let mut found =
            Diagnostic::error("A0514", decl.name.span, format!("there is no system flow `{}`", decl.name.text));
        if let Some(near) = nearest(&decl.name.text, SYSTEM_FLOWS.iter().copied()) {
            found = found.help(format!("did you mean `{near}`?"));
        }
        diagnostics.push(found);
    }
    let mut seen: FxHashMap<&SmolStr, Span> = FxHashMap::default();
    let mut stages = Vec::with_capacity(decl.stages.len());
    for stage in &decl.stages {
        if let Some(first) = seen.insert(&stage.name.text, stage.name.span) {
            let message = format!("the contract has two stages `{}`", stage.name.text);
            diagnostics.push(Diagnostic::error("A0502", stage.name.span, message).label(first, "first here"));
            continue;
        }
        stages.push(ContractStage {
            name: stage.name.text.clone(),
            when: stage.when.clone(),
            milestones: stage.milestones.iter().map(|one| milestone(one, decl, library, diagnostics)).collect(),
            span: stage.name.span,
        });
    }
    let contract = Contract {
        name: decl.name.text.clone(),
        doc: item.doc.clone(),
        trigger: decl.trigger.parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(".").into(),
        input: plain_fields(&decl.input, diagnostics),
        stages,
        ends: ends(&decl.ends, library, diagnostics),
        needs_session: decl.needs_session,
        span: decl.name.span,
    };
    conditions(&contract, library, diagnostics);
    contract
}

fn milestone(
    decl: &ast::Milestone,
    contract: &ast::Contract,
    library: &Library,
    diagnostics: &mut Vec<Diagnostic>,
) -> Milestone {
    let mut alternatives = Vec::with_capacity(decl.alternatives.len());
    for alternative in &decl.alternatives {
        let name = &alternative.block;
        let Some(block) = library.block(&name.text) else {
            diagnostics.push(no_block(name, library));
            continue;
        };
        if let Some(flows) = &block.flows
            && !flows.contains(&contract.name.text)
        {
            let message = format!("`{}` may not stand in the flow `{}`", name.text, contract.name.text);
            diagnostics.push(Diagnostic::error("A0514", name.span, message).label(block.span, "declared here"));
        }
        if let Some(result) = &alternative.result {
            match block.output_field(&result.text) {
                Some(field) if field.ty.kind == Kind::Bool => {}
                Some(field) => diagnostics.push(
                    Diagnostic::error("A0514", result.span, format!("`{}` is not true or false", result.text))
                        .label(field.span, "declared here"),
                ),
                None => {
                    let message = format!("`{}` has no output `{}`", name.text, result.text);
                    let mut found = Diagnostic::error("A0514", result.span, message).label(block.span, "declared here");
                    if let Some(near) = nearest(&result.text, block.output.iter().map(|field| field.name.as_str())) {
                        found = found.help(format!("did you mean `{near}`?"));
                    }
                    diagnostics.push(found);
                }
            }
        }
        let mut fixed = Vec::with_capacity(alternative.fixed.len());
        for field in &alternative.fixed {
            if block.config_field(&field.name.text).is_none() {
                let message = format!("`{}` has no config field `{}`", name.text, field.name.text);
                diagnostics
                    .push(Diagnostic::error("A0514", field.name.span, message).label(block.span, "declared here"));
                continue;
            }
            match &field.value {
                ConfigValue::Expr(value) => fixed.push((field.name.text.clone(), value.clone())),
                ConfigValue::Type(ty) => {
                    diagnostics.push(Diagnostic::error("A0514", ty.span, "a contract fixes values, not types"));
                }
            }
        }
        alternatives.push(Alternative {
            block: name.text.clone(),
            result: alternative.result.as_ref().map(|result| result.text.clone()),
            fixed,
        });
    }
    Milestone { alternatives, span: decl.span }
}

fn ends(names: &[ast::Name], library: &Library, diagnostics: &mut Vec<Diagnostic>) -> Vec<SmolStr> {
    for name in names {
        match library.block(&name.text) {
            Some(block) if block.is_terminal() => {}
            Some(block) => {
                let message = format!("`{}` ends no flow: it is not a terminal", name.text);
                diagnostics.push(Diagnostic::error("A0514", name.span, message).label(block.span, "declared here"));
            }
            None => diagnostics.push(no_block(name, library)),
        }
    }
    names.iter().map(|name| name.text.clone()).collect()
}

/// The names in a stage's condition are block types of milestones that stand in the stages before it.
fn conditions(contract: &Contract, library: &Library, diagnostics: &mut Vec<Diagnostic>) {
    use ast::expr::{Expr, ExprKind};
    fn roots<'a>(expr: &'a Expr, found: &mut Vec<(&'a ast::Name, Option<&'a ast::Name>)>) {
        match &expr.kind {
            ExprKind::Select { operand, field, .. } => match &operand.kind {
                ExprKind::Ident(name) => found.push((name, Some(field))),
                _ => roots(operand, found),
            },
            ExprKind::Ident(name) => found.push((name, None)),
            ExprKind::Unary(_, inner) | ExprKind::Paren(inner) => roots(inner, found),
            ExprKind::Binary { left, right, .. } => {
                roots(left, found);
                roots(right, found);
            }
            _ => {}
        }
    }
    let mut before: Vec<&str> = Vec::new();
    for stage in &contract.stages {
        let mut named = Vec::new();
        if let Some(when) = &stage.when {
            roots(when, &mut named);
        }
        for (block, field) in named {
            let known = before.contains(&block.text.as_str());
            let output = field.and_then(|field| library.block(&block.text)?.output_field(&field.text));
            if !known || output.is_none() {
                let message = "a stage's condition names results of milestones in the stages before it";
                diagnostics
                    .push(Diagnostic::error("A0514", block.span, message).help("write `mfa.verified`, for example"));
            }
        }
        before.extend(stage.milestones.iter().flat_map(|one| &one.alternatives).map(|one| one.block.as_str()));
    }
}

fn no_block(name: &ast::Name, library: &Library) -> Diagnostic {
    let found = Diagnostic::error("A0514", name.span, format!("there is no block `{}`", name.text));
    match nearest(&name.text, library.blocks.keys().map(SmolStr::as_str)) {
        Some(near) => found.help(format!("did you mean `{near}`?")),
        None => found,
    }
}
