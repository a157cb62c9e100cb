//! The pool from outside: workers, their tenants, their deaths.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::support::{Bench, options, program};
use admit_actions::sandbox::probe;
use admit_actions::{Options, Program};
use admit_runtime::action::ActionError;

const NOTHING: &str = "export function execute() { return { kind: 'continue' } }";

#[tokio::test]
async fn an_action_runs_in_a_worker() {
    let bench = Bench::new(options());
    bench.pool.ready().await.unwrap();
    assert_eq!(bench.run(NOTHING).await, Ok(Default::default()));
}

#[test]
fn t2_what_is_not_on_the_list_kills_the_worker() {
    for name in probe::NAMES {
        let status = Command::new(program().path).args(["probe", name]).status().unwrap();
        assert_eq!(status.signal(), Some(31), "{name}: {status}");
    }
}

#[tokio::test]
async fn without_a_sandbox_no_action_runs() {
    let program = Program { arguments: vec!["without-seccomp".to_owned()], ..program() };
    let bench = Bench::new(Options { program, ..options() });
    for _ in 0..3 {
        let Err(ActionError::Unavailable(why)) = bench.run(NOTHING).await else { panic!("it ran") };
        assert!(why.starts_with("actions do not run here, because their sandbox does not stand: seccomp"), "{why}");
    }
    assert!(bench.pool.ready().await.is_err());
    assert_eq!(bench.pool.status().workers, 0);
}
