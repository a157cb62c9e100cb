//! What the checker made of a test, as data for the test runner: constants evaluated, steps by label.

use admit_compiler::ast::ItemKind;
use admit_compiler::check::output_default;
use admit_compiler::source::Span;
use admit_compiler::typed::flow::{self, Source};
use admit_compiler::typed::test::{Answer, Expect, Outcome, Target, Test};
use admit_eval::consts::Consts;
use admit_eval::cx::Cx;
use admit_eval::datum::Datum;
use admit_eval::func;
use admit_eval::interpret;
use admit_eval::value::{Instant, Value};
use admit_plan::code::{self, Expr, Pool};
use admit_plan::func::Func;
use admit_runtime::testing::{self, Expectation, Path, Stub, TestCase};
use smol_str::SmolStr;

use crate::failure::Failure;
use crate::project::Loaded;

/// Defaults of outputs by block type: what a stub leaves out.
pub type Defaults = Vec<(SmolStr, Vec<(SmolStr, Datum)>)>;

/// The case of a test.
pub fn of(test: &Test, loaded: &Loaded, defaults: &Defaults) -> Result<TestCase, Failure> {
    let value = |code: &Expr| constant(code, &test.pool);
    let mut case = TestCase {
        title: test.title.clone(),
        flow: test.flow.clone(),
        event: test.event.as_ref().map(value).transpose()?,
        input: test.input.as_ref().map(value).transpose()?,
        now: test.now.as_deref().map(instant).transpose()?,
        defaults: defaults.clone(),
        secrets: secrets(loaded),
        ..TestCase::default()
    };
    for (name, code) in &test.params {
        case.params.push((name.clone(), value(code)?));
    }
    for (name, code) in &test.secrets {
        let Datum::Str(given) = value(code)? else { continue };
        case.secrets.retain(|(known, _)| known != name);
        case.secrets.push((name.clone(), given.as_bytes().to_vec()));
    }
    for stub in &test.stubs {
        case.stubs.push(stub_of(&stub.target, &stub.answer, &test.pool)?);
    }
    for (url, code) in &test.fetches {
        case.fetches.push((url.to_string(), value(code)?));
    }
    for (target, code) in &test.replies {
        case.replies.push((target_of(target), value(code)?));
    }
    for (expect, span) in &test.expects {
        case.expects.push(expectation(expect, *span, test, loaded)?);
    }
    Ok(case)
}

/// The declared defaults of every block's outputs.
pub fn defaults(loaded: &Loaded) -> Result<Defaults, Failure> {
    let mut all = Vec::new();
    for (name, block) in &loaded.library.blocks {
        let mut of_block = Vec::new();
        for field in &block.output {
            if let Some((code, pool)) = output_default(field) {
                of_block.push((field.name.clone(), constant(&code, &pool)?));
            }
        }
        all.push((name.clone(), of_block));
    }
    Ok(all)
}

/// Every declared secret, with a value that is none where the test gives none: what is sent is stubbed.
fn secrets(loaded: &Loaded) -> Vec<(SmolStr, Vec<u8>)> {
    let declared = loaded.project.items().filter_map(|item| match &item.kind {
        ItemKind::Secret(name) => Some(name),
        _ => None,
    });
    declared.map(|name| (name.text.clone(), b"a-secret-of-tests".to_vec())).collect()
}

fn stub_of(target: &Target, answer: &Answer, pool: &Pool) -> Result<Stub, Failure> {
    let (answer, after) = match answer {
        Answer::Error(text) => (testing::Answer::Error(text.to_string()), 0),
        Answer::Outputs { outputs, user, after } => {
            let outputs = outputs.iter().map(|(name, code)| Ok((name.clone(), constant(code, pool)?)));
            let user = user.as_ref().map(|code| constant(code, pool)).transpose()?;
            (testing::Answer::Outputs { outputs: outputs.collect::<Result<_, Failure>>()?, user }, *after)
        }
    };
    Ok(Stub { target: target_of(target), answer, after })
}

fn target_of(target: &Target) -> testing::Target {
    match target {
        Target::Label(label) => testing::Target::Label(label.clone()),
        Target::Type(name) => testing::Target::Type(name.clone()),
    }
}

fn expectation(expect: &Expect, span: Span, test: &Test, loaded: &Loaded) -> Result<Expectation, Failure> {
    Ok(match expect {
        Expect::Outcome(outcome) => Expectation::Outcome(
            match outcome {
                Outcome::Session => "session",
                Outcome::Tokens => "tokens",
                Outcome::Allow => "allow",
                Outcome::Finalized => "finalized",
            }
            .into(),
        ),
        Expect::Deny(reason) => Expectation::Deny(reason.clone()),
        Expect::Suspended(label) => Expectation::Suspended(label.clone()),
        Expect::Error(label) => Expectation::Error(label.clone()),
        Expect::Redirect(url) => Expectation::Redirect(url.clone()),
        Expect::Ran(labels) => Expectation::Ran(labels.clone()),
        Expect::NotRan(labels) => Expectation::NotRan(labels.clone()),
        Expect::Branch(decision, branch) => Expectation::Branch(decision.clone(), branch.clone()),
        Expect::Claim(name, code) => Expectation::Claim(name.clone(), constant(code, &test.pool)?),
        Expect::Holds(code) => Expectation::Holds {
            code: code.clone(),
            pool: test.pool.clone(),
            slots: test.slots.iter().map(|slot| slot_of(slot, test, loaded)).collect::<Result<_, _>>()?,
            text: written(span, loaded).into(),
        },
    })
}

/// The clause as written, without the word `expect`.
fn written(span: Span, loaded: &Loaded) -> &str {
    let text =
        loaded.sources().get(span.file).and_then(|source| source.text.get(span.start as usize..span.end as usize));
    let text = text.unwrap_or_default();
    text.strip_prefix("expect").unwrap_or(text).trim()
}

fn slot_of(slot: &flow::Slot, test: &Test, loaded: &Loaded) -> Result<(Path, code::Slot), Failure> {
    let path = match &slot.source {
        Source::Event(path) => Path::Event(path.clone()),
        Source::Session(path) => Path::Session(path.clone()),
        Source::Param(name) => Path::Param(name.clone()),
        Source::Now => Path::Now,
        Source::ParentStep(label, path) => Path::Step(label.clone(), path.clone()),
        Source::Step(step, path) => Path::Step(label_of(*step, test, loaded)?, path.clone()),
        Source::Input(_) | Source::Secret(_) | Source::Variable(_) => {
            return Err(Failure::new(format!("the test `{}` expects something of an input", test.title)));
        }
    };
    // Where a slot is read from is in the path beside it; the source in the plan's terms is not looked at.
    Ok((path, code::Slot { source: code::Source::Now, ty: slot.ty.clone(), maybe_absent: slot.maybe_absent }))
}

fn label_of(step: flow::StepId, test: &Test, loaded: &Loaded) -> Result<SmolStr, Failure> {
    fn find(steps: &[flow::Step], wanted: flow::StepId) -> Option<&SmolStr> {
        steps.iter().find_map(|step| match &step.kind {
            _ if step.id == wanted => Some(&step.label),
            flow::StepKind::Decision(decision) => {
                let branches = decision.cases.iter().map(|case| &case.branch).chain(&decision.default);
                branches.into_iter().find_map(|branch| find(&branch.steps, wanted))
            }
            flow::StepKind::RunFlow(run) => run.stages.iter().find_map(|stage| find(&stage.steps, wanted)),
            flow::StepKind::Block(_) | flow::StepKind::RunAction(_) | flow::StepKind::Condition(_) => None,
        })
    }
    let flow = loaded.checked.flow(&test.flow);
    let label = flow.and_then(|flow| flow.stages.iter().find_map(|stage| find(&stage.steps, step)));
    label.cloned().ok_or_else(|| Failure::new(format!("the test `{}` names a step that is not there", test.title)))
}

/// The value of constant code.
fn constant(code: &Expr, pool: &Pool) -> Result<Datum, Failure> {
    let consts = Consts::new(pool).map_err(Failure::new)?;
    let arena = bumpalo::Bump::new();
    let cx = Cx::new(&arena, &consts);
    interpret::eval(code, &[], &cx).map(Datum::from).map_err(|error| Failure::new(format!("a constant fails: {error}")))
}

fn instant(text: &str) -> Result<Instant, Failure> {
    let (arena, consts) = (bumpalo::Bump::new(), Consts::default());
    match func::call(Func::Timestamp, &[Value::Str(text)], &Cx::new(&arena, &consts)) {
        Ok(Value::Timestamp(at)) => Ok(at),
        Ok(_) => Err(Failure::new(format!("`{text}` is no timestamp"))),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}
