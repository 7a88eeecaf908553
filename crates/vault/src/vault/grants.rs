//! Grants: the whole operations in which the keychain leads.

use jiff::Timestamp;
use valetkey_core::connection::Connection;
use valetkey_core::connection_state::{Status, Transition, apply};
use valetkey_core::event::Event;
use valetkey_core::id::ConnectionId;
use valetkey_core::stored_grant::StoredGrant;

use super::Vault;
use crate::database::connections;
use crate::database::unlogged::UnloggedId;
use crate::error::{StoreError, VaultError};
use crate::failpoint;
use crate::secret_store::ItemName;

/// Why a grant was not kept, and so what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GrantNotKept {
    /// It is not (known to be) in the keychain: hold it in memory and store it again.
    #[error(transparent)]
    NotStored(VaultError),
    /// It is safe in the keychain, only its row is old: save the row again, or leave it, for the
    /// row is mended at first use.
    #[error("the login is stored, but its entry could not be saved: {0}")]
    RowNotSaved(VaultError),
    /// The connection was removed or renewed meanwhile: nobody will keep this grant, revoke it.
    #[error("the connection was removed or signed in again meanwhile")]
    StaleTransition,
}

/// A grant read from the keychain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoadedGrant {
    /// The item; None if it is gone or unreadable.
    pub grant: Option<StoredGrant>,
    /// The row, if it had to be mended to agree with the item.
    pub mended: Option<Connection>,
}

impl Vault {
    /// Stores the first grant of a new connection: row `connecting`, item, read back, row `active` with the
    /// event of the addition. Returns the active row. May be repeated after [`GrantNotKept::NotStored`]; to give up
    /// instead, remove the connection ([`Self::begin_removal`]).
    pub async fn store_first_grant(
        &self,
        connecting: &Connection,
        stored: &StoredGrant,
        event: &Event,
    ) -> Result<(Connection, UnloggedId), GrantNotKept> {
        if connecting.state.status != Status::Connecting || connecting.id != stored.connection {
            let bug = VaultError::Bug("a first grant needs its row in `connecting`".to_owned());
            return Err(GrantNotKept::NotStored(bug));
        }
        let _one_writer = self.shared.write_lock.lock().await;
        let row = connecting.clone();
        self.database
            .run(move |db| connections::insert(db, &row))
            .await
            .map_err(GrantNotKept::NotStored)?;
        failpoint!("vault.connecting_row");
        let item = ItemName::Grant(stored.connection);
        let value = stored.to_item();
        let written = value.clone();
        self.write_item(item, value).await.map_err(not_stored)?;
        failpoint!("vault.item_written");
        if self.read_item(item).await.map_err(not_stored)? != Some(written) {
            let text = "the login read back differs from what was written".to_owned();
            return Err(not_stored(StoreError::Broken(text)));
        }
        failpoint!("vault.item_read_back");
        let mut active = connecting.clone();
        active.adopt(&stored.grant);
        active.state.status = Status::Active;
        let unlogged = self.update_connection(&active, event).await;
        let unlogged = unlogged.map_err(row_not_saved)?;
        failpoint!("vault.row_saved");
        Ok((active, unlogged))
    }

    /// Stores a later grant: item, then row, with the event of the change if it is one. `row` must carry the
    /// grant's generation.
    pub async fn store_grant(
        &self,
        row: &Connection,
        stored: &StoredGrant,
        event: Option<&Event>,
    ) -> Result<Option<UnloggedId>, GrantNotKept> {
        let generation = stored.grant.generation;
        if row.state.generation != generation || row.id != stored.connection {
            let bug = VaultError::Bug("a grant needs the row of its generation".to_owned());
            return Err(GrantNotKept::NotStored(bug));
        }
        let _one_writer = self.shared.write_lock.lock().await;
        let saved = self
            .connection(row.id)
            .await
            .map_err(GrantNotKept::NotStored)?;
        let is_wanted = saved.is_some_and(|saved| {
            saved.state.status != Status::Removing && saved.state.generation <= generation
        });
        if !is_wanted {
            return Err(GrantNotKept::StaleTransition);
        }
        failpoint!("vault.before_item");
        let item = ItemName::Grant(row.id);
        self.write_item(item, stored.to_item())
            .await
            .map_err(not_stored)?;
        failpoint!("vault.item_written");
        let unlogged = self.save_with(row, event).await.map_err(row_not_saved)?;
        failpoint!("vault.row_saved");
        Ok(unlogged)
    }

    async fn save_with(
        &self,
        row: &Connection,
        event: Option<&Event>,
    ) -> Result<Option<UnloggedId>, VaultError> {
        match event {
            Some(event) => self.update_connection(row, event).await.map(Some),
            None => self.save_connection(row).await.map(|()| None),
        }
    }

    /// Reads a grant from the keychain and mends its row where the two differ: the item leads. A
    /// row whose item is gone becomes `needs_reconnect`, until it is found again.
    pub async fn load_grant(
        &self,
        id: ConnectionId,
        now: Timestamp,
    ) -> Result<LoadedGrant, VaultError> {
        let _one_writer = self.shared.write_lock.lock().await;
        let Some(row) = self.connection(id).await? else {
            return Err(VaultError::NotFound(format!("the connection {id}")));
        };
        let mut grant = self.read_grant(id).await?;
        // A first grant that could not be stored yet is no lost one.
        let is_begun = row.state.status != Status::Connecting;
        let mended = agree(&row, grant.as_ref(), now).filter(|_| is_begun);
        if let Some(mended) = &mended {
            self.save_connection(mended).await?;
        }
        if let Some(stored) = &mut grant
            && row.state.status != Status::Removing
        {
            // A keychain restored from a copy may be behind its row. Its tokens are all there is;
            // under their old number every refresh of them would count as late.
            stored.grant.generation = stored.grant.generation.max(row.state.generation);
        }
        Ok(LoadedGrant { grant, mended })
    }

    /// Saves the row in `removing`, with the event of that unless it was recorded before: from here on
    /// nothing revives the connection.
    pub async fn begin_removal(
        &self,
        removing: &Connection,
        event: Option<&Event>,
    ) -> Result<Option<UnloggedId>, VaultError> {
        if removing.state.status != Status::Removing {
            return Err(VaultError::Bug(
                "a removal begins with its row in `removing`".to_owned(),
            ));
        }
        let unlogged = self.save_with(removing, event).await?;
        failpoint!("vault.removing_row");
        Ok(unlogged)
    }

    /// Deletes the item, then the row of a connection in `removing`, with the event of that if somebody was
    /// told of the connection; Ok if it is gone already.
    pub async fn finish_removal(
        &self,
        id: ConnectionId,
        event: Option<&Event>,
    ) -> Result<Option<UnloggedId>, VaultError> {
        let _one_writer = self.shared.write_lock.lock().await;
        match self.connection(id).await? {
            None => return Ok(None),
            Some(row) if row.state.status == Status::Removing => {}
            Some(_) => {
                let text = format!("the connection {id} is not being removed");
                return Err(VaultError::Bug(text));
            }
        }
        failpoint!("vault.before_item_deleted");
        self.delete_item(ItemName::Grant(id)).await?;
        failpoint!("vault.item_deleted");
        let delete = move |db: &_| connections::delete_removing(db, id);
        let unlogged = match event {
            Some(event) => Some(self.change(event, delete).await?),
            None => self
                .database
                .run(move |db| delete(db))
                .await
                .map(|()| None)?,
        };
        failpoint!("vault.row_deleted");
        Ok(unlogged)
    }

    /// One row.
    pub async fn connection(&self, id: ConnectionId) -> Result<Option<Connection>, VaultError> {
        self.database.run(move |db| connections::get(db, id)).await
    }

    /// The item; None if there is none, or none that can be read (it is left as it is).
    pub(super) async fn read_grant(
        &self,
        id: ConnectionId,
    ) -> Result<Option<StoredGrant>, StoreError> {
        let Some(value) = self.read_item(ItemName::Grant(id)).await? else {
            return Ok(None);
        };
        match StoredGrant::from_item(&value) {
            Ok(stored) if stored.connection == id => Ok(Some(stored)),
            Ok(_) => {
                tracing::warn!(connection = %id, "the stored grant belongs to another connection");
                Ok(None)
            }
            Err(error) => {
                tracing::warn!(connection = %id, %error, "the stored grant is unreadable");
                Ok(None)
            }
        }
    }
}

/// The row as the item says it must be; None if they agree.
pub(super) fn agree(
    row: &Connection,
    item: Option<&StoredGrant>,
    now: Timestamp,
) -> Option<Connection> {
    let generation = row.state.generation;
    let transition = match item {
        None => Transition::ItemLost,
        Some(StoredGrant { grant, .. }) if grant.generation > generation => Transition::ItemNewer {
            generation: grant.generation,
            is_valid: grant.is_valid(now),
        },
        Some(StoredGrant { grant, .. }) => {
            let is_valid = grant.is_valid(now);
            // A grant that is of no more use was not lost.
            if row.is_refused() || !(is_valid || grant.is_refreshable()) {
                return None;
            }
            Transition::ItemFound { is_valid }
        }
    };
    let state = apply(row.state, transition).ok()?;
    let mut mended = row.clone();
    if let Some(item) = item {
        mended.adopt(&item.grant);
    }
    mended.state = state;
    (mended != *row).then_some(mended)
}

fn not_stored(error: StoreError) -> GrantNotKept {
    GrantNotKept::NotStored(error.into())
}

fn row_not_saved(error: VaultError) -> GrantNotKept {
    match error {
        VaultError::NotFound(_) => GrantNotKept::StaleTransition,
        error => GrantNotKept::RowNotSaved(error),
    }
}
