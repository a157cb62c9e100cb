//! Authenticator data (section 6.1): what the authenticator says, in bytes.
//!
//! ```text
//!  rpIdHash 32 │ flags 1 │ signCount 4 │ AT: aaguid 16 │ length 2 │ id │ key (COSE) │ ED: extensions (CBOR map)
//! ```

use crate::cbor::Item;
use crate::client_data::sha256;
use crate::{Refusal, RelyingParty, UserVerification};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;

/// Section 7.1 step 25.
const LONGEST_ID: usize = 1023;

/// Authenticator data that have been read.
#[derive(Clone, Debug)]
pub(crate) struct AuthenticatorData<'b> {
    pub(crate) rp_id_hash: &'b [u8],
    flags: u8,
    pub(crate) sign_count: u32,
    pub(crate) attested: Option<Attested<'b>>,
}

/// The credential of a registration (section 6.5.1).
#[derive(Clone, Debug)]
pub(crate) struct Attested<'b> {
    pub(crate) aaguid: [u8; 16],
    pub(crate) credential_id: &'b [u8],
    /// The COSE key, as it came.
    pub(crate) key: &'b [u8],
}

impl<'b> AuthenticatorData<'b> {
    pub(crate) fn read(bytes: &'b [u8]) -> Result<Self, Refusal> {
        let short = || Refusal::AuthenticatorData("they are cut off");
        let (rp_id_hash, rest) = bytes.split_at_checked(32).ok_or_else(short)?;
        let (&flags, rest) = rest.split_first().ok_or_else(short)?;
        let (count, mut rest) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        let mut attested = None;
        if flags & ATTESTED != 0 {
            let (found, after) = attested_data(rest)?;
            attested = Some(found);
            rest = after;
        }
        if flags & EXTENSIONS != 0 {
            let (extensions, after) = Item::read_first(rest)?;
            // What they say is not asked for, so it is not heard; only their form counts (section 7.1 step 27).
            let Item::Map(entries) = extensions else {
                return Err(Refusal::AuthenticatorData("the extensions are no map"));
            };
            if entries.is_empty() || entries.iter().any(|(name, _)| name.text().is_none()) {
                return Err(Refusal::AuthenticatorData("an extension has no name"));
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Err(Refusal::AuthenticatorData("bytes follow their end"));
        }
        Ok(Self { rp_id_hash, flags, sign_count: u32::from_be_bytes(*count), attested })
    }

    /// Section 7.1 steps 14 to 17, section 7.2 steps 16 to 19.
    pub(crate) fn check(&self, party: &RelyingParty, verification: UserVerification) -> Result<(), Refusal> {
        if self.rp_id_hash != sha256(party.id.as_bytes()) {
            return Err(Refusal::RpIdHash);
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(Refusal::UserNotPresent);
        }
        if verification == UserVerification::Required && !self.user_verified() {
            return Err(Refusal::UserNotVerified);
        }
        if self.backed_up() && !self.backup_eligible() {
            return Err(Refusal::Backup("backed up, but not eligible for it"));
        }
        Ok(())
    }

    pub(crate) fn user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    pub(crate) fn backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }

    pub(crate) fn backed_up(&self) -> bool {
        self.flags & BACKED_UP != 0
    }
}

fn attested_data(bytes: &[u8]) -> Result<(Attested<'_>, &[u8]), Refusal> {
    let short = || Refusal::AuthenticatorData("they are cut off");
    let (aaguid, rest) = bytes.split_first_chunk::<16>().ok_or_else(short)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
    let length = usize::from(u16::from_be_bytes(*length));
    if length == 0 || length > LONGEST_ID {
        return Err(Refusal::CredentialId("its length is not 1 to 1023 bytes"));
    }
    let (credential_id, rest) = rest.split_at_checked(length).ok_or_else(short)?;
    let (_, after) = Item::read_first(rest)?;
    let key = rest.get(..rest.len() - after.len()).unwrap_or_default();
    Ok((Attested { aaguid: *aaguid, credential_id, key }, after))
}
