//! The number of connections of one listener is limited. When all permits are taken, the connection
//! that has been idle longest is closed; a connection that is idle for too long is closed, too. So
//! silent clients never keep others out.
//!
//! A request costs two stores of a clock reading; idle connections are looked for only when a permit
//! is needed, or a timeout may be over.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, sleep_until};

use super::free_memory;

/// How a connection is to be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// At once: its permit is needed, or its time is over.
    Now,
    /// After the response in progress: the listener closes.
    AfterResponse,
}

/// Stands for "idle since" while a request is being served.
const ACTIVE: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct ConnectionLimiter {
    max_connections: usize,
    idle_timeout: Duration,
    opened: Instant,
    open: Mutex<OpenConnections>,
    first_opened: Notify,
    closed: Notify,
}

#[derive(Debug, Default)]
struct OpenConnections {
    last_id: u64,
    connections: BTreeMap<u64, Connection>,
}

#[derive(Debug)]
struct Connection {
    /// Nanoseconds since the listener opened, or [`ACTIVE`].
    idle_since: Arc<AtomicU64>,
    close: Option<oneshot::Sender<Close>>,
}

impl Connection {
    fn idle_since(&self) -> u64 {
        self.idle_since.load(Ordering::Relaxed)
    }

    fn close(&mut self, how: Close) {
        if let Some(close) = self.close.take() {
            // A failed send means that it has just ended by itself.
            close.send(how).ok();
        }
    }
}

impl ConnectionLimiter {
    pub(super) fn new(max_connections: usize, idle_timeout: Duration) -> Arc<Self> {
        Arc::new(Self {
            max_connections,
            idle_timeout,
            opened: Instant::now(),
            open: Mutex::default(),
            first_opened: Notify::new(),
            closed: Notify::new(),
        })
    }

    /// A permit, and the signal to close; None if every connection is active.
    pub(super) fn acquire(self: &Arc<Self>) -> Option<(Permit, oneshot::Receiver<Close>)> {
        let mut open = self.lock();
        if open.connections.len() >= self.max_connections {
            let longest = open
                .connections
                .iter()
                .min_by_key(|(_, connection)| connection.idle_since());
            let (&id, _) = longest.filter(|(_, connection)| connection.idle_since() != ACTIVE)?;
            if let Some(mut connection) = open.connections.remove(&id) {
                connection.close(Close::Now);
            }
        }
        open.last_id += 1;
        let id = open.last_id;
        let (close, closing) = oneshot::channel();
        let idle_since = Arc::new(AtomicU64::new(self.now()));
        let connection = Connection {
            idle_since: Arc::clone(&idle_since),
            close: Some(close),
        };
        open.connections.insert(id, connection);
        if open.connections.len() == 1 {
            self.first_opened.notify_one();
        }
        let permit = Permit {
            id,
            idle_since,
            limiter: Arc::clone(self),
        };
        Some((permit, closing))
    }

    /// Closes connections that are idle for too long. Sleeps while none is open, and gives memory back
    /// before.
    pub(super) async fn close_idle(&self) {
        loop {
            let Some(next) = self.close_idle_now() else {
                free_memory::give_back();
                self.first_opened.notified().await;
                continue;
            };
            sleep_until(next).await;
        }
    }

    /// When to look again; None if no connection is open.
    fn close_idle_now(&self) -> Option<Instant> {
        let mut open = self.lock();
        let now = Instant::now();
        // A connection that is active now cannot time out sooner.
        let mut next = now + self.idle_timeout;
        for connection in open.connections.values_mut() {
            if connection.idle_since() == ACTIVE {
                continue;
            }
            let since = self.opened + Duration::from_nanos(connection.idle_since());
            let end = since + self.idle_timeout;
            if end <= now {
                connection.close(Close::Now);
            } else {
                next = next.min(end);
            }
        }
        (!open.connections.is_empty()).then_some(next)
    }

    /// Closes every connection after the response in progress.
    pub(super) fn close_all(&self) {
        for connection in self.lock().connections.values_mut() {
            connection.close(Close::AfterResponse);
        }
    }

    /// Returns when the last connection has ended.
    pub(super) async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.lock().connections.is_empty() {
                return;
            }
            closed.await;
        }
    }

    fn now(&self) -> u64 {
        let open = self.opened.elapsed().as_nanos();
        // A listener is not open for the 584 years that this would take.
        u64::try_from(open).unwrap_or(ACTIVE - 1)
    }

    fn lock(&self) -> MutexGuard<'_, OpenConnections> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to be connected, given back on drop.
#[derive(Debug)]
pub(super) struct Permit {
    id: u64,
    idle_since: Arc<AtomicU64>,
    limiter: Arc<ConnectionLimiter>,
}

impl Permit {
    /// While the returned value lives, the connection is active and is not closed.
    pub(super) fn begin_request(self: &Arc<Self>) -> ActiveRequest {
        self.idle_since.store(ACTIVE, Ordering::Relaxed);
        ActiveRequest(Arc::clone(self))
    }

    /// The connection did something now: its idle time begins anew.
    pub(super) fn touch(&self) {
        if self.idle_since.load(Ordering::Relaxed) != ACTIVE {
            self.idle_since.store(self.limiter.now(), Ordering::Relaxed);
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.limiter.lock().connections.remove(&self.id);
        self.limiter.closed.notify_waiters();
    }
}

/// A request in progress.
#[derive(Debug)]
pub(super) struct ActiveRequest(Arc<Permit>);

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        let Self(permit) = self;
        permit
            .idle_since
            .store(permit.limiter.now(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    #[test]
    fn the_connection_that_is_idle_longest_makes_room() {
        let limiter = ConnectionLimiter::new(2, LONG);
        let (first, mut close_first) = limiter.acquire().unwrap();
        let (_second, mut close_second) = limiter.acquire().unwrap();
        let first = Arc::new(first);
        drop(first.begin_request());
        let (_third, _) = limiter.acquire().unwrap();
        assert!(close_second.try_recv() == Ok(Close::Now));
        assert!(close_first.try_recv().is_err(), "the first asked last");
    }

    #[test]
    fn an_active_connection_is_not_closed_for_another() {
        let limiter = ConnectionLimiter::new(1, LONG);
        let (permit, mut close) = limiter.acquire().unwrap();
        let permit = Arc::new(permit);
        let active = permit.begin_request();
        assert!(limiter.acquire().is_none());
        assert!(close.try_recv().is_err());
        drop(active);
        assert!(limiter.acquire().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_is_closed_in_time() {
        let limiter = ConnectionLimiter::new(4, LONG);
        let (permit, mut close) = limiter.acquire().unwrap();
        let (active, mut close_active) = limiter.acquire().unwrap();
        let _active = Arc::new(active).begin_request();
        let began = Instant::now();
        tokio::select! {
            () = limiter.close_idle() => {}
            how = &mut close => assert_eq!(how, Ok(Close::Now)),
        }
        assert_eq!(began.elapsed(), LONG);
        assert!(close_active.try_recv().is_err());
        drop(permit);
    }

    #[tokio::test]
    async fn closing_waits_for_the_last_connection() {
        let limiter = ConnectionLimiter::new(4, LONG);
        let (permit, close) = limiter.acquire().unwrap();
        limiter.close_all();
        assert_eq!(close.await, Ok(Close::AfterResponse));
        tokio::join!(limiter.all_closed(), async { drop(permit) });
    }
}
