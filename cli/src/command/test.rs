//! `admit test`: runs the project's tests, offline.

mod case;
mod report;

use std::path::PathBuf;
use std::sync::Arc;

use admit_compiler::lower;
use admit_compiler::project::Settings;
use admit_compiler::typed::flow;
use admit_host::Redirects;
use admit_plan::types::Kind;
use admit_plan::verify::{self, Verified};
use admit_runtime::testing::{Outside, TestResult, block_on, run_test};
use admit_stdlib::registry;
use rayon::prelude::*;

use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::progress;
use crate::project::{self, Loaded};
use crate::world;

pub use case::defaults as stub_defaults;

/// Arguments of `admit test`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's folder, or a file
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Run only tests whose flow or title holds this text
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// The environment of admit.toml whose settings count
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Print the trace of every test that fails
    #[arg(long)]
    trace: bool,
    /// Exit with 1 if no test ran
    #[arg(long)]
    fail_on_empty: bool,
}

/// A test that ran.
struct Ran<'a> {
    test: &'a admit_compiler::typed::test::Test,
    result: TestResult,
}

/// Runs the tests and prints how they went. Findings of the project stand against running it.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.path)?;
    let found = output.diagnostics_aside(&loaded.diagnostics, loaded.sources());
    if loaded.has_errors() || found == Exit::Findings {
        return Ok(Exit::Findings);
    }
    let plan = match plan(&loaded) {
        Ok(plan) => plan,
        Err(diagnostics) => return Ok(output.diagnostics(&diagnostics, loaded.sources())),
    }?;
    let wanted = |test: &&admit_compiler::typed::test::Test| {
        args.filter.as_ref().is_none_or(|filter| test.title.contains(filter) || test.flow.contains(filter.as_str()))
    };
    let tests: Vec<_> = loaded.checked.tests.iter().filter(wanted).collect();
    let defaults = case::defaults(&loaded)?;
    let blocks = registry();
    // Workers of Actions are waited for as peers are; everything else of a test waits for nothing.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    let outside = {
        let _inside = runtime.enter();
        outside(&plan, loaded.settings(args.env.as_deref())?)?
    };
    let progress = progress::bar(tests.len(), "tests");
    let ran = tests.into_par_iter().map(|test| {
        let case = case::of(test, &loaded, &defaults)?;
        let running = run_test(&plan, &blocks, &case, &outside);
        let result = if outside.actions.is_some() { runtime.block_on(running) } else { block_on(running) };
        progress.inc(1);
        Ok(Ran { test, result })
    });
    let ran = ran.collect::<Result<Vec<_>, Failure>>()?;
    progress.finish_and_clear();
    report::print_report(&ran, &loaded, output, args.trace);
    let failed = ran.iter().any(|ran| !ran.result.passed());
    Ok(if failed || (args.fail_on_empty && ran.is_empty()) { Exit::Findings } else { Exit::Ok })
}

/// The sandbox, and where the project redirects to.
fn outside(plan: &Verified, settings: &Settings) -> Result<Outside, Failure> {
    let allowed = settings.redirects.iter().map(smol_str::SmolStr::as_str);
    let allowed = Redirects::new(allowed).map_err(Failure::new)?;
    Ok(Outside {
        actions: world::actions(plan.bundle())?,
        redirects: Some(Arc::new(move |url: &str| allowed.allow(url))),
        providers: world::providers(settings),
        clients: world::clients(settings),
        ..Outside::default()
    })
}

/// The plan of the project's flows, custom flows among them: a test may name one, and then it is run by itself.
fn plan(loaded: &Loaded) -> Result<Result<Verified, Failure>, Vec<admit_compiler::diagnostic::Diagnostic>> {
    let tested = |flow: &flow::Flow| loaded.checked.tests.iter().any(|test| test.flow == flow.name);
    let alone: Vec<flow::Flow> = loaded
        .checked
        .flows
        .values()
        .filter(|flow| flow.contract.is_none() && tested(flow))
        .map(standing_alone)
        .collect();
    let program = lower::Program {
        name: loaded.project.manifest.name.clone(),
        catalogue: loaded.project.manifest.catalogue.clone(),
        library: &loaded.library,
        params: loaded.checked.params.iter().map(lower::ParamValue::of).collect(),
        flows: loaded.checked.system_flows().chain(&alone).collect(),
        actions: &loaded.checked.actions,
        texts: &loaded.project.texts,
        scripts: &loaded.scripts,
        sources: loaded.sources(),
    };
    let bundle = lower::lower(&program)?;
    Ok(verify::verify(bundle).map_err(|refusal| Failure::new(format!("the plan is refused: {refusal}"))))
}

/// A custom flow as if it had a contract: no input, ended by `allow`.
fn standing_alone(flow: &flow::Flow) -> flow::Flow {
    let contract = flow::Contract {
        trigger: "test".into(),
        input: Kind::Record([].into()).into(),
        needs_session: false,
        ends: vec!["allow".into()],
    };
    flow::Flow {
        contract: Some(contract),
        budget: flow.budget.or(Some(admit_compiler::check::DEFAULT_BUDGET)),
        ..flow.clone()
    }
}
