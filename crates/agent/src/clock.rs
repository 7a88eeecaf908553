//! The wall clock, and sleeping by it. A trait, because tests must make it jump.

#[cfg_attr(not(target_os = "linux"), path = "clock/no_boot_clock.rs")]
mod boot_clock;
#[cfg_attr(target_os = "linux", path = "clock/timerfd.rs")]
#[cfg_attr(not(target_os = "linux"), path = "clock/no_kernel_timer.rs")]
mod kernel_timer;
mod wall_timer;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;
use uuid::Uuid;
use valetkey_core::clock_reading::{BootTime, ClockReading};

use boot_clock::BootClock;
pub use kernel_timer::KernelTimer;
pub(crate) use wall_timer::WallTimer;

/// A sleep, boxed so that the trait can be an object.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What time it is, and how time passes.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time. May jump: the machine sleeps, the person sets it.
    fn now(&self) -> Timestamp;

    /// Time since the machine started, suspended time included; None where no such clock is known.
    fn boot_time(&self) -> Option<BootTime>;

    /// What both clocks say now.
    fn reading(&self) -> ClockReading {
        ClockReading {
            wall: self.now(),
            boot: self.boot_time(),
        }
    }

    /// Time passed while the machine was awake; never jumps. Any origin.
    fn uptime(&self) -> Duration;

    /// Waits for `duration` of [`Self::uptime`].
    fn sleep(&self, duration: Duration) -> Sleep;

    /// A timer of the kernel that follows this clock; None if there is none.
    fn kernel_timer(&self) -> Option<KernelTimer> {
        None
    }
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    origin: Instant,
    boot_clock: BootClock,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            boot_clock: BootClock::new(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn boot_time(&self) -> Option<BootTime> {
        self.boot_clock.now()
    }

    fn uptime(&self) -> Duration {
        self.origin.elapsed()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }

    fn kernel_timer(&self) -> Option<KernelTimer> {
        KernelTimer::new()
    }
}

#[derive(Debug)]
struct TestTime {
    wall: Timestamp,
    uptime: Duration,
    boot: BootTime,
}

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct TestClock {
    time: Mutex<TestTime>,
    sleeps: AtomicUsize,
    moved: watch::Sender<Duration>,
}

impl TestClock {
    /// Starts at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            time: Mutex::new(TestTime {
                wall: now,
                uptime: Duration::ZERO,
                boot: BootTime {
                    boot_id: Uuid::from_u128(1),
                    elapsed: SignedDuration::from_hours(1000),
                },
            }),
            sleeps: AtomicUsize::new(0),
            moved: watch::Sender::new(Duration::ZERO),
        }
    }

    /// How often anybody went to sleep: who does so again and again while time stands still spins.
    pub fn sleeps(&self) -> usize {
        self.sleeps.load(Ordering::Relaxed)
    }

    /// Time passes, for everybody.
    pub fn advance(&self, by: Duration) {
        let uptime = {
            let mut time = self.time();
            let signed = SignedDuration::try_from(by).expect("tests stay within range");
            time.wall += signed;
            time.boot.elapsed += signed;
            time.uptime += by;
            time.uptime
        };
        self.moved.send_replace(uptime);
    }

    /// Time passes while the machine is suspended; no sleeper notices yet.
    pub fn jump(&self, by: SignedDuration) {
        let mut time = self.time();
        time.wall += by;
        time.boot.elapsed += by;
    }

    /// The person sets the wall clock; no sleeper notices yet.
    pub fn set(&self, by: SignedDuration) {
        self.time().wall += by;
    }

    /// The machine starts again.
    pub fn reboot(&self) {
        let mut time = self.time();
        time.boot = BootTime {
            boot_id: Uuid::from_u128(time.boot.boot_id.as_u128() + 1),
            elapsed: SignedDuration::ZERO,
        };
    }

    fn time(&self) -> MutexGuard<'_, TestTime> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.time().wall
    }

    fn boot_time(&self) -> Option<BootTime> {
        Some(self.time().boot)
    }

    fn uptime(&self) -> Duration {
        self.time().uptime
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.sleeps.fetch_add(1, Ordering::Relaxed);
        let mut moved = self.moved.subscribe();
        let end = self.uptime() + duration;
        Box::pin(async move {
            // The clock is dropped with its agent; if it is gone, nobody waits any more.
            let _ = moved.wait_for(|uptime| *uptime >= end).await;
        })
    }
}
