//! Work that runs to its end whether or not its caller still waits: refreshes, sign-ins, every
//! change, the scheduler.
//!
//! A stop may lose none of it, and work begins further work: so [`Tasks::drain`] waits until nothing
//! is left, and closes in the same moment, so that nothing can begin that nobody would wait for.

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
                // The caller may have hung up.
                let _ = sender.send(work.await);
            });
        }
        receiver
    }

    /// Waits until no task is left, including those that begin meanwhile, and closes.
    pub(crate) async fn drain(&self) {
        while let Some(mut some) = self.take() {
            while some.join_next().await.is_some() {}
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

    /// Aborts what still runs, and closes.
    pub(crate) fn close(&self) {
        *self.running() = None;
    }
}
