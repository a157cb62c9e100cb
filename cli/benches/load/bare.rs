//! What runs are compared with: an axum handler that parses a body into `Json<Value>` and echoes it, and nothing else.

use axum::routing::post;
use axum::{Json, Router};
use serde_json::Value;

/// Makes this program that server.
pub const ARGUMENT: &str = "bare-handler";

/// Serves until it is killed.
#[tokio::main]
pub async fn serve() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("listening on http://{}\nready", listener.local_addr().unwrap());
    let router = Router::new().route("/", post(async |Json(value): Json<Value>| Json(value)));
    axum::serve(listener, router).await.unwrap();
}
