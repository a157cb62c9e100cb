//! Sealing at rest: AES-256-GCM-SIV (RFC 8452) boxes, each bound to where it lies, and the hierarchy of keys.
//!
//! The master key (outside the database) seals one random key per tenant; the tenant's key seals one random key per
//! user. Destroying a user's key makes everything sealed under it unreadable: that is erasure.

use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce};
use thiserror::Error;
use zeroize::Zeroizing;

/// First byte of every box: the version of its format.
const VERSION: u8 = 1;
const NONCE: usize = 12;

/// A 256-bit key in memory: no `Debug`, zeroized when dropped.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

/// Why a box could not be made or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SealError {
    /// No randomness.
    #[error("no randomness for sealing")]
    NoRandomness,
    /// The box was changed, belongs to another place, or the key is another one.
    #[error("sealed data does not open: it was changed, or the key file is not the one it was written with")]
    DoesNotOpen,
}

impl SealKey {
    /// From its bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// A new one.
    pub fn generate() -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut()).map_err(|_| SealError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// Seals: version, nonce, ciphertext with tag. `place` says what it is and which row it is in; opening it
    /// elsewhere fails.
    pub fn seal(&self, place: &[&str], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|_| SealError::NoRandomness)?;
        let aad = framed(place);
        let body = self
            .cipher()
            .encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: &aad })
            .map_err(|_| SealError::DoesNotOpen)?;
        let mut sealed = Vec::with_capacity(1 + NONCE + body.len());
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens a box that was sealed for the same place.
    pub fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::DoesNotOpen)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE>().ok_or(SealError::DoesNotOpen)?;
        if *version != VERSION {
            return Err(SealError::DoesNotOpen);
        }
        let aad = framed(place);
        self.cipher()
            .decrypt(&Nonce::from(*nonce), Payload { msg: body, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| SealError::DoesNotOpen)
    }

    /// Seals a key under this one.
    pub fn seal_key(&self, place: &[&str], key: &Self) -> Result<Vec<u8>, SealError> {
        self.seal(place, key.0.as_ref())
    }

    /// Opens a key that was sealed under this one.
    pub fn open_key(&self, place: &[&str], sealed: &[u8]) -> Result<Self, SealError> {
        let plain = self.open(place, sealed)?;
        let bytes: [u8; 32] = plain.as_slice().try_into().map_err(|_| SealError::DoesNotOpen)?;
        Ok(Self::new(bytes))
    }

    /// A keyed hash for look-ups and seals of integrity: equal inputs give equal hashes, nobody without the key can
    /// try candidates.
    pub fn hash(&self, place: &[&str], data: &[u8]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&framed(place));
        hasher.update(data);
        *hasher.finalize().as_bytes()
    }

    fn cipher(&self) -> Aes256GcmSiv {
        Aes256GcmSiv::new((&*self.0).into())
    }
}

/// Parts with their lengths before them, so that no two lists of parts give the same bytes.
pub(crate) fn framed(parts: &[&str]) -> Vec<u8> {
    let mut bytes = (parts.len() as u64).to_be_bytes().to_vec();
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_in_its_place_with_its_key() {
        let key = SealKey::generate().unwrap();
        let sealed = key.seal(&["totp", "local", "crd_1"], b"seed").unwrap();
        assert_eq!(key.open(&["totp", "local", "crd_1"], &sealed).unwrap().as_slice(), b"seed");
        assert!(key.open(&["totp", "local", "crd_2"], &sealed).is_err());
        assert!(key.open(&["totp", "localcrd", "_1"], &sealed).is_err());
        assert!(SealKey::generate().unwrap().open(&["totp", "local", "crd_1"], &sealed).is_err());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let key = SealKey::generate().unwrap();
        let sealed = key.seal(&["x"], b"seed").unwrap();
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(key.open(&["x"], &changed), Err(SealError::DoesNotOpen), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(key.open(&["x"], &sealed[..length]).is_err());
        }
    }

    #[test]
    fn the_cipher_is_that_of_rfc_8452_appendix_c_2() {
        let mut key = [0; 32];
        let mut nonce = [0; NONCE];
        (key[0], nonce[0]) = (1, 3);
        let cipher = SealKey::new(key).cipher();
        for (plain, aad, sealed) in [
            ("", "", "07f5f4169bbf55a8400cd47ea6fd400f"),
            ("0100000000000000", "", "c2ef328e5c71c83b843122130f7364b761e0b97427e3df28"),
        ] {
            let (plain, aad, sealed) = (hex(plain), hex(aad), hex(sealed));
            let made = cipher.encrypt(&Nonce::from(nonce), Payload { msg: &plain, aad: &aad }).unwrap();
            assert_eq!(made, sealed);
            assert_eq!(cipher.decrypt(&Nonce::from(nonce), Payload { msg: &sealed, aad: &aad }).unwrap(), plain);
            for bit in 0..sealed.len() * 8 {
                let mut bent = sealed.clone();
                bent[bit / 8] ^= 1 << (bit % 8);
                assert!(cipher.decrypt(&Nonce::from(nonce), Payload { msg: &bent, aad: &aad }).is_err());
            }
        }
    }

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).unwrap()).collect()
    }
}
