//! Steps that need a browser: a page on this machine, whose one answer goes on with the run.

use std::time::Duration;

use admit_compiler::render::sanitize;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_host::Options;
use admit_runtime::relying::Provider;
use admit_server::loopback::{Answer, CALLBACK, Ceremony, Home, Loopback, Page};
use url::{Host, Url};

use crate::failure::Failure;
use crate::output::note;

/// How long a page waits for its answer; the run itself may expire before.
const LIMIT: Duration = Duration::from_secs(5 * 60);

/// Listens for pages, if there is somebody to open them.
pub fn listen(is_wanted: bool, port: Option<u16>) -> Result<Option<Loopback>, Failure> {
    if !is_wanted {
        return Ok(None);
    }
    let named = |error| match port {
        Some(port) => Failure::new(format!("port {port}: {error}")).help("give another `--page-port`, or none"),
        None => Failure::new(format!("{error}")),
    };
    Loopback::bind(port).map(Some).map_err(named)
}

/// Has these pages known to what must know them: they are this machine's own, whatever port they got.
pub fn be_known(options: &mut Options, pages: &Loopback) {
    if let Some(party) = options.relying_party.as_mut().filter(|party| party.id == "localhost") {
        party.origins.push(pages.origin());
    }
    come_back(&mut options.providers, pages);
}

/// Has providers send users back to these pages, where that is where they are sent: a redirect URI of `http://127.0.0.1` or
/// `http://[::1]` with our path holds for every port (RFC 8252 section 7.3). One of `localhost` is left as it was registered.
fn come_back(providers: &mut [Provider], pages: &Loopback) {
    for provider in providers {
        let Ok(mut url) = Url::parse(&provider.redirect_uri) else { continue };
        let is_address = matches!(url.host(), Some(Host::Ipv4(_) | Host::Ipv6(_)));
        if is_address && way_back(&url).is_some() && url.set_port(Some(pages.port())).is_ok() {
            provider.redirect_uri = url.into();
        }
    }
}

/// How a redirect URI names this machine, if it leads to a page of this command.
fn way_back(url: &Url) -> Option<Home> {
    let home = url.host_str().and_then(Home::of)?;
    (url.scheme() == "http" && url.path() == CALLBACK && url.query().is_none()).then_some(home)
}

/// The answer to a challenge that a page can give; none where no page can, or the user gave up.
pub async fn answer(pages: &Loopback, label: &str, challenge: &Datum) -> Result<Option<Datum>, Failure> {
    let Some(page) = page(pages, label, challenge) else { return Ok(None) };
    let announce = |address: &str| {
        note(&format!("{} needs a browser: open {address} on this machine\n", sanitize::line(label)));
    };
    let answer = pages.ask(page, announce, LIMIT).await.map_err(|error| Failure::new(error.to_string()))?;
    match answer {
        Answer::Passkey(credential) => {
            let credential = admit_eval::json::read(credential.to_string().as_bytes());
            let credential = credential.map_err(|why| Failure::new(format!("the browser's answer: {why}")))?;
            Ok(Some(Datum::record([("credential", credential)])))
        }
        Answer::Callback(query) => {
            let query = query.into_iter().map(|(name, value)| (Datum::Str(name.into()), Datum::Str(value.into())));
            Ok(Some(Datum::record([("callback", Datum::Map(query.collect()))])))
        }
        Answer::Cancelled => Ok(None),
    }
}

/// The page that a challenge asks for: `webauthn: {ceremony, options}`, or `redirect: URL` from where the user comes back to us.
fn page(pages: &Loopback, label: &str, challenge: &Datum) -> Option<Page> {
    let challenge = json::to_json(challenge);
    if let Some(to) = challenge.get("redirect").and_then(|to| to.as_str()) {
        return redirect(pages, label, to);
    }
    let asked = challenge.get("webauthn")?;
    let ceremony = match asked.get("ceremony")?.as_str()? {
        "create" => Ceremony::Create,
        "get" => Ceremony::Get,
        _ => return None,
    };
    Some(Page::Passkey { ceremony, options: asked.get("options")?.clone() })
}

/// Only where the browser comes back to this page: else nobody would ever answer it.
fn redirect(pages: &Loopback, label: &str, to: &str) -> Option<Page> {
    let url = Url::parse(to).ok()?;
    let (_, back) = url.query_pairs().find(|(name, _)| name == "redirect_uri")?;
    let back = Url::parse(&back).ok()?;
    let (label, shown) = (sanitize::line(label), sanitize::line(back.as_str()));
    match way_back(&back) {
        Some(home) if back.port_or_known_default() == Some(pages.port()) => {
            return Some(Page::Redirect { to: to.to_owned(), home });
        }
        Some(_) => note(&format!(
            "{label} sends the user back to `{shown}`, not to the page of this command: give `--page-port {}`\n",
            back.port_or_known_default().unwrap_or(80)
        )),
        None => note(&format!(
            "{label} sends the user back to `{shown}`, where this command does not listen: resume the run with what they bring, \
             or register `http://127.0.0.1{CALLBACK}` as `redirect_uri`\n"
        )),
    }
    None
}
