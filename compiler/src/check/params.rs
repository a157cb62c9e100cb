//! Params: defaults against their types.

use admit_plan::code::{Expr, Pool};
use admit_plan::types::Type;
use smol_str::SmolStr;

use super::constant::constant;
use super::walk::Used;
use crate::diagnostic::Diagnostic;
use crate::resolve::Index;
use crate::source::Span;

/// A checked param.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: SmolStr,
    /// Its type.
    pub ty: Type,
    /// Its default, a constant, and the pool that it indexes; none: every tenant must give a value.
    pub default: Option<(Expr, Pool)>,
    /// Its name in the source.
    pub span: Span,
}

/// The params of a project, in the order of their names.
pub(super) fn params(index: &Index<'_>, out: &mut Vec<Diagnostic>) -> (Vec<Param>, Used) {
    let mut params = Vec::with_capacity(index.params.len());
    for (name, item) in &index.params {
        let default = item.param.default.as_ref().and_then(|default| {
            let what = format!("the default of `{name}`");
            constant(default, Some(&item.ty), &what, out).map(|found| (found.code, found.pool))
        });
        params.push(Param { name: (*name).into(), ty: item.ty.clone(), default, span: item.param.name.span });
    }
    (params, Used::default())
}
