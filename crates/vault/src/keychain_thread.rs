//! The one thread that talks to the secret store: first in, first out, each call with a limit.
//!
//! The hard problem: a keychain call cannot be cancelled, and a hanging daemon must not hold up
//! anybody but those who need it. So the caller stops waiting, never the call. While a call is
//! overdue, all others fail at once ([`StoreError::Hung`]) and those still queued are not run; when
//! it ends after all, its late result is noted and the store is used again. The thread says since when
//! a call runs, and everyone who waits reads that clock: no caller who goes away takes it along.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot, watch};

use crate::error::{StoreError, VaultError};
use crate::secret_store::SecretStore;

/// Jobs that may be queued; further callers wait for a place.
const MAX_QUEUED: usize = 64;

type Work = Box<dyn FnOnce(&mut dyn SecretStore) + Send>;

struct Job {
    name: &'static str,
    /// Dropped by a caller that has gone: then the call is not begun.
    wanted: oneshot::Sender<()>,
    work: Work,
}

/// Since when a call runs; None between calls.
type RunningSince = watch::Sender<Option<Instant>>;

/// Handle of the thread.
#[derive(Clone)]
pub(crate) struct KeychainThread {
    jobs: mpsc::Sender<Job>,
    running: RunningSince,
    time_limit: Duration,
}

impl KeychainThread {
    /// Starts the thread; `open` makes the store there.
    pub(crate) async fn start(
        open: impl FnOnce() -> Result<Box<dyn SecretStore>, VaultError> + Send + 'static,
        time_limit: Duration,
    ) -> Result<Self, VaultError> {
        let (jobs, queue) = mpsc::channel(MAX_QUEUED);
        let (opened, ready) = oneshot::channel();
        let running = RunningSince::new(None);
        let running_since = running.clone();
        thread::Builder::new()
            .name("keychain".to_owned())
            .spawn(move || {
                let store = open();
                match store {
                    Ok(store) => {
                        if opened.send(Ok(())).is_ok() {
                            serve(store, queue, &running_since);
                        }
                    }
                    // The opener was dropped meanwhile: nobody to tell.
                    Err(error) => drop(opened.send(Err(error))),
                }
            })
            .map_err(|error| VaultError::Bug(format!("no keychain thread: {error}")))?;
        ready.await.map_err(|_| VaultError::stopped())??;
        Ok(Self {
            jobs,
            running,
            time_limit,
        })
    }

    /// Runs `work` on the store. After [`StoreError::Hung`] its outcome is unknown.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut dyn SecretStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let since = *self.running.borrow();
        if since.is_some_and(|since| since.elapsed() >= self.time_limit) {
            return Err(StoreError::Hung);
        }
        let (wanted, begun) = oneshot::channel();
        let (finished, finish) = oneshot::channel();
        let work: Work = Box::new(move |store| {
            if finished.send(work(store)).is_err() {
                tracing::warn!(call = name, "keychain call ended after its caller had gone");
            }
        });
        let done = async {
            let job = Job { name, wanted, work };
            self.jobs.send(job).await.map_err(|_| stopped())?;
            begun.await.map_err(|_| stopped())?;
            finish.await.map_err(|_| stopped())?
        };
        tokio::select! {
            biased;
            result = done => result,
            () = self.overdue() => {
                tracing::warn!(call = name, "the keychain hangs");
                Err(StoreError::Hung)
            }
        }
    }

    /// Returns once the call that runs, whoever's it is, has taken too long.
    async fn overdue(&self) {
        let mut running = self.running.subscribe();
        loop {
            let since = *running.borrow_and_update();
            let limit = async {
                match since {
                    Some(since) => tokio::time::sleep_until((since + self.time_limit).into()).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                // Cannot fail: `self` holds a sender.
                _ = running.changed() => {}
                () = limit => return,
            }
        }
    }
}

fn stopped() -> StoreError {
    StoreError::Broken("its thread has stopped".to_owned())
}

fn serve(mut store: Box<dyn SecretStore>, mut queue: mpsc::Receiver<Job>, running: &RunningSince) {
    while let Some(Job { name, wanted, work }) = queue.blocking_recv() {
        running.send_replace(Some(Instant::now()));
        if wanted.send(()).is_ok() {
            // The platform stores are other people's code; where panics unwind (not in a release
            // build, which ends and starts anew), one there fails this call only.
            if catch_unwind(AssertUnwindSafe(|| work(&mut *store))).is_err() {
                tracing::error!(call = name, "keychain call panicked");
            }
        }
        running.send_replace(None);
    }
}
