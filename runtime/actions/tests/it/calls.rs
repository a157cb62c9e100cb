//! Calls of the `api`, as the host answers them.

use admit_eval::datum::Datum;
use admit_runtime::action::ActionError;
use admit_runtime::host::HttpResponse;

use crate::support::{Bench, options};

/// What the Action's `seen` was set to.
async fn seen(bench: &Bench, body: &str) -> Result<Datum, ActionError> {
    let code = format!("export async function execute(input, api) {{ {body} }}");
    let effects = bench.run(&code).await?;
    let of = |name: &str| effects.state.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    Ok(of("seen").unwrap_or(Datum::Null))
}

fn text(text: &str) -> Result<Datum, ActionError> {
    Ok(Datum::Str(text.into()))
}

#[tokio::test]
async fn fetch_goes_to_declared_hosts_only() {
    let bench = Bench { fetch: vec!["api.example.com"], ..Bench::new(options()) };
    let response = HttpResponse { status: 200, headers: Vec::new(), body: b"hello".to_vec() };
    bench.host.answer("https://api.example.com/x", response);
    let of = |url: &str, init: &str| {
        format!(
            "let seen; try {{ seen = await (await api.fetch({url:?}, {init})).text() }} catch (e) {{ seen = e.message }} \
             api.state.set('seen', seen)"
        )
    };
    assert_eq!(seen(&bench, &of("https://api.example.com/x", "{}")).await, text("hello"));
    for (url, init, why) in [
        ("https://evil.example/x", "{}", "the host `evil.example` is not declared"),
        ("https://api.example.com.evil.example/", "{}", "the host `api.example.com.evil.example` is not declared"),
        ("https://api.example.com@evil.example/", "{}", "the host `evil.example` is not declared"),
        ("file:///etc/passwd", "{}", ""),
        ("https://api.example.com/x", "{ method: 'TRACE' }", ""),
        ("https://api.example.com/x", "{ headers: { host: 'evil.example' } }", ""),
        ("https://api.example.com/x", "{ headers: { 'transfer-encoding': 'chunked' } }", ""),
        ("https://api.example.com/x", "{ headers: { a: 'b\\r\\nx: y' } }", ""),
        ("https://api.example.com/x", "{ headers: { 'a\\r\\nx': 'y' } }", ""),
    ] {
        let found = seen(&bench, &of(url, init)).await.unwrap();
        let Datum::Str(found) = found else { panic!("{url} {init}: {found:?}") };
        assert!(&*found != "hello" && found.contains(why), "{url} {init}: {found}");
    }
}

#[tokio::test]
async fn fetches_are_counted_and_run_side_by_side() {
    let bench = Bench { fetch: vec!["api.example.com"], ..Bench::new(options()) };
    let response = HttpResponse { status: 200, headers: Vec::new(), body: b"1".to_vec() };
    bench.host.answer("https://api.example.com/", response);
    let body =
        "const all = await Promise.allSettled(Array.from({ length: 12 }, () => api.fetch('https://api.example.com/')));
        api.state.set('seen', all.filter(one => one.status === 'fulfilled').length)";
    assert_eq!(seen(&bench, body).await, Ok(Datum::Int(10)));
}

#[tokio::test]
async fn secrets_are_those_declared() {
    let bench = Bench { secrets: vec!["crm"], ..Bench::new(options()) };
    bench.host.set_secret("crm", b"s3cret");
    bench.host.set_secret("other", b"not for you");
    let of = |name: &str| {
        format!(
            "let seen; try {{ seen = api.secrets.get('{name}') }} catch (e) {{ seen = e.message }} api.state.set('seen', await seen)"
        )
    };
    assert_eq!(seen(&bench, &of("crm")).await, text("s3cret"));
    let Ok(Datum::Str(other)) = seen(&bench, &of("other")).await else { panic!() };
    assert!(other.contains("not declared"), "{other}");
}

#[tokio::test]
async fn rate_limits_count_in_the_store() {
    let bench = Bench::new(options());
    let body = "const rate = await api.rateLimit('ip', 2, 60); api.state.set('seen', rate.allowed)";
    for allowed in [true, true, false] {
        assert_eq!(seen(&bench, body).await, Ok(Datum::Bool(allowed)));
    }
}
