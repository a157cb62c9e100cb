//! The JSON Schema (2020-12) of an Action's config: what a form needs to ask for it.

use admit_plan::types::{Field, Kind, Type};
use serde_json::{Map, Value, json};

use crate::typed::action::{self, Action};
use crate::typed::constant::evaluate;

/// The schema of an Action's config.
pub fn json_schema(action: &Action) -> Value {
    let mut schema = Map::new();
    schema.insert("$schema".to_owned(), "https://json-schema.org/draft/2020-12/schema".into());
    schema.insert("title".to_owned(), format!("{}@{}", action.slug, action.version).into());
    describe(&mut schema, &action.doc);
    schema.insert("type".to_owned(), "object".into());
    let properties: Map<String, Value> =
        action.config.iter().map(|field| (field.name.to_string(), of_field(field))).collect();
    let required = action.config.iter().filter(|field| field.default.is_none() && !is_optional(&field.ty));
    schema.insert("required".to_owned(), required.map(|field| Value::from(field.name.as_str())).collect());
    schema.insert("properties".to_owned(), properties.into());
    schema.insert("additionalProperties".to_owned(), false.into());
    schema.into()
}

fn of_field(field: &action::Field) -> Value {
    let mut schema = of_type(&field.ty);
    describe(&mut schema, &field.doc);
    if let Some(value) = field.default.as_ref().and_then(|(code, pool)| evaluate(code, pool).ok()) {
        schema.insert("default".to_owned(), admit_eval::json::to_json(&value));
    }
    schema.into()
}

fn describe(schema: &mut Map<String, Value>, doc: &str) {
    if !doc.trim().is_empty() {
        schema.insert("description".to_owned(), doc.trim().into());
    }
}

fn is_optional(ty: &Type) -> bool {
    matches!(ty.kind, Kind::Optional(_))
}

fn of_type(ty: &Type) -> Map<String, Value> {
    let schema = match &ty.kind {
        Kind::Error | Kind::Dyn => json!({}),
        Kind::Null => json!({ "type": "null" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int(range) => bounded("integer", range.min.map(Value::from), range.max.map(Value::from)),
        Kind::Uint(range) => bounded("integer", Some(range.min.unwrap_or(0).into()), range.max.map(Value::from)),
        Kind::Double(range) => {
            bounded("number", range.min.map(|bound| bound.0.into()), range.max.map(|bound| bound.0.into()))
        }
        Kind::String | Kind::Type | Kind::Cidr | Kind::Duration => json!({ "type": "string" }),
        Kind::Ip => json!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] }),
        Kind::Enum(words) => json!({ "type": "string", "enum": words.to_vec() }),
        Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
        Kind::Timestamp => json!({ "type": "string", "format": "date-time" }),
        Kind::List(item) => json!({ "type": "array", "items": of_type(item) }),
        Kind::Map(_, value) => json!({ "type": "object", "additionalProperties": of_type(value) }),
        Kind::Record(fields) => record(fields),
        Kind::Optional(inner) => of_type(inner).into(),
    };
    let mut schema = match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    };
    if ty.labels.secret {
        schema.insert("writeOnly".to_owned(), true.into());
    }
    schema
}

fn bounded(name: &str, min: Option<Value>, max: Option<Value>) -> Value {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), name.into());
    schema.extend(min.map(|bound| ("minimum".to_owned(), bound)));
    schema.extend(max.map(|bound| ("maximum".to_owned(), bound)));
    schema.into()
}

fn record(fields: &[Field]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| (field.name.to_string(), of_type(&field.ty).into())).collect();
    let required: Vec<&str> =
        fields.iter().filter(|field| !is_optional(&field.ty)).map(|field| field.name.as_str()).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}
