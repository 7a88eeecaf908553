//! The handle of one home's vault.

mod audit_log;
pub mod authenticators;
pub mod grants;
pub mod reconcile;
mod rows;
mod token_imports;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;
use valetkey_core::connection::Connection;
use valetkey_core::home::Home;
use zeroize::Zeroizing;

use self::audit_log::{Anchor, SharedChain};
use crate::database::{Database, Opened, schema_version, settings};
use crate::error::{StoreError, VaultError};
use crate::keychain_thread::KeychainThread;
use crate::secret_store::{ItemName, SecretStore};
use crate::store::{StoreChoice, StoreOpener};
use crate::vault_id::VaultId;

/// Keychain and database of one home. Cheap to clone; both threads end with the last handle.
#[derive(Clone)]
pub struct Vault {
    keychain: KeychainThread,
    database: Database,
    shared: Arc<Shared>,
}

struct Shared {
    vault_id: VaultId,
    moved_aside: Option<PathBuf>,
    /// Whether items without rows are still to be looked for.
    must_list_items: AtomicBool,
    /// Rows that the start found half-way; None before the first reconciliation.
    interrupted: Mutex<Option<Vec<Connection>>>,
    /// Held by operations that write an item and its row, so that a removal never runs between
    /// the two. The keychain does one thing at a time anyway.
    write_lock: tokio::sync::Mutex<()>,
    /// Held by a reconciliation; locked before `write_lock`.
    reconciling: tokio::sync::Mutex<()>,
    /// What the keychain knows of the audit log; None until it was asked. Held while it changes, or
    /// while the log must not lose lines; locked before `chain`.
    anchor: tokio::sync::Mutex<Option<Anchor>>,
    /// Locked on the database's thread only.
    chain: SharedChain,
    is_store_temporary: bool,
}

/// The steps of [`Vault::probe_store`], in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProbeStep {
    /// Writing the item.
    Write,
    /// Reading it back.
    Read,
    /// Deleting it.
    Delete,
}

/// Versions for `doctor`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versions {
    /// Of the database's tables.
    pub schema: u32,
    /// Of the SQLite library.
    pub sqlite: &'static str,
}

impl Vault {
    /// Opens the vault of `home`: creates what is missing, migrates the database, opens the store.
    ///
    /// A keychain that is locked or missing is no error here; [`Self::check_store`] tells.
    pub async fn open(home: &Home, store: impl Into<StoreOpener>) -> Result<Self, VaultError> {
        let (database, opened) = Database::start(home.clone()).await?;
        let Opened {
            vault_id,
            must_list_items,
            moved_aside,
        } = opened;
        let StoreOpener {
            open,
            kind,
            time_limit,
        } = store.into();
        if let Some(kind) = kind {
            database
                .run(move |db| settings::keep_to_store(db, kind))
                .await?;
        }
        let home = home.clone();
        let keychain = KeychainThread::start(move || open(&home, &vault_id), time_limit).await?;
        let shared = Shared {
            vault_id,
            moved_aside,
            must_list_items: AtomicBool::new(must_list_items),
            interrupted: Mutex::new(None),
            write_lock: tokio::sync::Mutex::new(()),
            reconciling: tokio::sync::Mutex::new(()),
            anchor: tokio::sync::Mutex::new(None),
            chain: SharedChain::default(),
            is_store_temporary: kind == Some(StoreChoice::Memory.as_str()),
        };
        Ok(Self {
            keychain,
            database,
            shared: Arc::new(shared),
        })
    }

    /// Closes the database after all that was asked for before; no handle can be used afterwards.
    /// Dropping the last handle does the same, but nobody can wait for it.
    pub async fn close(&self) -> Result<(), VaultError> {
        self.database.close().await
    }

    /// Names this home in the keychain.
    pub fn vault_id(&self) -> VaultId {
        self.shared.vault_id
    }

    /// Where a file that was no database was moved at this start.
    pub fn moved_aside(&self) -> Option<&Path> {
        self.shared.moved_aside.as_deref()
    }

    /// Whether the secret store is reachable and unlocked. Never raises a prompt.
    pub async fn check_store(&self) -> Result<(), StoreError> {
        self.keychain.call("check", SecretStore::check).await
    }

    /// Writes, reads and deletes a probe item: whether the secret store really works, else at which
    /// step it does not.
    pub async fn probe_store(&self) -> Result<(), (ProbeStep, StoreError)> {
        let probe = ItemName::Probe(Uuid::new_v4());
        let value = Zeroizing::new(Uuid::new_v4().into_bytes().to_vec());
        // Shared, because a call that hangs cannot say where.
        let step = Arc::new(Mutex::new(ProbeStep::Write));
        let at = Arc::clone(&step);
        let work = move |store: &mut dyn SecretStore| {
            let begin = |step| *at.lock().unwrap_or_else(PoisonError::into_inner) = step;
            store.check()?;
            store.write(&probe, &value)?;
            begin(ProbeStep::Read);
            let read = store.read(&probe).and_then(|read| {
                let same = read.is_some_and(|read| *read == *value);
                let differs = "an item read back differs from what was written";
                same.then_some(())
                    .ok_or_else(|| StoreError::Broken(differs.to_owned()))
            });
            if read.is_ok() {
                begin(ProbeStep::Delete);
            }
            // Whatever was read, nothing is left behind.
            let deleted = store.delete(&probe);
            read.and(deleted)
        };
        let result = self.keychain.call("probe", work).await;
        result.map_err(|error| (*step.lock().unwrap_or_else(PoisonError::into_inner), error))
    }

    /// Reads the whole database and checks it. Slow on a large one, but blocks no other operation.
    pub async fn integrity(&self) -> Result<(), VaultError> {
        let work = |db: &rusqlite::Connection| {
            let verdict: String = db.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
            if verdict == "ok" {
                Ok(())
            } else {
                Err(VaultError::Corrupt(format!(
                    "the database is damaged ({verdict}); stop Valet Key and move `valetkey.db` \
                     away: logins are rebuilt from the keychain at the next start"
                )))
            }
        };
        self.database.read(work).await
    }

    /// Versions of schema and SQLite.
    pub async fn versions(&self) -> Result<Versions, VaultError> {
        let schema = self.database.run(|db| schema_version(db)).await?;
        Ok(Versions {
            schema,
            sqlite: rusqlite::version(),
        })
    }

    async fn read_item(&self, item: ItemName) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        self.keychain
            .call("read", move |store| store.read(&item))
            .await
    }

    /// Writes an item. If the store fails in doubt, what stands there afterwards decides.
    async fn write_item(
        &self,
        item: ItemName,
        value: Zeroizing<Vec<u8>>,
    ) -> Result<(), StoreError> {
        let work = move |store: &mut dyn SecretStore| match store.write(&item, &value) {
            Err(error) if error.leaves_doubt() => match store.read(&item) {
                Ok(Some(read)) if *read == *value => Ok(()),
                Ok(_) | Err(_) => Err(error),
            },
            result => result,
        };
        self.keychain.call("write", work).await
    }

    async fn delete_item(&self, item: ItemName) -> Result<(), StoreError> {
        self.keychain
            .call("delete", move |store| store.delete(&item))
            .await
    }
}
