//! `admit simulate`: runs a flow of the project on doubles of the world. Nothing is written, nobody is called: what a step would ask
//! of the world is stubbed, or fails and says so.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use admit_compiler::render::sanitize;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_host::Redirects;
use admit_plan::bundle::Bundle;
use admit_plan::{encode, verify};
use admit_runtime::execute::Outcome;
use admit_runtime::tenant::TenantId;
use admit_runtime::testing::{Answer, Outside, Stub, Target, TestCase, TestResult, run_test};
use admit_server::trace;
use serde_json::{Value, json};
use smol_str::SmolStr;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::host;
use crate::output::{Output, note, print};
use crate::project::{self, Loaded};
use crate::{trace as human, world};

use super::graph::no_flow;
use super::test::stub_defaults;

/// Arguments of `admit simulate`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The flow
    flow: String,
    /// The event: JSON of what the platform knows; it may hold `user` and `authentication` too
    #[arg(long, value_name = "FILE")]
    event: PathBuf,
    /// What the user submits: JSON
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// What a step answers instead of doing its work: its label or block type, and its outputs as JSON
    #[arg(long, value_name = "STEP=JSON")]
    stub: Vec<String>,
    /// What the user answers to a step that prompts
    #[arg(long, value_name = "STEP=JSON")]
    reply: Vec<String>,
    /// What a URL answers: `{"status", "headers", "body"}` or `{"error"}`
    #[arg(long, value_name = "URL=JSON")]
    fetch: Vec<String>,
    /// A user whom steps find: JSON as `event.user`
    #[arg(long, value_name = "FILE")]
    user: Option<PathBuf>,
    /// Whose params
    #[arg(long, default_value = "local", value_name = "SLUG")]
    tenant: TenantId,
    /// The project's folder
    #[arg(long, default_value = ".")]
    project: PathBuf,
    /// The settings of this `[env.NAME]` of admit.toml
    #[arg(long, value_name = "NAME")]
    env: Option<String>,
    /// Print the value of each part of each decision
    #[arg(long)]
    explain: bool,
}

/// Simulates, and prints what happened. A run that ends in deny or error, or that calls what is not stubbed, is a finding.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let loaded = project::load(&args.project)?;
    let Some(bundle) = loaded.build_with_defaults(output) else { return Ok(Exit::Findings) };
    let names = || bundle.flows.iter().filter_map(|flow| bundle.pool.strings.get(flow.name as usize));
    if !names().any(|name| *name == args.flow) {
        return Err(no_flow(&args.flow, names().map(SmolStr::as_str)));
    }
    let case = case(args, &loaded, &bundle)?;
    let refused = |refusal: &dyn std::fmt::Display| Failure::new(format!("the plan is refused: {refusal}"));
    let bytes = encode::encode(&bundle).map_err(|refusal| refused(&refusal))?;
    let plan = verify::load(&bytes).map_err(|refusal| refused(&refusal))?;
    let settings = loaded.settings(args.env.as_deref())?;
    let allowed = Redirects::new(settings.redirects.iter().map(SmolStr::as_str)).map_err(Failure::new)?;
    let result = world::block_on(async {
        let outside = Outside {
            actions: world::actions(&bundle)?,
            redirects: Some(Arc::new(move |url: &str| allowed.allow(url))),
            providers: world::providers(settings),
            clients: world::clients(settings),
            ..Outside::default()
        };
        Ok(run_test(&plan, &admit_stdlib::registry(), &case, &outside).await)
    })?;
    show(&result, &bundle, args.explain, output);
    let went_well = matches!(
        result.outcome,
        Some(
            Outcome::Session { .. }
                | Outcome::Tokens { .. }
                | Outcome::Allow
                | Outcome::Finalized
                | Outcome::Suspended { .. }
        )
    );
    Ok(if went_well && result.failures.is_empty() { Exit::Ok } else { Exit::Findings })
}

fn case(args: &Args, loaded: &Loaded, bundle: &Bundle) -> Result<TestCase, Failure> {
    let name = |id: u32| bundle.pool.strings.get(id as usize).cloned().unwrap_or_default();
    let mut case = TestCase {
        title: "simulation".to_owned(),
        flow: args.flow.as_str().into(),
        event: Some(read(&args.event)?),
        input: args.input.as_deref().map(read).transpose()?,
        now: Some(world::now()),
        params: host::own_params(&loaded.project, &args.tenant),
        defaults: stub_defaults(loaded)?,
        // Whatever is sent with them is stubbed, so nobody reads them.
        secrets: bundle.secrets.iter().map(|id| (name(*id), b"a-secret-of-simulations".to_vec())).collect(),
        explain: args.explain,
        bare: true,
        tenant: Some(args.tenant.clone()),
        users: args.user.as_deref().map(read).transpose()?.into_iter().collect(),
        ..TestCase::default()
    };
    // A block type names every step of it, a label one.
    let is_type = |word: &str| loaded.library.blocks.contains_key(word);
    let target = |word: SmolStr| if is_type(&word) { Target::Type(word) } else { Target::Label(word) };
    for given in &args.stub {
        let (step, value) = pair("--stub", given)?;
        let answer = match value {
            Datum::Map(fields) => match fields.as_slice() {
                [(Datum::Str(name), Datum::Str(text))] if &**name == "error" => Answer::Error(text.to_string()),
                _ => {
                    let outputs = fields.into_iter().filter_map(|(name, value)| Some((name.as_str()?.into(), value)));
                    Answer::Outputs { outputs: outputs.collect(), user: None }
                }
            },
            _ => return Err(Failure::new("`--stub` gives outputs: `--stub password-check='{\"verified\": true}'`")),
        };
        case.stubs.push(Stub { target: target(step), answer, after: 0 });
    }
    for given in &args.reply {
        let (step, value) = pair("--reply", given)?;
        case.replies.push((target(step), value));
    }
    for given in &args.fetch {
        // A URL may hold `=`: the JSON begins at the last `={`.
        let (url, text) = given.rsplit_once("={").ok_or_else(|| Failure::new("write `--fetch URL={...}`"))?;
        let value = json::read(format!("{{{text}").as_bytes());
        let value = value.map_err(|why| Failure::new(format!("`--fetch {url}`: the answer is not JSON: {why}")))?;
        case.fetches.push((url.to_owned(), value));
    }
    Ok(case)
}

fn pair(flag: &str, given: &str) -> Result<(SmolStr, Datum), Failure> {
    let (step, text) = given.split_once('=').ok_or_else(|| Failure::new(format!("write `{flag} STEP=JSON`")))?;
    let value = json::read(text.as_bytes());
    let value = value.map_err(|why| Failure::new(format!("`{flag} {step}`: what it gives is not JSON: {why}")))?;
    Ok((step.into(), value))
}

fn read(path: &Path) -> Result<Datum, Failure> {
    let bytes = if path.as_os_str() == "-" { files::read_stdin()? } else { files::read(path)? };
    json::read(&bytes).map_err(|why| Failure::new(format!("`{}` is not JSON: {why}", path.display())))
}

fn show(result: &TestResult, bundle: &Bundle, explain: bool, output: &Output) {
    let (word, detail) = match &result.outcome {
        None => ("none", None),
        Some(outcome) => (
            outcome.word(),
            match outcome {
                Outcome::Deny { reason, .. } => Some(reason.to_string()),
                Outcome::Suspended { label, .. } => Some(label.to_string()),
                Outcome::Error { label, .. } => label.as_ref().map(ToString::to_string),
                Outcome::Session { .. } | Outcome::Tokens { .. } | Outcome::Allow | Outcome::Finalized => None,
            },
        ),
    };
    if !output.human() {
        let traces: Vec<Value> = result.traces.iter().map(trace::as_json).collect();
        let mut object = json!({ "outcome": word, "detail": detail, "problems": result.failures, "trace": traces });
        if explain {
            let explained = result.traces.iter().map(|trace| trace::explained_json(trace, bundle));
            admit_server::answer::insert(&mut object, "explained", explained.collect());
        }
        print(&format!("{}\n", sanitize::json(&object)));
        return;
    }
    for one in &result.traces {
        print(&human::human(one, output));
        if explain {
            print(&human::human_explained(one, bundle, output));
        }
    }
    print(&format!("outcome: {word}{}\n", detail.map(|detail| format!(" ({detail})")).unwrap_or_default()));
    for problem in &result.failures {
        note(&format!("{} {}\n", output.paint("31", "problem:"), sanitize::line(problem)));
    }
}
