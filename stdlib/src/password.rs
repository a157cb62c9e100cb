//! Passwords: Argon2id in PHC strings (RFC 9106; the parameters of OWASP's cheat sheet, 19 MiB, 2 passes, 1 lane).

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

/// What an unknown user's password is compared with: a hash with the parameters of [`hash_password`], so that the
/// comparison takes as long. Whatever it says, an unknown user is not verified.
pub(crate) const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5J3Mgc2FsdCE$mzpNVXuBqFdQhzIkGFV7wrIPvxH4pEHHLgzPYKeWRgE";

/// The most work that a stored hash may ask for: imported hashes must not make a sign-in a denial of service.
const MOST_MEMORY_KIB: u32 = 256 * 1024;
const MOST_PASSES: u32 = 16;
const MOST_LANES: u32 = 16;

/// How a comparison ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is not the password.
    Wrong,
    /// It is; if the stored hash has other parameters than ours, a new one.
    Right(Option<String>),
}

/// Hashes a password: a PHC string with a fresh salt. Every byte counts, none is cut off.
///
/// # Errors
/// No randomness, or a password of over 4 GiB.
pub fn hash_password(password: &[u8]) -> Result<String, String> {
    hasher().hash_password(password).map(|hash| hash.to_string()).map_err(|error| error.to_string())
}

/// What is wrong with a PHC string that is to be stored; none if it can be verified against.
pub fn password_hash_fault(phc: &str) -> Option<String> {
    let Ok(hash) = PasswordHash::new(phc) else { return Some("the password hash is not a PHC string".to_owned()) };
    if hash.algorithm != Algorithm::Argon2id.ident() {
        return Some("the password hash must be Argon2id (`$argon2id$...`)".to_owned());
    }
    let Ok(params) = Params::try_from(&hash) else {
        return Some("the parameters of the password hash are not valid".to_owned());
    };
    if hash.salt.is_none() || hash.hash.is_none() {
        return Some("the password hash lacks its salt or its hash".to_owned());
    }
    let too_much = params.m_cost() > MOST_MEMORY_KIB || params.t_cost() > MOST_PASSES || params.p_cost() > MOST_LANES;
    too_much
        .then(|| format!("the password hash asks for more than m={MOST_MEMORY_KIB}, t={MOST_PASSES}, p={MOST_LANES}"))
}

/// Compares; takes as long for a right password as for a wrong one.
pub(crate) fn verify(password: &[u8], phc: &str) -> Verdict {
    if password_hash_fault(phc).is_some() {
        return Verdict::Wrong;
    }
    let Ok(hash) = PasswordHash::new(phc) else { return Verdict::Wrong };
    if hasher().verify_password(password, &hash).is_err() {
        return Verdict::Wrong;
    }
    let ours = hasher();
    let same = Params::try_from(&hash).is_ok_and(|params| {
        (params.m_cost(), params.t_cost(), params.p_cost())
            == (ours.params().m_cost(), ours.params().t_cost(), ours.params().p_cost())
    }) && hash.version == Some(Version::V0x13.into());
    Verdict::Right(if same { None } else { hash_password(password).ok() })
}

fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_verifies_its_password_and_no_other() {
        let long = "p".repeat(200);
        for password in ["", "correct horse battery staple", "пароль пароль", long.as_str()] {
            let hash = hash_password(password.as_bytes()).unwrap();
            assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
            assert_eq!(password_hash_fault(&hash), None);
            assert_eq!(verify(password.as_bytes(), &hash), Verdict::Right(None));
            assert_eq!(verify(format!("{password} ").as_bytes(), &hash), Verdict::Wrong);
            if !password.is_empty() {
                let cut = &password.as_bytes()[..password.len() - 1];
                assert_eq!(verify(cut, &hash), Verdict::Wrong, "no byte is cut off");
            }
        }
    }

    #[test]
    fn nobodys_hash_has_our_parameters() {
        assert_eq!(password_hash_fault(NOBODY), None);
        let ours = hash_password(b"x").unwrap();
        let parameters = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
        assert_eq!(parameters(NOBODY), parameters(&ours));
        let lengths = |phc: &str| phc.split('$').skip(4).map(str::len).collect::<Vec<_>>();
        assert_eq!(lengths(NOBODY)[1], lengths(&ours)[1]);
    }

    #[test]
    fn older_parameters_give_a_better_hash() {
        let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 1, 1, None).unwrap());
        let hash = old.hash_password(b"secret").unwrap().to_string();
        let Verdict::Right(Some(better)) = verify(b"secret", &hash) else { panic!("no better hash") };
        assert_eq!(verify(b"secret", &better), Verdict::Right(None));
        assert_eq!(verify(b"other", &hash), Verdict::Wrong);
    }

    #[test]
    fn hashes_that_cannot_be_verified_are_named() {
        for (phc, fault) in [
            ("", "not a PHC string"),
            ("$2b$12$abcdefghijklmnopqrstuv", "PHC string"),
            ("$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A", "must be Argon2id"),
            ("$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ", "lacks"),
            (
                "$argon2id$v=19$m=4194304,t=1,p=1$c29tZXNhbHQ$iWh06vD8Fy27wf9npn6FXWiCX4K6pW6Ue1Bnzz07Z8A",
                "asks for more",
            ),
        ] {
            let found = password_hash_fault(phc).unwrap_or_default();
            assert!(found.contains(fault), "{phc}: {found}");
            assert_eq!(verify(b"x", phc), Verdict::Wrong);
        }
    }
}
