//! Refresh tokens that were given and are no connections yet: row, item, and both away at the end.

use valetkey_core::id::{ConnectionId, Generation, SignInId};
use valetkey_core::secret::Fingerprint;
use valetkey_core::token_import::TokenImport;

use super::Vault;
use crate::database::token_imports::{self, EarlierImport};
use crate::error::VaultError;
use crate::failpoint;
use crate::secret_store::ItemName;

impl Vault {
    /// Keeps a token that was given: row, then item. Keeps nothing if it was given before and is still
    /// held.
    pub async fn begin_token_import(
        &self,
        import: &TokenImport,
    ) -> Result<Option<EarlierImport>, VaultError> {
        let (id, token) = (import.id, Fingerprint::of(import.token.expose()));
        let insert = move |db: &mut rusqlite::Connection| token_imports::insert(db, id, &token);
        if let Some(earlier) = self.database.run(insert).await? {
            return Ok(Some(earlier));
        }
        failpoint!("vault.token_import_row");
        if let Err(error) = self.save_token_import(import).await {
            // Nobody relies on it yet. Where it is in doubt whether there is an item, the row stays.
            if self.delete_item(ItemName::TokenImport(id)).await.is_ok() || !leaves_doubt(&error) {
                let end = move |db: &mut rusqlite::Connection| token_imports::end(db, id, None);
                self.database.run(end).await?;
            }
            return Err(error);
        }
        failpoint!("vault.token_import_written");
        Ok(None)
    }

    /// Writes the item anew: the provider has rotated the token.
    pub async fn save_token_import(&self, import: &TokenImport) -> Result<(), VaultError> {
        let item = ItemName::TokenImport(import.id);
        Ok(self.write_item(item, import.to_item()).await?)
    }

    /// The imports that are not over. Touches no keychain.
    pub async fn pending_token_imports(&self) -> Result<Vec<SignInId>, VaultError> {
        self.database.run(|db| token_imports::pending(db)).await
    }

    /// The item; None if it is gone. One that cannot be read is left as it is.
    pub async fn token_import(&self, id: SignInId) -> Result<Option<TokenImport>, VaultError> {
        let Some(item) = self.read_item(ItemName::TokenImport(id)).await? else {
            return Ok(None);
        };
        match TokenImport::from_item(&item) {
            Ok(import) if import.id == id => Ok(Some(import)),
            Ok(_) | Err(_) => Err(VaultError::Corrupt(format!(
                "the refresh token of the import {id} cannot be read"
            ))),
        }
    }

    /// The grant of the import is about to be stored as this generation of this connection.
    pub async fn mark_token_import(
        &self,
        id: SignInId,
        connection: ConnectionId,
        generation: Generation,
    ) -> Result<(), VaultError> {
        let mark = move |db: &mut rusqlite::Connection| {
            token_imports::mark(db, id, connection, generation)
        };
        self.database.run(mark).await
    }

    /// The connection that has the grant of an import which was cut off after it was stored.
    pub async fn stored_token_import(
        &self,
        id: SignInId,
    ) -> Result<Option<ConnectionId>, VaultError> {
        let marked = self.database.run(move |db| token_imports::marked(db, id));
        let Some((connection, generation)) = marked.await? else {
            return Ok(None);
        };
        if self.connection(connection).await?.is_none() {
            return Ok(None);
        }
        let stored = self.read_grant(connection).await?;
        let is_stored = stored.is_some_and(|stored| stored.grant.generation >= generation);
        Ok(is_stored.then_some(connection))
    }

    /// It is over, with a connection or with nothing: the item goes, then the row says so.
    pub async fn end_token_import(
        &self,
        id: SignInId,
        connection: Option<ConnectionId>,
    ) -> Result<(), VaultError> {
        self.delete_item(ItemName::TokenImport(id)).await?;
        failpoint!("vault.token_import_deleted");
        let end = move |db: &mut rusqlite::Connection| token_imports::end(db, id, connection);
        self.database.run(end).await
    }
}

const fn leaves_doubt(error: &VaultError) -> bool {
    matches!(error, VaultError::Store(error) if error.leaves_doubt())
}
