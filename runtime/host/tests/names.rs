//! Names under a name server of our own: who takes mail for a domain, and that no answer leads to where nobody may call.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

#[path = "support/dns.rs"]
mod dns;

use std::sync::Arc;
use std::time::Duration;

use admit_eval::value::Instant;
use admit_host::{Egress, KeyFile, Lookup as _, Options, Outlets, RealHost, Security, SmtpServer, SystemLookup};
use admit_runtime::feeds::MailServers;
use admit_runtime::host::{Host as _, HttpError, HttpRequest};
use admit_runtime::message::{Channel, Content, Message};
use admit_runtime::testing::MemoryStore;
use dns::{NameServer, Record, Reply, Table};

fn address(text: &str) -> Record {
    Record::Address(text.parse().unwrap())
}

fn records(records: &[Record]) -> Vec<Reply> {
    vec![Reply::Records(records.to_vec())]
}

async fn asking(table: Table) -> (NameServer, SystemLookup) {
    let server = NameServer::start(table).await;
    let lookup = SystemLookup::asking(vec![server.address]);
    (server, lookup)
}

#[tokio::test]
async fn who_takes_mail_for_a_domain_is_as_rfc_5321_and_7505_say() {
    let named = |hosts: &[&str]| MailServers::Named(hosts.iter().map(|host| (*host).to_owned()).collect());
    let table = Table::from([
        (("two.example", "MX"), records(&[Record::Mail(20, "b.mx.example"), Record::Mail(10, "A.MX.example")])),
        (("null.example", "MX"), records(&[Record::Mail(0, ".")])),
        (("odd.example", "MX"), records(&[Record::Mail(0, "."), Record::Mail(5, "mx.odd.example")])),
        (("alias.example", "MX"), records(&[Record::Alias("real.example"), Record::Mail(10, "mx.real.example")])),
        (("gone.example", "MX"), vec![Reply::NoSuchName]),
        (("itself.example", "A"), records(&[address("93.184.216.34")])),
        (("itself6.example", "AAAA"), records(&[address("2606:2800:220:1::1")])),
        (("private.example", "A"), records(&[address("10.0.0.5"), address("127.0.0.1")])),
        (("private6.example", "AAAA"), records(&[address("::ffff:10.0.0.5"), address("fe80::1")])),
        (("mixed.example", "A"), records(&[address("10.0.0.5"), address("93.184.216.34")])),
        // Its address is asked for and is not there.
        (("lame.example", "MX"), records(&[])),
        (("lame.example", "A"), vec![Reply::NoSuchName]),
        (("lame.example", "AAAA"), vec![Reply::NoSuchName]),
    ]);
    let (_server, lookup) = asking(table).await;
    for (domain, expected) in [
        ("two.example", named(&["a.mx.example", "b.mx.example"])),
        ("null.example", MailServers::Refused),
        ("odd.example", named(&["mx.odd.example"])),
        ("alias.example", named(&["mx.real.example"])),
        ("gone.example", MailServers::Nobody),
        ("itself.example", MailServers::Itself),
        ("itself6.example", MailServers::Itself),
        ("private.example", MailServers::Nobody),
        ("private6.example", MailServers::Nobody),
        ("mixed.example", MailServers::Itself),
        ("empty.example", MailServers::Nobody),
        ("lame.example", MailServers::Nobody),
    ] {
        assert_eq!(lookup.mail(domain).await, Ok(expected), "{domain}");
    }
}

#[tokio::test]
async fn f12_a_name_server_that_fails_is_no_answer() {
    let table = Table::from([
        (("broken.example", "MX"), vec![Reply::Broken]),
        (("silent.example", "MX"), vec![Reply::Silence]),
        (("garbage.example", "MX"), vec![Reply::Garbage]),
        (("half.example", "A"), vec![Reply::Broken]),
        (("half.example", "AAAA"), vec![Reply::Broken]),
    ]);
    let (_server, lookup) = asking(table).await;
    for domain in ["broken.example", "silent.example", "garbage.example", "half.example"] {
        // It may go on asking: a block has a time-out. It never takes silence for an answer.
        let answer = tokio::time::timeout(Duration::from_secs(2), lookup.mail(domain)).await;
        assert!(!matches!(answer, Ok(Ok(_))), "{domain}: {answer:?}");
    }
}

fn host(lookup: SystemLookup, outlets: Outlets) -> (tempfile::TempDir, RealHost) {
    let folder = tempfile::tempdir().unwrap();
    let (keys, _) = KeyFile::open_or_create(&folder.path().join("admit.db.key")).unwrap();
    let mut egress = Egress::new(["*"]).unwrap();
    egress.allow_plain_http();
    let options = Options { egress, outlets, lookup: Arc::new(lookup), ..Options::default() };
    (folder, RealHost::new(Arc::new(MemoryStore::default()), keys, options).unwrap())
}

/// Names whose answers lead where nobody may call, in every form that an address has.
fn hostile() -> Table {
    let multi = |first: &str, second: &str| records(&[address(first), address(second)]);
    Table::from([
        (("loopback.test", "A"), records(&[address("127.0.0.1")])),
        (("other-loopback.test", "A"), records(&[address("127.8.9.10")])),
        (("private.test", "A"), records(&[address("10.0.0.5")])),
        (("metadata.test", "A"), records(&[address("169.254.169.254")])),
        (("shared.test", "A"), records(&[address("100.100.100.200")])),
        (("zero.test", "A"), records(&[address("0.0.0.0")])),
        (("multicast.test", "A"), records(&[address("224.0.0.251")])),
        (("broadcast.test", "A"), records(&[address("255.255.255.255")])),
        (("one-of-two.test", "A"), multi("93.184.216.34", "10.0.0.5")),
        (("two-families.test", "A"), records(&[address("93.184.216.34")])),
        (("two-families.test", "AAAA"), records(&[address("::1")])),
        (("alias.test", "A"), records(&[Record::Alias("internal.test"), address("192.168.1.1")])),
        (("six.test", "AAAA"), records(&[address("::1")])),
        (("mapped.test", "AAAA"), records(&[address("::ffff:10.0.0.1")])),
        (("compatible.test", "AAAA"), records(&[address("::7f00:1")])),
        (("translated.test", "AAAA"), records(&[address("64:ff9b::7f00:1")])),
        (("local-translated.test", "AAAA"), records(&[address("64:ff9b:1::a00:1")])),
        (("six-to-four.test", "AAAA"), records(&[address("2002:7f00:1::")])),
        (("teredo.test", "AAAA"), records(&[address("2001:0:0:0:0:0:5601:5601")])),
        (("isatap.test", "AAAA"), records(&[address("fe80::5efe:7f00:1")])),
        (("unique-local.test", "AAAA"), records(&[address("fd00:ec2::254")])),
        (("link-local.test", "AAAA"), records(&[address("fe80::1")])),
        (("site-local.test", "AAAA"), records(&[address("fec0::1")])),
        (("multicast6.test", "AAAA"), records(&[address("ff02::1")])),
        (("unspecified.test", "AAAA"), records(&[address("::")])),
        (("segment.test", "AAAA"), records(&[address("5f00::1")])),
    ])
}

#[tokio::test]
async fn t14_no_answer_of_a_name_server_leads_a_request_where_nobody_may_call() {
    let mut names: Vec<&str> = hostile().keys().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    let (server, lookup) = asking(hostile()).await;
    let (_folder, host) = host(lookup, Outlets::default());
    let tenant = "local".parse().unwrap();
    for name in &names {
        for scheme in ["http", "https"] {
            let request = HttpRequest {
                method: "GET",
                url: format!("{scheme}://{name}/"),
                headers: Vec::new(),
                body: None,
                timeout: 4_000,
                hosts: None,
            };
            let answer = host.http(&tenant, request).await;
            let expected = format!("`{name}` resolves to an address that may not be called");
            assert_eq!(answer.map(|_| ()), Err(HttpError::Refused(expected)), "{scheme} {name}");
        }
    }
    assert_eq!(names.len(), 25);
    // Once per connection: there is no second answer between the check and the dialling.
    let asked = server.asked.lock().unwrap();
    let times = asked.iter().filter(|(name, kind)| name == "loopback.test" && *kind == "A").count();
    assert_eq!(times, 2, "{asked:?}");
}

#[tokio::test]
async fn t14_no_spelling_or_answer_leads_mail_where_nobody_may_call() {
    let mut canaries = Vec::new();
    for place in ["127.0.0.1:0", "127.8.9.10:0", "[::1]:0"] {
        // A machine without IPv6 has nobody to protect there.
        canaries.extend(tokio::net::TcpListener::bind(place).await.ok());
    }
    let mut names: Vec<String> = hostile().keys().map(|(name, _)| (*name).to_owned()).collect();
    let spellings = [
        "127.0.0.1",
        "127.1",
        "0177.0.0.1",
        "0x7f.1",
        "2130706433",
        "017700000001",
        "127.0.0.1.",
        "127.000.000.001",
        "0",
        "0.0.0.0",
        "localhost.",
        "LOCALHOST",
        "localhost.localdomain",
        "[::1]",
        "::1",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "[fe80::1%25lo]",
        "127。0。0。1",
        "１２７.0.0.1",
        "loc%61lhost",
        "user@127.0.0.1",
        "metadata.google.internal",
        "instance-data",
        "169.254.169.254",
    ];
    names.extend(spellings.map(str::to_owned));
    let server = NameServer::start(hostile()).await;
    for canary in &canaries {
        let port = canary.local_addr().unwrap().port();
        for name in &names {
            let Ok(server_of_mail) = SmtpServer::new(&format!("{name}:{port}"), Security::Tls, "a@example.com") else {
                continue;
            };
            let outlets = Outlets { smtp: Some(server_of_mail), ..Outlets::default() };
            let (_folder, host) = host(SystemLookup::asking(vec![server.address]), outlets);
            let content = Content { text: "x".to_owned(), ..Content::default() };
            let at = Instant { seconds: 0, nanos: 0 };
            let message = Message::new(Channel::Mail, "msg_1".into(), "b@example.com".into(), content, ("f", "s"), at);
            let error = host.send(&"local".parse().unwrap(), &message).await.unwrap_err();
            assert!(!error.is_final && !error.detail.contains("cannot be reached"), "{name}: {error}");
        }
    }
    for canary in canaries {
        let visited = tokio::time::timeout(Duration::from_millis(30), canary.accept()).await;
        assert!(visited.is_err(), "somebody came to {:?}", canary.local_addr());
    }
}
