//! Everything that is no secret: one SQLite file, one thread that owns it.
//!
//! Queries that may read much (lists of events, the integrity check) run on a second, read-only
//! connection, so that no refresh waits for them on the thread.
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
pub(crate) mod rules;
mod schema;
pub(crate) mod settings;
pub(crate) mod sign_ins;
#[cfg(feature = "testing")]
pub mod testing;
pub(crate) mod token_imports;
pub(crate) mod unlogged;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use rusqlite::Connection;
use tokio::sync::{Mutex, mpsc, oneshot};
use valetkey_core::home::Home;

pub(crate) use self::migration::schema_version;
pub(crate) use self::open::Opened;
use crate::error::VaultError;

/// Jobs that may be queued; further callers wait for a place.
const MAX_QUEUED: usize = 256;

enum Job {
    Work(Box<dyn FnOnce(&mut Connection) + Send>),
    /// Closes the database and tells when it is done.
    Close(oneshot::Sender<()>),
}

/// The read-only connection.
enum Reader {
    /// Opened at first use: an agent that only hands out tokens needs none.
    NotOpen(PathBuf),
    Open(Connection),
    Closed,
}

/// Handle of the database thread and of the read-only connection.
#[derive(Clone)]
pub(crate) struct Database {
    jobs: mpsc::Sender<Job>,
    reader: Arc<Mutex<Reader>>,
}

impl Database {
    /// Starts the thread and opens the database of `home` there, creating what is missing.
    pub(crate) async fn start(home: Home) -> Result<(Self, Opened), VaultError> {
        let (jobs, mut queue) = mpsc::channel(MAX_QUEUED);
        let (opened, ready) = oneshot::channel();
        let reader = Arc::new(Mutex::new(Reader::NotOpen(home.database())));
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
        Ok((Self { jobs, reader }, report))
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

    /// Whether somebody waits for the thread.
    pub(crate) fn is_awaited(&self) -> bool {
        self.jobs.capacity() < self.jobs.max_capacity()
    }

    /// Runs a query on the read-only connection. It sees all that was committed before.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        // Taken here and not on the blocking thread: queries that wait occupy no thread.
        let mut reader = Arc::clone(&self.reader).lock_owned().await;
        let query = move || {
            if let Reader::NotOpen(path) = &*reader {
                *reader = Reader::Open(open::read_only(path)?);
            }
            match &*reader {
                Reader::Open(connection) => query(connection),
                Reader::NotOpen(_) | Reader::Closed => Err(VaultError::stopped()),
            }
        };
        tokio::task::spawn_blocking(query)
            .await
            .map_err(|_| VaultError::stopped())?
    }

    /// Ends the thread after all that was asked for before; the file is whole and released.
    pub(crate) async fn close(&self) -> Result<(), VaultError> {
        // First: the last connection that closes writes everything into one file.
        *self.reader.lock().await = Reader::Closed;
        let (closed, done) = oneshot::channel();
        self.jobs
            .send(Job::Close(closed))
            .await
            .map_err(|_| VaultError::stopped())?;
        done.await.map_err(|_| VaultError::stopped())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    async fn database() -> (tempfile::TempDir, Database) {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(&folder.path().join("home"));
        let (database, _) = Database::start(home).await.unwrap();
        (folder, database)
    }

    #[tokio::test]
    async fn a_slow_query_blocks_no_write() {
        let (_folder, database) = database().await;
        let (release, released) = mpsc::channel::<()>();
        let slow = {
            let database = database.clone();
            tokio::spawn(async move {
                let query = move |db: &Connection| {
                    let mut statement = db.prepare("SELECT key FROM settings")?;
                    let mut rows = statement.query([])?;
                    // In the middle of the table.
                    let found = rows.next()?.is_some();
                    released.recv_timeout(Duration::from_mins(1)).unwrap();
                    Ok(found)
                };
                database.read(query).await
            })
        };
        let write = database.run(|db| settings::set(db, "written", Some("meanwhile")));
        tokio::time::timeout(Duration::from_secs(30), write)
            .await
            .unwrap()
            .unwrap();
        release.send(()).unwrap();
        assert_eq!(slow.await.unwrap(), Ok(true));
        let written = database.read(|db| settings::get(db, "written")).await;
        assert_eq!(written, Ok(Some("meanwhile".to_owned())));
    }

    #[tokio::test]
    async fn the_read_only_connection_changes_nothing_and_ends_with_the_database() {
        let (_folder, database) = database().await;
        let changed = database
            .read(|db| settings::set(db, "changed", Some("yes")))
            .await;
        assert!(matches!(changed, Err(VaultError::Disk(_))), "{changed:?}");
        database.close().await.unwrap();
        let closed = database.read(|db| settings::get(db, "changed")).await;
        assert_eq!(closed, Err(VaultError::stopped()));
    }
}
