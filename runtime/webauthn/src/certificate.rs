//! Certificates of attestation (RFC 5280), as far as statements need them: the key, the subject, the extensions. No chain
//! is assessed.

use x509_cert::certificate::{Certificate as X509, Version};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Encode as _};

use crate::cose::{Algorithm, PublicKey};
use crate::{Refusal, attestation::der};

const EC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const BASIC_CONSTRAINTS: &str = "2.5.29.19";
/// id-fido-gen-ce-aaguid (section 8.2.1).
const AAGUID: &str = "1.3.6.1.4.1.45724.1.1.4";

/// A certificate.
pub(crate) struct Certificate(X509);

impl Certificate {
    /// One certificate in DER, with nothing after it.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        X509::from_der(bytes).map(Self).map_err(|_| Refusal::Attestation("a certificate cannot be read"))
    }

    /// Its key, if it is one that we verify with.
    pub(crate) fn key(&self) -> Result<PublicKey, Refusal> {
        let info = self.0.tbs_certificate().subject_public_key_info();
        let bytes = info.subject_public_key.as_bytes().unwrap_or_default();
        let unknown = || Refusal::Attestation("the certificate's key is of no supported kind");
        let oid = info.algorithm.oid;
        if oid == EC_KEY {
            let curve = info.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
            return match curve {
                Some(curve) if curve == P256 => PublicKey::from_point(Algorithm::Es256, bytes),
                Some(curve) if curve == P384 => PublicKey::from_point(Algorithm::Es384, bytes),
                Some(_) | None => Err(unknown()),
            };
        }
        if oid == ED25519 {
            return PublicKey::from_point(Algorithm::EdDsa, bytes);
        }
        if oid == RSA {
            // RFC 8017 appendix A.1.1: SEQUENCE { INTEGER, INTEGER }.
            let (n, e) = der::rsa_key(bytes).ok_or_else(unknown)?;
            return PublicKey::rsa(n, e);
        }
        Err(unknown())
    }

    /// The value of an extension (the bytes within its octet string), and whether it is critical.
    pub(crate) fn extension(&self, oid: &str) -> Option<(&[u8], bool)> {
        let extensions = self.0.tbs_certificate().extensions()?;
        let found = extensions.iter().find(|extension| extension.extn_id.to_string() == oid)?;
        Some((found.extn_value.as_bytes(), found.critical))
    }

    pub(crate) fn is_version_3(&self) -> bool {
        self.0.tbs_certificate().version() == Version::V3
    }

    pub(crate) fn subject_is_empty(&self) -> bool {
        self.0.tbs_certificate().subject().is_empty()
    }

    /// It says that it is no authority.
    pub(crate) fn is_end_entity(&self) -> bool {
        // SEQUENCE { cA BOOLEAN DEFAULT FALSE, ... }: an empty one.
        self.extension(BASIC_CONSTRAINTS).is_some_and(|(value, _)| value == [0x30, 0x00])
    }

    /// Its AAGUID extension, where it has one, names this model and is not critical (section 8.2.1).
    pub(crate) fn is_of_model(&self, aaguid: &[u8; 16]) -> bool {
        match self.extension(AAGUID) {
            None => true,
            Some((value, is_critical)) => !is_critical && value == [&[0x04, 0x10], aaguid.as_slice()].concat(),
        }
    }

    /// A text of its subject, by the OID of the attribute.
    pub(crate) fn subject(&self, oid: &str) -> Option<String> {
        let subject = self.0.tbs_certificate().subject();
        let found = subject.iter().find(|part| part.oid.to_string() == oid)?;
        let value = found.value.to_der().ok()?;
        let (_, content, _) = der::tlv(&value)?;
        std::str::from_utf8(content).ok().map(str::to_owned)
    }
}
