//! Steps that need a browser: a page on this machine, whose one answer goes on with the run.

use std::time::Duration;

use admit_compiler::render::sanitize;
use admit_eval::datum::Datum;
use admit_eval::json;
use admit_server::loopback::{Answer, Ceremony, Loopback, Page};

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

/// The answer to a challenge that a page can give; none where no page can, or the user gave up.
pub async fn answer(pages: &Loopback, label: &str, challenge: &Datum) -> Result<Option<Datum>, Failure> {
    let Some(page) = page(challenge) else { return Ok(None) };
    let announce = |address: &str| {
        note(&format!("{} needs a browser: open {address} on this machine\n", sanitize::line(label)));
    };
    let answer = pages.ask(page, announce, LIMIT).await.map_err(|error| Failure::new(error.to_string()))?;
    match answer {
        Answer::Passkey(credential) => {
            let credential = crate::json::read(credential.to_string().as_bytes());
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

/// The page that a challenge asks for: `webauthn: {ceremony, options}`, or `redirect: URL`.
fn page(challenge: &Datum) -> Option<Page> {
    let challenge = json::to_json(challenge);
    if let Some(to) = challenge.get("redirect").and_then(|to| to.as_str()) {
        return Some(Page::Redirect { to: to.to_owned() });
    }
    let asked = challenge.get("webauthn")?;
    let ceremony = match asked.get("ceremony")?.as_str()? {
        "create" => Ceremony::Create,
        "get" => Ceremony::Get,
        _ => return None,
    };
    Some(Page::Passkey { ceremony, options: asked.get("options")?.clone() })
}
