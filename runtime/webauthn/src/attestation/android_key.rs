//! `android-key` (section 8.4): a certificate for the passkey's own key from the device's key store.

use super::der::{INTEGER, OCTET_STRING, SEQUENCE, Tag, items, only};
use super::{Attestation, Statement, verify};
use crate::Refusal;

/// The key description (section 8.4.1).
const DESCRIPTION: &str = "1.3.6.1.4.1.11129.2.1.17";
const PURPOSE: Tag = Tag::Context(1);
const ALL_APPLICATIONS: Tag = Tag::Context(600);
const ORIGIN: Tag = Tag::Context(702);
/// KM_PURPOSE_SIGN and KM_ORIGIN_GENERATED, as INTEGERs.
const SIGN: &[u8] = &[2];
const GENERATED: &[u8] = &[0];

pub(super) fn check(statement: &Statement<'_>) -> Result<Attestation, Refusal> {
    statement.members(&["alg", "sig", "x5c"])?;
    let (certificate, _) = statement.certificate()?;
    let key = certificate.key()?;
    verify(&key, statement.algorithm()?, &statement.signed(), statement.bytes("sig")?)?;
    if key != *statement.key {
        return Err(Refusal::Attestation("the certificate is of another key"));
    }
    let description = certificate.extension(DESCRIPTION).and_then(|(value, _)| items(only(value, SEQUENCE)?));
    let description = description.ok_or(Refusal::Attestation("the certificate does not describe its key"))?;
    // KeyDescription: versions and levels (4), challenge, unique id, software's list, hardware's list.
    let (Some(challenge), Some((SEQUENCE, software)), Some((SEQUENCE, hardware))) =
        (description.get(4), description.get(6), description.get(7))
    else {
        return Err(Refusal::Attestation("the certificate does not describe its key"));
    };
    if *challenge != (OCTET_STRING, statement.client_data_hash.as_slice()) {
        return Err(Refusal::Attestation("the key was made for another challenge"));
    }
    let lists = items(software).zip(items(hardware));
    let (software, hardware) = lists.ok_or(Refusal::Attestation("the certificate does not describe its key"))?;
    let all = || software.iter().chain(&hardware);
    if all().any(|(tag, _)| *tag == ALL_APPLICATIONS) {
        return Err(Refusal::Attestation("the key is not bound to one application"));
    }
    // What the lists say must be right. They may say nothing, as those of the W3C's vector: without a trusted chain they are a claim
    // anyway.
    let imported = all().any(|(tag, value)| *tag == ORIGIN && only(value, INTEGER) != Some(GENERATED));
    let for_other = all().any(|(tag, value)| *tag == PURPOSE && !is_set_of(value, SIGN));
    if imported || for_other {
        return Err(Refusal::Attestation("the key was not made on the device for signing"));
    }
    Ok(Attestation::Certified)
}

/// `SET OF INTEGER` with this one member.
fn is_set_of(value: &[u8], member: &[u8]) -> bool {
    only(value, Tag::Universal(17)).and_then(|set| only(set, INTEGER)) == Some(member)
}
