//! Process hardening and signals.

use std::io;

use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::stop::Stop;

/// No core dumps, and no other process of this user may read this one's memory or environment (where
/// a passphrase may stand). Both may be refused in a container: then it goes on without.
pub fn harden() {
    set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    setrlimit(Resource::Core, none).ok();
}

/// The signals that this process handles.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Returns at the next one.
    pub(super) async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.hang_up.recv() => {}
        }
    }

    /// Asks to stop at SIGTERM and SIGINT, and in front at SIGHUP (the terminal is gone). Returns at
    /// the second SIGINT: somebody does not want to wait.
    pub async fn handle(mut self, stop: Stop, background: bool) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => stop.request(),
                _ = self.interrupt.recv() => {
                    if stop.is_requested() {
                        return;
                    }
                    stop.request();
                }
                _ = self.hang_up.recv() => {
                    if !background {
                        stop.request();
                    }
                }
            }
        }
    }
}
