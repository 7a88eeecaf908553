//! Work that outlives its callers: refreshes, sign-ins, removals, the alarm clock.
//!
//! A stop may lose none of it, and work begets work: so the end waits until nothing is left, and in
//! the same moment closes, so that nothing can begin that nobody would wait for.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::task::JoinSet;

/// What runs now; None once it is closed.
pub(crate) struct Work(Mutex<Option<JoinSet<()>>>);

impl Default for Work {
    fn default() -> Self {
        Self(Mutex::new(Some(JoinSet::new())))
    }
}

impl Work {
    fn running(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `work` to its end. After the close it is dropped: whoever waits for it learns so.
    pub(crate) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(running) = &mut *self.running() {
            while running.try_join_next().is_some() {}
            running.spawn(work);
        }
    }

    /// Waits until nothing is left, also of what begins meanwhile, and closes.
    pub(crate) async fn end(&self) {
        while let Some(mut some) = self.take() {
            while some.join_next().await.is_some() {}
        }
    }

    /// What runs now; closes if that is nothing.
    fn take(&self) -> Option<JoinSet<()>> {
        let mut running = self.running();
        if running.as_ref().is_some_and(JoinSet::is_empty) {
            *running = None;
        }
        running.as_mut().map(std::mem::take)
    }

    /// Stops what still runs, and closes.
    pub(crate) fn close(&self) {
        *self.running() = None;
    }
}
