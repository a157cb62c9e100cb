//! Conformance cases: a JSON file of the form of `conformance/cel.json` (cases of the public CEL suite, values in
//! protobuf JSON), run on an engine that is given as a function.

mod compare;
mod value;

use std::fmt::{Display, Formatter};

use admit_eval::datum::Datum;
use admit_eval::error::EvalError;
use admit_plan::types::Type;
use serde::Deserialize;
use serde_json::Value as Json;
use smol_str::SmolStr;

use crate::standalone::{Program, compile_expr};

/// Evaluates a program over the values of its slots, in their order; none for a variable that is not bound.
pub type Engine<'e> = &'e dyn Fn(&Program, &[Option<Datum>]) -> Result<Datum, EvalError>;

/// What running a file found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How many cases passed.
    pub passed: usize,
    /// Those that did not.
    pub failed: Vec<Failure>,
}

/// A case that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `file/section/name`
    pub case: String,
    /// Its expression.
    pub expr: String,
    /// What was wrong.
    pub why: String,
}

/// One case, as written.
#[derive(Clone, Debug, Deserialize)]
pub struct Case {
    /// The file of the suite.
    #[serde(default)]
    pub file: String,
    /// The section in the file.
    #[serde(default)]
    pub section: String,
    /// The case in the section.
    #[serde(default)]
    pub name: String,
    /// The expression.
    pub expr: String,
    /// Declarations of variables.
    #[serde(default)]
    type_env: Vec<Json>,
    /// Values of variables, by name.
    #[serde(default)]
    bindings: serde_json::Map<String, Json>,
    /// Where unqualified names are looked for first.
    #[serde(default)]
    container: String,
    /// Types are not checked.
    #[serde(default)]
    disable_check: bool,
    /// The expected value.
    #[serde(default)]
    value: Option<Json>,
    /// The expected value, where the suite also states the type.
    #[serde(default)]
    typed_result: Option<Json>,
    /// An error is expected; its text is not compared, as the suite says.
    #[serde(default)]
    eval_error: Option<Json>,
}

/// Reads a file of cases: an array, or an object that holds one under `cases`.
///
/// # Errors
/// What is wrong with the file, where it is not of that form.
pub fn load(text: &str) -> Result<Vec<Case>, String> {
    let json: Json = serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?;
    let list = match json {
        Json::Object(mut object) => object.remove("cases").ok_or("the file holds no `cases`")?,
        other => other,
    };
    serde_json::from_value(list).map_err(|error| format!("not a list of cases: {error}"))
}

/// Runs all cases on an engine.
pub fn run(cases: &[Case], engine: Engine<'_>) -> Report {
    let mut report = Report::default();
    for case in cases {
        match run_case(case, engine) {
            Ok(()) => report.passed += 1,
            Err(why) => report.failed.push(Failure {
                case: format!("{}/{}/{}", case.file, case.section, case.name),
                expr: case.expr.clone(),
                why,
            }),
        }
    }
    report
}

/// Compiles a case as it asks.
///
/// # Errors
/// The first error of the checker, or what is wrong with the case's declarations.
pub fn compile(case: &Case) -> Result<Program, String> {
    let mut variables: Vec<(SmolStr, Type)> = Vec::new();
    for declaration in &case.type_env {
        if let Some(variable) = value::declaration(declaration)? {
            variables.push(variable);
        }
    }
    for name in case.bindings.keys() {
        if !variables.iter().any(|(known, _)| known == name) {
            variables.push((SmolStr::from(name), admit_plan::types::Kind::Dyn.into()));
        }
    }
    compile_expr(&case.expr, &variables, &case.container, !case.disable_check).map_err(|diagnostics| {
        let first = diagnostics.first();
        first.map_or_else(String::new, |first| format!("{} {}", first.code, first.message))
    })
}

fn run_case(case: &Case, engine: Engine<'_>) -> Result<(), String> {
    let program = compile(case)?;
    let mut values = Vec::with_capacity(program.slots.len());
    for slot in 0..program.slots.len() {
        let name = u32::try_from(slot).ok().and_then(|slot| program.variable(slot)).unwrap_or_default();
        let bound = case.bindings.get(name).map(|bound| bound.get("value").unwrap_or(bound));
        values.push(bound.map(value::datum).transpose()?);
    }
    let result = engine(&program, &values);
    if case.eval_error.is_some() {
        return match result {
            Err(_) => Ok(()),
            Ok(value) => Err(format!("an error is expected, the value is {}", compare::show(&value))),
        };
    }
    let typed = case.typed_result.as_ref().and_then(|typed| typed.get("result"));
    let expected = match case.value.as_ref().or(typed) {
        Some(json) => value::datum(json)?,
        // The suite's default.
        None => Datum::Bool(true),
    };
    match result {
        Ok(value) if compare::same(&value, &expected) => Ok(()),
        Ok(value) => Err(format!("{} is expected, the value is {}", compare::show(&expected), compare::show(&value))),
        Err(error) => Err(format!("{} is expected, the error is: {error}", compare::show(&expected))),
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        for failure in &self.failed {
            writeln!(f, "FAIL {}: {}\n     {}", failure.case, failure.expr, failure.why)?;
        }
        write!(f, "{} passed, {} failed", self.passed, self.failed.len())
    }
}
