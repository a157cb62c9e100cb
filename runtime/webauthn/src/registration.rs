//! Registration (section 7.1).

use crate::attestation::{Attestation, Statement, check};
use crate::authenticator_data::AuthenticatorData;
use crate::cbor::Item;
use crate::client_data::{self, Ceremony};
use crate::cose::{Algorithm, PublicKey};
use crate::{Passkey, Refusal, RegistrationResponse, RelyingParty, UserVerification};

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Registering<'a> {
    /// The challenge that was given, for this ceremony alone; the caller has taken it, so that nobody has it twice.
    pub challenge: &'a [u8],
    /// What was said of user verification.
    pub verification: UserVerification,
    /// The algorithms that were offered.
    pub algorithms: &'a [Algorithm],
}

/// What was registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// To be kept, if no user has a passkey of this id (section 7.1 step 26: the caller's to see to).
    pub passkey: Passkey,
    /// What the attestation came to.
    pub attestation: Attestation,
}

/// Checks a registration.
///
/// # Errors
/// The first check that failed.
pub fn verify_registration(
    party: &RelyingParty,
    asked: Registering<'_>,
    response: &RegistrationResponse,
) -> Result<Registered, Refusal> {
    let client_data_hash = client_data::check(&response.client_data, Ceremony::Create, asked.challenge, party)?;

    let object = Item::read(&response.attestation_object)?;
    let (Some(format), Some(statement), Some(authenticator_data), 3) = (
        object.get("fmt").and_then(Item::text),
        object.get("attStmt"),
        object.get("authData").and_then(Item::bytes),
        object.entries(),
    ) else {
        return Err(Refusal::Cbor("it is no attestation object"));
    };
    let data = AuthenticatorData::read(authenticator_data)?;
    data.check(party, asked.verification)?;
    let attested = data.attested.as_ref().ok_or(Refusal::AuthenticatorData("they hold no credential"))?;
    if attested.credential_id != response.id {
        return Err(Refusal::CredentialId("the authenticator made another one"));
    }
    let key = PublicKey::read(attested.key)?;
    if !asked.algorithms.contains(&key.algorithm()) {
        return Err(Refusal::NotOffered(key.algorithm().name()));
    }
    let attestation = check(
        format,
        &Statement {
            statement,
            authenticator_data,
            rp_id_hash: data.rp_id_hash,
            client_data_hash: &client_data_hash,
            attested,
            key: &key,
        },
    )?;
    Ok(Registered {
        passkey: Passkey {
            id: attested.credential_id.to_vec(),
            key: attested.key.to_vec(),
            sign_count: data.sign_count,
            user_verified: data.user_verified(),
            backup_eligible: data.backup_eligible(),
            backed_up: data.backed_up(),
            aaguid: attested.aaguid,
            transports: response.transports.clone(),
        },
        attestation,
    })
}
