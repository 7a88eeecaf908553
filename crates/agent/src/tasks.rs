//! Work that runs to its end whether or not its caller still waits: refreshes, sign-ins, every
//! change, the scheduler.
//!
//! Tasks start further tasks, and a stop waits for all of them: [`Tasks::drain`] closes at the moment
//! when none is left, so that no task starts after it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// The running tasks; None once closed.
pub(crate) struct Tasks(Mutex<Option<JoinSet<()>>>);

impl Default for Tasks {
    fn default() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }
}

impl Tasks {
    fn running(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts `work`, which runs to its end. The receiver may be dropped; it fails if the work was
    /// not started because of the stop, or was aborted by it.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> oneshot::Receiver<T> {
        let (sender, receiver) = oneshot::channel();
        if let Some(running) = &mut *self.running() {
            while running.try_join_next().is_some() {}
            running.spawn(async move {
                // Fails if the caller no longer waits.
                let _ = sender.send(work.await);
            });
        }
        receiver
    }

    /// Waits until no task is left, including those that begin meanwhile, and closes.
    pub(crate) async fn drain(&self) {
        while let Some(mut tasks) = self.take() {
            while tasks.join_next().await.is_some() {}
        }
    }

    /// The running tasks; closes if there are none.
    fn take(&self) -> Option<JoinSet<()>> {
        let mut running = self.running();
        if running.as_ref().is_some_and(JoinSet::is_empty) {
            *running = None;
        }
        running.as_mut().map(std::mem::take)
    }

    /// Aborts all running tasks, and closes.
    pub(crate) fn close(&self) {
        *self.running() = None;
    }
}
