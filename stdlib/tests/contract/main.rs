//! The contract of every block: its cases (`cases/<block>.md`) run the real block on the doubles of host and store, and
//! what was seen over all of them is held against its declaration. Each declared output, each word of an enum, both
//! values of a bool, each error and each effect must be seen; nothing undeclared may.
//!
//! A case is a heading, the steps of one stage in `steps`, and in `case` (TOML) what is given and expected:
//!
//! | key | what |
//! | --- | --- |
//! | `flow` | the system flow; the block's first one, or `login`, where it is left out |
//! | `now` | seconds since 1970 |
//! | `event`, `input` | laid over the baseline event and input |
//! | `users` | records of users, with `password`, `old_password` (hashed with parameters that are no longer ours), `totp_secret`, `factor_phone` (a number that is a factor); `passkey` (its counter) and `passkey_seen` (the counter that was last seen) |
//! | `webauthn` | `false`: the project says nothing of passkeys |
//! | `http` | by URL: `{status, headers, body}` or `{error}` |
//! | `secrets` | by name |
//! | `feeds` | what feeds say, by address: `lists`, `is_tor`, `is_vpn`, `country`, `asn`, `org` |
//! | `mail` | who takes mail, by domain: `named`, `itself`, `refused`, `nobody` |
//! | `off` | channels over which no message can leave: `mail`, `sms` |
//! | `oidc` | an OpenID provider `known`: its `issuer` and the `claims` of its ID token; `$state` in an answer is the run's state |
//! | `clients` | OAuth clients: `id`, and their addresses for logging out |
//! | `given_to`, `issued` | the client that the baseline refresh token was given to, if another; `false`: nobody issued it |
//! | `before` | runs of the same steps before: `input` and `event` of each, over those of the case; `after`: seconds that pass then |
//! | `answers` | what the user answers, in order; `after` in one is how many seconds pass before it |
//! | `expect` | `outcome`, `reason`, and under `step` outputs by label; `fails` is the error that a step names |
//!
//! The first case of a block is one that ends well: [`faults`] lets everything around the block fail in it.
//!
//! In answers and inputs `$totp` stands for the code that the user's app shows by then, `$code` and `$token` for what the newest
//! message holds, `$passkey`
//! for what the user's authenticator answers to the challenge.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../support/authenticator.rs"]
mod authenticator;
mod corpus;
mod cover;
mod faults;
mod flow;
mod oidc;
mod own;
mod real;
mod record;
mod run;
mod undone;

use std::collections::BTreeMap;

use admit_plan::types::{Kind, Type};

use cover::Seen;

#[test]
fn every_case_ends_as_it_says_and_every_block_keeps_its_contract() {
    let library = flow::library();
    let cases = corpus::all();
    let mut faults = Vec::new();
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for (block, cases) in &cases {
        if library.block(block).is_none() {
            faults.push(format!("{block}: there is no such block"));
            continue;
        }
        for case in cases {
            match run::run(&library, block, case) {
                Ok(calls) => seen.entry(block.clone()).or_default().add(block, &calls),
                Err(why) => faults.push(format!("{block}: {}: {why}", case.title)),
            }
        }
    }
    for block in library.blocks.values() {
        match seen.get(block.name.as_str()) {
            Some(seen) => faults.extend(seen.faults(block).into_iter().map(|fault| format!("{}: {fault}", block.name))),
            None => faults.push(format!("{}: no case runs it", block.name)),
        }
    }
    let count: usize = cases.values().map(Vec::len).sum();
    assert!(faults.is_empty(), "of {count} cases over {} blocks:\n{}", library.blocks.len(), faults.join("\n"));
}

#[test]
fn t40_f19_no_fault_of_a_block_lets_anybody_in() {
    let library = flow::library();
    let (mut cells, mut wrong) = (0, Vec::new());
    for (block, cases) in &corpus::all() {
        let Some(case) = cases.first() else { continue };
        for fault in faults::FAULTS {
            cells += 1;
            if let Err(why) = faults::cell(&library, block, case, fault) {
                wrong.push(format!("{block} x {fault:?}: {why}"));
            }
        }
    }
    for (block, case, failing) in own::cases() {
        let well = run::walk(&library, failing.name(), &case, &|_| {
            let mut registry = admit_stdlib::registry();
            registry.add(failing.clone());
            registry
        });
        let ended = well.and_then(|walked| walked.map(|(answer, _)| answer.outcome.word()));
        assert_eq!(ended, Ok("allow"), "{block} without a fault");
        for fault in faults::FAULTS {
            cells += 1;
            if let Err(why) = faults::cell_of(&library, &failing, &case, fault) {
                wrong.push(format!("{block} x {fault:?}: {why}"));
            }
        }
    }
    println!("{cells} cells: {} blocks x {} faults", cells / faults::FAULTS.len(), faults::FAULTS.len());
    // Every block of the catalogue, the engine's own four too, and no cell left out.
    assert_eq!(cells, (library.blocks.len() + own::cases().len()) * faults::FAULTS.len());
    assert!(cells >= 46 * 12, "{cells} cells");
    assert!(wrong.is_empty(), "of {cells} cells:\n{}", wrong.join("\n"));
}

#[test]
fn nothing_that_a_block_wrote_holds_where_a_later_block_ends_the_run() {
    no_cell_holds(None);
}

/// The same cells on a real database.
#[test]
fn nor_does_it_in_a_real_store() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let _entered = runtime.enter();
    no_cell_holds(Some(&real::Place::new()));
}

fn no_cell_holds(place: Option<&real::Place>) {
    let library = flow::library();
    let (mut cells, mut wrong) = (0, Vec::new());
    for (block, cases) in &corpus::all() {
        let effects = library.block(block).map(|block| block.effects);
        let Some(case) = cases.first().filter(|_| effects.is_some_and(|effects| effects.writes || effects.sends))
        else {
            continue;
        };
        for later in undone::LATER {
            cells += 1;
            if let Err(why) = undone::cell(&library, block, case, later, place) {
                wrong.push(format!("{block}, then {later:?}: {why}"));
            }
        }
    }
    println!("{cells} cells: writing blocks x {} ends", undone::LATER.len());
    assert!(cells >= 10 * undone::LATER.len(), "only {cells} cells");
    assert!(wrong.is_empty(), "of {cells} cells:\n{}", wrong.join("\n"));
}

/// What is taken out of the words of Actions is what the event's declaration labels.
#[test]
fn t21_actions_are_told_without_all_that_the_event_labels_personal() {
    fn labelled(ty: &Type, path: &str, found: &mut Vec<String>) {
        let ty = ty.present();
        if ty.labels.pii {
            found.push(path.to_owned());
        }
        if let Kind::Record(fields) = &ty.kind {
            for field in fields.iter() {
                labelled(&field.ty, &format!("{path}.{}", field.name), found);
            }
        }
    }
    let mut found = Vec::new();
    for group in &flow::library().event.fields {
        labelled(&group.ty, &group.name, &mut found);
    }
    found.sort();
    let mut known = admit_runtime::action::PERSONAL.map(str::to_owned);
    known.sort();
    assert_eq!(found, known);
}
