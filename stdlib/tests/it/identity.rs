//! `identity_lookup`, and the blocks that only say how a run ends.

use admit_runtime::block::{Done, Settled};
use admit_runtime::unit::Unit;

use super::support::*;
use admit_eval::datum::Datum;

fn lookup(identifier: &str, must_not_exist: bool) -> Given {
    Given {
        config: vec![
            ("identifier", text(identifier)),
            ("must_exist", Datum::Bool(false)),
            ("must_not_exist", Datum::Bool(must_not_exist)),
        ],
        ..Given::default()
    }
}

#[tokio::test]
async fn a_user_is_provided_when_found_and_absent_when_not() {
    let world = world().await;
    let mut unit = Unit::default();
    let found = output(world.run("identity_lookup", lookup(" ALICE@cymmetri.com", false), &mut unit).await);
    assert_eq!(field(&found, "found"), Datum::Bool(true));
    assert_eq!(found.user.unwrap().get("id"), Some(&text("usr_alice")));
    for nobody in ["nobody@cymmetri.com", "", "' OR 1=1 --", "\0"] {
        let found = output(world.run("identity_lookup", lookup(nobody, false), &mut unit).await);
        assert_eq!((field(&found, "found"), found.user), (Datum::Bool(false), None));
    }
    let taken = world.run("identity_lookup", lookup("alice@cymmetri.com", true), &mut unit).await;
    assert_eq!(denied(taken), "already_registered");
    output(world.run("identity_lookup", lookup("nobody", true), &mut unit).await);
    assert!(unit.writes.is_empty() && unit.audit.is_empty());
}

#[tokio::test]
async fn terminals_end_as_they_say() {
    let world = world().await;
    let mut unit = Unit::default();
    assert!(matches!(world.run("allow", Given::default(), &mut unit).await.unwrap(), Done::Settle(Settled::Allow)));
    assert!(matches!(
        world.run("finalize", Given::default(), &mut unit).await.unwrap(),
        Done::Settle(Settled::Finalized(_))
    ));
    let given = || Given {
        config: vec![("reason", text("high_risk")), ("user_message", Datum::Optional(Some(Box::new(text("No.")))))],
        ..Given::default()
    };
    let Done::Deny { reason, user_message } = world.run("deny", given(), &mut unit).await.unwrap() else { panic!() };
    assert_eq!((reason.as_str(), user_message.as_deref()), ("high_risk", Some("No.")));
    let error = world.run("deny", Given::default(), &mut unit).await.err().unwrap();
    assert_eq!(error.to_string(), "invalid_config: `reason` must be a string");
}

#[tokio::test]
async fn log_event_writes_an_entry_of_its_own_kind() {
    let world = world().await;
    let mut unit = Unit::default();
    let given = Given {
        config: vec![
            ("name", text("session.issued")),
            ("data", Datum::Map(vec![(text("segment"), text("corporate"))])),
        ],
        event: vec![("user.id", text("usr_alice"))],
        ..Given::default()
    };
    let done = output(world.run("log_event", given, &mut unit).await);
    let entry = unit.audit.first().unwrap();
    assert_eq!((entry.kind.as_str(), entry.target.as_str()), ("flow.event_logged", "usr_alice"));
    assert_eq!(entry.data.get("id"), Some(&field(&done, "id")));
    assert_eq!(entry.data.get("name"), Some(&text("session.issued")));
    assert_eq!(entry.data.get("data").unwrap().get("segment"), Some(&text("corporate")));
}
