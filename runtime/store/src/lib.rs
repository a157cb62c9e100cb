//! The store: users, credentials, challenges, sessions, runs, counters, queue and the append-only audit chain, over sqlx.
//!
//! One logical schema (migrations/) for SQLite and PostgreSQL; every query is written so that both can serve it, and
//! names its tenant. Personal data is sealed under a key per user, whose key is sealed under its tenant's, whose key is
//! sealed under the master key that is kept outside the database.

mod api_keys;
mod audit;
mod backup;
mod challenges;
mod commit;
mod configs;
mod counters;
mod credentials;
mod deploys;
mod failures;
mod families;
mod group;
mod host;
mod idempotency;
mod import;
mod inbox;
mod json;
mod keys;
mod manage;
mod migrations;
mod open;
mod people;
mod profile;
mod queue;
mod retention;
mod runs;
pub mod seal;
mod sessions;
mod signing;
mod sql;
mod tenants;
mod time;
mod users;
mod webhooks;
mod writes;

pub use api_keys::{ApiKeyRow, NewApiKey};
pub use audit::{AuditFault, AuditFilter, AuditRow, CONTEXT};
pub use backup::{BackupError, Manifest, check_backup};
pub use configs::{ConfigChange, ConfigEntry, ConfigKind, Expected};
pub use deploys::Deploy;
pub use idempotency::Claimed;
pub use import::{LineError, Passwords, parse_users};
pub use manage::{SessionRow, Sessions, UserPatch, patch_fault};
pub use migrations::SCHEMA_VERSION;
pub use open::{OpenError, SqlStore, is_server};
pub use profile::{NewUser, Profile, SecretText, UserSummary};
pub use queue::{FailedJob, Job, JobNext, OpenJob};
pub use retention::Kept;
pub use runs::{RunFilter, RunSummary};
pub use tenants::{TenantRow, TenantState};
pub use users::{Status, UserError};
pub use webhooks::{Delivered, Delivery, NewWebhook, WEBHOOK_JOB, Webhook, WebhookChange};
