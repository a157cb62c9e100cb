//! Attestation statements (section 8): each format's own check of what it signs. Nobody's word is taken for who vouches: chains
//! are not assessed, so a statement of a model is a claim.

pub(crate) mod der;

mod android_key;
mod apple;
mod fido_u2f;
mod packed;
mod tpm;

use crate::Refusal;
use crate::authenticator_data::Attested;
use crate::cbor::Item;
use crate::certificate::Certificate;
use crate::cose::{Algorithm, PublicKey};

/// What a statement came to (section 6.5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// None was given.
    None,
    /// The passkey signed for itself.
    Itself,
    /// A certificate's key signed; whose certificate that is was not asked.
    Certified,
}

/// What statements are checked against.
pub(crate) struct Statement<'s> {
    pub(crate) statement: &'s Item<'s>,
    pub(crate) authenticator_data: &'s [u8],
    pub(crate) rp_id_hash: &'s [u8],
    pub(crate) client_data_hash: &'s [u8; 32],
    pub(crate) attested: &'s Attested<'s>,
    pub(crate) key: &'s PublicKey,
}

/// Checks a statement by its format (section 7.1 steps 21 and 22). A format that is not known is refused by name.
pub(crate) fn check(format: &str, statement: &Statement<'_>) -> Result<Attestation, Refusal> {
    match format {
        "none" if matches!(statement.statement, Item::Map(entries) if entries.is_empty()) => Ok(Attestation::None),
        "none" => Err(Refusal::Attestation("a statement of the format `none` says something")),
        "packed" => packed::check(statement),
        "fido-u2f" => fido_u2f::check(statement),
        "android-key" => android_key::check(statement),
        "apple" => apple::check(statement),
        "tpm" => tpm::check(statement),
        other => Err(Refusal::Format(other.chars().filter(|each| !each.is_control()).take(32).collect())),
    }
}

impl<'s> Statement<'s> {
    /// `authenticatorData || clientDataHash`
    fn signed(&self) -> Vec<u8> {
        [self.authenticator_data, self.client_data_hash.as_slice()].concat()
    }

    /// The statement has exactly these members.
    fn members(&self, names: &[&str]) -> Result<(), Refusal> {
        let all = names.iter().all(|name| self.statement.get(name).is_some());
        if all && self.statement.entries() == names.len() {
            Ok(())
        } else {
            Err(Refusal::Attestation("the statement lacks a member, or has one too many"))
        }
    }

    fn bytes(&self, name: &str) -> Result<&'s [u8], Refusal> {
        self.statement
            .get(name)
            .and_then(Item::bytes)
            .ok_or(Refusal::Attestation("a member of the statement is no bytes"))
    }

    fn algorithm(&self) -> Result<Algorithm, Refusal> {
        let number = self.statement.get("alg").and_then(Item::int);
        Algorithm::of(number.ok_or(Refusal::Attestation("the statement names no algorithm"))?)
    }

    /// The first certificate; the others must be there as bytes and are not read.
    fn certificate(&self) -> Result<(Certificate, usize), Refusal> {
        let Some(Item::Array(chain)) = self.statement.get("x5c") else {
            return Err(Refusal::Attestation("the statement has no certificates"));
        };
        let all = chain.iter().all(|each| each.bytes().is_some());
        let first = chain.first().and_then(Item::bytes).filter(|_| all);
        let first = first.ok_or(Refusal::Attestation("the statement has no certificates"))?;
        Ok((Certificate::read(first)?, chain.len()))
    }
}

/// A signature of the certificate's key, of the algorithm that the statement names.
fn verify(key: &PublicKey, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
    if key.algorithm() != algorithm {
        return Err(Refusal::Attestation("the signing key is not of the statement's algorithm"));
    }
    key.verify(message, signature).map_err(|_| Refusal::Attestation("its signature is not right"))
}
