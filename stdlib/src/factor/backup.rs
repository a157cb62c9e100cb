//! Backup codes (look-up secrets of SP 800-63B-4 section 3.1.2): 50 random bits each, shown once, used once, stored as
//! Argon2id hashes. The codes of one set share their salt, so that a try costs one hash however many there are.

use admit_eval::datum::Datum;
use admit_runtime::block::{BlockError, Call};
use admit_runtime::host::{Credential, Host, HostError};
use admit_runtime::unit::{Material, NewCredential, Write};
use argon2::Argon2;
use zeroize::Zeroizing;

use crate::config::{fresh_id, record};

/// The kind of these credentials.
pub(crate) const KIND: &str = "backup_code";

/// Crockford's base 32: no letter that looks like a digit.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const LENGTH: usize = 10;
const SALT: usize = 16;
const TAG: usize = 32;

/// New codes in place of those that the user has: as they are shown, and what stores them.
pub(crate) async fn renew(
    call: &Call<'_>,
    user_id: &str,
    count: usize,
) -> Result<(Vec<String>, Vec<Write>), BlockError> {
    let old = call.credential_list(user_id).await?;
    let mut writes: Vec<Write> = old
        .into_iter()
        .filter(|credential| credential.kind == KIND)
        .map(|credential| Write::DeleteCredential { user_id: user_id.to_owned(), credential_id: credential.id })
        .collect();
    let codes: Vec<Zeroizing<String>> = (0..count).map(|_| fresh(call.host)).collect();
    let mut salt = [0; SALT];
    call.host.random(&mut salt);
    let tags = hashes(call.host, codes.clone(), salt).await?;
    for tag in tags {
        let material = [salt.as_slice(), &tag].concat();
        writes.push(Write::InsertCredential(Box::new(NewCredential {
            id: fresh_id(call.host, "crd"),
            user_id: user_id.to_owned(),
            kind: KIND.to_owned(),
            material: Material::new(material),
            data: record([]),
            counter: None,
            external_id: None,
        })));
    }
    let shown = codes.iter().map(|code| {
        let (left, right) = code.split_at(LENGTH / 2);
        format!("{left}-{right}")
    });
    Ok((shown.collect(), writes))
}

/// Whether the code is one of the user's that was not used; if so what takes it.
pub(crate) async fn compare(call: &Call<'_>, user_id: &str, typed: &[u8]) -> Result<Option<Write>, BlockError> {
    let known = call.credentials(user_id, KIND).await?;
    let parts = |credential: &Credential| {
        let (salt, tag) = credential.material.expose().split_first_chunk::<SALT>()?;
        Some((*salt, <[u8; TAG]>::try_from(tag).ok()?))
    };
    // A code that is none is hashed too: whether it could be one is no secret, but it costs nothing to say nothing.
    let code = normal(typed);
    let is_code = code.is_some();
    let code = code.unwrap_or_else(|| Zeroizing::new(String::new()));
    let salt = known.iter().find_map(parts).map_or([0; SALT], |(salt, _)| salt);
    let tags = hashes(call.host, vec![code], salt).await?;
    let Some(shown) = tags.first().filter(|_| is_code) else { return Ok(None) };
    // What is compared are hashes under a salt that nobody outside knows: the time of it tells nothing of the code.
    let mut found = None;
    for credential in &known {
        let equal = parts(credential).is_some_and(|(its, tag)| its == salt && tag == *shown);
        if equal {
            found = Some(Write::TakeCredential { credential_id: credential.id.clone() });
        }
    }
    Ok(found)
}

/// As it was typed: case, hyphens and spaces do not count; the letters that look like digits are those digits.
fn normal(typed: &[u8]) -> Option<Zeroizing<String>> {
    let typed = std::str::from_utf8(typed).ok()?;
    let mut code = Zeroizing::new(String::with_capacity(LENGTH));
    for each in typed.chars().filter(|each| !each.is_whitespace() && *each != '-') {
        let each = match each.to_ascii_lowercase() {
            'o' => '0',
            'i' | 'l' => '1',
            other => other,
        };
        if code.len() == LENGTH || !each.is_ascii() || !LETTERS.contains(&u8::try_from(each).ok()?) {
            return None;
        }
        code.push(each);
    }
    (code.len() == LENGTH).then_some(code)
}

fn fresh(host: &dyn Host) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; LENGTH]);
    host.random(bytes.as_mut());
    // 256 is a multiple of 32: every letter is as likely.
    Zeroizing::new(bytes.iter().map(|byte| char::from(*LETTERS.get(usize::from(byte % 32)).unwrap_or(&b'0'))).collect())
}

/// Argon2id with the parameters of passwords, off the async threads.
async fn hashes(
    host: &dyn Host,
    codes: Vec<Zeroizing<String>>,
    salt: [u8; SALT],
) -> Result<Vec<[u8; TAG]>, BlockError> {
    let job = move || {
        let argon2 = Argon2::default();
        let tags = codes.iter().map(|code| {
            let mut tag = [0; TAG];
            argon2.hash_password_into(code.as_bytes(), &salt, &mut tag).map(|()| Datum::Bytes(tag.as_slice().into()))
        });
        tags.collect::<Result<Vec<_>, _>>().map_or(Datum::Null, Datum::List)
    };
    let failed = || HostError::Failed("the codes could not be hashed".to_owned());
    let Datum::List(tags) = host.blocking(Box::new(job)).await? else { return Err(failed().into()) };
    let tag = |tag: &Datum| match tag {
        Datum::Bytes(bytes) => <[u8; TAG]>::try_from(&**bytes).ok(),
        _ => None,
    };
    Ok(tags.iter().map(tag).collect::<Option<Vec<_>>>().ok_or_else(failed)?)
}
