//! `fido-u2f` (section 8.6): security keys from before FIDO2.

use super::{Attestation, Statement, verify};
use crate::Refusal;
use crate::cose::Algorithm;

pub(super) fn check(statement: &Statement<'_>) -> Result<Attestation, Refusal> {
    statement.members(&["sig", "x5c"])?;
    let (certificate, count) = statement.certificate()?;
    if count != 1 {
        return Err(Refusal::Attestation("there is more than one certificate"));
    }
    let point = statement.key.p256_point().ok_or(Refusal::Attestation("the passkey's key is not on P-256"))?;
    let signed =
        [&[0], statement.rp_id_hash, statement.client_data_hash.as_slice(), statement.attested.credential_id, point]
            .concat();
    verify(&certificate.key()?, Algorithm::Es256, &signed, statement.bytes("sig")?)?;
    Ok(Attestation::Certified)
}
