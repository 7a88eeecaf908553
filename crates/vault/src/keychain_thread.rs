//! The one thread that talks to the secret store: first in, first out, each call with a limit.
//!
//! The hard problem: a keychain call cannot be cancelled, and a hanging daemon must not hold up
//! anybody but those who need it. So the caller stops waiting, never the call. While a call is
//! overdue, all others fail at once ([`StoreError::Hung`]) and those still queued are not run; when
//! it ends after all, its late result is noted and the store is used again.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use crate::error::VaultError;
use crate::store::{SecretStore, StoreError};

/// Callers beyond this many wait for a place in the queue.
const QUEUE: usize = 64;

type Work = Box<dyn FnOnce(&mut dyn SecretStore) + Send>;

struct Job {
    id: u64,
    name: &'static str,
    /// Tells the caller that its time runs; a caller that has gone takes its job with it.
    started: oneshot::Sender<()>,
    work: Work,
}

/// Which call runs, and whether it is overdue.
#[derive(Debug, Default)]
struct Running {
    job: Option<u64>,
    overdue: bool,
}

/// Handle of the thread.
#[derive(Clone)]
pub(crate) struct KeychainThread {
    jobs: mpsc::Sender<Job>,
    running: watch::Sender<Running>,
    next_id: Arc<AtomicU64>,
    time_limit: Duration,
}

impl KeychainThread {
    /// Starts the thread; `open` makes the store there.
    pub(crate) async fn start(
        open: impl FnOnce() -> Result<Box<dyn SecretStore>, VaultError> + Send + 'static,
        time_limit: Duration,
    ) -> Result<Self, VaultError> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (opened, ready) = oneshot::channel();
        let running = watch::Sender::new(Running::default());
        let board = running.clone();
        thread::Builder::new()
            .name("keychain".to_owned())
            .spawn(move || {
                let store = open();
                match store {
                    Ok(store) => {
                        if opened.send(Ok(())).is_ok() {
                            serve(store, queue, &board);
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
            next_id: Arc::new(AtomicU64::new(1)),
            time_limit,
        })
    }

    /// Runs `work` on the store. After [`StoreError::Hung`] its outcome is unknown.
    pub(crate) async fn call<T: Send + 'static>(
        &self,
        name: &'static str,
        work: impl FnOnce(&mut dyn SecretStore) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (started, start) = oneshot::channel();
        let (finished, finish) = oneshot::channel();
        let work: Work = Box::new(move |store| {
            if finished.send(work(store)).is_err() {
                tracing::warn!(call = name, "keychain call ended after its caller had gone");
            }
        });
        let queued = async {
            self.jobs
                .send(Job {
                    id,
                    name,
                    started,
                    work,
                })
                .await
                .map_err(|_| stopped())?;
            start.await.map_err(|_| stopped())
        };
        tokio::select! {
            biased;
            () = self.overdue() => return Err(StoreError::Hung),
            begun = queued => begun?,
        }
        if let Ok(result) = tokio::time::timeout(self.time_limit, finish).await {
            return result.map_err(|_| stopped())?;
        }
        self.running.send_if_modified(|running| {
            let mine = running.job == Some(id);
            running.overdue |= mine;
            mine
        });
        tracing::warn!(call = name, "keychain call hangs");
        Err(StoreError::Hung)
    }

    async fn overdue(&self) {
        let mut running = self.running.subscribe();
        // An error would mean that the sender is gone, but `self` holds one.
        let _ = running.wait_for(|running| running.overdue).await;
    }
}

fn stopped() -> StoreError {
    StoreError::Broken("its thread has stopped".to_owned())
}

fn serve(
    mut store: Box<dyn SecretStore>,
    mut queue: mpsc::Receiver<Job>,
    board: &watch::Sender<Running>,
) {
    while let Some(Job {
        id,
        name,
        started,
        work,
    }) = queue.blocking_recv()
    {
        board.send_modify(|running| running.job = Some(id));
        if started.send(()).is_ok() {
            // The platform stores are other people's code; a panic there fails this call only.
            if catch_unwind(AssertUnwindSafe(|| work(&mut *store))).is_err() {
                tracing::error!(call = name, "keychain call panicked");
            }
        }
        board.send_if_modified(|running| {
            running.job = None;
            std::mem::take(&mut running.overdue)
        });
    }
}
