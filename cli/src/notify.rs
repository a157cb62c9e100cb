//! What a service manager is told, by the protocol of sd_notify(3): that it is ready, that it stops, that it lives. Where none asks, nothing.

use std::os::unix::net::UnixDatagram;
use std::time::Duration;

/// It serves.
pub fn ready() {
    say("READY=1\nSTATUS=serving");
}

/// It is about to stop.
pub fn stopping() {
    say("STOPPING=1\nSTATUS=finishing what is under way");
}

/// Says that it lives, twice as often as is asked for, as long as tasks are run at all.
pub async fn watchdog() {
    let wanted = std::env::var("WATCHDOG_USEC").ok().and_then(|micros| micros.parse::<u64>().ok());
    let own = std::env::var("WATCHDOG_PID").ok().is_none_or(|pid| pid == std::process::id().to_string());
    let Some(micros) = wanted.filter(|micros| own && *micros > 0) else { return };
    loop {
        say("WATCHDOG=1");
        tokio::time::sleep(Duration::from_micros(micros / 2)).await;
    }
}

/// Nobody is hindered where the manager does not hear it.
fn say(what: &str) {
    let Some(name) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let Ok(socket) = UnixDatagram::unbound() else { return };
    #[cfg(target_os = "linux")]
    if let Some(name) = name.to_str().and_then(|name| name.strip_prefix('@')) {
        use std::os::linux::net::SocketAddrExt as _;
        if let Ok(address) = std::os::unix::net::SocketAddr::from_abstract_name(name) {
            let _ = socket.send_to_addr(what.as_bytes(), &address);
        }
        return;
    }
    let _ = socket.send_to(what.as_bytes(), name);
}
