//! Passwords: Argon2id in PHC strings (RFC 9106; the parameters of OWASP's cheat sheet, 19 MiB, 2 passes, 1 lane), and
//! what others hashed with bcrypt or scrypt until the password is next right.
//!
//! Whatever the stored hash is, one Argon2id hash with our parameters is computed for each comparison: the comparison
//! itself where the hash is ours, else the better hash, which is kept if the password was right. So nobody's password
//! takes less time than an unknown user's.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

mod foreign;

/// What an unknown user's password is compared with: a hash with the parameters of [`hash_password`], so that the
/// comparison takes as long. Whatever it says, an unknown user is not verified.
pub(crate) const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCE$mzpNVXuBqFdQhzIkGFV7wrIPvxH4pEHHLgzPYKeWRgE";

/// The most work that a stored hash may ask for: imported hashes must not make a sign-in a denial of service.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;
/// Memory times passes, in KiB: what the time is proportional to.
const MOST_WORK_KIB: u32 = 1024 * 1024;

/// How a comparison ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is not the password.
    Wrong,
    /// It is; if the stored hash is not of our kind and parameters, a new one.
    Right(Option<String>),
}

/// Hashes a password: a PHC string with a fresh salt. Every byte counts, none is cut off.
///
/// # Errors
/// No randomness, or a password of over 4 GiB.
pub fn hash_password(password: &[u8]) -> Result<String, String> {
    hasher().hash_password(password).map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// What is wrong with a password hash that is to be stored; none if it can be verified against. Accepted are Argon2id
/// and scrypt as PHC strings and bcrypt with the prefixes `$2a$`, `$2b$` and `$2y$`.
pub fn password_hash_fault(hash: &str) -> Option<String> {
    foreign::fault(hash).unwrap_or_else(|| argon2_fault(hash))
}

/// Compares; takes as long for a right password as for a wrong one.
pub(crate) fn verify(password: &[u8], stored: &str) -> Verdict {
    if password_hash_fault(stored).is_some() {
        return Verdict::Wrong;
    }
    let right = foreign::verify(password, stored).unwrap_or_else(|| {
        PasswordHash::new(stored).is_ok_and(|hash| hasher().verify_password(password, &hash).is_ok())
    });
    let better = if is_ours(stored) { None } else { hash_password(password).ok() };
    if right { Verdict::Right(better) } else { Verdict::Wrong }
}

fn argon2_fault(phc: &str) -> Option<String> {
    let Ok(hash) = PasswordHash::new(phc) else {
        return Some("the password hash is neither a PHC string nor bcrypt".to_owned());
    };
    if hash.algorithm != Algorithm::Argon2id.ident() {
        return Some("the password hash must be Argon2id, scrypt or bcrypt (`$2a$`, `$2b$`, `$2y$`)".to_owned());
    }
    let Ok(params) = Params::try_from(&hash) else {
        return Some("the parameters of the password hash are not valid".to_owned());
    };
    if hash.salt.is_none() || hash.hash.is_none() {
        return Some("the password hash lacks its salt or its hash".to_owned());
    }
    let too_much = params.m_cost() > MOST_MEMORY_KIB
        || params.t_cost() > MOST_PASSES
        || params.p_cost() > MOST_LANES
        || params.m_cost().saturating_mul(params.t_cost()) > MOST_WORK_KIB;
    too_much.then(|| {
        format!(
            "the password hash asks for more than m={MOST_MEMORY_KIB}, t={MOST_PASSES}, p={MOST_LANES} or than \
             {MOST_WORK_KIB} KiB in all passes"
        )
    })
}

/// A hash as [`hash_password`] makes them now.
fn is_ours(stored: &str) -> bool {
    let Ok(hash) = PasswordHash::new(stored) else { return false };
    let ours = hasher();
    let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
    hash.algorithm == Algorithm::Argon2id.ident()
        && Params::try_from(&hash).is_ok_and(|params| cost(&params) == cost(ours.params()))
        && hash.version == Some(Version::V0x13.into())
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

#[cfg(test)]
mod tests;
