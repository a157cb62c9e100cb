//! `risk_evaluate` against a stored history.

use admit_runtime::unit::{Unit, Write};

use super::support::*;
use admit_eval::datum::Datum;

const ALL: [&str; 5] = ["new_device", "new_country", "impossible_travel", "velocity", "anonymizer"];
const DAY: i64 = 86_400;

fn request(more: &[(&'static str, Datum)]) -> Given {
    let mut event = vec![
        ("user.id", text("usr_alice")),
        ("request.ip", text("203.0.113.9")),
        ("request.device.id", text("dev_home")),
        ("request.geo.country", text("IN")),
        ("request.geo.lat", Datum::Double(18.52)),
        ("request.geo.long", Datum::Double(73.86)),
    ];
    for (path, value) in more {
        event.retain(|(known, _)| known != path);
        event.push((path, value.clone()));
    }
    Given {
        config: vec![("signals", words(&ALL)), ("weights", Datum::Map(vec![]))],
        event,
        at: 10 * DAY,
        ..Given::default()
    }
}

async fn evaluate(world: &World, given: Given) -> String {
    let done = output(world.run("risk_evaluate", given, &mut Unit::default()).await);
    let reasons = match field(&done, "reasons") {
        Datum::List(reasons) => reasons.iter().filter_map(Datum::as_str).collect::<Vec<_>>().join(" "),
        other => format!("{other:?}"),
    };
    let word = |name| field(&done, name).as_str().unwrap_or_default().to_owned();
    let Datum::Int(score) = field(&done, "score") else { panic!("no score") };
    format!("{score} {} {} [{reasons}]", word("severity"), word("recommendation"))
}

async fn with_history() -> World {
    let world = world().await;
    let write = Write::RecordSignIn {
        user_id: "usr_alice".to_owned(),
        at: at(9 * DAY),
        device: Some("dev_home".to_owned()),
        country: Some("IN".to_owned()),
        position: Some((18.52, 73.86)),
        ip: "203.0.113.9".to_owned(),
    };
    world.commit("run_1", Unit { writes: vec![write], audit: Vec::new() }).await.unwrap();
    world
}

#[tokio::test]
async fn scores_follow_the_documented_formula() {
    let world = with_history().await;
    let paris = [
        ("request.geo.country", text("FR")),
        ("request.geo.lat", Datum::Double(48.85)),
        ("request.geo.long", Datum::Double(2.35)),
    ];
    let new_device = ("request.device.id", text("dev_x"));
    let flag = |name| (name, Datum::Bool(true));
    for (more, expected) in [
        (vec![], "0 low allow []"),
        (vec![new_device.clone()], "25 low allow [new_device]"),
        (paris.to_vec(), "35 low allow [new_country]"),
        ([paris.to_vec(), vec![new_device.clone()]].concat(), "60 medium challenge [new_device new_country]"),
        (vec![flag("request.asn.is_hosting")], "20 low allow [anonymizer]"),
        (vec![flag("request.asn.is_vpn")], "40 low allow [anonymizer]"),
        (vec![flag("request.asn.is_tor")], "60 medium challenge [anonymizer]"),
        (vec![flag("request.asn.is_tor"), new_device.clone()], "85 high deny [new_device anonymizer]"),
        (
            [paris.to_vec(), vec![new_device, flag("request.asn.is_tor")]].concat(),
            "100 high deny [new_device new_country anonymizer]",
        ),
    ] {
        // A user of another count each time, so that velocity stays out of it.
        let mut given = request(&more);
        given.config = vec![
            ("signals", words(&["new_device", "new_country", "impossible_travel", "anonymizer"])),
            ("weights", Datum::Map(vec![])),
        ];
        assert_eq!(evaluate(&world, given).await, expected, "{more:?}");
    }
    // Half a day after Pune nobody is anywhere by surprise; one hour after, in Paris, they are.
    let mut soon = request(&paris);
    soon.at = 9 * DAY + 3_600;
    assert_eq!(evaluate(&world, soon).await, "95 high deny [new_country impossible_travel]");
}

#[tokio::test]
async fn weights_and_signals_are_the_flows() {
    let world = with_history().await;
    let mut given = request(&[("request.device.id", text("dev_x")), ("request.asn.is_tor", Datum::Bool(true))]);
    given.config = vec![
        ("signals", words(&["new_device", "anonymizer"])),
        ("weights", Datum::Map(vec![(text("new_device"), Datum::Int(79)), (text("anonymizer"), Datum::Int(0))])),
    ];
    assert_eq!(evaluate(&world, given).await, "79 medium challenge [new_device anonymizer]");
    let mut none = request(&[("request.asn.is_tor", Datum::Bool(true))]);
    none.config = vec![("signals", words(&[])), ("weights", Datum::Map(vec![]))];
    assert_eq!(evaluate(&world, none).await, "0 low allow []");
}

#[tokio::test]
async fn a_first_sign_in_and_an_unknown_user_have_nothing_to_be_compared_with() {
    let world = world().await;
    assert_eq!(evaluate(&world, request(&[])).await, "0 low allow []");
    let mut unknown = request(&[]);
    unknown.event.retain(|(path, _)| *path != "user.id");
    assert_eq!(evaluate(&world, unknown).await, "0 low allow []");
    let bare = Given { event: vec![], ..request(&[]) };
    assert_eq!(evaluate(&world, bare).await, "0 low allow []");
}

#[tokio::test]
async fn many_evaluations_in_ten_minutes_are_velocity() {
    let world = with_history().await;
    for _ in 0..5 {
        assert_eq!(evaluate(&world, request(&[])).await, "0 low allow []");
    }
    assert_eq!(evaluate(&world, request(&[])).await, "40 low allow [velocity]");
    let mut later = request(&[]);
    later.at += 600;
    assert_eq!(evaluate(&world, later).await, "0 low allow []");
}
