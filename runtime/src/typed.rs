//! Values against declared types: what blocks give, users submit and tenants configure.

use admit_eval::coerce::coerce_lenient;
use admit_eval::datum::Datum;
use admit_plan::types::Type;

/// The value in the form that its type says. Fields that the type does not name are left out: an answer may grow
/// without breaking its readers.
///
/// # Errors
/// What is wrong with it, for people.
pub(crate) fn conform(value: Datum, ty: &Type) -> Result<Datum, String> {
    coerce_lenient(ty, value).map_err(|mismatch| mismatch.to_string())
}
