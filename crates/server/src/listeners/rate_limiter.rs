//! The rate limit of a client: of a program at the socket, of a key at the loopback listener. A program
//! that asks in an endless loop then takes no time from others.
//!
//! A token bucket, kept as the one instant at which it is full again (the generic cell rate algorithm),
//! so that a request costs one atomic operation and no lock. A connection at the socket looks its client
//! up once; a client keeps its bucket when it connects anew.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Clients that are remembered. One whose bucket is full again is forgotten first.
const MAX_CLIENTS: usize = 1024;
/// A client that is refused is logged at most this often.
const LOGGED_EVERY: Duration = Duration::from_mins(1);

/// How many requests a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// In the long run.
    pub per_second: u32,
    /// At once, after a pause.
    pub burst: u32,
}

impl Rate {
    /// Seconds of requests that may come at once.
    const BURST_SECONDS: u32 = 10;

    /// So many in the long run, and those of ten seconds at once.
    pub const fn per_second(per_second: u32) -> Self {
        Self {
            per_second,
            burst: per_second.saturating_mul(Self::BURST_SECONDS),
        }
    }

    fn interval(self) -> u64 {
        1_000_000_000 / u64::from(self.per_second.max(1))
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::per_second(1000)
    }
}

/// A client sends too many requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooMany {
    /// When the next one is served.
    pub(super) retry_after: Duration,
    /// Whether it is time to log it.
    pub(super) log: bool,
}

/// The buckets of the clients of one listener.
#[derive(Debug)]
pub(super) struct RateLimiter<K> {
    rate: Rate,
    began: Instant,
    clients: Mutex<HashMap<K, Arc<Bucket>>>,
}

/// The requests of one client.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: Rate,
    began: Instant,
    /// When it is full, in nanoseconds since `began`.
    full_at: AtomicU64,
    /// When a refusal may be logged again.
    log_at: AtomicU64,
}

impl<K: Hash + Eq> RateLimiter<K> {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            began: Instant::now(),
            clients: Mutex::default(),
        }
    }

    /// The bucket of a client.
    pub(super) fn bucket(&self, client: K) -> Arc<Bucket> {
        let mut clients = self.clients.lock().unwrap_or_else(PoisonError::into_inner);
        if clients.len() >= MAX_CLIENTS && !clients.contains_key(&client) {
            make_room(&mut clients, nanoseconds(self.began.elapsed()));
        }
        match clients.entry(client) {
            Entry::Occupied(known) => Arc::clone(known.get()),
            Entry::Vacant(new) => {
                let bucket = Bucket::new(self.rate, self.began);
                Arc::clone(new.insert(Arc::new(bucket)))
            }
        }
    }
}

/// Forgets all whose bucket is full; if there is none, half of the others.
fn make_room<K: Hash + Eq>(clients: &mut HashMap<K, Arc<Bucket>>, now: u64) {
    clients.retain(|_, bucket| bucket.full_at.load(Ordering::Relaxed) > now);
    if clients.len() >= MAX_CLIENTS {
        let mut number = 0;
        clients.retain(|_, _| {
            number += 1;
            number % 2 == 0
        });
    }
}

impl Bucket {
    fn new(rate: Rate, began: Instant) -> Self {
        Self {
            rate,
            began,
            full_at: AtomicU64::new(0),
            log_at: AtomicU64::new(0),
        }
    }

    /// Counts a request.
    pub(super) fn take(&self) -> Result<(), TooMany> {
        self.take_at(nanoseconds(self.began.elapsed()))
    }

    fn take_at(&self, now: u64) -> Result<(), TooMany> {
        let interval = self.rate.interval();
        let most = now + interval * u64::from(self.rate.burst.max(1));
        let after = |full_at: u64| full_at.max(now) + interval;
        let taken = self
            .full_at
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full_at| {
                Some(after(full_at)).filter(|full_at| *full_at <= most)
            });
        let Err(full_at) = taken else {
            return Ok(());
        };
        let log_at = self.log_at.load(Ordering::Relaxed);
        let next = now + nanoseconds(LOGGED_EVERY);
        let log = log_at <= now
            && self
                .log_at
                .compare_exchange(log_at, next, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        Err(TooMany {
            retry_after: Duration::from_nanos(after(full_at) - most),
            log,
        })
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn bucket(per_second: u32, burst: u32) -> Bucket {
        Bucket::new(Rate { per_second, burst }, Instant::now())
    }

    #[test]
    fn a_burst_is_served_and_then_the_rate() {
        let bucket = bucket(10, 20);
        for _ in 0..20 {
            assert_eq!(bucket.take_at(5 * SECOND), Ok(()));
        }
        let refused = bucket.take_at(5 * SECOND).unwrap_err();
        assert_eq!(refused.retry_after, Duration::from_millis(100));
        assert_eq!(bucket.take_at(5 * SECOND + SECOND / 10), Ok(()));
        assert!(bucket.take_at(5 * SECOND + SECOND / 10).is_err());
        let served = (0..100).filter(|_| bucket.take_at(6 * SECOND).is_ok());
        assert_eq!(served.count(), 9, "a refused request costs nothing");
        let served = (0..100).filter(|_| bucket.take_at(60 * SECOND).is_ok());
        assert_eq!(served.count(), 20, "never more than the burst");
    }

    #[test]
    fn a_client_that_is_refused_is_logged_once_a_minute() {
        let bucket = bucket(1, 1);
        let logged = |seconds: u64| {
            let at = (0..100).map(|part| seconds * SECOND + part);
            at.filter(|now| bucket.take_at(*now).is_err_and(|refused| refused.log))
                .count()
        };
        let each_second: Vec<usize> = (0..130).map(logged).collect();
        assert_eq!(each_second.iter().sum::<usize>(), 3, "{each_second:?}");
    }

    #[test]
    fn a_client_keeps_its_bucket_and_others_have_their_own() {
        let limiter = RateLimiter::new(Rate {
            per_second: 1,
            burst: 2,
        });
        assert!(limiter.bucket("a").take().is_ok());
        assert!(limiter.bucket("a").take().is_ok());
        assert!(limiter.bucket("a").take().is_err());
        assert!(limiter.bucket("b").take().is_ok());
    }

    #[test]
    fn clients_that_send_nothing_are_forgotten_and_busy_ones_are_not() {
        let limiter = RateLimiter::new(Rate {
            per_second: 1,
            burst: 1,
        });
        assert!(limiter.bucket(0).take().is_ok());
        for client in 1..=10 * MAX_CLIENTS {
            limiter.bucket(client);
        }
        assert!(limiter.clients.lock().unwrap().len() <= MAX_CLIENTS);
        assert!(limiter.bucket(0).take().is_err());
        for client in 1..=10 * MAX_CLIENTS {
            limiter.bucket(client).take().ok();
        }
        assert!(limiter.clients.lock().unwrap().len() <= MAX_CLIENTS);
    }
}
