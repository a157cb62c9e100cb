//! Hashes that others made: bcrypt and scrypt (RFC 7914). They are verified, never made.
//!
//! bcrypt hashes the first 72 bytes of a password and, in C, ends at a NUL. So a longer password is right where its
//! first 72 bytes are, as it was where it came from; the hash that takes the place is of all that was typed. A password
//! with a NUL in it is never right: nobody can say how much of it was hashed.

use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use scrypt::{Params, Scrypt};

/// Highest accepted cost of bcrypt: 2^14 rounds, about a second.
const MOST_BCRYPT_COST: u32 = 14;
/// Most memory (128 N r) and most work (128 N r p) of scrypt, in bytes.
const MOST_SCRYPT_MEMORY: u64 = 256 * 1024 * 1024;
const MOST_SCRYPT_WORK: u64 = 512 * 1024 * 1024;

/// None where it is neither bcrypt nor scrypt by its prefix; else what is wrong with it, if anything.
pub(super) fn fault(hash: &str) -> Option<Option<String>> {
    if is_bcrypt(hash) {
        return Some(bcrypt_fault(hash));
    }
    hash.starts_with("$scrypt$").then(|| scrypt_fault(hash))
}

/// None where it is neither; else whether it is the password. The hash has no fault.
pub(super) fn verify(password: &[u8], hash: &str) -> Option<bool> {
    if is_bcrypt(hash) {
        // The work is done whatever the password holds.
        let equal = bcrypt::verify(password, hash).unwrap_or(false);
        return Some(equal && !password.contains(&0));
    }
    hash.starts_with("$scrypt$")
        .then(|| PasswordHash::new(hash).is_ok_and(|hash| Scrypt::new().verify_password(password, &hash).is_ok()))
}

/// `$2x$` is not among them: its writer knew that it had hashed wrongly.
fn is_bcrypt(hash: &str) -> bool {
    ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix))
}

fn bcrypt_fault(hash: &str) -> Option<String> {
    let Ok(parts) = hash.parse::<bcrypt::HashParts>() else {
        return Some("the bcrypt hash is damaged: it has 60 characters, `$2b$COST$SALT-AND-HASH`".to_owned());
    };
    let cost = parts.get_cost();
    (!(4..=MOST_BCRYPT_COST).contains(&cost))
        .then(|| format!("the bcrypt hash has cost {cost}; accepted are 4 to {MOST_BCRYPT_COST}"))
}

fn scrypt_fault(phc: &str) -> Option<String> {
    let Ok(hash) = PasswordHash::new(phc) else { return Some("the scrypt hash is not a PHC string".to_owned()) };
    if hash.version.is_some() || hash.salt.is_none() || hash.hash.is_none() {
        return Some("the scrypt hash must be `$scrypt$ln=..,r=..,p=..$SALT$HASH`".to_owned());
    }
    // Read before the library does, which multiplies them without a look.
    let number = |name: &str| hash.params.get_decimal(name).map(u64::from);
    let (Some(log_n), Some(r), Some(p)) = (number("ln"), number("r"), number("p")) else {
        return Some("the parameters of the scrypt hash are not `ln`, `r` and `p`".to_owned());
    };
    let memory = 1_u64.checked_shl(u32::try_from(log_n).unwrap_or(u32::MAX)).and_then(|n| n.checked_mul(128 * r));
    let work = memory.and_then(|memory| memory.checked_mul(p));
    let bounded =
        memory.is_some_and(|memory| memory <= MOST_SCRYPT_MEMORY) && work.is_some_and(|work| work <= MOST_SCRYPT_WORK);
    if !bounded {
        return Some(
            "the scrypt hash asks for more than 256 MiB (128 N r) or for more than 512 MiB of work (128 N r p)"
                .to_owned(),
        );
    }
    Params::try_from(&hash).is_err().then(|| "the parameters of the scrypt hash are not valid".to_owned())
}
