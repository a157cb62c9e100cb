//! What a tenant may call: the check of a URL before anything is resolved or sent (security.md decision 3).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

use crate::address::is_public;

const HTTPS_PORTS: [u16; 2] = [443, 8443];
const HTTP_PORTS: [u16; 2] = [80, 8080];
/// Names that never lead to the public internet, with everything below them.
const INTERNAL: [&str; 11] =
    ["localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "svc", "arpa", "localdomain"];
const LONGEST_URL: usize = 8 * 1024;

/// A tenant's rules. By default nothing may be called.
#[derive(Clone, Debug, Default)]
pub struct Egress {
    hosts: Vec<HostRule>,
    peers: Vec<Peer>,
    plain_http: bool,
    /// Ports at which tests put canaries.
    #[cfg(test)]
    pub(crate) ports: Vec<u16>,
}

/// A host of the allowlist.
#[derive(Clone, Debug, PartialEq, Eq)]
enum HostRule {
    /// Exactly this host.
    Exact(String),
    /// Every host below this domain, not the domain itself.
    Below(String),
    /// Every host.
    Any,
}

/// A loopback peer that the operator named.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Peer {
    host: Host<String>,
    port: u16,
}

/// A URL that may be called, and how its addresses are checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admitted {
    pub url: Url,
    pub route: Route,
}

/// Where a connection may lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// To public addresses only.
    Public,
    /// To this machine only.
    Loopback,
}

impl Egress {
    /// The hosts of the allowlist: a name, `*.name` for every name below it, or `*`.
    ///
    /// # Errors
    /// An entry that is none of these.
    pub fn new<'a>(hosts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let hosts = hosts.into_iter().map(host_rule).collect::<Result<_, _>>()?;
        Ok(Self { hosts, ..Self::default() })
    }

    /// Allows a peer on this machine, over http too: `localhost:PORT`, `127.0.0.1:PORT`, `[::1]:PORT`.
    ///
    /// # Errors
    /// Anything else, an address that is not loopback included.
    pub fn allow_peer(&mut self, peer: &str) -> Result<(), String> {
        let wanted = format!("`{peer}` is not a peer on this machine: write `localhost:PORT` or `127.0.0.1:PORT`");
        let (host, port) = peer.rsplit_once(':').ok_or_else(|| wanted.clone())?;
        let port: u16 = port.parse().ok().filter(|port| *port != 0).ok_or_else(|| wanted.clone())?;
        let host = Host::parse(host).map_err(|_| wanted.clone())?;
        let loopback = match &host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        if !loopback {
            return Err(wanted);
        }
        self.peers.push(Peer { host, port });
        Ok(())
    }

    /// Allows the host of this URL.
    ///
    /// # Errors
    /// What is no URL with a host.
    pub fn allow_url(&mut self, url: &str) -> Result<(), String> {
        let parsed = Url::parse(url).map_err(|error| format!("the url is not valid: {error}"))?;
        let host = parsed.host().map(|host| host.to_owned()).ok_or("the url has no host")?;
        self.hosts.push(HostRule::Exact(name_of(&host)));
        Ok(())
    }

    /// Its peers on this machine, and no host.
    #[must_use]
    pub fn peers_alone(&self) -> Self {
        Self { peers: self.peers.clone(), ..Self::default() }
    }

    /// Whether this is a peer on this machine that the operator named.
    pub(crate) fn is_peer(&self, host: &str, port: u16) -> bool {
        let bracketed = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Host::parse(&bracketed).is_ok_and(|host| self.peers.iter().any(|peer| peer.host == host && peer.port == port))
    }

    /// Allows plain http to public hosts, on ports 80 and 8080. Off by default.
    pub fn allow_plain_http(&mut self) {
        self.plain_http = true;
    }

    /// Checks a URL as it was written.
    ///
    /// # Errors
    /// Why it may not be called.
    pub(crate) fn admit(&self, text: &str) -> Result<Admitted, String> {
        if text.len() > LONGEST_URL {
            return Err(format!("the url is longer than {LONGEST_URL} bytes"));
        }
        if text.bytes().any(|byte| byte <= b' ' || byte == 0x7f || byte == b'\\') {
            return Err("the url holds a space, a control character or a backslash".to_owned());
        }
        let url = Url::parse(text).map_err(|error| format!("the url is not valid: {error}"))?;
        let https = match url.scheme() {
            "https" => true,
            "http" => false,
            other => return Err(format!("the scheme `{other}` is not allowed")),
        };
        // The parser forgives `https:host` and `https:///host`; nobody writes these in good faith.
        let rest = text.get(url.scheme().len()..).and_then(|rest| rest.strip_prefix("://")).unwrap_or("/");
        if rest.starts_with('/') {
            return Err("the url must have the form `https://host/path`".to_owned());
        }
        if !url.username().is_empty() || url.password().is_some() || authority(rest).contains('@') {
            return Err("the url holds a user name or password".to_owned());
        }
        let (Some(host), Some(port)) = (url.host().map(|host| host.to_owned()), url.port_or_known_default()) else {
            return Err("the url has no host".to_owned());
        };
        if self.peers.iter().any(|peer| peer.host == host && peer.port == port) {
            return Ok(Admitted { url, route: Route::Loopback });
        }
        if !https && !self.plain_http {
            return Err("plain http is not allowed; use https".to_owned());
        }
        let ports: &[u16] = if https { &HTTPS_PORTS } else { &HTTP_PORTS };
        let allowed = ports.contains(&port);
        #[cfg(test)]
        let allowed = allowed || self.ports.contains(&port);
        if !allowed {
            return Err(format!("port {port} is not allowed"));
        }
        host_fault(&host).map_or(Ok(()), Err)?;
        let name = name_of(&host);
        if !self.hosts.iter().any(|rule| allows(rule, &name)) {
            return Err(format!("the host `{name}` is not in the egress allowlist"));
        }
        Ok(Admitted { url, route: Route::Public })
    }
}

impl Route {
    /// Whether a connection may be made to the address.
    pub(crate) fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::Loopback => address == IpAddr::V4(Ipv4Addr::LOCALHOST) || address == IpAddr::V6(Ipv6Addr::LOCALHOST),
        }
    }

    /// Checks every answer of a look-up: one bad address refuses them all.
    pub(crate) fn check(self, name: &str, answers: &[IpAddr]) -> Result<(), String> {
        match answers.iter().find(|answer| !self.allows(**answer)) {
            Some(_) => Err(format!("`{name}` resolves to an address that may not be called")),
            None if answers.is_empty() => Err(format!("`{name}` has no address")),
            None => Ok(()),
        }
    }
}

fn host_rule(text: &str) -> Result<HostRule, String> {
    if text == "*" {
        return Ok(HostRule::Any);
    }
    let (below, name) = match text.strip_prefix("*.") {
        Some(name) => (true, name),
        None => (false, text),
    };
    let fault =
        || format!("`{text}` is not a host: write `api.example.com` or `*.example.com`, without scheme or port");
    let host = Host::parse(name).map_err(|_| fault())?;
    if name.contains(['/', ':']) && !matches!(host, Host::Ipv6(_)) || name.contains('*') {
        return Err(fault());
    }
    let name = name_of(&host);
    Ok(if below { HostRule::Below(name) } else { HostRule::Exact(name) })
}

fn allows(rule: &HostRule, name: &str) -> bool {
    match rule {
        HostRule::Any => true,
        HostRule::Exact(exact) => exact == name,
        HostRule::Below(domain) => {
            name.strip_suffix(domain.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
        }
    }
}

fn host_fault(host: &Host<String>) -> Option<String> {
    match host {
        Host::Ipv4(address) => {
            (!is_public(IpAddr::V4(*address))).then(|| format!("the address {address} is not public"))
        }
        Host::Ipv6(address) => {
            (!is_public(IpAddr::V6(*address))).then(|| format!("the address {address} is not public"))
        }
        Host::Domain(_) => {
            let name = name_of(host);
            let last = name.rsplit('.').next().unwrap_or_default();
            (!name.contains('.') || INTERNAL.contains(&last)).then(|| format!("the host `{name}` is not public"))
        }
    }
}

/// The host as rules are written: without the dot of the root.
fn name_of(host: &Host<String>) -> String {
    let name = host.to_string();
    name.strip_suffix('.').map(str::to_owned).unwrap_or(name)
}

fn authority(rest: &str) -> &str {
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_hosts_may_be_called() {
        let egress = Egress::new(["api.example.com", "*.hooks.example"]).unwrap();
        for (url, refusal) in [
            ("https://api.example.com/x", None),
            ("https://API.example.com./x", None),
            ("https://a.hooks.example/", None),
            ("https://a.b.hooks.example:8443/", None),
            ("https://hooks.example/", Some("the host `hooks.example` is not in the egress allowlist")),
            ("https://evilhooks.example/", Some("the host `evilhooks.example` is not in the egress allowlist")),
            ("https://api.example.com.evil.example/", Some("not in the egress allowlist")),
            ("http://api.example.com/", Some("plain http is not allowed; use https")),
            ("https://api.example.com:22/", Some("port 22 is not allowed")),
            ("https://u@api.example.com/", Some("the url holds a user name or password")),
            ("https://@api.example.com/", Some("the url holds a user name or password")),
            ("https:///api.example.com/", Some("the url must have the form `https://host/path`")),
            ("https://8.8.8.8/", Some("the host `8.8.8.8` is not in the egress allowlist")),
        ] {
            let found = egress.admit(url).err();
            match refusal {
                None => assert_eq!(found, None, "{url}"),
                Some(refusal) => assert!(found.as_deref().unwrap_or("").contains(refusal), "{url}: {found:?}"),
            }
        }
        assert!(Egress::default().admit("https://example.com/").is_err(), "nothing by default");
    }

    #[test]
    fn peers_are_on_this_machine_only() {
        let mut egress = Egress::default();
        for peer in [
            "10.0.0.1:80",
            "example.com:443",
            "localhost",
            "localhost:0",
            "localhost:http",
            "0.0.0.0:80",
            "[::]:80",
            ":80",
        ] {
            assert!(egress.allow_peer(peer).is_err(), "{peer}");
        }
        for peer in ["localhost:9000", "127.0.0.1:9001", "[::1]:9002"] {
            egress.allow_peer(peer).unwrap();
        }
        let route = |url| egress.admit(url).map(|admitted| admitted.route);
        assert_eq!(route("http://localhost:9000/x"), Ok(Route::Loopback));
        assert_eq!(route("http://[::1]:9002/"), Ok(Route::Loopback));
        assert!(route("http://localhost:9001/").is_err());
        assert!(route("http://127.0.0.2:9001/").is_err());
        assert!(route("https://localhost/").is_err());
        assert!(!Route::Loopback.allows("10.0.0.1".parse().unwrap()));
    }

    #[test]
    fn hosts_are_written_without_scheme_port_or_path() {
        for host in ["https://example.com", "example.com:443", "example.com/x", "a.*.example.com", "*", "", "*."] {
            assert_eq!(Egress::new([host]).is_ok(), host == "*", "{host}");
        }
    }
}
