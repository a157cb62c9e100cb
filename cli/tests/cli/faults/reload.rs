//! F15: plans are replaced under load.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::{Caller, START, deploy_in_turn, node, plans, sign_in, times};
use crate::served::Served;

#[test]
fn f15_plans_replaced_under_load_cost_nobody_a_run() {
    let deploys = times(10, 100);
    let folder = plans();
    let served = Served::of(node(&folder, "admit.db"));
    let caller = Caller::of(&served, &served.key);
    let before = caller.post(START, &sign_in("de")).unwrap().json();
    let is_over = AtomicBool::new(false);
    let ended: usize = std::thread::scope(|scope| {
        let work = || {
            let mut ended = 0;
            while !is_over.load(Ordering::Relaxed) {
                let reply = caller.post(START, &sign_in("fr")).unwrap();
                assert_eq!(reply.status, 200, "{}", reply.body);
                let answer = reply.json();
                let reason = answer["reason"].as_str().unwrap();
                assert!(matches!(reason, "step_up_needed" | "step_up_demanded"), "{answer}");
                ended += 1;
            }
            ended
        };
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        let mut done = 0;
        while done < deploys {
            let is_enough = AtomicBool::new(false);
            done +=
                deploy_in_turn(folder.path(), std::slice::from_ref(&caller), &is_enough, deploys - done).deploys.len();
        }
        is_over.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().unwrap()).sum()
    });
    assert!(ended > 0);
    // A run that waited over all of it goes on with the plan that it began with.
    let body = json!({ "resume_token": before["resume_token"], "input": { "password": "not the right one" } });
    let path = format!("/v1/runs/{}/resume", before["run"].as_str().unwrap());
    assert_eq!(caller.post(&path, &body).unwrap().status, 200);
    assert!(served.stop());
}
