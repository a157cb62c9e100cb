//! Keys: those that sign, and those that verify as JSON Web Keys (RFC 7517, 7518 section 6, 8037). The id of our own keys is
//! their thumbprint (RFC 7638).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest;
use ring::rand::SystemRandom;
use ring::signature::{
    self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaPublicKeyComponents,
    UnparsedPublicKey,
};
use serde_json::{Map, Value, json};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::Algorithm;

/// Points of small order on Curve25519, their sign bit cleared: a signature by such a key proves nothing.
const SMALL_ORDER: [&str; 7] = [
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU",
    "xxdqcD1N2E-6PAt2DRBnDyogU_osOczGTsf9d5KsA3o",
    "7P_______________________________________38",
    "7f_______________________________________38",
    "7v_______________________________________38",
];
/// Largest RSA modulus, in bytes: 8192 bits.
const LONGEST_MODULUS: usize = 1024;

/// A key that signs, with its one algorithm. No `Debug`.
pub struct SigningKey(Pair);

enum Pair {
    EdDsa(Ed25519KeyPair),
    Es256(EcdsaKeyPair),
}

/// A key that verifies, with its one algorithm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyingKey {
    /// `kid`; a provider's key may have none.
    pub id: Option<String>,
    /// Its algorithm.
    pub algorithm: Algorithm,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    /// 32 bytes for EdDSA, an uncompressed point for ECDSA.
    Point(Vec<u8>),
    /// Modulus and exponent, big-endian.
    Rsa(Vec<u8>, Vec<u8>),
}

/// Why a JSON Web Key is not used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JwkError {
    /// It is for encryption, for another algorithm, symmetric, or on another curve.
    #[error("the key is for something else: {0}")]
    NotForThis(&'static str),
    /// A member is missing or not of its form.
    #[error("the key is malformed: {0}")]
    Malformed(&'static str),
}

impl SigningKey {
    /// A new key as PKCS #8 (RFC 5958); only EdDSA and ES256 are signed with.
    ///
    /// # Errors
    /// No randomness, or another algorithm.
    pub fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, String> {
        let random = SystemRandom::new();
        let made = match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::generate_pkcs8(&random),
            Algorithm::Es256 => EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random),
            Algorithm::Es384 | Algorithm::Rs256 | Algorithm::Ps256 => {
                return Err(format!("tokens are not signed with {}", algorithm.name()));
            }
        };
        made.map(|pkcs8| Zeroizing::new(pkcs8.as_ref().to_vec())).map_err(|error| error.to_string())
    }

    /// From PKCS #8.
    ///
    /// # Errors
    /// Other bytes, or those of another algorithm.
    pub fn open(algorithm: Algorithm, pkcs8: &[u8]) -> Result<Self, String> {
        let damaged = |error: ring::error::KeyRejected| error.to_string();
        match algorithm {
            Algorithm::EdDsa => Ed25519KeyPair::from_pkcs8(pkcs8).map(Pair::EdDsa).map(Self).map_err(damaged),
            Algorithm::Es256 => EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8, &SystemRandom::new())
                .map(Pair::Es256)
                .map(Self)
                .map_err(damaged),
            Algorithm::Es384 | Algorithm::Rs256 | Algorithm::Ps256 => {
                Err(format!("tokens are not signed with {}", algorithm.name()))
            }
        }
    }

    /// Its algorithm.
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            Pair::EdDsa(_) => Algorithm::EdDsa,
            Pair::Es256(_) => Algorithm::Es256,
        }
    }

    /// Its verifying half.
    pub fn verifying(&self) -> VerifyingKey {
        let point = match &self.0 {
            Pair::EdDsa(pair) => pair.public_key().as_ref().to_vec(),
            Pair::Es256(pair) => pair.public_key().as_ref().to_vec(),
        };
        let mut key = VerifyingKey { id: None, algorithm: self.algorithm(), material: Material::Point(point) };
        key.id = Some(key.thumbprint());
        key
    }

    /// Its id: the thumbprint of its public half.
    pub fn id(&self) -> String {
        self.verifying().thumbprint()
    }

    /// Signs bytes as JWS wants the signature.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Result<Vec<u8>, String> {
        match &self.0 {
            Pair::EdDsa(pair) => Ok(pair.sign(bytes).as_ref().to_vec()),
            Pair::Es256(pair) => pair
                .sign(&SystemRandom::new(), bytes)
                .map(|signature| signature.as_ref().to_vec())
                .map_err(|error| error.to_string()),
        }
    }
}

impl VerifyingKey {
    /// From a JSON Web Key. `rsa` is the algorithm of RSA keys that name none.
    ///
    /// # Errors
    /// A key for something else, or a malformed one.
    pub fn of_jwk(jwk: &Value, rsa: Algorithm) -> Result<Self, JwkError> {
        let members = jwk.as_object().ok_or(JwkError::Malformed("it is no object"))?;
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        if members.contains_key("d") || members.contains_key("k") {
            return Err(JwkError::NotForThis("it is a private or symmetric key"));
        }
        if members.get("use").is_some_and(|used| used != "sig") {
            return Err(JwkError::NotForThis("its `use` is not `sig`"));
        }
        if let Some(operations) = members.get("key_ops") {
            let verifies = operations.as_array().is_some_and(|all| all.iter().any(|one| one == "verify"));
            if !verifies {
                return Err(JwkError::NotForThis("its `key_ops` lack `verify`"));
            }
        }
        let (algorithm, material) = match (text("kty"), text("crv")) {
            (Some("OKP"), Some("Ed25519")) => (Algorithm::EdDsa, Material::Point(edwards(members)?)),
            (Some("EC"), Some("P-256")) => (Algorithm::Es256, Material::Point(point(members, 32)?)),
            (Some("EC"), Some("P-384")) => (Algorithm::Es384, Material::Point(point(members, 48)?)),
            (Some("RSA"), _) => {
                let named = text("alg").and_then(Algorithm::of).unwrap_or(rsa);
                (named, Material::Rsa(modulus(members)?, bytes(members, "e")?))
            }
            (Some(_), _) => return Err(JwkError::NotForThis("its type or curve is not supported")),
            (None, _) => return Err(JwkError::Malformed("`kty`")),
        };
        let is_rsa = matches!(material, Material::Rsa(..));
        if is_rsa != matches!(algorithm, Algorithm::Rs256 | Algorithm::Ps256) {
            return Err(JwkError::NotForThis("its `alg` is not one of its type"));
        }
        match members.get("alg") {
            Some(alg) if alg != algorithm.name() => return Err(JwkError::NotForThis("its `alg` is not supported")),
            Some(_) | None => {}
        }
        match members.get("kid") {
            Some(Value::String(id)) => Ok(Self { id: Some(id.clone()), algorithm, material }),
            None => Ok(Self { id: None, algorithm, material }),
            Some(_) => Err(JwkError::Malformed("`kid`")),
        }
    }

    /// As a public JSON Web Key with `alg`, `use` and `kid`.
    pub fn to_jwk(&self) -> Value {
        let mut members = self.required();
        members.insert("alg".to_owned(), self.algorithm.name().into());
        members.insert("use".to_owned(), "sig".into());
        members.extend(self.id.iter().map(|id| ("kid".to_owned(), id.as_str().into())));
        Value::Object(members)
    }

    /// RFC 7638: the hash of its required members in the order of their names.
    pub fn thumbprint(&self) -> String {
        let text = Value::Object(self.required()).to_string();
        URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
    }

    /// Whether the signature is this key's.
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match (&self.material, self.algorithm) {
            (Material::Point(point), Algorithm::EdDsa) => {
                UnparsedPublicKey::new(&signature::ED25519, point).verify(signed, signature).is_ok()
            }
            (Material::Point(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&signature::ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            (Material::Point(point), Algorithm::Es384) => {
                UnparsedPublicKey::new(&signature::ECDSA_P384_SHA384_FIXED, point).verify(signed, signature).is_ok()
            }
            (Material::Rsa(n, e), Algorithm::Rs256) => RsaPublicKeyComponents { n, e }
                .verify(&signature::RSA_PKCS1_2048_8192_SHA256, signed, signature)
                .is_ok(),
            (Material::Rsa(n, e), Algorithm::Ps256) => {
                RsaPublicKeyComponents { n, e }.verify(&signature::RSA_PSS_2048_8192_SHA256, signed, signature).is_ok()
            }
            (Material::Rsa(..), Algorithm::EdDsa | Algorithm::Es256 | Algorithm::Es384)
            | (Material::Point(_), Algorithm::Rs256 | Algorithm::Ps256) => false,
        }
    }

    /// `crv`, `kty`, and the key's own members; a map is in the order of its names.
    fn required(&self) -> Map<String, Value> {
        let encode = |bytes: &[u8]| Value::from(URL_SAFE_NO_PAD.encode(bytes));
        let value = match (&self.material, self.algorithm) {
            (Material::Rsa(n, e), _) => json!({"e": encode(e), "kty": "RSA", "n": encode(n)}),
            (Material::Point(point), Algorithm::EdDsa) => json!({"crv": "Ed25519", "kty": "OKP", "x": encode(point)}),
            (Material::Point(point), _) => {
                let curve = if point.len() == 65 { "P-256" } else { "P-384" };
                let (_, coordinates) = point.split_first().unwrap_or((&0, &[]));
                let (x, y) = coordinates.split_at(coordinates.len() / 2);
                json!({"crv": curve, "kty": "EC", "x": encode(x), "y": encode(y)})
            }
        };
        match value {
            Value::Object(members) => members,
            _ => Map::new(),
        }
    }
}

/// The keys of a JSON Web Key Set that can be used; the others are passed over (RFC 7517 section 5).
///
/// # Errors
/// It is no key set, or names a key twice.
pub fn key_set(set: &[u8], rsa: Algorithm) -> Result<Vec<VerifyingKey>, JwkError> {
    let members = crate::object(set).map_err(|_| JwkError::Malformed("it is no JSON object"))?;
    let keys = members.get("keys").and_then(Value::as_array).ok_or(JwkError::Malformed("`keys`"))?;
    let keys: Vec<VerifyingKey> = keys.iter().filter_map(|jwk| VerifyingKey::of_jwk(jwk, rsa).ok()).collect();
    let twice = |(index, key): (usize, &VerifyingKey)| {
        keys.iter().skip(index + 1).any(|other| other.id.is_some() && other.id == key.id && other != key)
    };
    match keys.iter().enumerate().any(twice) {
        true => Err(JwkError::Malformed("two keys have one `kid`")),
        false => Ok(keys),
    }
}

fn bytes(members: &Map<String, Value>, name: &'static str) -> Result<Vec<u8>, JwkError> {
    let text = members.get(name).and_then(Value::as_str).ok_or(JwkError::Malformed(name))?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| JwkError::Malformed(name))
}

fn edwards(members: &Map<String, Value>) -> Result<Vec<u8>, JwkError> {
    let point = bytes(members, "x")?;
    let mut unsigned = point.clone();
    match unsigned.last_mut() {
        Some(last) if point.len() == 32 => *last &= 0x7f,
        Some(_) | None => return Err(JwkError::Malformed("x")),
    }
    match SMALL_ORDER.contains(&URL_SAFE_NO_PAD.encode(unsigned).as_str()) {
        true => Err(JwkError::Malformed("a point of small order")),
        false => Ok(point),
    }
}

fn point(members: &Map<String, Value>, length: usize) -> Result<Vec<u8>, JwkError> {
    let (x, y) = (bytes(members, "x")?, bytes(members, "y")?);
    if x.len() != length || y.len() != length {
        return Err(JwkError::Malformed("a coordinate has another length than its curve's"));
    }
    Ok([&[4], x.as_slice(), y.as_slice()].concat())
}

fn modulus(members: &Map<String, Value>) -> Result<Vec<u8>, JwkError> {
    let n = bytes(members, "n")?;
    match n.first() {
        Some(first) if *first != 0 && n.len() <= LONGEST_MODULUS => {}
        Some(_) | None => return Err(JwkError::Malformed("n")),
    }
    match is_roca(&n) {
        true => Err(JwkError::NotForThis("its modulus is of the kind that can be factored (CVE-2017-15361)")),
        false => Ok(n),
    }
}

/// The fingerprint of CVE-2017-15361: the modulus is a power of 65537 modulo every small prime.
fn is_roca(n: &[u8]) -> bool {
    const PRIMES: [u32; 20] = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157, 163, 167, 173];
    PRIMES.iter().all(|prime| {
        let rest = n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * (65_537 % prime) % prime));
        powers.take(*prime as usize).any(|power| power == rest)
    })
}
