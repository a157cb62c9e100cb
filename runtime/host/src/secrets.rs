//! Secrets by name: of the command line (`--secret NAME=env:VAR` or `NAME=file:PATH`, read once at start), or of a tenant's store.

use std::collections::HashMap;

use admit_runtime::host::{HostError, Secret};
use zeroize::Zeroizing;

/// Secrets by name. No `Debug`.
#[derive(Clone, Default)]
pub struct Secrets {
    values: HashMap<String, Zeroizing<Vec<u8>>>,
}

impl Secrets {
    /// Adds one as the command line writes it: `NAME=env:VAR`, or `NAME=file:PATH` for what Docker and systemd hand out, without the end
    /// of its last line. `lookup` reads an environment variable.
    ///
    /// # Errors
    /// Another form, a name that is no slug, a variable that is not set, a file that cannot be read, or a name given twice.
    pub fn add(&mut self, argument: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<(), String> {
        // The argument is not quoted: whoever mistakes the form may have written the secret itself.
        let form = "a secret is given as `NAME=env:VAR` or `NAME=file:PATH`, never as its value";
        let (name, source) = argument.split_once('=').ok_or(form)?;
        let (kind, place) = source.split_once(':').filter(|(_, place)| !place.is_empty()).ok_or(form)?;
        let slug = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !slug {
            return Err(form.to_owned());
        }
        let value = match kind {
            "env" => {
                lookup(place).ok_or_else(|| format!("the environment variable `{place}` is not set"))?.into_bytes()
            }
            "file" => {
                of_file(place).map_err(|error| format!("the file of the secret `{name}` cannot be read: {error}"))?
            }
            _ => return Err(form.to_owned()),
        };
        if self.values.insert(name.to_owned(), Zeroizing::new(value)).is_some() {
            return Err(format!("the secret `{name}` is given twice"));
        }
        Ok(())
    }

    /// Gives one a value, whatever it had before.
    pub fn set(&mut self, name: &str, value: &[u8]) {
        self.values.insert(name.to_owned(), Zeroizing::new(value.to_vec()));
    }

    /// One by name.
    pub(crate) fn get(&self, name: &str) -> Result<Secret, HostError> {
        self.values.get(name).map(|value| Secret::new(value.as_slice())).ok_or_else(|| {
            HostError::NotFound(format!("the secret `{name}` has no value; give `--secret {name}=env:VAR`"))
        })
    }
}

fn of_file(path: &str) -> std::io::Result<Vec<u8>> {
    let mut value = std::fs::read(path)?;
    while value.last().is_some_and(|last| matches!(last, b'\n' | b'\r')) {
        value.pop();
    }
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_the_environment_or_files_only() {
        let lookup = |name: &str| (name == "KEY").then(|| "s3cret-canary".to_owned());
        let mut secrets = Secrets::default();
        secrets.add("fraud-key=env:KEY", &lookup).unwrap();
        assert_eq!(secrets.get("fraud-key").ok().unwrap().expose(), b"s3cret-canary");
        assert_eq!(
            secrets.get("other").err(),
            Some(HostError::NotFound("the secret `other` has no value; give `--secret other=env:VAR`".to_owned()))
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "of-a-file\r\n").unwrap();
        secrets.add(&format!("filed=file:{}", file.path().display()), &lookup).unwrap();
        assert_eq!(secrets.get("filed").ok().unwrap().expose(), b"of-a-file");
        for (argument, fault) in [
            ("fraud-key=env:KEY", "given twice"),
            ("x=env:NONE", "`NONE` is not set"),
            ("x=s3cret-canary", "never as its value"),
            ("s3cret-canary", "never as its value"),
            ("x=env:", "never as its value"),
            ("=env:KEY", "never as its value"),
            ("x=file:", "never as its value"),
            ("x=canary:s3cret", "never as its value"),
            ("x=file:/no/such/file", "the file of the secret `x` cannot be read"),
        ] {
            let error = secrets.add(argument, &lookup).unwrap_err();
            assert!(error.contains(fault) && !error.contains("s3cret"), "{argument}: {error}");
        }
    }
}
