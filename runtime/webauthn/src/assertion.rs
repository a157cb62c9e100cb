//! Assertion (section 7.2).

use crate::authenticator_data::AuthenticatorData;
use crate::client_data::{self, Ceremony};
use crate::cose::PublicKey;
use crate::{AssertionResponse, Passkey, Refusal, RelyingParty, UserVerification};

/// What was asked for, and of whom.
#[derive(Clone, Copy, Debug)]
pub struct Asserting<'a> {
    /// The challenge that was given, for this ceremony alone; the caller has taken it, so that nobody has it twice.
    pub challenge: &'a [u8],
    /// What was said of user verification.
    pub verification: UserVerification,
    /// The user handle that the passkey must have, where it says one: that of the user whose passkey it is.
    pub user_handle: &'a [u8],
    /// Nobody was named before, so the passkey itself must say whose it is (section 7.2 step 6).
    pub is_usernameless: bool,
    /// Ids that were asked for; empty: any of the user's.
    pub allowed: &'a [Vec<u8>],
    /// The counter of the passkey's last assertion.
    pub sign_count: u32,
}

/// What an assertion showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// The counter now, to be kept; 0 where the authenticator has none.
    pub sign_count: u32,
    /// The authenticator checked who holds it: two factors in one.
    pub user_verified: bool,
    /// The passkey is copied to other devices of the user.
    pub backed_up: bool,
}

/// Checks an assertion of a passkey that was registered.
///
/// The counter's check is last: [`Refusal::CounterRollback`] means that all else was right.
///
/// # Errors
/// The first check that failed.
pub fn verify_assertion(
    party: &RelyingParty,
    asked: Asserting<'_>,
    passkey: &Passkey,
    response: &AssertionResponse,
) -> Result<Asserted, Refusal> {
    if response.id != passkey.id {
        return Err(Refusal::CredentialId("it is another passkey"));
    }
    if !asked.allowed.is_empty() && !asked.allowed.contains(&response.id) {
        return Err(Refusal::CredentialId("it was not asked for"));
    }
    match &response.user_handle {
        Some(handle) if handle == asked.user_handle => {}
        Some(_) => return Err(Refusal::UserHandle),
        None if asked.is_usernameless => return Err(Refusal::UserHandle),
        None => {}
    }
    let client_data_hash = client_data::check(&response.client_data, Ceremony::Get, asked.challenge, party)?;
    let data = AuthenticatorData::read(&response.authenticator_data)?;
    data.check(party, asked.verification)?;
    if data.attested.is_some() {
        return Err(Refusal::AuthenticatorData("an assertion holds a credential"));
    }
    if data.backup_eligible() != passkey.backup_eligible {
        return Err(Refusal::Backup("eligibility never changes"));
    }
    let signed = [response.authenticator_data.as_slice(), &client_data_hash].concat();
    PublicKey::read(&passkey.key)?.verify(&signed, &response.signature)?;

    let (kept, sent) = (asked.sign_count, data.sign_count);
    if (kept != 0 || sent != 0) && sent <= kept {
        return Err(Refusal::CounterRollback { kept, sent });
    }
    Ok(Asserted { sign_count: sent, user_verified: data.user_verified(), backed_up: data.backed_up() })
}
