//! Who is connected to a door. Seats are limited; when all are taken, whoever has sat there longest
//! without asking for anything leaves. So silent clients never keep anyone out.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

/// How a guest is asked to leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// At once: the seat is needed.
    Now,
    /// After the reply under way: the door closes.
    AfterReply,
}

/// All guests of one door.
#[derive(Debug)]
pub(super) struct Guests {
    seats: usize,
    state: Mutex<State>,
    left: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Counts arrivals and finished requests: smaller is longer ago.
    turn: u64,
    present: HashMap<u64, Present>,
    /// `(turn, guest)` of those who wait for nothing, the longest first.
    idle: BTreeSet<(u64, u64)>,
}

#[derive(Debug)]
struct Present {
    leave: Option<oneshot::Sender<Leave>>,
    idle_since: Option<u64>,
}

impl Guests {
    pub(super) fn new(seats: usize) -> Arc<Self> {
        Arc::new(Self {
            seats,
            state: Mutex::default(),
            left: Notify::new(),
        })
    }

    /// A seat and the word to leave; None if every guest is being served.
    pub(super) fn seat(self: &Arc<Self>) -> Option<(Seat, oneshot::Receiver<Leave>)> {
        let mut state = self.lock();
        if state.present.len() >= self.seats {
            let &(turn, longest) = state.idle.first()?;
            state.idle.remove(&(turn, longest));
            if let Some(Present {
                leave: Some(leave), ..
            }) = state.present.remove(&longest)
            {
                // A failed send means that it has just left by itself.
                leave.send(Leave::Now).ok();
            }
        }
        let (leave, asked_to_leave) = oneshot::channel();
        let guest = state.next_turn();
        state.present.insert(
            guest,
            Present {
                leave: Some(leave),
                idle_since: None,
            },
        );
        state.sit_idle(guest);
        let seat = Seat {
            guest,
            guests: Arc::clone(self),
        };
        Some((seat, asked_to_leave))
    }

    /// Asks everyone to leave after the reply under way.
    pub(super) fn close(&self) {
        for present in self.lock().present.values_mut() {
            if let Some(leave) = present.leave.take() {
                leave.send(Leave::AfterReply).ok();
            }
        }
    }

    /// Returns when the last guest has left.
    pub(super) async fn all_left(&self) {
        loop {
            let left = self.left.notified();
            if self.lock().present.is_empty() {
                return;
            }
            left.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next_turn(&mut self) -> u64 {
        self.turn += 1;
        self.turn
    }

    fn sit_idle(&mut self, guest: u64) {
        let turn = self.next_turn();
        if let Some(present) = self.present.get_mut(&guest) {
            present.idle_since = Some(turn);
            self.idle.insert((turn, guest));
        }
    }

    fn rise(&mut self, guest: u64) {
        if let Some(present) = self.present.get_mut(&guest)
            && let Some(turn) = present.idle_since.take()
        {
            self.idle.remove(&(turn, guest));
        }
    }
}

/// A place at the door, given up when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    guest: u64,
    guests: Arc<Guests>,
}

impl Seat {
    /// While the returned value lives, this guest is being served and keeps the seat.
    pub(super) fn serve(self: &Arc<Self>) -> Served {
        self.guests.lock().rise(self.guest);
        Served(Arc::clone(self))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut state = self.guests.lock();
        state.rise(self.guest);
        state.present.remove(&self.guest);
        drop(state);
        self.guests.left.notify_waiters();
    }
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Served(Arc<Seat>);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.guests.lock().sit_idle(self.0.guest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_idle_guest_makes_room() {
        let guests = Guests::new(2);
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
        let guests = Guests::new(1);
        let (seat, mut leaves) = guests.seat().unwrap();
        let seat = Arc::new(seat);
        let served = seat.serve();
        assert!(guests.seat().is_none());
        assert!(leaves.try_recv().is_err());
        drop(served);
        assert!(guests.seat().is_some());
    }

    #[tokio::test]
    async fn closing_waits_for_the_last_guest() {
        let guests = Guests::new(4);
        let (seat, leaves) = guests.seat().unwrap();
        guests.close();
        assert_eq!(leaves.await, Ok(Leave::AfterReply));
        tokio::join!(guests.all_left(), async { drop(seat) });
    }
}
