//! The development key file: the store's sealing key, beside the database, its owner's only. Everything else that is secret,
//! signing keys too, lies in the database, sealed under it.

use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::{Zeroize as _, Zeroizing};

use admit_runtime::tenant::TenantId;

const FORMAT: u32 = 1;
const LARGEST_FILE: u64 = 4 * 1024;

/// The keys of a key file: no `Debug`, zeroized when dropped.
pub struct KeyFile {
    sealing: Zeroizing<[u8; 32]>,
}

/// Why the key file cannot be used.
#[derive(Debug, Error)]
pub enum KeyError {
    /// Others can read it.
    #[error("`{path}` can be read by others (mode {mode:o}); run `chmod 600 {path}`")]
    TooOpen {
        /// Which.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is not a key file.
    #[error("`{path}` is not a key file: {detail}")]
    Invalid {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The system refuses.
    #[error("cannot use the key file `{path}`: {detail}")]
    Unusable {
        /// Which.
        path: PathBuf,
        /// What the system says.
        detail: String,
    },
}

/// The file's text.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    format: u32,
    sealing_key: String,
    /// Of files from before signing keys were in the database. It signs nothing any more.
    #[serde(default, skip_serializing)]
    signing_key: String,
}

impl Drop for Text {
    fn drop(&mut self) {
        self.sealing_key.zeroize();
        self.signing_key.zeroize();
    }
}

impl KeyFile {
    /// Where the key file of a database lies: its path with `.key` after it.
    pub fn beside(database: &Path) -> PathBuf {
        let mut path = database.as_os_str().to_owned();
        path.push(".key");
        PathBuf::from(path)
    }

    /// Opens the key file, or makes it; true if it was made now, which the caller should tell the user.
    pub fn open_or_create(path: &Path) -> Result<(Self, bool), KeyError> {
        match Self::open(path)? {
            Some(keys) => Ok((keys, false)),
            None => {
                let created = create(path)?;
                let keys = Self::open(path)?.ok_or_else(|| unusable(path, &"it was removed while it was made"))?;
                Ok((keys, created))
            }
        }
    }

    /// The store's sealing key.
    pub fn sealing(&self) -> [u8; 32] {
        *self.sealing
    }

    /// HMAC-SHA-256 under a key of the tenant and the purpose.
    pub(crate) fn keyed_hash(&self, tenant: &TenantId, purpose: &str, message: &[u8]) -> [u8; 32] {
        let root = hmac::Key::new(hmac::HMAC_SHA256, self.sealing.as_ref());
        let derived = hmac::sign(&root, format!("admit keyed hash of tenant {tenant} for {purpose}").as_bytes());
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()), message);
        let mut hash = [0; 32];
        // A tag of HMAC-SHA-256 has 32 bytes.
        for (place, byte) in hash.iter_mut().zip(tag.as_ref()) {
            *place = *byte;
        }
        hash
    }

    fn open(path: &Path) -> Result<Option<Self>, KeyError> {
        let meta = match std::fs::symlink_metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(path, &error)),
        };
        if !meta.is_file() {
            return Err(KeyError::Invalid { path: path.to_owned(), detail: "it is not a regular file".to_owned() });
        }
        let file = std::fs::File::open(path).map_err(|error| unusable(path, &error))?;
        check_mode(path, &file)?;
        let mut text = Zeroizing::new(String::new());
        file.take(LARGEST_FILE).read_to_string(&mut text).map_err(|error| unusable(path, &error))?;
        let invalid = |detail: String| KeyError::Invalid { path: path.to_owned(), detail };
        // The parser's message may quote the text; its place is enough.
        let text: Text = serde_json::from_str(&text)
            .map_err(|error| invalid(format!("line {}, column {}", error.line(), error.column())))?;
        if text.format != FORMAT {
            return Err(invalid(format!("it has format {}, this program knows {FORMAT}", text.format)));
        }
        let sealing = decode(&text.sealing_key);
        let sealing = sealing.ok_or_else(|| invalid("a key is not 32 bytes of base64url".to_owned()))?;
        Ok(Some(Self { sealing }))
    }
}

/// Makes the file whole or not at all; false if another process was first.
fn create(path: &Path) -> Result<bool, KeyError> {
    let mut sealing = Zeroizing::new([0_u8; 32]);
    getrandom::fill(sealing.as_mut()).map_err(|error| unusable(path, &error))?;
    let sealing_key = URL_SAFE_NO_PAD.encode(sealing.as_slice());
    let text = Text { format: FORMAT, sealing_key, signing_key: String::new() };
    let json = Zeroizing::new(serde_json::to_vec_pretty(&text).map_err(|error| unusable(path, &error))?);
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}", std::process::id()));
    let draft = PathBuf::from(draft);
    let written = write_draft(&draft, &json).and_then(|()| match std::fs::hard_link(&draft, path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    });
    // Whatever happened, the draft goes; a draft that was never made is no fault.
    let _ = std::fs::remove_file(&draft);
    written.map_err(|error| unusable(path, &error))
}

fn write_draft(path: &Path, json: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(json)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

#[cfg(unix)]
fn check_mode(path: &Path, file: &std::fs::File) -> Result<(), KeyError> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = file.metadata().map_err(|error| unusable(path, &error))?.permissions().mode() & 0o777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(KeyError::TooOpen { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn check_mode(_path: &Path, _file: &std::fs::File) -> Result<(), KeyError> {
    Ok(())
}

fn decode(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    Some(Zeroizing::new(bytes.as_slice().try_into().ok()?))
}

fn unusable(path: &Path, detail: &dyn std::fmt::Display) -> KeyError {
    KeyError::Unusable { path: path.to_owned(), detail: detail.to_string() }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_file_is_made_once_and_its_owners_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = KeyFile::beside(&dir.path().join("admit.db"));
        let (first, created) = KeyFile::open_or_create(&path).unwrap();
        assert!(created);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "no draft stays");
        let (second, created) = KeyFile::open_or_create(&path).unwrap();
        assert!(!created);
        assert_eq!(first.sealing(), second.sealing());
    }

    #[test]
    fn a_file_that_others_can_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        KeyFile::open_or_create(&path).unwrap();
        for mode in [0o640, 0o604, 0o620, 0o666, 0o610] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            let error = KeyFile::open_or_create(&path).err().unwrap().to_string();
            assert!(error.contains(&format!("(mode {mode:o}); run `chmod 600")), "{error}");
        }
    }

    #[test]
    fn other_files_are_refused_without_quoting_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        for text in [
            "",
            "hunter2",
            "{\"format\":2,\"sealing_key\":\"hunter2\",\"signing_key\":\"\"}",
            "{\"format\":1,\"sealing_key\":\"hunter2\",\"signing_key\":\"\"}",
            "{\"format\":1,\"sealing_key\":\"hunter2\"}",
        ] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            let error = KeyFile::open_or_create(&path).err().unwrap().to_string();
            assert!(error.contains("is not a key file") && !error.contains("hunter2"), "{error}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        std::fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(KeyFile::open_or_create(&path).is_err());
    }
}
