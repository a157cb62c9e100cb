//! COSE keys (RFC 9052, RFC 9053, RFC 8230), as section 6.5.1.1 narrows them: `alg`, what the key type needs, nothing else.

use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents,
    UnparsedPublicKey,
};

use crate::Refusal;
use crate::cbor::Item;

/// Algorithms that keys may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// Ed25519; Ed448 is refused.
    EdDsa,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256 and keys of 2048 bits or more.
    Rs256,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: Algorithm,
    /// Uncompressed point, Ed25519 key, or modulus.
    main: Vec<u8>,
    /// RSA's exponent.
    exponent: Vec<u8>,
}

impl Algorithm {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Es256, Self::EdDsa, Self::Es384, Self::Rs256];

    /// The number in IANA's registry of COSE algorithms.
    pub fn number(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::EdDsa => -8,
            Self::Es384 => -35,
            Self::Rs256 => -257,
        }
    }

    /// The name there.
    pub fn name(self) -> &'static str {
        match self {
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Es384 => "ES384",
            Self::Rs256 => "RS256",
        }
    }

    /// By number; what is not supported is refused by its name.
    pub(crate) fn of(number: i64) -> Result<Self, Refusal> {
        Self::ALL.into_iter().find(|known| known.number() == number).ok_or_else(|| {
            let name = match number {
                -9 => "ESP256",
                -19 => "Ed25519",
                -36 => "ES512",
                -37 => "PS256",
                -38 => "PS384",
                -39 => "PS512",
                -47 => "ES256K",
                -51 => "ESP384",
                -52 => "ESP512",
                -53 => "Ed448",
                -258 => "RS384",
                -259 => "RS512",
                -65535 => "RS1",
                other => return Refusal::Algorithm(format!("COSE algorithm {other}")),
            };
            Refusal::Algorithm(name.to_owned())
        })
    }
}

impl PublicKey {
    /// Reads a COSE key.
    ///
    /// # Errors
    /// CBOR that is not canonical; an algorithm that is not supported, by its name; a key that is not of it.
    pub fn read(cose: &[u8]) -> Result<Self, Refusal> {
        let key = Item::read(cose)?;
        let number = |name| key.at(name).and_then(Item::int);
        let bytes = |name| key.at(name).and_then(Item::bytes);
        let algorithm = Algorithm::of(number(3).ok_or(Refusal::PublicKey("it names no algorithm"))?)?;
        let (kty, curve) = (number(1), number(-1));
        let wrong = Refusal::PublicKey("it is not of its algorithm");
        match algorithm {
            Algorithm::Es256 | Algorithm::Es384 => {
                let (wanted, width) = if algorithm == Algorithm::Es256 { (1, 32) } else { (2, 48) };
                let (Some(x), Some(y)) = (bytes(-2), bytes(-3)) else { return Err(wrong) };
                if kty != Some(2) || curve != Some(wanted) || key.entries() != 5 || x.len() != width || y.len() != width
                {
                    return Err(wrong);
                }
                Ok(Self { algorithm, main: [&[4], x, y].concat(), exponent: Vec::new() })
            }
            Algorithm::EdDsa => {
                if kty == Some(1) && curve == Some(7) {
                    return Err(Refusal::Algorithm("Ed448".to_owned()));
                }
                let Some(x) = bytes(-2) else { return Err(wrong) };
                if kty != Some(1) || curve != Some(6) || key.entries() != 4 || x.len() != 32 {
                    return Err(wrong);
                }
                Ok(Self { algorithm, main: x.to_vec(), exponent: Vec::new() })
            }
            Algorithm::Rs256 => {
                let (Some(n), Some(e)) = (bytes(-1), bytes(-2)) else { return Err(wrong) };
                if kty != Some(3) || key.entries() != 4 {
                    return Err(wrong);
                }
                Self::rsa(n, e)
            }
        }
    }

    /// An RSA key of 2048 to 8192 bits; numbers without leading zeros (RFC 8230 section 4).
    pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, Refusal> {
        let fits = (256..=1024).contains(&n.len())
            && n.first().is_some_and(|byte| *byte >= 0x80 || n.len() > 256 && *byte != 0);
        let odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
        let exponent = (1..=4).contains(&e.len()) && e.first() != Some(&0) && e != [1];
        if !fits || !exponent || !odd(n) || !odd(e) {
            return Err(Refusal::PublicKey("its modulus or exponent is not allowed"));
        }
        Ok(Self { algorithm: Algorithm::Rs256, main: n.to_vec(), exponent: e.to_vec() })
    }

    /// A key from its parts: an uncompressed point, or an Ed25519 key.
    pub(crate) fn from_point(algorithm: Algorithm, point: &[u8]) -> Result<Self, Refusal> {
        let fits = match algorithm {
            Algorithm::Es256 => point.len() == 65 && point.first() == Some(&4),
            Algorithm::Es384 => point.len() == 97 && point.first() == Some(&4),
            Algorithm::EdDsa => point.len() == 32,
            Algorithm::Rs256 => false,
        };
        if !fits {
            return Err(Refusal::PublicKey("it is not of its algorithm"));
        }
        Ok(Self { algorithm, main: point.to_vec(), exponent: Vec::new() })
    }

    /// Its one algorithm.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The uncompressed point of a key on P-256.
    pub(crate) fn p256_point(&self) -> Option<&[u8]> {
        (self.algorithm == Algorithm::Es256).then_some(self.main.as_slice())
    }

    /// An RSA key's modulus and exponent.
    pub(crate) fn rsa_parts(&self) -> Option<(&[u8], &[u8])> {
        (self.algorithm == Algorithm::Rs256).then_some((&self.main, &self.exponent))
    }

    /// Checks a signature (section 6.5.5: ECDSA's in DER).
    ///
    /// # Errors
    /// [`Refusal::Signature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        let verified = match self.algorithm {
            Algorithm::Es256 => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &self.main).verify(message, signature),
            Algorithm::Es384 => UnparsedPublicKey::new(&ECDSA_P384_SHA384_ASN1, &self.main).verify(message, signature),
            Algorithm::EdDsa => UnparsedPublicKey::new(&ED25519, &self.main).verify(message, signature),
            Algorithm::Rs256 => RsaPublicKeyComponents { n: &self.main, e: &self.exponent }.verify(
                &RSA_PKCS1_2048_8192_SHA256,
                message,
                signature,
            ),
        };
        verified.map_err(|_| Refusal::Signature)
    }
}
