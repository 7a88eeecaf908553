//! The wall clock, and sleeping by it. A trait, because tests must make it jump.

#[cfg_attr(target_os = "linux", path = "clock/timerfd.rs")]
#[cfg_attr(not(target_os = "linux"), path = "clock/no_kernel_timer.rs")]
mod kernel_timer;
mod wall_timer;

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

pub use kernel_timer::KernelTimer;
pub(crate) use wall_timer::WallTimer;

/// A sleep, boxed so that the trait can be an object.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What time it is, and how time passes.
pub trait Clock: Send + Sync + 'static {
    /// Wall-clock time. May jump: the machine sleeps, the person sets it.
    fn now(&self) -> Timestamp;

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
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
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

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct TestClock {
    time: Mutex<(Timestamp, Duration)>,
    sleeps: AtomicUsize,
    moved: watch::Sender<Duration>,
}

impl TestClock {
    /// Starts at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self {
            time: Mutex::new((now, Duration::ZERO)),
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
            let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
            time.0 += SignedDuration::try_from(by).expect("tests stay within range");
            time.1 += by;
            time.1
        };
        self.moved.send_replace(uptime);
    }

    /// The wall clock jumps (suspend, or set by hand); no sleeper notices yet.
    pub fn jump(&self, by: SignedDuration) {
        let mut time = self.time.lock().unwrap_or_else(PoisonError::into_inner);
        time.0 += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn uptime(&self) -> Duration {
        self.time.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        self.sleeps.fetch_add(1, Ordering::Relaxed);
        let mut moved = self.moved.subscribe();
        let end = self.uptime() + duration;
        Box::pin(async move {
            // The clock lives as long as its agent; if it is gone, nobody waits any more.
            let _ = moved.wait_for(|uptime| *uptime >= end).await;
        })
    }
}
