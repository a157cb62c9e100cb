//! `packed` (section 8.2): signed by the passkey itself or by a certificate's key.

use super::{Attestation, Statement, verify};
use crate::Refusal;

const COUNTRY: &str = "2.5.4.6";
const ORGANISATION: &str = "2.5.4.10";
const UNIT: &str = "2.5.4.11";
const COMMON_NAME: &str = "2.5.4.3";

pub(super) fn check(statement: &Statement<'_>) -> Result<Attestation, Refusal> {
    let (algorithm, signature) = (statement.algorithm()?, statement.bytes("sig")?);
    if statement.statement.get("x5c").is_none() {
        statement.members(&["alg", "sig"])?;
        verify(statement.key, algorithm, &statement.signed(), signature)?;
        return Ok(Attestation::Itself);
    }
    statement.members(&["alg", "sig", "x5c"])?;
    let (certificate, _) = statement.certificate()?;
    verify(&certificate.key()?, algorithm, &statement.signed(), signature)?;
    // Section 8.2.1.
    let country = certificate.subject(COUNTRY).is_some_and(|code| code.len() == 2);
    let named = [ORGANISATION, COMMON_NAME].iter().all(|part| certificate.subject(part).is_some());
    let unit = certificate.subject(UNIT).is_some_and(|unit| unit == "Authenticator Attestation");
    if !certificate.is_version_3() || !country || !named || !unit || !certificate.is_end_entity() {
        return Err(Refusal::Attestation("the certificate is not one of an authenticator"));
    }
    if !certificate.is_of_model(&statement.attested.aaguid) {
        return Err(Refusal::Attestation("the certificate is of another model"));
    }
    Ok(Attestation::Certified)
}
