//! Waiting for several things at once, without threads.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{SigId, flag, low_level};

/// Which of `fds` can be read (or have ended); all false once `limit` is over.
pub(crate) fn readable<const N: usize>(
    fds: [BorrowedFd<'_>; N],
    limit: Option<Duration>,
) -> io::Result<[bool; N]> {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    let mut polled = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    loop {
        match poll(&mut polled, limit.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            result => {
                result?;
                return Ok(polled.map(|fd| !fd.revents().is_empty()));
            }
        }
    }
}

/// Ctrl-C (and the request to end) as something to wait for.
#[derive(Debug)]
pub(crate) struct Interrupt {
    ours: UnixStream,
    registered: Vec<SigId>,
}

const SIGNALS: [i32; 3] = [SIGHUP, SIGINT, SIGTERM];

/// Whether those signals end the process, as they do by default.
static ENDS: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

impl Interrupt {
    /// Until it is dropped, those signals do not end the process.
    pub(crate) fn catch() -> io::Result<Self> {
        let is_first = Arc::strong_count(&ENDS) == 1;
        ENDS.store(false, Ordering::SeqCst);
        if is_first {
            for signal in SIGNALS {
                flag::register_conditional_default(signal, Arc::clone(&ENDS))?;
            }
        }
        let (ours, theirs) = UnixStream::pair()?;
        let mut registered = Vec::new();
        for signal in SIGNALS {
            registered.push(low_level::pipe::register(signal, theirs.try_clone()?)?);
        }
        Ok(Self { ours, registered })
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        for id in self.registered.drain(..) {
            low_level::unregister(id);
        }
        ENDS.store(true, Ordering::SeqCst);
    }
}

impl AsFd for Interrupt {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ours.as_fd()
    }
}
