//! What an Action may use where it runs, because its config names it: `fetch config.url`, `claims config.claim`.

use admit_plan::claims::RESERVED;
use admit_plan::names::{is_claim, is_host};
use admit_plan::types::Kind;
use smol_str::SmolStr;

use crate::ast::{Grant, RunAction};
use crate::check::config::Checked;
use crate::check::walk::Walk;
use crate::diagnostic::Diagnostic;
use crate::resolve::action::{Action, ActionField};
use crate::source::Span;

/// Names besides the declaration's own.
#[derive(Default)]
pub(super) struct Grants {
    /// Hosts, in lower case.
    pub fetch: Vec<SmolStr>,
    /// Claims.
    pub claims: Vec<SmolStr>,
}

/// What is wrong with a name, and what to do about it.
pub(in crate::check) type Wrong = (String, &'static str);

impl Walk<'_, '_> {
    /// What the config names. The plan holds the names themselves, so they are written out.
    pub(super) fn grants(&mut self, action: &Action<'_>, run: &RunAction, config: &Checked) -> Grants {
        let hosts = self.named(action, action.fetch, run, config, host_of);
        self.used.granted.extend(hosts.iter().map(|(name, span)| (*span, name.clone())));
        let claims = self.named(action, action.claims, run, config, claim);
        let names = |named: Vec<(SmolStr, Span)>| named.into_iter().map(|(name, _)| name).collect();
        Grants { fetch: names(hosts), claims: names(claims) }
    }

    fn named(
        &mut self,
        action: &Action<'_>,
        grants: &[Grant],
        run: &RunAction,
        config: &Checked,
        read: fn(&str) -> Result<SmolStr, Wrong>,
    ) -> Vec<(SmolStr, Span)> {
        let mut names: Vec<(SmolStr, Span)> = Vec::new();
        for grant in grants {
            let Grant::Config(field, declared) = grant else { continue };
            // A field that may vary or is no text, or that there is none of, is the declaration's mistake.
            let sound = |known: &ActionField<'_>| {
                known.resolved.rules.constant && known.resolved.ty.present().kind == Kind::String
            };
            if !action.config.iter().any(|known| known.field.name.text == field.text && sound(known)) {
                continue;
            }
            let Some(given) = config.fields.iter().find(|given| given.name == field.text) else { continue };
            let text = config.words.iter().find(|(name, _)| *name == field.text).map(|(_, text)| text.as_str());
            let named = text.ok_or_else(|| {
                let message = format!("`{}` must be written out", field.text);
                ("A0218", (message, "write one string, so that whoever reads the flow sees what it allows"))
            });
            let span = given.span.unwrap_or(run.slug.span);
            match named.and_then(|text| read(text).map_err(|wrong| ("A0282", wrong))) {
                Ok(name) if names.iter().any(|(known, _)| *known == name) => {}
                Ok(name) => names.push((name, span)),
                Err((code, (message, help))) => self.error(
                    Diagnostic::error(code, span, message)
                        .label(*declared, format!("it names what `{}` may use", run.slug.text))
                        .help(help),
                ),
            }
        }
        names
    }
}

/// The host that a text names: by its name alone, or in the URL that is called.
fn host_of(text: &str) -> Result<SmolStr, Wrong> {
    let wrong = || {
        let help = "write a URL, `\"https://hooks.example.com/path\"`, or the name of a host alone";
        (format!("`{text}` names no host"), help)
    };
    let name = match text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")) {
        Some(rest) => {
            let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
            match authority.rsplit_once(':') {
                Some((name, port)) if port.parse::<u16>().is_ok() => name,
                Some(_) => return Err(wrong()),
                None => authority,
            }
        }
        None => text,
    };
    if is_host(name) { Ok(name.to_ascii_lowercase().into()) } else { Err(wrong()) }
}

pub(in crate::check) fn claim(name: &str) -> Result<SmolStr, Wrong> {
    if RESERVED.contains(&name) {
        let help = "the server alone says what it holds; choose another name";
        return Err((format!("the claim `{name}` is reserved"), help));
    }
    if is_claim(name) {
        return Ok(name.into());
    }
    Err((format!("`{name}` is no name of a claim"), "a name has 1 to 128 bytes, and no control characters"))
}
