//! The JavaScript of a world that is ours: what locks it down and makes the `api` object, and parts that are loaded
//! when an Action first needs them. Each is compiled once in a process, from the text embedded here; a world reads the
//! engine's own bytecode of it, a quarter of the work of compiling.

use std::sync::OnceLock;

use rquickjs::context::intrinsic;
use rquickjs::function::IntoArgs;
use rquickjs::loader::Loader;
use rquickjs::loader::bundle::{Bundle, HasByteCode, ScaBundleData};
use rquickjs::module::WriteOptions;
use rquickjs::object::Property;
use rquickjs::{Context, Ctx, Error, FromJs, Function, Module, Object, Result, Runtime};

static MODULES: ScaBundleData<&Compiled> =
    &[("admit:lock", &LOCK), ("admit:json", &JSON), ("admit:text", &TEXT), ("admit:fetch", &FETCH)];

static LOCK: Compiled = Compiled::new(include_str!("lock.js"));
static JSON: Compiled = Compiled::new(include_str!("json.js"));
static TEXT: Compiled = Compiled::new(include_str!("text.js"));
static FETCH: Compiled = Compiled::new(include_str!("fetch.js"));

/// A module of ours and, once it was needed, its bytecode. It has no names of files and no lines, which is how its
/// frames are known in stacks.
struct Compiled {
    source: &'static str,
    code: OnceLock<Vec<u8>>,
}

impl Compiled {
    const fn new(source: &'static str) -> Self {
        Self { source, code: OnceLock::new() }
    }
}

impl HasByteCode<'static> for &'static Compiled {
    fn get_bytecode(&self) -> &'static [u8] {
        // Nothing is no bytecode: the engine refuses it, and no world can be prepared.
        self.code.get_or_init(|| compile(self.source).unwrap_or_default())
    }
}

/// Locks a world down. Its functions and the kept built-ins are then found by [`functions`] and [`call`].
pub(super) fn install<'js>(ctx: &Ctx<'js>, natives: Object<'js>) -> Result<()> {
    let functions: Object = load(ctx, "admit:lock")?.call((natives,))?;
    ctx.store_userdata(functions)?;
    Ok(())
}

/// The functions of the prelude: a record without a prototype.
pub(super) fn functions<'js>(ctx: &Ctx<'js>) -> Result<Object<'js>> {
    ctx.userdata::<Object>().map(|functions| (*functions).clone()).ok_or(Error::Unknown)
}

/// Calls a function of a part that is loaded when it is first needed: `text`, say.
pub(super) fn call<'js, A, R>(ctx: &Ctx<'js>, part: &str, name: &str, args: A) -> Result<R>
where
    A: IntoArgs<'js>,
    R: FromJs<'js>,
{
    let functions = functions(ctx)?;
    let loaded = match functions.get::<_, Option<Object>>(part)? {
        Some(loaded) => loaded,
        None => {
            let kit: Object = functions.get("kit")?;
            let loaded: Object = load(ctx, part)?.call((kit,))?;
            functions.prop(part, Property::from(loaded.clone()))?;
            loaded
        }
    };
    loaded.get::<_, Function>(name)?.call(args)
}

/// Compiles what every world needs, which takes longer than to prepare one.
pub(super) fn compile_all() {
    for (_, module) in MODULES {
        module.get_bytecode();
    }
}

fn load<'js>(ctx: &Ctx<'js>, name: &str) -> Result<Function<'js>> {
    let (module, ended) = Bundle(MODULES).load(ctx, name, None)?.eval()?;
    ended.result::<()>().ok_or(Error::Unknown)??;
    module.get("default")
}

fn compile(source: &str) -> Result<Vec<u8>> {
    let runtime = Runtime::new()?;
    let context = Context::custom::<(intrinsic::Eval, intrinsic::RegExpCompiler)>(&runtime)?;
    let options = WriteOptions { strip_source: true, strip_debug: true, ..WriteOptions::default() };
    context.with(|ctx| Module::declare(ctx, "admit", source)?.write(options))
}
