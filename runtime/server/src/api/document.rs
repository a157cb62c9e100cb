//! The OpenAPI document: made from the routes themselves, and the page that shows it.
//!
//! What every call has in common (problems, the key) is added here, so that no call can leave it out.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, PathItem, Ref, RefOr, ResponseBuilder};
use utoipa::{Modify, OpenApi as _};
use utoipa_swagger_ui::Config;

use super::problem::codes::CODES;
use super::problem::{self, Problem};

/// Where the document is.
pub const PATH: &str = "/openapi.json";

/// The page loads its own files and calls this server, and nothing else; nobody puts it in a frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Admit",
        description = "Sign-in flows over HTTP: run, resume, deploy, observe. Every call belongs to one tenant, that of its key.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(problem::Details)),
    tags(
        (name = "runs", description = "Flows that users walk through."),
        (name = "audit", description = "What happened, in a log that nobody can change unseen."),
        (name = "bundles", description = "Deploys."),
        (name = "tenant", description = "What the tenant is set up with: settings, params, secrets."),
        (name = "clients", description = "OAuth clients."),
        (name = "actions", description = "Actions of the live bundle."),
        (name = "users", description = "Users and their sessions."),
        (name = "tenants", description = "Tenants, for keys with the scope `operate`."),
        (name = "keys", description = "API keys of the tenant, and the keys that its tokens verify under."),
        (name = "users", description = "Users of the tenant."),
        (name = "webhooks", description = "Subscriptions of audit types to a URL."),
        (name = "operation", description = "How the server is."),
    ),
)]
struct Admit;

/// The document, without routes yet.
pub fn begin() -> OpenApi {
    Admit::openapi()
}

/// Adds what every call has in common.
pub fn finish(document: &mut OpenApi) {
    Common.modify(document);
}

/// The document as text, as it is served and kept.
///
/// # Errors
/// It cannot be written as JSON.
pub fn text(document: &OpenApi) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(document)?;
    text.push('\n');
    Ok(text)
}

/// `GET /openapi.json`
pub fn served(text: &str) -> Response {
    let headers = [(CONTENT_TYPE, "application/json"), (CACHE_CONTROL, "public, max-age=300")];
    (headers, text.to_owned()).into_response()
}

/// `GET /docs`: the page has its files beside it.
pub async fn docs() -> Redirect {
    Redirect::permanent("/docs/")
}

/// `GET /docs/` and the files of the page.
pub async fn docs_file(file: Option<Path<String>>) -> Response {
    let name = file.map(|Path(name)| name).unwrap_or_default();
    let config = Config::from(PATH).validator_url("none").display_request_duration(true).persist_authorization(false);
    let Ok(Some(file)) = utoipa_swagger_ui::serve(&name, Arc::new(config)) else {
        return Problem::new(StatusCode::NOT_FOUND, "not_found", "there is nothing here").into_response();
    };
    let mut response = file.bytes.into_owned().into_response();
    let headers = response.headers_mut();
    if let Ok(media) = HeaderValue::from_str(&file.content_type) {
        headers.insert(CONTENT_TYPE, media);
    }
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=300"));
    response
}

/// Problems and the key.
struct Common;

impl Modify for Common {
    fn modify(&self, document: &mut OpenApi) {
        let components = document.components.get_or_insert_default();
        let mut scheme = Http::new(HttpAuthScheme::Bearer);
        scheme.bearer_format = Some("admit_<tenant>.<id>.<secret>".to_owned());
        scheme.description = Some("An API key. Each call names the scope that the key must have.".to_owned());
        components.security_schemes.insert("key".to_owned(), SecurityScheme::Http(scheme).into());
        if let Some(RefOr::T(Schema::Object(details))) = components.schemas.get_mut("Problem") {
            let codes = CODES.iter().map(|(code, ..)| *code);
            let said: Vec<String> =
                CODES.iter().map(|(code, status, when)| format!("- `{code}` ({}): {when}", status.as_u16())).collect();
            let code = ObjectBuilder::new()
                .schema_type(Type::String)
                .description(Some(format!("What is wrong, in a word that stays the same.\n\n{}", said.join("\n"))))
                .enum_values(Some(codes));
            details.properties.insert("code".to_owned(), code.build().into());
        }
        if let Some(RefOr::T(Schema::Object(client))) = components.schemas.get_mut("ClientDocument") {
            // It also stands among the fields of a client that is shown, which this would forbid there.
            client.additional_properties = None;
        }
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let refused = ResponseBuilder::new()
            .description("Refused, or not to be served now: why.")
            .content(problem::MEDIA, content)
            .build();
        components.responses.insert("Problem".to_owned(), refused.into());
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                let refused = RefOr::Ref(Ref::from_response_name("Problem"));
                operation.responses.responses.insert("default".to_owned(), refused);
            }
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}
