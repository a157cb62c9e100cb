//! The prelude: JavaScript that locks a world down and makes the `api` object. It is compiled once in a process, from the
//! text embedded here; each world reads the engine's own bytecode of it, a quarter of the work of compiling.

use std::sync::OnceLock;

use rquickjs::context::intrinsic;
use rquickjs::loader::Loader;
use rquickjs::loader::bundle::{Bundle, HasByteCode, ScaBundleData};
use rquickjs::module::WriteOptions;
use rquickjs::{Context, Ctx, Error, Function, Module, Object, Result, Runtime};

/// The name of its module: frames of it are left out of stacks.
pub(super) const NAME: &str = "admit:api";

/// One module in four files.
const SOURCE: &str =
    concat!(include_str!("lock.js"), include_str!("values.js"), include_str!("text.js"), include_str!("api.js"));

static MODULES: ScaBundleData<Compiled> = &[(NAME, Compiled)];

/// Stands for the prelude's bytecode in [`MODULES`].
struct Compiled;

impl HasByteCode<'static> for Compiled {
    fn get_bytecode(&self) -> &'static [u8] {
        static CODE: OnceLock<Vec<u8>> = OnceLock::new();
        // Nothing is no bytecode: the engine refuses it, and no world can be prepared.
        CODE.get_or_init(|| compile().unwrap_or_default())
    }
}

/// Runs the prelude in a world; gives its functions, by name.
pub(super) fn install<'js>(ctx: &Ctx<'js>, natives: Object<'js>) -> Result<Object<'js>> {
    let (module, ended) = Bundle(MODULES).load(ctx, NAME, None)?.eval()?;
    ended.result::<()>().ok_or(Error::Unknown)??;
    let start: Function = module.get("default")?;
    start.call((natives,))
}

fn compile() -> Result<Vec<u8>> {
    let runtime = Runtime::new()?;
    let context = Context::custom::<(intrinsic::Eval, intrinsic::RegExpCompiler)>(&runtime)?;
    let options = WriteOptions { strip_source: true, ..WriteOptions::default() };
    context.with(|ctx| Module::declare(ctx, NAME, SOURCE)?.write(options))
}
