//! ID tokens of providers: what is taken is exactly what each claim and the signature allow, and nothing else.

use std::sync::LazyLock;

use admit_jose::{Algorithm, SigningKey, VerifyingKey};
use admit_runtime::relying::{ClientAuthentication, Provider};
use admit_stdlib::id_token::{Expected, Wrong, verify};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};

use super::Target;
use crate::choices::Choices;
use crate::histogram;

/// The target.
pub const TARGET: Target =
    Target { name: "id-token", promise: "an ID token is taken only if all of it is right", run, kinds };

const ACCESS: &str = "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y";
/// The left halves of its hashes (Core 1.0 section 3.1.3.6), by Python's hashlib.
const SHA256_HALF: &str = "77QmUPtjPfzWtF2AnpK9RQ";
const SHA512_HALF: &str = "q7nS86GgvvFaZkzALLWqJYaJIKw2wCDAVfCAsm5CrBM";
const NOW: i64 = 1_000_000;

/// A value of a claim, or none; and whether a token with it may be taken.
type Value = (Option<&'static str>, bool);

/// Claims by name, each with values in JSON. The first of each is right.
const CLAIMS: [(&str, &[Value]); 9] = [
    (
        "iss",
        &[
            (Some(r#""https://op.example""#), true),
            (None, false),
            (Some(r#""https://op.example/""#), false),
            (Some(r#""https://OP.example""#), false),
            (Some(r#"["https://op.example"]"#), false),
        ],
    ),
    (
        "sub",
        &[
            (Some(r#""u-1""#), true),
            (None, false),
            (Some(r#""""#), false),
            (Some("7"), false),
            (Some(r#""é""#), false),
            (Some("null"), false),
        ],
    ),
    (
        "exp",
        &[
            (Some("1000300"), true),
            (Some("999971"), true),
            (Some("999970"), false),
            (None, false),
            (Some(r#""1000300""#), false),
            (Some("-1"), false),
            (Some("1e99"), false),
            (Some("99999999999999999999"), false),
            (Some("9223372036854775807"), true),
        ],
    ),
    (
        "iat",
        &[
            (Some("1000000"), true),
            (Some("1000030"), true),
            (Some("1000031"), false),
            (Some("999400"), true),
            (Some("999399"), false),
            (None, false),
            (Some("-9223372036854775808"), false),
            (Some("null"), false),
        ],
    ),
    ("nbf", &[(None, true), (Some("1000030"), true), (Some("1000031"), false), (Some(r#""1""#), false)]),
    (
        "nonce",
        &[
            (Some(r#""n-1""#), true),
            (None, false),
            (Some(r#""N-1""#), false),
            (Some(r#""""#), false),
            (Some("[]"), false),
        ],
    ),
    // Both with `azp`, which is judged together with it.
    (
        "aud",
        &[
            (Some(r#""client""#), true),
            (Some(r#"["client"]"#), true),
            (Some(r#"["client", "other"]"#), true),
            (Some(r#"["other"]"#), false),
            (Some(r#""Client""#), false),
            (Some("[]"), false),
            (None, false),
            (Some(r#"{"client": 1}"#), false),
        ],
    ),
    ("azp", &[(None, true), (Some(r#""client""#), true), (Some(r#""other""#), false), (Some("null"), false)]),
    ("at_hash", &[(None, true), (Some("RIGHT"), true), (Some(r#""x""#), false), (Some("7"), false)]),
];

/// Headers' `typ`.
const TYPES: [Value; 6] = [
    (None, true),
    (Some(r#""JWT""#), true),
    (Some(r#""jwt""#), true),
    (Some(r#""at+jwt""#), false),
    (Some(r#""logout+jwt""#), false),
    (Some("7"), false),
];

/// What else a header may hold.
const MORE: [(&str, bool); 5] = [
    ("", true),
    (r#","x5u":"https://evil.example/key""#, true),
    (r#","crit":["exp"]"#, false),
    (r#","alg":"none""#, false),
    (r#","zip":"DEF""#, false),
];

/// Signs any bytes.
type Sign = Box<dyn Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync>;

/// A key with what signs any bytes with it.
struct Signer {
    key: SigningKey,
    sign: Sign,
}

/// The provider's two keys, and one of somebody else.
static KEYS: LazyLock<Vec<Signer>> =
    LazyLock::new(|| [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Es256].into_iter().filter_map(signer).collect());

static PROVIDER: LazyLock<Provider> = LazyLock::new(|| Provider {
    name: "op".to_owned(),
    issuer: "https://op.example".to_owned(),
    client_id: "client".to_owned(),
    secret: None,
    authentication: ClientAuthentication::None,
    scopes: Vec::new(),
    redirect_uri: "https://app.example/callback".to_owned(),
    algorithms: vec!["EdDSA".to_owned(), "ES256".to_owned()],
});

fn signer(algorithm: Algorithm) -> Option<Signer> {
    let pkcs8 = SigningKey::generate(algorithm).ok()?;
    let key = SigningKey::open(algorithm, &pkcs8).ok()?;
    let sign: Sign = match algorithm {
        Algorithm::EdDsa => {
            let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&pkcs8).ok()?;
            Box::new(move |bytes| Some(pair.sign(bytes).as_ref().to_vec()))
        }
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Rs256 | Algorithm::Ps256 => {
            let random = SystemRandom::new();
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pkcs8, &random).ok()?;
            Box::new(move |bytes| Some(pair.sign(&random, bytes).ok()?.as_ref().to_vec()))
        }
    };
    Some(Signer { key, sign })
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let mut choices = Choices::new(data);
    let stranger = choices.one_in(8);
    let Some(signer) = (if stranger { KEYS.get(2) } else { KEYS.get(choices.below(2)) }) else { return };
    let key = &signer.key;
    let (header, header_is_right) = header(key, &mut choices);
    let (claims, claims_are_right) = claims(key, &mut choices);
    let Some(good) = signed(signer, &header, &claims) else { return };
    let mut token = good.clone();
    if choices.one_in(4) {
        bend(&mut token, &mut choices);
    }
    let keys: Vec<VerifyingKey> = KEYS.iter().take(2).map(|signer| signer.key.verifying()).collect();
    let expected = Expected { provider: &PROVIDER, nonce: "n-1", access: Some(ACCESS), now: NOW };
    let verified = verify(&token, &keys, &expected);
    histogram::count(match &verified {
        Ok(_) => "taken",
        Err(Wrong::Key) => "another key",
        Err(Wrong::Token(_)) if token != good => "bent",
        Err(Wrong::Token(_)) if !header_is_right => "header",
        Err(Wrong::Token(_)) => "claims",
    });
    let may = token == good && !stranger && header_is_right && claims_are_right;
    assert_eq!(verified.is_ok(), may, "{header} {claims} {token}: {verified:?}");
    // Who has seen another nonce, or comes later, has another sign-in.
    if may {
        for other in [Expected { nonce: "n-2", ..expected }, Expected { now: i64::MAX, ..expected }] {
            assert!(verify(&token, &keys, &other).is_err(), "{claims} is taken for another sign-in");
        }
    }
}

/// Kinds of ends, and each wrong value.
pub fn kinds() -> Vec<String> {
    let ends = ["taken", "another key", "bent", "header", "claims"].map(str::to_owned);
    ends.into_iter().chain(CLAIMS.iter().map(|(name, _)| format!("wrong {name}"))).collect()
}

/// Mostly the first value, which is right.
fn chosen(values: &[Value], choices: &mut Choices<'_>) -> Value {
    let index = if choices.one_in(3) { choices.below(values.len()) } else { 0 };
    values.get(index).copied().unwrap_or((None, false))
}

fn header(key: &SigningKey, choices: &mut Choices<'_>) -> (String, bool) {
    let (typ, typ_is_right) = chosen(&TYPES, choices);
    let typ = typ.map(|typ| format!(r#","typ":{typ}"#)).unwrap_or_default();
    let more = if choices.one_in(4) { choices.below(MORE.len()) } else { 0 };
    let (more, more_is_right) = MORE.get(more).copied().unwrap_or(("", true));
    let kid = if choices.one_in(4) { String::new() } else { format!(r#","kid":"{}""#, key.id()) };
    let header = format!(r#"{{"alg":"{}"{kid}{typ}{more}}}"#, key.algorithm().name());
    (header, typ_is_right && more_is_right)
}

fn claims(key: &SigningKey, choices: &mut Choices<'_>) -> (String, bool) {
    let mut all_right = true;
    let (mut many, mut says_for_whom) = (false, false);
    let mut members = Vec::new();
    for (name, values) in CLAIMS {
        let (value, is_right) = chosen(values, choices);
        all_right &= is_right;
        if !is_right {
            histogram::count(&format!("wrong {name}"));
        }
        many |= name == "aud" && value == Some(r#"["client", "other"]"#);
        says_for_whom |= name == "azp" && value.is_some();
        let Some(value) = value else { continue };
        let value = if value == "RIGHT" { format!("\"{}\"", half_hash(key)) } else { value.to_owned() };
        members.push(format!("\"{name}\":{value}"));
    }
    let mut text = format!("{{{}}}", members.join(","));
    if choices.one_in(16) && members.iter().any(|member| member.starts_with("\"sub\"")) {
        // A member twice: who reads the first and who reads the last see different tokens.
        text = text.replacen('{', r#"{"sub":"admin","#, 1);
        all_right = false;
    }
    (text, all_right && (!many || says_for_whom))
}

fn half_hash(key: &SigningKey) -> &'static str {
    match key.algorithm() {
        Algorithm::EdDsa => SHA512_HALF,
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::Rs256 | Algorithm::Ps256 => SHA256_HALF,
    }
}

fn signed(signer: &Signer, header: &str, claims: &str) -> Option<String> {
    let head = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = (signer.sign)(head.as_bytes())?;
    Some(format!("{head}.{}", URL_SAFE_NO_PAD.encode(signature)))
}

/// Some bytes of it are others.
fn bend(token: &mut String, choices: &mut Choices<'_>) {
    for _ in 0..=choices.below(3) {
        let at = choices.below(token.len());
        match choices.below(4) {
            0 => token.insert_str(at, choices.pick(&[".", "=", "A", "_", " ", "\0"])),
            1 => token.replace_range(at..=at, choices.pick(&["A", "_", ".", "0"])),
            2 => token.truncate(at.max(1)),
            _ => token.push_str(choices.pick(&["=", "A", ".", "AA"])),
        }
    }
}
