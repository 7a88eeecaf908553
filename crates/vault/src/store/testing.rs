//! A store whose faults can be switched on: for the tests of everything above the vault.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use zeroize::Zeroizing;

use super::{MemoryStore, StoreOpener};
use crate::error::StoreError;
use crate::secret_store::{ItemName, SecretStore};

/// What is wrong with the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// Every call is refused until it is unlocked.
    Locked,
    /// Every call is refused by the person.
    Denied,
    /// There is no store.
    Unavailable,
    /// Calls wait until the fault is cleared, and are done then.
    Hang,
    /// As [`Self::Hang`], from the next write on.
    HangAtWrite,
    /// The next write fails and writes nothing; then the fault is gone.
    FailNextWrite,
    /// The next write is done but reports a failure; then the fault is gone.
    WriteThenFail,
    /// Writes fail and write nothing.
    FailWrites,
    /// Deletions fail and delete nothing.
    FailDeletes,
}

#[derive(Default)]
struct Inner {
    items: MemoryStore,
    fault: Fault,
    reads: usize,
    writes: usize,
    hanging: bool,
}

/// A memory store that all its clones share, so that it outlives the vaults that it is opened for.
#[derive(Clone, Default)]
pub struct TestStore(Arc<(Mutex<Inner>, Condvar)>);

impl TestStore {
    /// Opens this store for a vault.
    pub fn opener(&self) -> StoreOpener {
        let store = self.clone();
        StoreOpener::new(move |_, _| Ok(Box::new(store)))
    }

    /// Switches to another fault; [`Fault::None`] ends it.
    pub fn set(&self, fault: Fault) {
        self.lock().fault = fault;
        self.0.1.notify_all();
    }

    /// The content of an item, past all faults.
    pub fn item(&self, item: ItemName) -> Option<Vec<u8>> {
        let read = self.lock().items.read(&item).expect("memory does not fail");
        read.map(|value| value.to_vec())
    }

    /// All items but that of the audit log, past all faults.
    pub fn items(&self) -> Vec<ItemName> {
        let mut items = self.lock().items.list().expect("memory does not fail");
        items.retain(|item| *item != ItemName::AuditLog);
        items
    }

    /// Changes an item behind the vault's back; None deletes it.
    pub fn tamper(&self, item: ItemName, value: Option<&[u8]>) {
        let mut inner = self.lock();
        match value {
            Some(value) => inner.items.write(&item, value),
            None => inner.items.delete(&item),
        }
        .expect("memory does not fail");
    }

    /// How many reads were asked for, but of the audit log's item.
    pub fn reads(&self) -> usize {
        self.lock().reads
    }

    /// How many writes were asked for, but of the audit log's item.
    pub fn writes(&self) -> usize {
        self.lock().writes
    }

    /// Whether a call hangs.
    pub fn is_hanging(&self) -> bool {
        self.lock().hanging
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self) -> Result<MutexGuard<'_, Inner>, StoreError> {
        let why = || "test".to_owned();
        let hangs = |inner: &mut Inner| {
            inner.hanging = inner.fault == Fault::Hang;
            inner.hanging
        };
        let inner = self
            .0
            .1
            .wait_while(self.lock(), hangs)
            .unwrap_or_else(PoisonError::into_inner);
        match inner.fault {
            Fault::Locked => Err(StoreError::Locked(why())),
            Fault::Denied => Err(StoreError::Denied(why())),
            Fault::Unavailable => Err(StoreError::Unavailable(why())),
            Fault::None
            | Fault::Hang
            | Fault::HangAtWrite
            | Fault::FailNextWrite
            | Fault::WriteThenFail
            | Fault::FailWrites
            | Fault::FailDeletes => Ok(inner),
        }
    }
}

impl SecretStore for TestStore {
    fn check(&mut self) -> Result<(), StoreError> {
        self.enter().map(|_| ())
    }

    fn read(&mut self, item: &ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let mut inner = self.enter()?;
        inner.reads += usize::from(*item != ItemName::AuditLog);
        inner.items.read(item)
    }

    fn write(&mut self, item: &ItemName, value: &[u8]) -> Result<(), StoreError> {
        // The log writes its item at times of its own: faults of one write are meant for logins.
        let is_login = *item != ItemName::AuditLog;
        {
            let mut inner = self.lock();
            if inner.fault == Fault::HangAtWrite && is_login {
                inner.fault = Fault::Hang;
            }
        }
        let mut inner = self.enter()?;
        inner.writes += usize::from(is_login);
        let failed = Err(StoreError::Broken("test".to_owned()));
        match inner.fault {
            Fault::FailNextWrite | Fault::WriteThenFail if !is_login => {}
            Fault::FailNextWrite => {
                inner.fault = Fault::None;
                return failed;
            }
            Fault::FailWrites => return failed,
            Fault::WriteThenFail => {
                inner.fault = Fault::None;
                inner.items.write(item, value)?;
                return failed;
            }
            Fault::None
            | Fault::Hang
            | Fault::Locked
            | Fault::Denied
            | Fault::Unavailable
            | Fault::HangAtWrite
            | Fault::FailDeletes => {}
        }
        inner.items.write(item, value)
    }

    fn delete(&mut self, item: &ItemName) -> Result<(), StoreError> {
        let mut inner = self.enter()?;
        if inner.fault == Fault::FailDeletes {
            return Err(StoreError::Broken("test".to_owned()));
        }
        inner.items.delete(item)
    }

    fn list(&mut self) -> Result<Vec<ItemName>, StoreError> {
        self.enter()?.items.list()
    }
}
