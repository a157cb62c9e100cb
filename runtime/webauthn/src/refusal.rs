//! Why a ceremony is refused. For audit and tests; the user learns only that it did not work.

use thiserror::Error;

/// Why, by the check of WebAuthn Level 3 section 7.1 or 7.2 that failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The response is not the JSON of a public key credential, or too large.
    #[error("the response is malformed: {0}")]
    Response(&'static str),
    /// The client data are not the JSON that section 5.8.1 describes.
    #[error("the client data are malformed: {0}")]
    ClientData(&'static str),
    /// The client data are of another ceremony.
    #[error("the client data are of another ceremony")]
    Type,
    /// The challenge is not the one that was given.
    #[error("the challenge is another one")]
    Challenge,
    /// An origin that is not among ours.
    #[error("the origin is not allowed")]
    Origin,
    /// The page stood in a frame of another origin.
    #[error("the page stood in a frame of another origin")]
    CrossOrigin,
    /// The page around ours is not among those that may hold it.
    #[error("the origin of the page around is not allowed")]
    TopOrigin,
    /// CBOR that cannot be read, or is not in the canonical form of CTAP2.
    #[error("the CBOR is refused: {0}")]
    Cbor(&'static str),
    /// Authenticator data that are too short, too long, or hold what they must not.
    #[error("the authenticator data are malformed: {0}")]
    AuthenticatorData(&'static str),
    /// The authenticator answered for another relying party.
    #[error("the authenticator answered for another relying party")]
    RpIdHash,
    /// Nobody touched the authenticator.
    #[error("the user was not present")]
    UserNotPresent,
    /// The authenticator did not check who holds it, and had to.
    #[error("the user was not verified")]
    UserNotVerified,
    /// Backup flags that contradict each other or what was registered.
    #[error("the backup flags are inconsistent: {0}")]
    Backup(&'static str),
    /// The credential's id is empty, too long, not the one of the response or not among those asked for.
    #[error("the credential's id is refused: {0}")]
    CredentialId(&'static str),
    /// The passkey is somebody else's.
    #[error("the passkey is of another user")]
    UserHandle,
    /// A key of an algorithm that is not supported, by its name.
    #[error("keys of {0} are not supported")]
    Algorithm(String),
    /// A key of an algorithm that was not offered.
    #[error("keys of {0} were not offered")]
    NotOffered(&'static str),
    /// A public key that is none.
    #[error("the public key is malformed: {0}")]
    PublicKey(&'static str),
    /// A format of attestation that is not supported, by its name.
    #[error("attestation of the format `{0}` is not supported")]
    Format(String),
    /// An attestation statement that does not hold.
    #[error("the attestation does not hold: {0}")]
    Attestation(&'static str),
    /// The signature is not right.
    #[error("the signature is not right")]
    Signature,
    /// The counter did not go up: there may be two of the authenticator (section 6.1.1).
    #[error("the authenticator's counter stands at {sent} after {kept}: there may be a copy of it")]
    CounterRollback {
        /// What was kept.
        kept: u32,
        /// What came.
        sent: u32,
    },
}
