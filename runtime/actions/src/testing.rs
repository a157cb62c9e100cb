//! A worker that is none: bytes as a hostile process might send them, heard by what hears real workers.

use std::io::Write as _;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use admit_runtime::action::{ActionCall, ActionError, ActionReport};
use admit_runtime::host::Host;

use crate::process::Process;
use crate::supervise::{self, End};
use crate::wire::Limits;

/// What comes of an invocation whose worker sends these bytes and goes. More than a socket holds is not sent.
///
/// # Errors
/// There is no socket to be had.
pub async fn hear(
    sent: &[u8],
    host: &dyn Host,
    call: &ActionCall<'_>,
    limits: Limits,
) -> std::io::Result<ActionReport> {
    let (ours, theirs) = UnixStream::pair()?;
    ours.set_nonblocking(true)?;
    theirs.set_nonblocking(true)?;
    let _ = (&theirs).write_all(sent);
    theirs.shutdown(Shutdown::Write)?;
    let mut process = Process::without_child(ours);
    let mut supervised = supervise::run(&mut process, host, call, limits).await;
    if matches!(supervised.end, End::Died) {
        supervised.report.result = Some(Err(ActionError::Crashed("it closed its socket".to_owned())));
    }
    Ok(supervised.report)
}
