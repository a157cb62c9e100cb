//! `tpm` (section 8.3): a TPM certifies a key of its own (TPM 2.0 library, part 2).

use ring::digest::{Algorithm as Hash, SHA256, SHA384, SHA512, digest};

use super::der::{OID, SEQUENCE, items, only};
use super::{Attestation, Statement, verify};
use crate::Refusal;
use crate::certificate::Certificate;
use crate::cose::{Algorithm, PublicKey};

const MAGIC: u32 = 0xff54_4347;
/// TPM_ST_ATTEST_CERTIFY
const CERTIFY: u16 = 0x8017;
const ALG_NULL: u16 = 0x0010;
const ALG_RSA: u16 = 0x0001;
const ALG_ECC: u16 = 0x0023;
/// TPM_ALG_RSASSA and TPM_ALG_ECDSA: schemes with one hash.
const SCHEMES: [u16; 2] = [0x0014, 0x0018];
const SUBJECT_ALTERNATIVE_NAME: &str = "2.5.29.17";
const EXTENDED_KEY_USAGE: &str = "2.5.29.37";
/// tcg-kp-AIKCertificate, 2.23.133.8.3, in DER without its head.
const AIK: &[u8] = &[0x67, 0x81, 0x05, 0x08, 0x03];

pub(super) fn check(statement: &Statement<'_>) -> Result<Attestation, Refusal> {
    statement.members(&["alg", "sig", "ver", "x5c", "pubArea", "certInfo"])?;
    if statement.statement.get("ver").and_then(crate::cbor::Item::text) != Some("2.0") {
        return Err(Refusal::Attestation("it is of another version of TPM"));
    }
    let algorithm = statement.algorithm()?;
    let (public, info) = (statement.bytes("pubArea")?, statement.bytes("certInfo")?);
    let cut = Refusal::Attestation("what the TPM says cannot be read");
    let area = Public::read(public).ok_or_else(|| cut.clone())?;
    if !area.is_of(statement.key) {
        return Err(Refusal::Attestation("the TPM certifies another key"));
    }
    let certified = Certified::read(info).ok_or(cut)?;
    let hash = match algorithm {
        Algorithm::Es256 | Algorithm::Rs256 => &SHA256,
        Algorithm::Es384 => &SHA384,
        Algorithm::EdDsa => return Err(Refusal::Attestation("TPMs do not sign with EdDSA")),
    };
    if certified.extra != digest(hash, &statement.signed()).as_ref() {
        return Err(Refusal::Attestation("the TPM certified for something else"));
    }
    let name = [area.name_algorithm.to_be_bytes().as_slice(), digest(area.hash, public).as_ref()].concat();
    if certified.name != name {
        return Err(Refusal::Attestation("the TPM certifies another key"));
    }
    let (certificate, _) = statement.certificate()?;
    verify(&certificate.key()?, algorithm, info, statement.bytes("sig")?)?;
    if !is_aik(&certificate) {
        return Err(Refusal::Attestation("the certificate is not one of a TPM"));
    }
    if !certificate.is_of_model(&statement.attested.aaguid) {
        return Err(Refusal::Attestation("the certificate is of another model"));
    }
    Ok(Attestation::Certified)
}

/// Section 8.3.1.
fn is_aik(certificate: &Certificate) -> bool {
    let usage = certificate.extension(EXTENDED_KEY_USAGE).and_then(|(value, _)| items(only(value, SEQUENCE)?));
    certificate.is_version_3()
        && certificate.subject_is_empty()
        && certificate.extension(SUBJECT_ALTERNATIVE_NAME).is_some()
        && certificate.is_end_entity()
        && usage.is_some_and(|usages| usages.contains(&(OID, AIK)))
}

/// A key as the TPM has it: TPMT_PUBLIC.
struct Public<'b> {
    name_algorithm: u16,
    hash: &'static Hash,
    key: Key<'b>,
}

enum Key<'b> {
    Rsa { modulus: &'b [u8], exponent: u32 },
    Ecc { curve: u16, x: &'b [u8], y: &'b [u8] },
}

/// What the TPM signs: TPMS_ATTEST of a certification.
struct Certified<'b> {
    extra: &'b [u8],
    name: &'b [u8],
}

struct Reader<'b>(&'b [u8]);

impl<'b> Public<'b> {
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let kind = reader.u16()?;
        let name_algorithm = reader.u16()?;
        let hash = match name_algorithm {
            0x000b => &SHA256,
            0x000c => &SHA384,
            0x000d => &SHA512,
            _ => return None,
        };
        reader.take(4)?;
        reader.sized()?;
        // A key that signs for others has no symmetric algorithm.
        if reader.u16()? != ALG_NULL {
            return None;
        }
        let scheme = reader.u16()?;
        if SCHEMES.contains(&scheme) {
            reader.u16()?;
        } else if scheme != ALG_NULL {
            return None;
        }
        let key = match kind {
            ALG_RSA => {
                reader.u16()?;
                let exponent = reader.u32()?;
                Key::Rsa { modulus: reader.sized()?, exponent }
            }
            ALG_ECC => {
                let curve = reader.u16()?;
                if reader.u16()? != ALG_NULL {
                    return None;
                }
                Key::Ecc { curve, x: reader.sized()?, y: reader.sized()? }
            }
            _ => return None,
        };
        reader.0.is_empty().then_some(Self { name_algorithm, hash, key })
    }

    fn is_of(&self, key: &PublicKey) -> bool {
        match &self.key {
            Key::Rsa { modulus, exponent } => key.rsa_parts().is_some_and(|(n, e)| {
                // 0 stands for 65537 (part 2, section 12.2.3.5).
                let exponent = if *exponent == 0 { 65_537 } else { *exponent };
                let sent = e.iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
                n == *modulus && sent == u64::from(exponent)
            }),
            // TPM_ECC_NIST_P256
            Key::Ecc { curve, x, y } => {
                *curve == 3 && x.len() == 32 && key.p256_point() == Some([&[4], *x, *y].concat().as_slice())
            }
        }
    }
}

impl<'b> Certified<'b> {
    fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        if reader.u32()? != MAGIC || reader.u16()? != CERTIFY {
            return None;
        }
        reader.sized()?;
        let extra = reader.sized()?;
        // Clock (17) and firmware (8).
        reader.take(25)?;
        let name = reader.sized()?;
        reader.sized()?;
        reader.0.is_empty().then_some(Self { extra, name })
    }
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u16::from_be_bytes(*number))
    }

    fn u32(&mut self) -> Option<u32> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*number))
    }

    fn sized(&mut self) -> Option<&'b [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }
}
