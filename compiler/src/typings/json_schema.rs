//! The JSON Schema (2020-12) of an Action's config: what a form needs to ask for it, fields in the order declared.

use admit_eval::json::to_json;
use admit_plan::types::{Field, Kind, Type};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::{Value, json};

use crate::typed::action::{self, Action};
use crate::typed::constant::evaluate;

/// A schema, or a part of one. Unlike [`Value`] it keeps the order of its keys.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Schema {
    /// An object.
    Object(IndexMap<String, Schema>),
    /// Anything else.
    Value(Value),
}

/// The schema of an Action's config.
pub fn json_schema(action: &Action) -> Schema {
    let mut schema = vec![
        ("$schema", "https://json-schema.org/draft/2020-12/schema".into()),
        ("title", format!("{}@{}", action.slug, action.version).as_str().into()),
    ];
    schema.extend(description(&action.doc));
    schema.push(("type", "object".into()));
    schema.push(("properties", properties(action.config.iter().map(|field| (field.name.as_str(), of_field(field))))));
    let needed = action.config.iter().filter(|field| field.default.is_none() && !is_optional(&field.ty));
    schema.push(("required", required(needed.map(|field| field.name.as_str()))));
    schema.push(("additionalProperties", Schema::Value(false.into())));
    object(schema)
}

fn of_field(field: &action::Field) -> Schema {
    let mut schema = of_type(&field.ty);
    schema.extend(description(&field.doc));
    if let Some(value) = field.default.as_ref().and_then(|(code, pool)| evaluate(code, pool).ok()) {
        schema.push(("default", Schema::Value(to_json(&value))));
    }
    object(schema)
}

fn description(doc: &str) -> Option<(&'static str, Schema)> {
    (!doc.trim().is_empty()).then(|| ("description", doc.trim().into()))
}

fn is_optional(ty: &Type) -> bool {
    matches!(ty.kind, Kind::Optional(_))
}

type Keys = Vec<(&'static str, Schema)>;

fn of_type(ty: &Type) -> Keys {
    let word = |name: &'static str| vec![("type", name.into())];
    let with = |name, key, value: Schema| vec![("type", Schema::from(name)), (key, value)];
    let mut schema = match &ty.kind {
        Kind::Error | Kind::Dyn => Vec::new(),
        Kind::Null => word("null"),
        Kind::Bool => word("boolean"),
        Kind::Int(range) => bounded("integer", range.min.map(Value::from), range.max.map(Value::from)),
        Kind::Uint(range) => bounded("integer", Some(range.min.unwrap_or(0).into()), range.max.map(Value::from)),
        Kind::Double(range) => {
            bounded("number", range.min.map(|bound| bound.0.into()), range.max.map(|bound| bound.0.into()))
        }
        Kind::String | Kind::Type | Kind::Cidr | Kind::Duration => word("string"),
        Kind::Ip => with("string", "anyOf", Schema::Value(json!([{ "format": "ipv4" }, { "format": "ipv6" }]))),
        Kind::Enum(words) => with("string", "enum", Schema::Value(json!(words.to_vec()))),
        Kind::Bytes => with("string", "contentEncoding", "base64".into()),
        Kind::Timestamp => with("string", "format", "date-time".into()),
        Kind::List(item) => with("array", "items", object(of_type(item))),
        Kind::Map(_, value) => with("object", "additionalProperties", object(of_type(value))),
        Kind::Record(fields) => record(fields),
        Kind::Optional(inner) => of_type(inner),
    };
    if ty.labels.secret {
        schema.push(("writeOnly", Schema::Value(true.into())));
    }
    schema
}

fn bounded(name: &str, min: Option<Value>, max: Option<Value>) -> Keys {
    let mut schema = vec![("type", name.into())];
    schema.extend(min.map(|bound| ("minimum", Schema::Value(bound))));
    schema.extend(max.map(|bound| ("maximum", Schema::Value(bound))));
    schema
}

fn record(fields: &[Field]) -> Keys {
    let needed = fields.iter().filter(|field| !is_optional(&field.ty));
    vec![
        ("type", "object".into()),
        ("properties", properties(fields.iter().map(|field| (field.name.as_str(), object(of_type(&field.ty)))))),
        ("required", required(needed.map(|field| field.name.as_str()))),
        ("additionalProperties", Schema::Value(false.into())),
    ]
}

fn properties<'n>(fields: impl Iterator<Item = (&'n str, Schema)>) -> Schema {
    Schema::Object(fields.map(|(name, schema)| (name.to_owned(), schema)).collect())
}

fn required<'n>(names: impl Iterator<Item = &'n str>) -> Schema {
    Schema::Value(names.collect())
}

fn object(keys: Keys) -> Schema {
    Schema::Object(keys.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

impl From<&str> for Schema {
    fn from(text: &str) -> Self {
        Self::Value(text.into())
    }
}
