//! Messages: queued with the run, dropped with it, delivered from the queue.

use admit_eval::value::Instant;
use admit_runtime::execute::job::{JobEnd, Queued, run_job};
use admit_runtime::message::{Channel, Content, KIND, Message};
use admit_runtime::testing::block_on;
use admit_runtime::trace::{BlockEnd, TraceEvent};
use admit_runtime::unit::{Unit, Write};

use super::support::*;

fn message() -> Message {
    let content = Content { subject: "s".to_owned(), text: "t".to_owned(), ..Content::default() };
    let (id, to) = ("msg_1".to_owned(), "alice@example.com".to_owned());
    Message::new(Channel::Mail, id, to, content, ("login", "send"), Instant { seconds: 5, nanos: 0 })
}

fn deliver(host: &admit_runtime::testing::TestHost, kind: &str, payload: &[u8]) -> JobEnd {
    let queued = Queued { key: "run_1/send/mail-1", kind, payload, attempt: 1 };
    block_on(run_job(&|_| None, &Flow::new().registry, host, &tenant(), queued))
}

#[test]
fn f13_a_message_is_handed_over_once_a_try_and_its_trace_holds_nothing_of_it() {
    let host = host();
    let end = deliver(&host, KIND, &message().encode().unwrap());
    assert_eq!(end.failure, None);
    assert!(host.messages() == [message()]);
    let said = format!("{:?}", end.trace);
    assert!(said.contains("message") && !said.contains("alice@") && !said.contains("msg_1"), "{said}");
    assert!(end.trace.events.iter().any(|event| matches!(event, TraceEvent::Ended { end: BlockEnd::Output(_), .. })));
}

#[test]
fn a_message_that_nobody_needs_any_more_is_given_up() {
    let host = host();
    let mut late = message();
    late.expires_at = Some(Instant { seconds: 6, nanos: 0 });
    let failure = deliver(&host, KIND, &late.encode().unwrap()).failure.unwrap();
    assert!(failure.is_final && failure.detail.contains("while it was of use"), "{failure:?}");
    assert!(host.messages().is_empty());
}

#[test]
fn what_is_no_message_is_given_up() {
    let host = host();
    let mut whole = message().encode().unwrap();
    whole.truncate(7);
    for payload in [&b""[..], b"\x07nonsense", &whole] {
        assert!(deliver(&host, KIND, payload).failure.unwrap().is_final);
    }
    let failure = deliver(&host, "no\nsuch", b"").failure.unwrap();
    assert_eq!(failure.detail, "there is no kind of job `no\\nsuch`");
    assert!(host.messages().is_empty());
}

#[test]
fn a_deny_drops_messages_and_keeps_async_blocks() {
    let job = |kind: &str| Write::Enqueue { key: kind.to_owned(), kind: kind.to_owned(), payload: Vec::new() };
    let unit = Unit { writes: vec![job(KIND), job("block")], audit: Vec::new() }.denied();
    assert!(matches!(unit.writes.as_slice(), [Write::Enqueue { kind, .. }] if kind == "block"));
}
