//! An OpenID Connect relying party (Core 1.0, Discovery 1.0; RFC 7636, 9207, 9700) over the one guarded client: what the two
//! `social_oidc` blocks share. Nothing that a provider says is taken before it is checked.

use std::collections::BTreeMap;

use admit_eval::datum::Datum;
use admit_jose::{Algorithm, VerifyingKey};
use admit_runtime::block::{BlockError, Call, Done, Prompt};
use admit_runtime::host::HttpRequest;
use admit_runtime::relying::{ClientAuthentication, Provider};
use admit_runtime::unit::{Challenge, Material, Write};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::digest;
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::config::{Fields, fresh_id, record, text};
use crate::form::{encoded, form};
use crate::id_token;
use crate::mint::later;

#[path = "oidc/cache.rs"]
mod cache;

/// How long a user may take at the provider, in seconds.
const PROMPT_SECONDS: u64 = 10 * 60;
/// `typ` of what shows who we are: of no token of ours.
const CLIENT_ASSERTION: &str = "JWT";
/// Names what a redirect keeps for the callback.
const KEPT: &str = "oidc_returned";
/// Longest value of a callback parameter, in bytes.
const LONGEST: usize = 4 * 1024;

/// What a user came back with, and what this run knows of the way there.
pub(crate) struct Returned {
    /// Where the user was sent.
    pub url: String,
    /// Where the provider was asked to send them back: the exchange names it again (RFC 6749 section 4.1.3).
    redirect_uri: String,
    state: String,
    nonce: String,
    verifier: String,
    callback: BTreeMap<String, String>,
}

/// Why nobody is known.
#[derive(Debug, Error)]
pub(crate) enum Fault {
    /// What came back does not fit: an answer, `verified: false`.
    #[error("{0}")]
    Refused(String),
    /// The provider could not be asked: the block's error.
    #[error("{0}")]
    Failed(BlockError),
}

/// The provider's metadata (Discovery 1.0 section 3).
#[derive(Clone, Debug)]
pub(crate) struct Metadata {
    authorization: String,
    token: String,
    jwks: String,
    /// RFC 9207: it always names itself in what it sends back.
    names_itself: bool,
}

/// The provider that the config names.
pub(crate) fn provider(call: &Call<'_>) -> Result<Provider, BlockError> {
    let name = Fields(call.config).text("provider")?;
    call.host.provider(call.tenant, name).cloned().ok_or_else(|| BlockError::Named {
        name: "unknown_provider",
        detail: format!("`admit.toml` has no `[providers.{name}]`"),
    })
}

/// Sends the user to the provider.
pub(crate) async fn ask(call: &Call<'_>, provider: &Provider) -> Result<Done, BlockError> {
    let metadata = cache::metadata(call, provider).await?;
    let [state, nonce, verifier] = [(); 3].map(|()| unguessable(call));
    let asked = Fields(call.config);
    let scopes: Vec<&str> = match asked.get("scopes") {
        Some(_) => asked.words("scopes")?,
        None => provider.scopes.iter().map(String::as_str).collect(),
    };
    let scopes: Vec<&str> =
        ["openid"].into_iter().chain(scopes.into_iter().filter(|scope| *scope != "openid")).collect();
    let challenge = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()));
    let query = form(&[
        ("response_type", "code"),
        ("client_id", &provider.client_id),
        ("redirect_uri", &provider.redirect_uri),
        ("scope", &scopes.join(" ")),
        ("state", &state),
        ("nonce", &nonce),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    let joint = if metadata.authorization.contains('?') { '&' } else { '?' };
    let url = format!("{}{joint}{query}", metadata.authorization);
    Ok(Done::Prompt(Prompt {
        challenge: record([("kind", text("oidc")), ("provider", text(&provider.name)), ("redirect", text(&url))]),
        memory: record([
            ("url", text(&url)),
            ("redirect_uri", text(&provider.redirect_uri)),
            ("state", text(state)),
            ("nonce", text(nonce)),
            ("verifier", text(verifier)),
        ]),
        expires_in: PROMPT_SECONDS,
        wants: vec!["callback"],
        takes: Vec::new(),
    }))
}

/// Keeps what the user came back with for the callback that follows, also where the run waits for something else before.
pub(crate) fn keep(call: Call<'_>, provider: &Provider, returned: &Returned) {
    let callback = returned.callback.iter().map(|(name, value)| (text(name), text(value)));
    let challenge = Challenge {
        id: fresh_id(call.host, "chl"),
        kind: KEPT.to_owned(),
        run_id: Some(call.run_id.to_owned()),
        user_id: None,
        secret: Material::new(kept_secret(call.run_id, provider)),
        by_secret: true,
        data: record([
            ("url", text(&returned.url)),
            ("redirect_uri", text(&returned.redirect_uri)),
            ("state", text(&returned.state)),
            ("nonce", text(&returned.nonce)),
            ("verifier", text(&returned.verifier)),
            ("callback", Datum::Map(callback.collect())),
        ]),
        max_attempts: 1,
        expires_at: later(call.now, PROMPT_SECONDS.cast_signed()),
    };
    call.unit.writes.push(Write::InsertChallenge(Box::new(challenge)));
}

/// What a redirect of this run has kept.
pub(crate) async fn kept(call: &Call<'_>, provider: &Provider) -> Result<Option<Returned>, BlockError> {
    let secret = kept_secret(call.run_id, provider);
    let fresh = call.unit.writes.iter().rev().find_map(|write| match write {
        Write::InsertChallenge(challenge) if challenge.kind == KEPT && challenge.secret.expose() == secret => {
            Some(challenge.data.clone())
        }
        _ => None,
    });
    let data = match fresh {
        Some(data) => Some(data),
        None => {
            let found = call.host.store().challenge_by_secret(call.tenant, KEPT, &secret, call.now).await?;
            found.filter(|found| found.run_id.as_deref() == Some(call.run_id)).map(|found| found.data)
        }
    };
    Ok(data.and_then(|data| Returned::read(&data, Fields(&data).get("callback")?)))
}

/// A run's id has 80 random bits, and nobody but the run itself looks here.
fn kept_secret(run_id: &str, provider: &Provider) -> Vec<u8> {
    digest::digest(&digest::SHA256, format!("{run_id}/{}", provider.name).as_bytes()).as_ref().to_vec()
}

impl Returned {
    /// What the user came back with to this block, if it has asked.
    pub fn of(call: &Call<'_>) -> Option<Self> {
        let (_, callback) = call.input?.fields.iter().find(|(name, _)| name == "callback")?;
        Self::read(call.memory?, callback)
    }

    fn read(known: &Datum, callback: &Datum) -> Option<Self> {
        let own = |name: &str| Fields(known).text(name).ok().map(str::to_owned);
        let Datum::Map(entries) = callback else { return None };
        let pair = |(name, value): &(Datum, Datum)| match (name, value) {
            (Datum::Str(name), Datum::Str(value)) if value.len() <= LONGEST => {
                Some((name.to_string(), value.to_string()))
            }
            _ => None,
        };
        Some(Self {
            url: own("url")?,
            redirect_uri: own("redirect_uri")?,
            state: own("state")?,
            nonce: own("nonce")?,
            verifier: own("verifier")?,
            callback: entries.iter().filter_map(pair).collect(),
        })
    }
}

/// What the ID token says, once everything about it is right.
pub(crate) async fn identity(
    call: &Call<'_>,
    provider: &Provider,
    returned: &Returned,
) -> Result<Map<String, Value>, Fault> {
    let refused = |why: &str| Fault::Refused(why.to_owned());
    let given = |name: &str| returned.callback.get(name).map(String::as_str);
    if given("state") != Some(returned.state.as_str()) {
        return Err(refused("the state is not this run's"));
    }
    let metadata = cache::metadata(call, provider).await.map_err(Fault::Failed)?;
    // RFC 9207: the answer of another provider is not taken for this one's.
    match given("iss") {
        Some(issuer) if issuer != provider.issuer => return Err(refused("another provider has answered")),
        None if metadata.names_itself => return Err(refused("the provider does not name itself")),
        Some(_) | None => {}
    }
    if let Some(error) = given("error") {
        let word: String = error.chars().filter(|char| char.is_ascii_alphanumeric() || *char == '_').take(64).collect();
        return Err(Fault::Refused(format!("the provider refuses: {word}")));
    }
    let code = given("code").filter(|code| !code.is_empty()).ok_or_else(|| refused("there is no code"))?;
    let answer = exchange(call, provider, &metadata, (code, returned)).await?;
    let token = answer.get("id_token").and_then(Value::as_str).ok_or_else(|| refused("there is no ID token"))?;
    let access = answer.get("access_token").and_then(Value::as_str);
    let expected = id_token::Expected { provider, nonce: &returned.nonce, access, now: call.now.seconds };
    let keys = cache::keys(call, provider, &metadata, false).await.map_err(Fault::Failed)?;
    match id_token::verify(token, &keys, &expected) {
        Err(id_token::Wrong::Key) => {
            // It may sign with a key that is newer than what we have.
            let keys = cache::keys(call, provider, &metadata, true).await.map_err(Fault::Failed)?;
            id_token::verify(token, &keys, &expected)
        }
        verified => verified,
    }
    .map_err(|wrong| Fault::Refused(wrong.to_string()))
}

/// The code for tokens (Core 1.0 section 3.1.3).
async fn exchange(
    call: &Call<'_>,
    provider: &Provider,
    metadata: &Metadata,
    (code, returned): (&str, &Returned),
) -> Result<Map<String, Value>, Fault> {
    let mut pairs = vec![
        ("grant_type".to_owned(), "authorization_code".to_owned()),
        ("code".to_owned(), code.to_owned()),
        ("redirect_uri".to_owned(), returned.redirect_uri.clone()),
        ("code_verifier".to_owned(), returned.verifier.clone()),
    ];
    let mut headers = vec![
        ("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ("accept".to_owned(), "application/json".to_owned()),
    ];
    let mut give = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
    match (provider.authentication, &provider.secret) {
        (ClientAuthentication::PrivateKeyJwt, _) => {
            let assertion = assertion(call, provider).await?;
            give("client_id", &provider.client_id);
            give("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            give("client_assertion", &assertion);
        }
        (ClientAuthentication::None, _) | (_, None) => give("client_id", &provider.client_id),
        (how, Some(name)) => {
            let secret = call.host.secret(call.tenant, name).await.map_err(|error| Fault::Failed(error.into()))?;
            let plain = std::str::from_utf8(secret.expose()).map_err(|_| failed("the client secret is not UTF-8"))?;
            match how {
                ClientAuthentication::SecretBasic => {
                    let both = format!("{}:{}", encoded(&provider.client_id), encoded(plain));
                    headers.push(("authorization".to_owned(), format!("Basic {}", STANDARD.encode(both))));
                }
                ClientAuthentication::SecretPost => {
                    give("client_id", &provider.client_id);
                    give("client_secret", plain);
                }
                ClientAuthentication::PrivateKeyJwt | ClientAuthentication::None => {}
            }
        }
    }
    let pairs: Vec<(&str, &str)> = pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let request = HttpRequest {
        method: "POST",
        url: metadata.token.clone(),
        headers,
        body: Some(form(&pairs).into_bytes()),
        timeout: call.time_left,
        hosts: None,
    };
    let answer = call.host.http(call.tenant, request).await.map_err(|error| Fault::Failed(error.into()))?;
    match answer.status {
        200 => admit_jose::object(&answer.body).map_err(|_| Fault::Refused("the answer is no JSON object".to_owned())),
        // The code was used, is another client's, or the verifier is not its own: no error of ours.
        400 | 401 => Err(Fault::Refused("the provider does not take the code".to_owned())),
        status => Err(failed(&format!("the token endpoint answers with status {status}"))),
    }
}

/// A JWT that shows who we are (RFC 7523 section 3): good for a minute, once, at this provider. Its audience is the issuer alone, so
/// that no other provider can have it made for its own token endpoint. Without a key of its own, the tenant's key signs it,
/// which the provider finds in the tenant's key set.
async fn assertion(call: &Call<'_>, provider: &Provider) -> Result<String, Fault> {
    let claims = serde_json::json!({
        "iss": provider.client_id,
        "sub": provider.client_id,
        "aud": provider.issuer,
        "jti": fresh_id(call.host, "jti"),
        "iat": call.now.seconds,
        "exp": call.now.seconds.saturating_add(60),
    })
    .to_string();
    let Some(name) = &provider.secret else {
        let signed = call.host.sign_jwt(call.tenant, CLIENT_ASSERTION, &claims).await;
        return signed.map_err(|error| Fault::Failed(error.into()));
    };
    let secret = call.host.secret(call.tenant, name).await.map_err(|error| Fault::Failed(error.into()))?;
    let pem = std::str::from_utf8(secret.expose()).map_err(|_| failed("the private key is not PKCS #8 in PEM"))?;
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let body = Zeroizing::new(body);
    let pkcs8 = STANDARD.decode(&*body).map(Zeroizing::new);
    let pkcs8 = pkcs8.map_err(|_| failed("the private key is not PKCS #8 in PEM"))?;
    let open = |algorithm| admit_jose::SigningKey::open(algorithm, &pkcs8);
    let key = open(Algorithm::EdDsa).or_else(|_| open(Algorithm::Es256));
    let key = key.map_err(|_| failed("the private key is neither Ed25519 nor P-256"))?;
    admit_jose::sign(&key, CLIENT_ASSERTION, &claims).map_err(|why| failed(&why))
}

/// Keys of the provider that ID tokens may be signed with.
fn allowed(keys: Vec<VerifyingKey>, provider: &Provider) -> Vec<VerifyingKey> {
    keys.into_iter().filter(|key| provider.algorithms.iter().any(|name| name == key.algorithm.name())).collect()
}

fn failed(why: &str) -> Fault {
    Fault::Failed(provider_failed(why))
}

fn provider_failed(why: &str) -> BlockError {
    BlockError::Named { name: "provider_failed", detail: why.to_owned() }
}

fn unguessable(call: &Call<'_>) -> String {
    let mut bytes = [0; 32];
    call.host.random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}
