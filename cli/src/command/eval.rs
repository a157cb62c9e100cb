//! `admit eval`: one expression, or a file of conformance cases, on the interpreter and as machine code.

use std::cell::Cell;
use std::path::{Path, PathBuf};

use admit_compiler::cases;
use admit_compiler::render::sanitize;
use admit_compiler::source::Sources;
use admit_compiler::standalone::{Program, compile_expr};
use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::datum::Datum;
use admit_eval::error::EvalError;
use admit_eval::json;
use admit_eval::value::Value;
use admit_plan::types::{Kind, Type};
use admit_runtime::when::Frame;
use admit_runtime::when::jit::{Compiled, Program as Machine};
use serde_json::json;
use smol_str::SmolStr;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, print};

/// Arguments of `admit eval`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The expression
    #[arg(required_unless_present = "cases", conflicts_with = "cases")]
    expr: Option<String>,
    /// Variables: a JSON object, each a `dyn` value
    #[arg(long, value_name = "FILE")]
    bindings: Option<PathBuf>,
    /// A file of conformance cases
    #[arg(long, value_name = "FILE", conflicts_with = "bindings")]
    cases: Option<PathBuf>,
}

/// Evaluates.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    match (&args.cases, &args.expr) {
        (Some(path), _) => conformance(path, output),
        (None, Some(expr)) => single(expr, args.bindings.as_deref(), output),
        (None, None) => Err(Failure::new("there is no expression")),
    }
}

fn single(expr: &str, bindings: Option<&Path>, output: &Output) -> Result<Exit, Failure> {
    let bound = bindings.map(read_bindings).transpose()?.unwrap_or_default();
    let variables: Vec<(SmolStr, Type)> = bound.iter().map(|(name, _)| (name.clone(), Kind::Dyn.into())).collect();
    let program = match compile_expr(expr, &variables, "", true) {
        Ok(program) => program,
        Err(diagnostics) => {
            let mut sources = Sources::default();
            sources.add("expression", expr);
            return Ok(output.diagnostics_aside(&diagnostics, &sources));
        }
    };
    let values: Vec<Option<Datum>> = (0..)
        .zip(&program.slots)
        .map(|(slot, _)| {
            let name = program.variable(slot);
            bound.iter().find(|(known, _)| name == Some(known)).map(|(_, value)| value.clone())
        })
        .collect();
    match interpreted(&program, &values) {
        Ok(value) if output.human() => print(&format!("{}\n", sanitize::json(&json::to_json(&value)))),
        Ok(value) => {
            let result = json!({ "type": program.ty.to_string(), "value": json::to_json(&value) });
            print(&format!("{}\n", sanitize::json(&result)));
        }
        Err(error) => {
            let failure = Failure::new(format!("the expression fails: {error}"));
            if output.human() {
                output.failure(&failure);
            } else {
                print(&format!("{}\n", sanitize::json(&json!({ "error": failure.message }))));
            }
            return Ok(Exit::Findings);
        }
    }
    Ok(Exit::Ok)
}

fn read_bindings(path: &Path) -> Result<Vec<(SmolStr, Datum)>, Failure> {
    let shown = path.display();
    let no_object = || Failure::new(format!("the bindings `{shown}` are no JSON object"));
    let value = admit_eval::json::read(&files::read(path)?)
        .map_err(|why| Failure::new(format!("the bindings `{shown}` are not JSON: {why}")))?;
    let Datum::Map(fields) = value else { return Err(no_object()) };
    let named = |(name, value): (Datum, Datum)| Some((SmolStr::from(name.as_str()?), value));
    fields.into_iter().map(named).collect::<Option<_>>().ok_or_else(no_object)
}

/// Every case on both engines: the expected value from machine code, and the same from the interpreter.
fn conformance(path: &Path, output: &Output) -> Result<Exit, Failure> {
    let shown = path.display();
    let text = String::from_utf8(files::read(path)?).map_err(|_| Failure::new(format!("`{shown}` is not UTF-8")))?;
    let cases = cases::load(&text).map_err(|why| Failure::new(format!("`{shown}`: {why}")))?;
    let fallen_back = Cell::new(0_usize);
    let report = cases::run(&cases, &|program, values| {
        let meant = interpreted(program, values);
        let Some(found) = compiled(program, values) else {
            fallen_back.set(fallen_back.get() + 1);
            return meant;
        };
        if format!("{found:?}") == format!("{meant:?}") {
            found
        } else {
            Err(EvalError::Invalid(format!("the interpreter gives {meant:?}, machine code {found:?}").into()))
        }
    });
    let failed = report.failed.len();
    if output.human() {
        for failure in &report.failed {
            print(&format!("{}: {}\n    {}\n", failure.case, failure.expr, failure.why));
        }
        print(&format!(
            "{} fell back to the interpreter\n{} passed, {failed} failed\n",
            fallen_back.get(),
            report.passed
        ));
    } else {
        let failures: Vec<_> = report
            .failed
            .iter()
            .map(|failure| json!({ "case": failure.case, "expr": failure.expr, "why": failure.why }))
            .collect();
        let object = json!({
            "passed": report.passed, "failed": failed, "fell_back": fallen_back.get(), "failures": failures,
        });
        print(&format!("{object}\n"));
    }
    Ok(if failed == 0 && fallen_back.get() == 0 { Exit::Ok } else { Exit::Findings })
}

fn interpreted(program: &Program, values: &[Option<Datum>]) -> Result<Datum, EvalError> {
    program.interpret(values)
}

/// The value by machine code; none where the expression did not compile.
fn compiled(program: &Program, values: &[Option<Datum>]) -> Option<Result<Datum, EvalError>> {
    let arena = bumpalo::Bump::new();
    let consts = Consts::new(&program.pool).ok()?;
    let machine = Machine::Value { expr: &program.code, locals: 0 };
    let code = Compiled::compile(&program.pool, &program.slots, &[machine]).ok()?;
    let slots: Vec<Value<'_>> =
        values.iter().map(|value| value.as_ref().map_or(Value::Absent, |value| value.borrow(&arena))).collect();
    let frame = Frame { slots: &slots, locals: &[], cx: &Cx::new(&arena, &consts) };
    Some(code.value(0, &frame).map(Datum::from))
}
