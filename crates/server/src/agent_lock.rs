//! One agent per user and home: the process that holds the lock on the lock file.
//!
//! The kernel drops the lock with its process, so a lock is never stale; only the socket and
//! `endpoint.json` can be, and the holder of the lock may replace them.

use std::fs::{File, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use valetkey_api::core::home::Home;

use crate::private_files::{private_dir, private_file};

const TRIES: u32 = 5;
const RETRY_AFTER: Duration = Duration::from_millis(5);

/// The right to be the agent of a home, until dropped.
#[derive(Debug)]
pub struct AgentLock {
    #[expect(dead_code, reason = "the lock lives as long as the open file")]
    file: File,
}

/// The lock cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// An agent runs.
    #[error("an agent already runs for this home{}", .pid.map_or(String::new(), |pid| format!(" (process {pid})")))]
    Held {
        /// Its process, as far as the lock file tells.
        pid: Option<u32>,
    },
    /// The folder or file could not be made.
    #[error("`{}` cannot be used: {error}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

impl AgentLock {
    /// Takes the lock of `home`.
    pub fn take(home: &Home) -> Result<Self, LockError> {
        let path = home.lock();
        let unusable = |error| LockError::Unusable {
            path: path.clone(),
            error,
        };
        private_dir(&home.data).map_err(unusable)?;
        let file = private_file(&path).map_err(unusable)?;
        let mut tries = 1;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // `valetkey stop` has it for a moment to see whether it is free.
                Err(TryLockError::WouldBlock) if tries < TRIES => {
                    tries += 1;
                    thread::sleep(RETRY_AFTER);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(LockError::Held {
                        pid: read_pid(&file),
                    });
                }
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        write_pid(&file).map_err(unusable)?;
        Ok(Self { file })
    }
}

fn read_pid(file: &File) -> Option<u32> {
    let mut text = String::new();
    file.take(16).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

fn write_pid(mut file: &File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_agent_is_told_who_runs() {
        let tmp = tempfile::tempdir().unwrap();
        let home = Home::at(tmp.path());
        let first = AgentLock::take(&home).unwrap();
        let refused = AgentLock::take(&home).unwrap_err().to_string();
        let own = std::process::id();
        assert_eq!(
            refused,
            format!("an agent already runs for this home (process {own})")
        );
        drop(first);
        assert!(
            AgentLock::take(&home).is_ok(),
            "a lock ends with its holder"
        );
    }
}
