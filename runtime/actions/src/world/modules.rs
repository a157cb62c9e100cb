//! The modules of an Action: nothing else can be imported.

use std::cell::RefCell;
use std::rc::Rc;

use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::{Ctx, Error, Module, Result};

/// Paths and JavaScript.
#[derive(Clone, Default)]
pub(super) struct Modules(Rc<RefCell<Texts>>);

type Texts = Rc<[(String, String)]>;

impl Modules {
    /// Makes `modules` what can be imported; the first is the entry.
    pub(super) fn fill(&self, modules: Rc<[(String, String)]>) {
        *self.0.borrow_mut() = modules;
    }
}

impl Resolver for Modules {
    fn resolve<'js>(
        &mut self,
        _ctx: &Ctx<'js>,
        base: &str,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<String> {
        let refused = || Error::new_resolving_message(base, name, "only the Action's own modules can be imported");
        let path = if name.starts_with("./") || name.starts_with("../") {
            join(base, name).ok_or_else(refused)?
        } else {
            name.into()
        };
        if self.0.borrow().iter().any(|(known, _)| *known == path) { Ok(path) } else { Err(refused()) }
    }
}

impl Loader for Modules {
    fn load<'js>(
        &mut self,
        ctx: &Ctx<'js>,
        name: &str,
        _attributes: Option<ImportAttributes<'js>>,
    ) -> Result<Module<'js>> {
        let source = self.0.borrow().iter().find(|(known, _)| known == name).map(|(_, source)| source.clone());
        Module::declare(ctx.clone(), name, source.ok_or_else(|| Error::new_loading(name))?)
    }
}

/// `name` relative to the folder of `base`; none above the Action's folder.
fn join(base: &str, name: &str) -> Option<String> {
    let mut parts: Vec<&str> = base.split('/').collect();
    parts.pop();
    for part in name.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}
