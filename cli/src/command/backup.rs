//! `admit backup` and `admit restore`: everything in a file, and back into a new database.

use std::fs::{File, OpenOptions};
use std::io::{BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};

use admit_eval::datum::Datum;
use admit_eval::json as datum;
use admit_eval::value::Instant;
use admit_store::{BackupError, Manifest, check_backup};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::files;
use crate::output::{Output, note, print};
use crate::world::{self, Database, DatabaseArgs, New};

/// Arguments of `admit backup`.
#[derive(Debug, clap::Args)]
pub struct BackupArgs {
    /// The file to write; it must not be there yet
    file: PathBuf,
    /// What to back up
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Arguments of `admit restore`.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// The file that `admit backup` wrote
    file: PathBuf,
    /// Only look whether the file is whole, and say what is in it
    #[arg(long)]
    check: bool,
    /// Where to; the database must be new
    #[command(flatten)]
    database: DatabaseArgs,
}

/// Writes one, whole or not at all.
pub fn backup(args: &BackupArgs, output: &Output) -> Result<Exit, Failure> {
    let there = || {
        Failure::new(format!("`{}` is there already", args.file.display()))
            .help("name a new file: a backup never takes the place of another")
    };
    if args.file.exists() {
        return Err(there());
    }
    world::block_on(async {
        let opened = Database::open(&args.database, root().as_deref(), New::Refused).await?;
        let mut name = args.file.clone().into_os_string();
        name.push(".part");
        let part = PathBuf::from(name);
        let made = write(&opened, &part).await.and_then(|manifest| {
            // A link fails where somebody has made the file meanwhile; a rename would replace it.
            std::fs::hard_link(&part, &args.file).map_err(|error| match error.kind() {
                std::io::ErrorKind::AlreadyExists => there(),
                _ => Failure::io("write", args.file.display(), error),
            })?;
            Ok(manifest)
        });
        let _ = std::fs::remove_file(&part);
        opened.store.close().await;
        let manifest = made?;
        show(&manifest, &format!("wrote `{}`", args.file.display()), output);
        if output.human() {
            note(
                "the key file is not in it: keep a copy of it in another place, without it nothing of the backup opens\n",
            );
        }
        Ok(Exit::Ok)
    })
}

/// Puts one into a new database, or only looks at it.
pub fn restore(args: &RestoreArgs, output: &Output) -> Result<Exit, Failure> {
    let file = File::open(&args.file).map_err(|error| Failure::io("open", args.file.display(), error))?;
    let mut file = BufReader::new(file);
    if args.check {
        let manifest = check_backup(&mut file).map_err(|error| refused(&args.file, &error))?;
        show(&manifest, &format!("`{}` is whole", args.file.display()), output);
        return Ok(Exit::Ok);
    }
    // Before a database is made for it.
    check_backup(&mut file).map_err(|error| refused(&args.file, &error))?;
    world::block_on(async {
        let opened = Database::open(&args.database, root().as_deref(), New::Restored).await?;
        let restored = opened.store.restore(&mut file).await;
        opened.store.close().await;
        let manifest = restored.map_err(|error| refused(&args.file, &error))?;
        show(&manifest, "restored, every audit log verifies", output);
        Ok(Exit::Ok)
    })
}

async fn write(opened: &Database, part: &Path) -> Result<Manifest, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(part).map_err(|error| Failure::io("write", part.display(), error))?;
    let mut out = BufWriter::new(file);
    let manifest = opened.store.backup(&mut out, world::now()).await;
    let manifest = manifest.map_err(|error| Failure::new(error.to_string()))?;
    let fail = |error: std::io::Error| Failure::io("write", part.display(), error);
    out.flush().map_err(fail)?;
    out.get_ref().sync_all().map_err(fail)?;
    Ok(manifest)
}

fn show(manifest: &Manifest, what: &str, output: &Output) {
    let rows: u64 = manifest.tables.iter().map(|(_, rows)| rows).sum();
    let seconds = manifest.made_at.div_euclid(1_000_000);
    let at = datum::to_json(&Datum::Timestamp(Instant { seconds, nanos: 0 }));
    if output.human() {
        let (at, from) = (at.as_str().unwrap_or_default(), &manifest.database);
        print(&format!(
            "{what}: {rows} rows of {} tables, made {at} from {from} by Admit {}\n",
            manifest.tables.len(),
            manifest.program
        ));
        return;
    }
    let tables: serde_json::Map<String, Value> =
        manifest.tables.iter().map(|(name, rows)| (name.clone(), (*rows).into())).collect();
    print(&format!(
        "{}\n",
        json!({
            "program": manifest.program,
            "schema": manifest.schema,
            "database": manifest.database,
            "made_at": at,
            "rows": rows,
            "tables": tables,
        })
    ));
}

fn refused(file: &Path, error: &BackupError) -> Failure {
    let failure = Failure::new(format!("`{}`: {error}", file.display()));
    match error {
        BackupError::OtherKey(_) => failure.help("name the key file that belongs to it with `--key-file FILE`"),
        BackupError::NotEmpty(_) => failure.help("name a new database with `--database`"),
        BackupError::File(_)
        | BackupError::Store(_)
        | BackupError::NotABackup
        | BackupError::Damaged(_)
        | BackupError::Schema { .. }
        | BackupError::Unfit(_)
        | BackupError::Audit(..) => failure.help("nothing was restored"),
    }
}

/// The project that the command is run in: its database is the default.
fn root() -> Option<PathBuf> {
    files::project_root(&std::env::current_dir().ok()?)
}
