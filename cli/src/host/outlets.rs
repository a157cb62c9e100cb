//! Where messages of a run leave: `[smtp]`, `[sms]` and `[links]` of admit.toml, or the folder of `--mailbox`.

use std::path::{Path, PathBuf};

use admit_compiler::project::{Settings, Sms, Smtp};
use admit_host::{Egress, Outlets, Security, SmsGateway, SmtpServer, default_body, mailbox};
use smol_str::SmolStr;

use crate::failure::Failure;
use crate::files;

/// The outlets of an environment. Peers on this machine are those of `egress`; the gateway and the mail server are allowed
/// because they are configured, to messages alone.
pub fn outlets(
    settings: &Settings,
    egress: &Egress,
    folder: Option<PathBuf>,
    root: Option<&Path>,
) -> Result<Outlets, Failure> {
    let mut peers = egress.peers_alone();
    let sms = settings.sms.as_ref().map(|sms| gateway(sms, &mut peers)).transpose()?;
    let smtp = settings.smtp.as_ref().map(|smtp| server(smtp, root)).transpose()?;
    Ok(Outlets { smtp, sms, mailbox: folder, peers, link_base: settings.links.as_ref().map(SmolStr::to_string) })
}

fn server(smtp: &Smtp, root: Option<&Path>) -> Result<SmtpServer, Failure> {
    let security = match smtp.security.as_str() {
        "starttls" => Security::StartTls,
        "none" => Security::Plain,
        _ => Security::Tls,
    };
    let fail = |why: String| Failure::new(format!("`[smtp]`: {why}"));
    let mut server = SmtpServer::new(&smtp.host, security, &smtp.from).map_err(fail)?;
    server.user = smtp.user.as_ref().map(SmolStr::to_string);
    server.password = smtp.password.as_ref().map(SmolStr::to_string);
    server.reply_to = smtp.reply_to.as_ref().map(|to| mailbox(to)).transpose().map_err(fail)?;
    server.ca = smtp.ca_pem.as_ref().map(|pem| pem.as_bytes().to_vec());
    if let Some(path) = &smtp.ca {
        server.ca = Some(files::read(&root.unwrap_or(Path::new(".")).join(path.as_str()))?);
    }
    Ok(server)
}

fn gateway(sms: &Sms, peers: &mut Egress) -> Result<SmsGateway, Failure> {
    let fail = |why: String| Failure::new(format!("`[sms]`: {why}"));
    peers.allow_url(&sms.url).map_err(fail)?;
    let body = match &sms.body {
        Some(body) => serde_json::from_str(body).map_err(|error| fail(format!("`body` is not JSON: {error}")))?,
        None => default_body(),
    };
    Ok(SmsGateway {
        url: sms.url.to_string(),
        body,
        secret: sms.secret.as_ref().map(SmolStr::to_string),
        signs: sms.signs,
        countries: sms.countries.iter().map(SmolStr::to_string).collect(),
    })
}
