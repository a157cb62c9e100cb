//! `apple` (section 8.8): a certificate for the passkey's own key, which holds a hash of what is attested. It has no signature of
//! its own: the certificate's is its chain's.

use super::der::{OCTET_STRING, SEQUENCE, Tag, only};
use super::{Attestation, Statement};
use crate::Refusal;
use crate::client_data::sha256;

const NONCE: &str = "1.2.840.113635.100.8.2";

pub(super) fn check(statement: &Statement<'_>) -> Result<Attestation, Refusal> {
    statement.members(&["x5c"])?;
    let (certificate, _) = statement.certificate()?;
    let nonce = certificate.extension(NONCE).and_then(|(value, _)| nonce(value));
    if nonce != Some(sha256(&statement.signed()).as_slice()) {
        return Err(Refusal::Attestation("its nonce is of something else"));
    }
    if certificate.key()? != *statement.key {
        return Err(Refusal::Attestation("the certificate is of another key"));
    }
    Ok(Attestation::Certified)
}

/// `SEQUENCE { [1] EXPLICIT OCTET STRING }`
fn nonce(value: &[u8]) -> Option<&[u8]> {
    only(only(only(value, SEQUENCE)?, Tag::Context(1))?, OCTET_STRING)
}
