//! A block's config, evaluated when the walk passes it. Secrets are kept apart and fetched only when the block runs.

use admit_eval::datum::Datum;
use admit_eval::value::Value;
use admit_plan::bundle::{BlockNode, ConfigValue, SecretPart};
use admit_plan::code::{Escape, StrId};
use admit_plan::types::Type;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use crate::execute::invoke::Miss;
use crate::execute::walk::Walker;
use crate::expression::escape;
use crate::host::{Host, HostError, Secret};
use crate::state::str_datum;
use crate::tenant::TenantId;

/// Evaluated config.
#[derive(Debug)]
pub(crate) struct Config {
    /// Everything but secrets and types: a record.
    pub(crate) record: Datum,
    /// Values that are types, by field.
    pub(crate) types: Vec<(String, Type)>,
    /// Values that hold secrets, by field path, as parts: the secrets in them are still names.
    pub(crate) secrets: Vec<(String, Vec<Part>)>,
}

/// A part of a value that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Part {
    /// Text, ready.
    Text(String),
    /// A secret by name, and how it is escaped.
    Secret(SmolStr, Escape),
}

impl Config {
    /// Evaluates a block's config.
    ///
    /// # Errors
    /// What went wrong, for the trace.
    pub(super) fn evaluate<'a>(walker: &Walker<'_, '_, 'a>, block: &'a BlockNode) -> Result<Self, String> {
        let mut config = Self { record: Datum::Null, types: Vec::new(), secrets: Vec::new() };
        config.record = record(walker, &block.config, "", &mut config.types, &mut config.secrets)?;
        Ok(config)
    }
}

/// Fetches the secrets of a config and puts each value together.
///
/// # Errors
/// Which secret there is not, for the trace; never a part of its value. A secret that is not set, or does not fit, is
/// missed for good.
pub(crate) async fn reveal(
    host: &dyn Host,
    tenant: &TenantId,
    secrets: &[(String, Vec<Part>)],
) -> Result<Vec<(String, Secret)>, Miss> {
    let mut revealed = Vec::with_capacity(secrets.len());
    for (path, parts) in secrets {
        let mut pieces = Vec::with_capacity(parts.len());
        for part in parts {
            pieces.push(match part {
                Part::Text(text) => Secret::new(text.as_bytes()),
                Part::Secret(name, how) => {
                    let secret = host.secret(tenant, name).await.map_err(|error| {
                        let detail = format!("secret `{name}`: {error}");
                        match error {
                            HostError::NotFound(_) => Miss::FailedForGood(detail),
                            HostError::Overloaded | HostError::Failed(_) => Miss::Failed(detail),
                        }
                    })?;
                    escaped(name, &secret, *how).map_err(Miss::FailedForGood)?
                }
            });
        }
        // The exact capacity: growing would leave a copy behind that nobody wipes.
        let mut whole = Vec::with_capacity(pieces.iter().map(|piece| piece.expose().len()).sum());
        for piece in &pieces {
            whole.extend_from_slice(piece.expose());
        }
        revealed.push((path.clone(), Secret::new(whole)));
    }
    Ok(revealed)
}

fn escaped(name: &str, secret: &Secret, how: Escape) -> Result<Secret, String> {
    let Ok(text) = std::str::from_utf8(secret.expose()) else {
        // Only as it is can a secret be anything but text.
        return match how {
            Escape::Text => Ok(Secret::new(secret.expose())),
            Escape::Url | Escape::Header | Escape::Json | Escape::Html => Err(format!("secret `{name}` is not text")),
        };
    };
    let text = escape(Value::Str(text), how).map_err(|_| format!("secret `{name}` does not fit where it is used"))?;
    Ok(Secret::new(text.into_bytes()))
}

fn record<'a>(
    walker: &Walker<'_, '_, 'a>,
    fields: &'a [(StrId, ConfigValue)],
    prefix: &str,
    types: &mut Vec<(String, Type)>,
    secrets: &mut Vec<(String, Vec<Part>)>,
) -> Result<Datum, String> {
    let mut entries = Vec::with_capacity(fields.len());
    for (name, value) in fields {
        let name = walker.engine.text(*name);
        let path = || if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        match value {
            ConfigValue::Expr(code) => {
                let value =
                    walker.eval(code, &[]).map_err(|failure| format!("`{}`: {}", path(), walker.said(&failure)))?;
                entries.push((str_datum(name), Datum::from(value)));
            }
            ConfigValue::Type(ty) => types.push((path(), ty.clone())),
            ConfigValue::Secret(parts) => secrets.push((path(), secret_parts(walker, parts, &path())?)),
            ConfigValue::Record(inner) => {
                let value = record(walker, inner, &path(), types, secrets)?;
                entries.push((str_datum(name), value));
            }
        }
    }
    Ok(Datum::Map(entries))
}

fn secret_parts<'a>(walker: &Walker<'_, '_, 'a>, parts: &'a [SecretPart], path: &str) -> Result<Vec<Part>, String> {
    let part = |part: &'a SecretPart| {
        Ok(match part {
            SecretPart::Text(text) => Part::Text(walker.engine.text(*text).to_string()),
            SecretPart::Expr(code) => {
                let value = walker.eval(code, &[]).map_err(|failure| format!("`{path}`: {}", walker.said(&failure)))?;
                // The code is a template, which has escaped it for the field already.
                Part::Text(escape(value, Escape::Text).map_err(|error| format!("`{path}`: {error}"))?)
            }
            SecretPart::Secret(index, how) => {
                let name = walker.engine.bundle.secrets.get(*index as usize);
                let name = name.map(|name| walker.engine.text(*name).clone());
                Part::Secret(name.ok_or_else(|| format!("`{path}`: no such secret"))?, *how)
            }
        })
    };
    parts.iter().map(part).collect()
}
