//! A timerfd on the real-time clock. `TFD_TIMER_CANCEL_ON_SET` also reports when that clock is set
//! and when the machine resumes (`timerfd_create(2)`).

use std::os::fd::OwnedFd;

use jiff::Timestamp;
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::unix::AsyncFd;

/// A timer that the kernel keeps.
#[derive(Debug)]
pub struct KernelTimer {
    fd: AsyncFd<OwnedFd>,
}

impl KernelTimer {
    /// None where the kernel or a sandbox forbids it.
    pub(super) fn new() -> Option<Self> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let fd = timerfd_create(TimerfdClockId::Realtime, flags).ok()?;
        #[expect(
            deprecated,
            reason = "its successor is unsafe; a descriptor that we own and never replace meets its contract"
        )]
        let fd = AsyncFd::new(fd).ok()?;
        Some(Self { fd })
    }

    /// Waits for the deadline (`None`: for ever) or for a change of the clock, also for one since the
    /// last call.
    pub(super) async fn sleep_until(&mut self, deadline: Option<Timestamp>) {
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        match timerfd_settime(&self.fd, flags, &at(deadline)) {
            Ok(_) => {}
            // The clock has changed since the last call.
            Err(Errno::CANCELED) => return,
            Err(error) => panic!("a valid time cannot be refused: {error}"),
        }
        loop {
            let Ok(mut ready) = self.fd.readable().await else {
                return;
            };
            let mut expirations = [0; 8];
            let read = ready.try_io(|fd| Ok(rustix::io::read(fd, &mut expirations)?));
            // Otherwise readiness was that of an earlier deadline.
            if read.is_ok() {
                return;
            }
        }
    }
}

fn at(deadline: Option<Timestamp>) -> Itimerspec {
    let never = Timespec {
        tv_sec: i64::MAX,
        tv_nsec: 0,
    };
    let it_value = deadline.map_or(never, |deadline| Timespec {
        tv_sec: deadline.as_second().max(0),
        // A time of 0 would disarm the timer.
        tv_nsec: i64::from(deadline.subsec_nanosecond()).max(1),
    });
    Itimerspec {
        it_interval: Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        },
        it_value,
    }
}
