//! Secrets of the command line: `--secret NAME=env:VAR`, read once at start.

use std::collections::HashMap;

use admit_runtime::host::{HostError, Secret};
use zeroize::Zeroizing;

/// Secrets by name; the same for every tenant. No `Debug`.
#[derive(Default)]
pub struct Secrets {
    values: HashMap<String, Zeroizing<Vec<u8>>>,
}

impl Secrets {
    /// Adds one as the command line writes it: `NAME=env:VAR`. `lookup` reads an environment variable.
    ///
    /// # Errors
    /// Another form, a name that is no slug, a variable that is not set, or a name given twice.
    pub fn add(&mut self, argument: &str, lookup: &dyn Fn(&str) -> Option<String>) -> Result<(), String> {
        // The argument is not quoted: whoever mistakes the form may have written the secret itself.
        let form = "a secret is given as `NAME=env:VAR`, never as its value";
        let (name, source) = argument.split_once('=').ok_or(form)?;
        let variable = source.strip_prefix("env:").filter(|variable| !variable.is_empty()).ok_or(form)?;
        let slug = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
        if !slug {
            return Err(form.to_owned());
        }
        let value = lookup(variable).ok_or_else(|| format!("the environment variable `{variable}` is not set"))?;
        if self.values.insert(name.to_owned(), Zeroizing::new(value.into_bytes())).is_some() {
            return Err(format!("the secret `{name}` is given twice"));
        }
        Ok(())
    }

    /// One by name.
    pub(crate) fn get(&self, name: &str) -> Result<Secret, HostError> {
        self.values.get(name).map(|value| Secret::new(value.as_slice())).ok_or_else(|| {
            HostError::NotFound(format!("the secret `{name}` has no value; give `--secret {name}=env:VAR`"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_come_from_the_environment_only() {
        let lookup = |name: &str| (name == "KEY").then(|| "s3cret-canary".to_owned());
        let mut secrets = Secrets::default();
        secrets.add("fraud-key=env:KEY", &lookup).unwrap();
        assert_eq!(secrets.get("fraud-key").ok().unwrap().expose(), b"s3cret-canary");
        assert_eq!(
            secrets.get("other").err(),
            Some(HostError::NotFound("the secret `other` has no value; give `--secret other=env:VAR`".to_owned()))
        );
        for (argument, fault) in [
            ("fraud-key=env:KEY", "given twice"),
            ("x=env:NONE", "`NONE` is not set"),
            ("x=s3cret-canary", "never as its value"),
            ("s3cret-canary", "never as its value"),
            ("x=env:", "never as its value"),
            ("=env:KEY", "never as its value"),
        ] {
            let error = secrets.add(argument, &lookup).unwrap_err();
            assert!(error.contains(fault) && !error.contains("s3cret"), "{argument}: {error}");
        }
    }
}
