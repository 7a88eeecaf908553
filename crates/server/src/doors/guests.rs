//! Who is connected to a door. Seats are limited; when all are taken, whoever has sat there longest
//! without asking for anything leaves, and so does who asks for nothing for too long. So silent
//! clients never keep anyone out.
//!
//! A request costs two stores of a clock reading; whoever must leave is looked for only when a seat
//! is needed, or a time limit may be over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

/// How a guest is asked to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// At once: the seat is needed, or the time is over.
    Now,
    /// After the reply under way: the door closes.
    AfterReply,
}

/// Stands for "since when" while a guest is being served.
const SERVED: u64 = u64::MAX;

/// All guests of one door.
#[derive(Debug)]
pub(super) struct Guests {
    seats: usize,
    longest_idle: Duration,
    opened: Instant,
    present: Mutex<Present>,
    arrived: Notify,
    left: Notify,
}

#[derive(Debug, Default)]
struct Present {
    arrivals: u64,
    guests: BTreeMap<u64, Guest>,
}

#[derive(Debug)]
struct Guest {
    /// Nanoseconds since the door opened, or [`SERVED`].
    idle_since: Arc<AtomicU64>,
    leave: Option<oneshot::Sender<Leave>>,
}

impl Guest {
    fn idle_since(&self) -> u64 {
        self.idle_since.load(Ordering::Relaxed)
    }

    fn ask_to_leave(&mut self, how: Leave) {
        if let Some(leave) = self.leave.take() {
            // A failed send means that it has just left by itself.
            leave.send(how).ok();
        }
    }
}

impl Guests {
    pub(super) fn new(seats: usize, longest_idle: Duration) -> Arc<Self> {
        Arc::new(Self {
            seats,
            longest_idle,
            opened: Instant::now(),
            present: Mutex::default(),
            arrived: Notify::new(),
            left: Notify::new(),
        })
    }

    /// A seat and the word to leave; None if every guest is being served.
    pub(super) fn seat(self: &Arc<Self>) -> Option<(Seat, oneshot::Receiver<Leave>)> {
        let mut present = self.lock();
        if present.guests.len() >= self.seats {
            let longest = present
                .guests
                .iter()
                .min_by_key(|(_, guest)| guest.idle_since());
            let (&id, _) = longest.filter(|(_, guest)| guest.idle_since() != SERVED)?;
            if let Some(mut guest) = present.guests.remove(&id) {
                guest.ask_to_leave(Leave::Now);
            }
        }
        present.arrivals += 1;
        let id = present.arrivals;
        let (leave, asked_to_leave) = oneshot::channel();
        let idle_since = Arc::new(AtomicU64::new(self.now()));
        let guest = Guest {
            idle_since: Arc::clone(&idle_since),
            leave: Some(leave),
        };
        present.guests.insert(id, guest);
        if present.guests.len() == 1 {
            self.arrived.notify_one();
        }
        let seat = Seat {
            id,
            idle_since,
            guests: Arc::clone(self),
        };
        Some((seat, asked_to_leave))
    }

    /// Sends away who asks for nothing for too long. Sleeps while nobody is there.
    pub(super) async fn watch(&self) {
        loop {
            let Some(next) = self.send_idle_away() else {
                self.arrived.notified().await;
                continue;
            };
            sleep_until(next).await;
        }
    }

    /// When to look again; None if nobody is there.
    fn send_idle_away(&self) -> Option<Instant> {
        let mut present = self.lock();
        let now = Instant::now();
        // One who is being served now can be over its time no sooner.
        let mut next = now + self.longest_idle;
        for guest in present.guests.values_mut() {
            if guest.idle_since() == SERVED {
                continue;
            }
            let since = self.opened + Duration::from_nanos(guest.idle_since());
            let end = since + self.longest_idle;
            if end <= now {
                guest.ask_to_leave(Leave::Now);
            } else {
                next = next.min(end);
            }
        }
        (!present.guests.is_empty()).then_some(next)
    }

    /// Asks everyone to leave after the reply under way.
    pub(super) fn close(&self) {
        for guest in self.lock().guests.values_mut() {
            guest.ask_to_leave(Leave::AfterReply);
        }
    }

    /// Returns when the last guest has left.
    pub(super) async fn all_left(&self) {
        loop {
            let left = self.left.notified();
            if self.lock().guests.is_empty() {
                return;
            }
            left.await;
        }
    }

    fn now(&self) -> u64 {
        let open = self.opened.elapsed().as_nanos();
        // A door is not open for the 584 years that this would take.
        u64::try_from(open).unwrap_or(SERVED - 1)
    }

    fn lock(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place at the door, given up when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    id: u64,
    idle_since: Arc<AtomicU64>,
    guests: Arc<Guests>,
}

impl Seat {
    /// While the returned value lives, this guest is being served and keeps the seat.
    pub(super) fn serve(self: &Arc<Self>) -> Served {
        self.idle_since.store(SERVED, Ordering::Relaxed);
        Served(Arc::clone(self))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.guests.lock().guests.remove(&self.id);
        self.guests.left.notify_waiters();
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Served(Arc<Seat>);

impl Drop for Served {
    fn drop(&mut self) {
        let Self(seat) = self;
        seat.idle_since.store(seat.guests.now(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn the_longest_idle_guest_makes_room() {
        let guests = Guests::new(2, LONG);
        let (first, mut first_leaves) = guests.seat().unwrap();
        let (_second, mut second_leaves) = guests.seat().unwrap();
        let first = Arc::new(first);
        drop(first.serve());
        let (_third, _) = guests.seat().unwrap();
        assert!(second_leaves.try_recv() == Ok(Leave::Now));
        assert!(first_leaves.try_recv().is_err(), "the first asked last");
    }

    #[test]
    fn nobody_who_is_being_served_makes_room() {
        let guests = Guests::new(1, LONG);
        let (seat, mut leaves) = guests.seat().unwrap();
        let seat = Arc::new(seat);
        let served = seat.serve();
        assert!(guests.seat().is_none());
        assert!(leaves.try_recv().is_err());
        drop(served);
        assert!(guests.seat().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_nothing_is_sent_away_in_time() {
        let guests = Guests::new(4, LONG);
        let (seat, mut leaves) = guests.seat().unwrap();
        let (served, mut served_leaves) = guests.seat().unwrap();
        let _served = Arc::new(served).serve();
        let began = Instant::now();
        tokio::select! {
            () = guests.watch() => {}
            left = &mut leaves => assert_eq!(left, Ok(Leave::Now)),
        }
        assert_eq!(began.elapsed(), LONG);
        assert!(served_leaves.try_recv().is_err());
        drop(seat);
    }

    #[tokio::test]
    async fn closing_waits_for_the_last_guest() {
        let guests = Guests::new(4, LONG);
        let (seat, leaves) = guests.seat().unwrap();
        guests.close();
        assert_eq!(leaves.await, Ok(Leave::AfterReply));
        tokio::join!(guests.all_left(), async { drop(seat) });
    }
}
