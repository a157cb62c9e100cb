//! `admit audit`: the audit log, read and verified.

use admit_compiler::render::sanitize;
use admit_eval::datum::Datum;
use admit_eval::json as datum;
use admit_runtime::tenant::TenantId;
use admit_store::{AuditRow, SqlStore};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, note, print};
use crate::world::{self, Database, DatabaseArgs, New};

/// Arguments of `admit audit`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to do
    #[command(subcommand)]
    what: What,
}

/// What to do with the log.
#[derive(Debug, clap::Subcommand)]
enum What {
    /// Check every entry against the one before it, up to the end: exits with 1 where the log was changed, and says where
    Verify(Verify),
    /// List entries, in order
    List(List),
}

/// Arguments of `admit audit verify`.
#[derive(Debug, clap::Args)]
struct Verify {
    /// Every tenant of the database, not one alone
    #[arg(long)]
    all_tenants: bool,
    /// Where the log is kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Arguments of `admit audit list`.
#[derive(Debug, clap::Args)]
struct List {
    /// Entries after this number
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    after: u64,
    /// Entries at most
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Only of this type, or of a family of types: `user.*`
    #[arg(long, value_name = "TYPE")]
    kind: Option<String>,
    /// Where the log is kept
    #[command(flatten)]
    database: DatabaseArgs,
}

/// How many entries are read at a time where only some are wanted.
const PAGE: u32 = 1_000;

/// Does it.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let (What::Verify(Verify { database, .. }) | What::List(List { database, .. })) = &args.what;
    world::block_on(async {
        let root = std::env::current_dir().ok().and_then(|current| files::project_root(&current));
        let opened = Database::open(database, root.as_deref(), New::Refused).await?;
        let exit = match &args.what {
            What::Verify(verify) => check(verify, &opened.store, output).await?,
            What::List(list) => show(list, &opened.store, output).await?,
        };
        opened.store.close().await;
        Ok(exit)
    })
}

async fn check(args: &Verify, store: &SqlStore, output: &Output) -> Result<Exit, Failure> {
    let tenants = match args.all_tenants {
        true => store.every_tenant().await.map_err(fail)?,
        false => vec![args.database.tenant.clone()],
    };
    let mut exit = Exit::Ok;
    let mut found: Vec<Value> = Vec::new();
    for tenant in &tenants {
        let end = store.verify_audit(tenant).await.map_err(fail)?;
        let pruned = store.audit_pruned(tenant).await.map_err(fail)?;
        if end.is_err() {
            exit = Exit::Findings;
        }
        match (output.human(), end) {
            (true, Ok(entries)) => print(&format!("{tenant}: {}\n", whole(entries, pruned))),
            (true, Err(fault)) => print(&format!("{tenant}: {fault}\n")),
            (false, Ok(entries)) => {
                found.push(json!({ "tenant": tenant.as_str(), "ok": true, "entries": entries, "pruned": pruned }));
            }
            (false, Err(fault)) => found.push(json!({
                "tenant": tenant.as_str(), "ok": false, "entry": fault.seq, "problem": fault.problem, "pruned": pruned
            })),
        }
    }
    if !output.human() {
        print(&format!("{}\n", json!({ "tenants": found })));
    }
    Ok(exit)
}

fn whole(entries: u64, pruned: u64) -> String {
    let plural = if entries == 1 { "entry" } else { "entries" };
    match pruned {
        0 => format!("{entries} {plural}, the chain is whole"),
        _ => format!("{entries} {plural}, the chain is whole from entry {} on; those before were pruned", pruned + 1),
    }
}

async fn show(args: &List, store: &SqlStore, output: &Output) -> Result<Exit, Failure> {
    let rows = entries(args, store, &args.database.tenant).await?;
    if !output.human() {
        let entries: Vec<Value> = rows.iter().map(as_json).collect();
        print(&format!("{}\n", sanitize::json(&json!({ "entries": entries }))));
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        note(&format!("the audit log of `{}` has no such entries\n", args.database.tenant));
    }
    for row in &rows {
        let entry = &row.entry;
        let at = datum::to_json(&Datum::Timestamp(row.at));
        let words = format!(
            "{}  {}  {}  {}  {}  {}",
            row.seq,
            at.as_str().unwrap_or_default(),
            entry.kind,
            entry.outcome,
            entry.actor,
            entry.target
        );
        print(&format!("{}\n", sanitize::line(&words)));
    }
    Ok(Exit::Ok)
}

async fn entries(args: &List, store: &SqlStore, tenant: &TenantId) -> Result<Vec<AuditRow>, Failure> {
    let Some(kind) = &args.kind else { return store.audit(tenant, args.after, args.limit).await.map_err(fail) };
    let wanted = |found: &str| match kind.strip_suffix('*') {
        Some(family) => found.starts_with(family),
        None => found == kind,
    };
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let (mut after, mut rows) = (args.after, Vec::new());
    while rows.len() < limit {
        let page = store.audit(tenant, after, PAGE).await.map_err(fail)?;
        let Some(last) = page.last() else { break };
        after = last.seq;
        rows.extend(page.into_iter().filter(|row| wanted(&row.entry.kind)));
    }
    rows.truncate(limit);
    Ok(rows)
}

fn as_json(row: &AuditRow) -> Value {
    json!({
        "seq": row.seq,
        "id": row.id,
        "type": row.entry.kind,
        "occurred_at": datum::to_json(&Datum::Timestamp(row.at)),
        "actor": row.entry.actor,
        "target": row.entry.target,
        "outcome": row.entry.outcome,
        "run": row.run_id,
        "data": datum::to_json(&row.entry.data),
    })
}

fn fail(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}
