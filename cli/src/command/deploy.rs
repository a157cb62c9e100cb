//! `admit deploy`: shows what a deploy would change, then makes it live on a server, for one tenant or several.
//!
//! Every tenant is asked first whether the bundle and its params fit; only where all agree is any switched. Each switch names what it
//! replaces, so of two pipelines exactly one wins.

mod show;

use std::io::IsTerminal as _;
use std::path::PathBuf;

use admit_plan::encode;
use admit_plan::verify;
use admit_runtime::tenant::TenantId;
use serde_json::Value;

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, note};
use crate::progress;
use crate::project;
use crate::remote::{Remote, RemoteArgs, Reply};
use crate::world;

/// Arguments of `admit deploy`.
///
/// Exit codes: 0 every tenant runs the bundle; 1 it was refused, or somebody else has deployed meanwhile, for one tenant at least; 2
/// the server could not be asked.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The project's folder, or a bundle that `admit build` wrote
    #[arg(default_value = ".", conflicts_with = "activate")]
    path: PathBuf,
    /// The server, and who calls
    #[command(flatten)]
    remote: RemoteArgs,
    /// Tenants, by slug, with commas between; the key has the scope `operate` then [default: the key's own]
    #[arg(long, value_name = "SLUG,...", value_delimiter = ',', conflicts_with = "all_tenants")]
    tenant: Vec<TenantId>,
    /// Every tenant that is served; the key has the scope `operate` then
    #[arg(long)]
    all_tenants: bool,
    /// Make this bundle live instead, which was deployed before: roll back, or forward
    #[arg(long, value_name = "HASH")]
    activate: Option<String>,
    /// Show what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(long)]
    yes: bool,
    /// Leave the debug table out: positions and texts of the source
    #[arg(long)]
    strip: bool,
}

/// What a tenant would come to.
struct Planned {
    /// None: the key's own.
    tenant: Option<TenantId>,
    /// What the server says of it.
    reply: Reply,
}

/// How it went for a tenant.
struct Done {
    tenant: Option<TenantId>,
    /// `deployed`, `unchanged`, `refused`, `deployed_meanwhile`, `failed`.
    result: &'static str,
    detail: String,
    bundle: String,
}

impl Planned {
    fn fits(&self) -> bool {
        self.reply.is_success() && self.problems().is_empty()
    }

    /// Why it cannot be.
    fn problems(&self) -> Vec<String> {
        if !self.reply.is_success() {
            return vec![self.reply.why()];
        }
        let listed = self.reply.body.get("problems").and_then(Value::as_array);
        listed.into_iter().flatten().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
    }

    fn live(&self) -> Option<&str> {
        self.reply.body.get("live").and_then(|live| live.get("bundle")).and_then(Value::as_str)
    }

    fn bundle(&self) -> &str {
        self.reply.text("bundle")
    }

    fn is_live(&self) -> bool {
        self.live() == Some(self.bundle())
    }
}

/// Plans, asks, deploys.
pub fn run(args: &Args, output: &Output) -> Result<Exit, Failure> {
    let remote = Remote::new(&args.remote)?;
    let Some(bytes) = bytes(args, output)? else { return Ok(Exit::Findings) };
    world::block_on(async {
        let tenants = tenants(args, &remote).await?;
        let bar = progress::bar(tenants.len(), "tenants asked");
        let mut plan = Vec::with_capacity(tenants.len());
        for tenant in tenants {
            let reply = ask(&remote, args, tenant.as_ref(), &bytes).await?;
            plan.push(Planned { tenant, reply });
            bar.inc(1);
        }
        bar.finish_and_clear();
        if output.human() {
            show::plan(&plan, output);
        }
        if !plan.iter().all(Planned::fits) {
            let done = plan.iter().map(|planned| Done {
                tenant: planned.tenant.clone(),
                result: if planned.fits() { "unchanged" } else { "refused" },
                detail: planned.problems().join("; "),
                bundle: planned.live().unwrap_or_default().to_owned(),
            });
            show::done(&plan, &done.collect::<Vec<_>>(), output);
            return Ok(Exit::Findings);
        }
        if args.dry_run || plan.iter().all(Planned::is_live) {
            let done = plan.iter().map(|planned| Done {
                tenant: planned.tenant.clone(),
                result: "unchanged",
                detail: if planned.is_live() { "it is live already".to_owned() } else { "a dry run".to_owned() },
                bundle: planned.live().unwrap_or_default().to_owned(),
            });
            show::done(&plan, &done.collect::<Vec<_>>(), output);
            return Ok(Exit::Ok);
        }
        if !args.yes && !agreed(&plan)? {
            note("nothing was deployed\n");
            return Ok(Exit::Findings);
        }
        let bar = progress::bar(plan.len(), "tenants deployed");
        let mut done = Vec::with_capacity(plan.len());
        for planned in &plan {
            // What went before stays: each tenant has its own line.
            done.push(match switch(&remote, args, planned, &bytes).await {
                Ok(done) => done,
                Err(failure) => Done {
                    tenant: planned.tenant.clone(),
                    result: "failed",
                    detail: failure.message,
                    bundle: planned.live().unwrap_or_default().to_owned(),
                },
            });
            bar.inc(1);
        }
        bar.finish_and_clear();
        show::done(&plan, &done, output);
        let went_well = done.iter().all(|done| matches!(done.result, "deployed" | "unchanged"));
        Ok(if went_well { Exit::Ok } else { Exit::Findings })
    })
}

/// The bundle; none where the project has findings, which are printed.
fn bytes(args: &Args, output: &Output) -> Result<Option<Vec<u8>>, Failure> {
    if args.activate.is_some() {
        return Ok(Some(Vec::new()));
    }
    let refused = |refusal: &dyn std::fmt::Display| Failure::new(format!("the plan is refused: {refusal}"));
    if args.path.is_file() && args.path.extension().is_some_and(|end| end == "admitplan") {
        let bytes = files::read(&args.path)?;
        verify::load(&bytes).map_err(|refusal| refused(&refusal))?;
        return Ok(Some(bytes));
    }
    let loaded = project::load(&args.path)?;
    let Some(mut bundle) = loaded.build_with_defaults(output) else { return Ok(None) };
    if args.strip {
        bundle.debug = None;
    }
    let bytes = encode::encode(&bundle).map_err(|refusal| refused(&refusal))?;
    verify::load(&bytes).map_err(|refusal| refused(&refusal))?;
    Ok(Some(bytes))
}

/// Which tenants: those that were named, every one that is served, or the key's own.
async fn tenants(args: &Args, remote: &Remote) -> Result<Vec<Option<TenantId>>, Failure> {
    if !args.all_tenants {
        let mut named: Vec<Option<TenantId>> = args.tenant.iter().cloned().map(Some).collect();
        named.dedup();
        return Ok(if named.is_empty() { vec![None] } else { named });
    }
    let (mut all, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let path = match &cursor {
            Some(cursor) => format!("/v1/tenants?limit=100&cursor={cursor}"),
            None => "/v1/tenants?limit=100".to_owned(),
        };
        let page = remote.get(&path, None).await?;
        for tenant in page.body.get("tenants").and_then(Value::as_array).into_iter().flatten() {
            let slug = tenant.get("slug").and_then(Value::as_str).unwrap_or_default();
            if tenant.get("disabled_at").is_none_or(Value::is_null) {
                all.push(Some(slug.parse().map_err(Failure::new)?));
            }
        }
        cursor = page.body.get("next_cursor").and_then(Value::as_str).map(ToOwned::to_owned);
        if cursor.is_none() {
            return Ok(all);
        }
    }
}

async fn ask(remote: &Remote, args: &Args, tenant: Option<&TenantId>, bytes: &[u8]) -> Result<Reply, Failure> {
    let path = match &args.activate {
        Some(hash) => format!("/v1/bundles/{hash}/check"),
        None => "/v1/bundles/check".to_owned(),
    };
    let reply = remote.call("POST", &path, tenant, &[], bytes.to_vec()).await?;
    match reply.status {
        // Nothing that a tenant could mend.
        401 | 403 => Err(Failure::new(reply.why())),
        _ => Ok(reply),
    }
}

async fn switch(remote: &Remote, args: &Args, planned: &Planned, bytes: &[u8]) -> Result<Done, Failure> {
    let tenant = planned.tenant.as_ref();
    let done = |result, detail: String, bundle: &str| Done {
        tenant: planned.tenant.clone(),
        result,
        detail,
        bundle: bundle.to_owned(),
    };
    if planned.is_live() {
        return Ok(done("unchanged", "it is live already".to_owned(), planned.bundle()));
    }
    let seen: (&'static str, String) = match planned.live() {
        Some(hash) => ("if-match", format!("\"{hash}\"")),
        None => ("if-none-match", "*".to_owned()),
    };
    let reply = match &args.activate {
        Some(hash) => remote.call("POST", &format!("/v1/bundles/{hash}/activate"), tenant, &[seen], Vec::new()).await?,
        None => remote.call("PUT", "/v1/bundles", tenant, &[seen], bytes.to_vec()).await?,
    };
    Ok(match reply.status {
        200 => done("deployed", String::new(), reply.text("bundle")),
        412 => done("deployed_meanwhile", reply.why(), planned.live().unwrap_or_default()),
        _ => done("refused", reply.why(), planned.live().unwrap_or_default()),
    })
}

/// Whether whoever sits at the terminal agrees.
fn agreed(plan: &[Planned]) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(Failure::new("nobody is there to agree").help("look with `--dry-run`, then give `--yes`"));
    }
    let tenants = plan.iter().filter(|planned| !planned.is_live()).count();
    note(&format!("deploy to {tenants} tenant{}? [y/N] ", if tenants == 1 { "" } else { "s" }));
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).map_err(|error| Failure::io("read", "the terminal", error))?;
    Ok(matches!(line.trim(), "y" | "Y" | "yes"))
}
