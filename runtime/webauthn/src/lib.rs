//! WebAuthn Level 3 for a relying party: options, and the checks of registration (section 7.1) and assertion (section 7.2).
//!
//! Pure functions over bytes: the caller keeps challenges and credentials. Nothing is accepted that is not checked: what is
//! not supported is refused by its name. Certificate chains are not assessed: attestation is checked for what it
//! signs, and who vouches is not asked (conveyance `none` is what [`registration_options`] asks for).
//!
//! ```text
//!  registration_options ──> navigator.credentials.create ──> verify_registration ──> Passkey (kept)
//!  assertion_options ─────> navigator.credentials.get ─────> verify_assertion <──── Passkey
//! ```

mod assertion;
mod attestation;
mod authenticator_data;
mod cbor;
mod certificate;
mod client_data;
mod cose;
mod options;
mod passkey;
mod refusal;
mod registration;
mod response;

pub use assertion::{Asserted, Asserting, verify_assertion};
pub use attestation::Attestation;
pub use cose::{Algorithm, PublicKey};
pub use options::{ResidentKey, User, assertion_options, registration_options};
pub use passkey::Passkey;
pub use refusal::Refusal;
pub use registration::{Registered, Registering, verify_registration};
pub use response::{AssertionResponse, RegistrationResponse};

/// Bytes of a challenge that we make; twice what section 13.4.3 asks for.
pub const CHALLENGE_BYTES: usize = 32;

/// Who asks: the relying party, from the project's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelyingParty {
    /// The domain that passkeys are bound to (section 5.1.2): `example.com`.
    pub id: String,
    /// Its name, for the user.
    pub name: String,
    /// Origins that may ask, as browsers write them: `https://login.example.com`.
    pub origins: Vec<String>,
    /// Origins of pages that may hold ours in a frame (section 5.10). Empty: none may, and every ceremony in a frame of
    /// another origin is refused.
    pub top_origins: Vec<String>,
}

/// Whether the authenticator must have checked who holds it (section 5.8.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserVerification {
    /// A ceremony without is refused.
    Required,
    /// Wanted, and reported.
    Preferred,
    /// Not asked for.
    Discouraged,
}

impl UserVerification {
    /// As the options write it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}
