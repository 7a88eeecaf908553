//! Sleeps until a wall-clock deadline, also when the machine is suspended or its clock is set meanwhile.
//!
//! On Linux the kernel does this ([`KernelTimer`]), and the process sleeps until the deadline. Where
//! the clock has no such timer, it sleeps by uptime and looks at the wall clock in between.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Clock, KernelTimer};

/// Longest sleep without a kernel timer while the deadline is within [`SOON`].
const SHORT_SLEEP: Duration = Duration::from_secs(30);
/// Longest sleep without a kernel timer otherwise.
const LONG_SLEEP: Duration = Duration::from_mins(10);
const SOON: SignedDuration = SignedDuration::from_hours(1);
/// Uptime and wall clock may drift apart this far between two looks before it counts as a change.
const MAX_DRIFT: SignedDuration = SignedDuration::from_secs(10);

/// A timer of one task.
pub(crate) struct WallTimer {
    clock: Arc<dyn Clock>,
    kernel: Option<KernelTimer>,
    /// Wall clock and uptime at the last look.
    seen: (Timestamp, Duration),
}

impl WallTimer {
    /// A timer by this clock. Needs a runtime with I/O.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            kernel: clock.kernel_timer(),
            seen: (clock.now(), clock.uptime()),
            clock,
        }
    }

    /// Waits for the deadline (`None`: for ever). Returns early when the clock may have changed.
    pub(crate) async fn sleep_until(&mut self, deadline: Option<Timestamp>) {
        if let Some(timer) = &mut self.kernel {
            timer.sleep_until(deadline).await;
            return;
        }
        let left = deadline.map(|deadline| deadline.duration_since(self.clock.now()));
        let sleep = match left {
            Some(left) if left < SOON => SHORT_SLEEP.min(left.try_into().unwrap_or_default()),
            Some(_) | None => LONG_SLEEP,
        };
        self.clock.sleep(sleep).await;
    }

    /// Whether the wall clock was set, or the machine suspended, since the last call.
    pub(crate) fn clock_changed(&mut self) -> bool {
        let (wall, uptime) = (self.clock.now(), self.clock.uptime());
        let by_wall = wall.duration_since(self.seen.0);
        let awake = SignedDuration::try_from(uptime.saturating_sub(self.seen.1));
        self.seen = (wall, uptime);
        (by_wall - awake.unwrap_or(SignedDuration::MAX)).abs() > MAX_DRIFT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{SystemClock, TestClock};

    const BOUND: Duration = Duration::from_mins(1);

    fn in_runtime(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let bounded = async { tokio::time::timeout(BOUND, test).await };
        let ended = runtime.expect("a runtime").block_on(bounded);
        ended.expect("the timer wakes in time");
    }

    #[test]
    fn a_deadline_wakes_its_sleeper_and_a_past_one_at_once() {
        in_runtime(async {
            let mut timer = WallTimer::new(Arc::new(SystemClock::default()));
            for from_now in [200, -200] {
                let deadline = Timestamp::now() + SignedDuration::from_millis(from_now);
                timer.sleep_until(Some(deadline)).await;
                assert!(Timestamp::now() >= deadline, "{from_now} ms");
            }
            assert!(!timer.clock_changed());
        });
    }

    #[test]
    fn an_abandoned_sleep_does_not_shorten_the_next() {
        in_runtime(async {
            let mut timer = WallTimer::new(Arc::new(SystemClock::default()));
            let soon = Timestamp::now() + SignedDuration::from_millis(100);
            let abandoned = timer.sleep_until(Some(soon));
            tokio::time::timeout(Duration::from_millis(1), abandoned)
                .await
                .expect_err("the deadline is later");
            let deadline = soon + SignedDuration::from_millis(300);
            timer.sleep_until(Some(deadline)).await;
            assert!(Timestamp::now() >= deadline);
        });
    }

    #[test]
    fn a_jump_of_the_wall_clock_is_reported_once() {
        let clock = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
        let mut timer = WallTimer::new(Arc::<TestClock>::clone(&clock));
        clock.advance(Duration::from_hours(5));
        assert!(!timer.clock_changed(), "time passed");
        for by in [
            SignedDuration::from_hours(1),
            SignedDuration::from_hours(-1),
        ] {
            clock.jump(by);
            assert!(timer.clock_changed(), "{by}");
            assert!(!timer.clock_changed(), "{by}");
        }
    }

    #[test]
    fn without_a_kernel_timer_the_wall_clock_is_looked_at_in_between() {
        in_runtime(async {
            let clock = Arc::new(TestClock::new(Timestamp::UNIX_EPOCH));
            let mut timer = WallTimer::new(Arc::<TestClock>::clone(&clock));
            let due = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(50);
            let mut sleep = Box::pin(timer.sleep_until(Some(due)));
            let none = tokio::time::timeout(Duration::from_millis(1), &mut sleep).await;
            none.expect_err("half a minute has not passed");
            clock.jump(SignedDuration::from_hours(1));
            clock.advance(SHORT_SLEEP);
            sleep.await;
            assert!(timer.clock_changed());
        });
    }
}
