//! What a question says of its answer: the fields that it wants or takes now, as the block's declaration types them.

use admit_eval::datum::Datum;
use admit_plan::types::{Field, Kind, Type};

use crate::block::Prompt;

/// Where a challenge holds them.
pub(crate) const FIELDS: &str = "fields";

/// The challenge with its fields: what is wanted first, then what may be given besides. One that is asked again has them
/// already.
pub(crate) fn with_fields(prompt: &Prompt, declared: Option<&Type>) -> Datum {
    let Datum::Map(entries) = &prompt.challenge else { return prompt.challenge.clone() };
    if prompt.challenge.get(FIELDS).is_some() {
        return prompt.challenge.clone();
    }
    let declared = match declared.map(|ty| &ty.kind) {
        Some(Kind::Record(fields)) => fields,
        _ => return prompt.challenge.clone(),
    };
    let listed = |names: &[&'static str], required: bool| -> Vec<Datum> {
        let known = names.iter().filter_map(|name| declared.iter().find(|field| field.name == *name));
        known.map(|field| described(field, required)).collect()
    };
    let fields = [listed(&prompt.wants, true), listed(&prompt.takes, false)].concat();
    let mut entries = entries.clone();
    entries.push((Datum::Str(FIELDS.into()), Datum::List(fields)));
    Datum::Map(entries)
}

fn described(field: &Field, required: bool) -> Datum {
    let ty = field.ty.present();
    let secret = ty.labels.secret || field.ty.labels.secret;
    let mut entries = vec![
        ("name", Datum::Str(field.name.as_str().into())),
        ("type", Datum::Str(word(&ty.kind).into())),
        ("secret", Datum::Bool(secret)),
        ("required", Datum::Bool(required)),
    ];
    if let Kind::Enum(words) = &ty.kind {
        entries.push(("words", Datum::List(words.iter().map(|word| Datum::Str(word.as_str().into())).collect())));
    }
    Datum::record(entries)
}

/// The type of the JSON value that is asked for.
fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Bool => "boolean",
        Kind::Int(_) | Kind::Uint(_) => "integer",
        Kind::Double(_) => "number",
        Kind::String
        | Kind::Enum(_)
        | Kind::Bytes
        | Kind::Timestamp
        | Kind::Duration
        | Kind::Type
        | Kind::Ip
        | Kind::Cidr => "string",
        Kind::List(_) => "array",
        Kind::Map(..) | Kind::Record(_) | Kind::Dyn => "object",
        Kind::Optional(inner) => word(&inner.kind),
        Kind::Error | Kind::Null => "null",
    }
}

#[cfg(test)]
mod tests {
    use admit_eval::datum::Datum;
    use admit_eval::json;
    use admit_plan::types::{Field, Kind, Labels, Type};

    use super::with_fields;
    use crate::block::Prompt;

    #[test]
    fn a_challenge_names_what_is_wanted_and_what_is_taken_as_they_are_declared() {
        let field = |name: &str, ty: Type| Field { name: name.into(), ty };
        let code = Type { kind: Kind::String, labels: Labels { secret: true, ..Labels::default() } };
        let words = Kind::Enum(["totp".into(), "sms".into()].into()).into();
        let declared: Type = Kind::Record(
            [
                field("factor", Type::optional(words)),
                field("code", Type::optional(code)),
                field("credential", Type::optional(Kind::Dyn.into())),
            ]
            .into(),
        )
        .into();
        let mut prompt = Prompt {
            challenge: Datum::record([("kind", Datum::Str("mfa".into()))]),
            memory: Datum::Null,
            expires_in: 60,
            wants: vec!["code"],
            takes: vec!["factor", "not_declared"],
        };
        let shown = with_fields(&prompt, Some(&declared));
        let fields = json::to_json(shown.get("fields").unwrap());
        let expected = serde_json::json!([
            {"name": "code", "type": "string", "secret": true, "required": true},
            {"name": "factor", "type": "string", "secret": false, "required": false, "words": ["totp", "sms"]},
        ]);
        assert_eq!(fields, expected);
        // Asked again, it is as it was.
        prompt.challenge = shown.clone();
        prompt.wants = Vec::new();
        assert_eq!(with_fields(&prompt, Some(&declared)), shown);
    }
}
