//! The pool from outside: workers, their tenants, their deaths.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use admit_actions::{Options, Rate};
use admit_runtime::action::{ActionError, Verdict};
use admit_runtime::tenant::TenantId;
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{Bench, NOTHING, eventually, options};

const LOOP: &str = "export function execute() { for (;;); }";

#[tokio::test]
async fn an_action_runs_in_a_worker_that_waits_for_the_next() {
    let bench = Bench::new(options());
    bench.pool.ready().await.unwrap();
    for _ in 0..3 {
        assert_eq!(bench.run(NOTHING).await, Ok(Default::default()));
    }
    let status = bench.pool.status();
    assert_eq!(status.idle.len(), 1);
    assert_eq!(status.idle[0].1.len(), 1, "one after the other they need one worker: {status:?}");
}

#[tokio::test]
async fn the_allowlist_of_the_overview_page_lets_employees_in() {
    let code = "export async function execute(input) {
        const email = input.user?.email
        if (email?.endsWith('@cymmetri.com')) {
          return { kind: 'continue' }
        }
        return {
          kind: 'block',
          reason: 'Sign-in is restricted to Cymmetri employees.',
          code: 'domain_not_allowed',
        }
      }";
    let Some(mut bench) = Bench::on_event(options()) else {
        println!("conformance/event.json is not there, 2 cases did not run");
        return;
    };
    assert_eq!(bench.run(code).await, Ok(Default::default()));
    bench.input = bench.input.replace("cymmetri.com", "example.com");
    let verdict = bench.run(code).await.unwrap().verdict;
    let reason = Some("Sign-in is restricted to Cymmetri employees.".to_owned());
    assert_eq!(verdict, Verdict::Block { code: "domain_not_allowed".to_owned(), reason });
}

#[tokio::test(flavor = "multi_thread")]
async fn t2_two_tenants_never_share_a_worker() {
    let bench = Arc::new(Bench::new(Options { workers: 5, idle: Duration::ZERO, ..options() }));
    let tenants: Vec<TenantId> = ["a", "b", "c", "d"].iter().map(|name| name.parse().unwrap()).collect();
    let mut served: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); tenants.len()];
    for _ in 0..10 {
        let runs = tenants.iter().map(|tenant| {
            let (bench, tenant) = (Arc::clone(&bench), tenant.clone());
            tokio::spawn(async move { bench.report_for(&tenant, NOTHING).await.result.unwrap() })
        });
        for run in runs.collect::<Vec<_>>() {
            run.await.unwrap().unwrap();
        }
        for (name, ids) in bench.pool.status().idle {
            let place = tenants.iter().position(|tenant| tenant.as_str() == name).unwrap();
            served[place].extend(ids);
        }
    }
    assert!(served.iter().all(|ids| !ids.is_empty()));
    let all: BTreeSet<u32> = served.iter().flatten().copied().collect();
    assert_eq!(all.len(), served.iter().map(BTreeSet::len).sum::<usize>(), "{served:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_tenants_than_workers_are_served_one_after_the_other() {
    let bench = Bench::new(Options { workers: 2, patience: Duration::from_secs(20), ..options() });
    let bench = Arc::new(Bench { wall: 30_000, ..bench });
    let runs: Vec<_> = (0..12)
        .map(|number| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move {
                let tenant: TenantId = format!("t{number}").parse().unwrap();
                bench.report_for(&tenant, NOTHING).await.result.unwrap()
            })
        })
        .collect();
    for run in runs {
        run.await.unwrap().unwrap();
    }
    assert!(bench.pool.status().workers <= 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn t5_the_death_of_workers_under_load_costs_nobody_else_anything() {
    let bench = Arc::new(Bench::new(Options {
        patience: Duration::from_secs(20),
        cpu: Rate { share: 100.0, burst: Duration::from_secs(100) },
        ..options()
    }));
    let victim: TenantId = "victim".parse().unwrap();
    let stop = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let others = {
        let (bench, stop) = (Arc::clone(&bench), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut count = 0;
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                let report = bench.report_for(&victim, NOTHING).await;
                assert_eq!(report.result, Some(Ok(Default::default())), "{count} invocations went well before");
                count += 1;
            }
            count
        })
    };
    for round in 0..200 {
        bench.run(NOTHING).await.unwrap();
        let idle = bench.pool.status().idle;
        let ids = idle.iter().find(|(name, _)| name == "cymmetri").map(|(_, ids)| ids.clone()).unwrap();
        let signal = if round % 2 == 0 { Signal::KILL } else { Signal::SEGV };
        for id in ids {
            kill_process(Pid::from_raw(id.cast_signed()).unwrap(), signal).unwrap();
        }
        match bench.run(NOTHING).await {
            // Either its worker died before it was found out, or after.
            Ok(_) => {}
            Err(ActionError::Crashed(how)) => {
                assert!(how == "signal 9 (killed)" || how == "signal 11 (segmentation fault)", "{how}");
            }
            Err(other) => panic!("{other}"),
        }
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(others.await.unwrap() > 0);
}

#[tokio::test]
async fn a_worker_that_dies_in_the_middle_is_a_crash() {
    let bench = Arc::new(Bench::new(options()));
    bench.run(NOTHING).await.unwrap();
    let id = bench.pool.status().idle[0].1[0];
    let running = tokio::spawn({
        let bench = Arc::clone(&bench);
        async move { bench.run(LOOP).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    kill_process(Pid::from_raw(id.cast_signed()).unwrap(), Signal::SEGV).unwrap();
    assert_eq!(running.await.unwrap(), Err(ActionError::Crashed("signal 11 (segmentation fault)".to_owned())));
    bench.run(NOTHING).await.unwrap();
}

#[tokio::test]
async fn an_invocation_that_nobody_waits_for_any_more_is_stopped() {
    let bench = Bench::new(Options { spares: 0, ..options() });
    let gone = tokio::time::timeout(Duration::from_millis(100), bench.run(LOOP)).await;
    assert!(gone.is_err());
    eventually(|| bench.pool.status().workers == 0).await;
    bench.run(NOTHING).await.unwrap();
}

#[tokio::test]
async fn who_waits_too_long_is_told_so() {
    let bench = Bench::new(Options { concurrency: 1, queue: 2, patience: Duration::from_millis(100), ..options() });
    let bench = Arc::new(Bench { wall: 1_000, ..bench });
    let start = Instant::now();
    let runs: Vec<_> = (0..5)
        .map(|_| {
            let bench = Arc::clone(&bench);
            tokio::spawn(async move { (bench.run(LOOP).await, start.elapsed()) })
        })
        .collect();
    let mut ended = Vec::new();
    for run in runs {
        ended.push(run.await.unwrap());
    }
    assert!(matches!(ended[0].0, Err(ActionError::TimedOut(1_000))), "{:?}", ended[0]);
    for (result, after) in &ended[1..] {
        let busy = ActionError::Unavailable("too many actions of this tenant run or wait".to_owned());
        assert_eq!(*result, Err(busy));
        assert!(*after < Duration::from_millis(900), "after {after:?}");
    }
}

#[tokio::test]
async fn t3_a_tenant_that_has_used_up_its_cpu_time_waits() {
    let cpu = Rate { share: 0.001, burst: Duration::from_millis(1) };
    let bench = Bench::new(Options { cpu, patience: Duration::from_millis(200), ..options() });
    let bench = Bench { wall: 300, ..bench };
    assert_eq!(bench.run(LOOP).await, Err(ActionError::TimedOut(300)));
    let Err(ActionError::Unavailable(why)) = bench.run(NOTHING).await else { panic!("it ran") };
    assert_eq!(why, "the actions of this tenant have used up their cpu time");
    let other: TenantId = "other".parse().unwrap();
    assert_eq!(bench.report_for(&other, NOTHING).await.result, Some(Ok(Default::default())));
}

#[tokio::test]
async fn workers_that_are_not_used_go() {
    let bench = Bench::new(Options { idle: Duration::from_millis(10), spares: 1, ..options() });
    bench.run(NOTHING).await.unwrap();
    eventually(|| bench.pool.status().idle.iter().all(|(_, ids)| ids.is_empty())).await;
    eventually(|| bench.pool.status().workers == 1).await;
}

#[test]
fn a_pool_outlives_the_runtime_that_used_it() {
    let bench = Bench::new(options());
    for _ in 0..3 {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(bench.run(NOTHING)).unwrap();
        drop(runtime);
    }
    assert_eq!(bench.pool.status().idle[0].1.len(), 1, "the same worker all along");
}
