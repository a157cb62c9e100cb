//! What blocks enqueue: addresses, texts, languages, keys.

use admit_eval::datum::Datum;
use admit_runtime::block::BlockError;
use admit_runtime::message::{Channel, KIND, Message};
use admit_runtime::unit::{Unit, Write};

use super::support::*;

fn mail(to: &str, data: Vec<(Datum, Datum)>) -> Given {
    Given {
        config: vec![
            ("to", text(to)),
            ("template", text("welcome")),
            ("data", Datum::Map(data)),
            ("per_hour", Datum::Int(2)),
        ],
        event: vec![("user.id", text("usr_alice")), ("transaction.locale", text("de-CH"))],
        at: 1_700_000_000,
        ..Given::default()
    }
}

fn name(value: &str) -> Vec<(Datum, Datum)> {
    vec![(text("name"), text(value))]
}

fn queued(unit: &Unit) -> Vec<(String, Message)> {
    unit.writes
        .iter()
        .filter_map(|write| match write {
            Write::Enqueue { key, kind, payload } if kind == KIND => {
                Some((key.clone(), Message::decode(payload).unwrap()))
            }
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_mail_is_rendered_in_the_users_language_and_queued_once() {
    let world = mail_world().await;
    let mut unit = Unit::default();
    let done = output(world.run("send_email", mail("Alice@Example.com", name("Zoë <b>")), &mut unit).await);
    assert_eq!(field(&done, "queued"), Datum::Bool(true));
    let [(key, message)] = queued(&unit).try_into().ok().unwrap();
    assert_eq!(key, "run_1/the-step/mail-1");
    assert_eq!(field(&done, "message_id"), text(&message.id));
    assert_eq!((message.channel, message.to.as_str()), (Channel::Mail, "Alice@example.com"));
    assert_eq!(message.content.subject, "Willkommen, Zoë <b>");
    assert_eq!(message.content.text, "Guten Tag Zoë <b>,\n\nIhr Konto ist bereit.");
    assert!(message.content.html.unwrap().contains("Guten Tag Zoë &lt;b&gt;,"));
    assert_eq!((message.user_id.as_deref(), message.at), (Some("usr_alice"), at(1_700_000_000)));
}

#[tokio::test]
async fn t28_no_address_and_no_name_breaks_a_header() {
    let world = mail_world().await;
    for to in ["a@example.com\r\nBcc: b@example.com", "a@example.com,b@example.com", "a", ""] {
        let mut unit = Unit::default();
        let error = world.run("send_email", mail(to, name("x")), &mut unit).await.err().unwrap();
        let detail = "the receiver is not a mail address".to_owned();
        assert_eq!(error, BlockError::Named { name: "invalid_address", detail });
        assert!(unit.writes.is_empty());
    }
    let mut unit = Unit::default();
    output(world.run("send_email", mail("a@example.com", name("x\r\nBcc: b@example.com\u{85}y")), &mut unit).await);
    assert_eq!(queued(&unit).first().unwrap().1.content.subject, "Willkommen, x  Bcc: b@example.com y");
}

#[tokio::test]
async fn a_text_that_cannot_be_filled_is_an_error_that_names_no_value() {
    let world = mail_world().await;
    let mut given = mail("a@example.com", vec![(text("other"), text("canary"))]);
    let error = world.run("send_email", given, &mut Unit::default()).await.err().unwrap();
    let detail = "`data` has no `name` that can be written".to_owned();
    assert_eq!(error, BlockError::Named { name: "invalid_template", detail });
    given = mail("a@example.com", name("x"));
    given.config.retain(|(field, _)| *field != "template");
    given.config.push(("template", text("../admit")));
    let error = world.run("send_email", given, &mut Unit::default()).await.err().unwrap();
    assert_eq!(error, BlockError::Named { name: "invalid_template", detail: "there is no text `../admit`".to_owned() });
}

#[tokio::test]
async fn f13_without_a_mail_server_nothing_is_queued() {
    let mut unit = Unit::default();
    let error = world().await.run("send_email", mail("a@example.com", name("x")), &mut unit).await.err().unwrap();
    let BlockError::Named { name: "not_configured", detail } = error else { panic!("{error}") };
    assert!(detail.contains("`[smtp]`") && detail.contains("--mailbox"), "{detail}");
    assert!(unit.writes.is_empty());
}

#[tokio::test]
async fn a_delay_waits_and_is_bounded() {
    let world = world().await;
    let given = |seconds, nanos| Given {
        config: vec![("duration", Datum::Duration(admit_eval::value::Span { seconds, nanos }))],
        ..Given::default()
    };
    let began = std::time::Instant::now();
    let done = output(world.run("delay", given(0, 20_000_000), &mut Unit::default()).await);
    assert_eq!(field(&done, "waited"), Datum::Int(20));
    assert!(began.elapsed().as_millis() >= 20);
    for (seconds, nanos) in [(5, 1_000_000), (-1, 0), (i64::MAX, 0)] {
        let error = world.run("delay", given(seconds, nanos), &mut Unit::default()).await.err().unwrap();
        assert!(matches!(error, BlockError::Named { name: "out_of_range", .. }), "{error}");
    }
}
