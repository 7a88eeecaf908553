//! The process itself: what it keeps from others, and the signals it hears.

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use tokio::signal::unix::{SignalKind, signal};
use valetkey_server::Stop;

/// No core dumps, and no other process of this user may read this one's memory or environment (where
/// a passphrase may stand). Both may be refused in a container: then it goes on without.
pub(crate) fn harden() {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).ok();
}

/// Asks to stop at SIGTERM and SIGINT, and in front at SIGHUP (the terminal is gone). Returns at the
/// second SIGINT: somebody does not want to wait.
pub(crate) async fn signals(stop: Stop, background: bool) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    loop {
        tokio::select! {
            _ = terminate.recv() => stop.request(),
            _ = interrupt.recv() => {
                if stop.is_requested() {
                    return Ok(());
                }
                stop.request();
            }
            _ = hang_up.recv() => {
                if !background {
                    stop.request();
                }
            }
        }
    }
}
