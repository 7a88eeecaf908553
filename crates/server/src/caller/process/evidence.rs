//! That a pid still means the process that connected.

use std::os::fd::{AsFd, OwnedFd};

use rustix::time::{ClockId, clock_gettime};

use super::ProcFolder;

/// How it is known later that a pid still means the process that connected.
#[derive(Debug)]
pub(in crate::caller) enum Evidence {
    Pidfd(OwnedFd),
    /// Seconds since the machine started, when the connection was accepted.
    AcceptedAt(f64),
}

impl Evidence {
    /// Of the process at the other end of `stream`, which was accepted now.
    pub(in crate::caller) fn of(stream: &impl AsFd) -> Self {
        use nix::sys::socket::{getsockopt, sockopt::PeerPidfd};
        match getsockopt(stream, PeerPidfd) {
            Ok(pidfd) => Self::Pidfd(pidfd),
            Err(_) => Self::accepted_now(),
        }
    }

    /// For kernels without pidfds of peers.
    pub(in crate::caller) fn accepted_now() -> Self {
        let now = clock_gettime(ClockId::Boottime);
        #[expect(clippy::cast_precision_loss, reason = "seconds of uptime are small")]
        Self::AcceptedAt(now.tv_sec as f64 + now.tv_nsec as f64 / 1e9)
    }

    pub(super) fn still_means(&self, folder: &ProcFolder) -> bool {
        match self {
            // Readable once the process has ended.
            Self::Pidfd(pidfd) => {
                use rustix::event::{PollFd, PollFlags, Timespec, poll};
                let mut ended = [PollFd::new(pidfd, PollFlags::IN)];
                let at_once = Timespec::default();
                poll(&mut ended, Some(&at_once)) == Ok(0)
            }
            Self::AcceptedAt(accepted) => folder.stat().is_some_and(|stat| {
                let ticks = rustix::param::clock_ticks_per_second();
                #[expect(clippy::cast_precision_loss, reason = "ticks of uptime are small")]
                let started = stat.started as f64 / ticks as f64;
                started <= *accepted
            }),
        }
    }
}
