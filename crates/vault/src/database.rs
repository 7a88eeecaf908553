//! Everything that is no secret: one SQLite file, one thread that owns it.
//!
//! Each table has a module with its rows, its statements and its migrations.

pub(crate) mod authenticators;
pub(crate) mod client_keys;
mod column;
pub(crate) mod connections;
pub(crate) mod events;
mod migration;
mod open;
pub(crate) mod profiles;
pub(crate) mod settings;
pub(crate) mod sign_ins;

use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};
use valetkey_core::home::Home;

pub(crate) use self::migration::schema_version;
pub(crate) use self::open::Opened;
use crate::error::VaultError;

/// Callers beyond this many wait for a place in the queue.
const QUEUE: usize = 256;

enum Job {
    Work(Box<dyn FnOnce(&mut Connection) + Send>),
    /// Closes the database and tells when it is done.
    Close(oneshot::Sender<()>),
}

/// Handle of the database thread.
#[derive(Clone)]
pub(crate) struct Database {
    jobs: mpsc::Sender<Job>,
}

impl Database {
    /// Starts the thread and opens the database of `home` there, creating what is missing.
    pub(crate) async fn start(home: Home) -> Result<(Self, Opened), VaultError> {
        let (jobs, mut queue) = mpsc::channel(QUEUE);
        let (opened, ready) = oneshot::channel();
        thread::Builder::new()
            .name("database".to_owned())
            .spawn(move || {
                let mut connection = match open::open(&home) {
                    Ok((connection, report)) => {
                        // Nobody waits any more: then nobody sends jobs either.
                        drop(opened.send(Ok(report)));
                        connection
                    }
                    Err(error) => return drop(opened.send(Err(error))),
                };
                loop {
                    match queue.blocking_recv() {
                        Some(Job::Work(work)) => work(&mut connection),
                        Some(Job::Close(closed)) => {
                            drop(connection);
                            let _ = closed.send(());
                            return;
                        }
                        None => return,
                    }
                }
            })
            .map_err(|error| VaultError::Bug(format!("no database thread: {error}")))?;
        let report = ready.await.map_err(|_| VaultError::stopped())??;
        Ok((Self { jobs }, report))
    }

    /// Runs `work` on the database thread. It runs to its end even if the caller goes away.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (finished, finish) = oneshot::channel();
        let job = Job::Work(Box::new(move |connection| {
            // A caller that has gone does not need the result; the work itself is done.
            drop(finished.send(work(connection)));
        }));
        self.jobs
            .send(job)
            .await
            .map_err(|_| VaultError::stopped())?;
        finish.await.map_err(|_| VaultError::stopped())?
    }

    /// Ends the thread after all that was asked for before; the file is whole and released.
    pub(crate) async fn close(&self) -> Result<(), VaultError> {
        let (closed, done) = oneshot::channel();
        self.jobs
            .send(Job::Close(closed))
            .await
            .map_err(|_| VaultError::stopped())?;
        done.await.map_err(|_| VaultError::stopped())
    }
}
