//! Authenticators and their secrets: row and item, in steps that a crash may separate.

use valetkey_core::authenticator::Authenticator;
use valetkey_core::draft::SecretChange;
use valetkey_core::id::AuthenticatorId;
use valetkey_core::name::ProfileName;
use valetkey_core::secret::ClientSecret;
use zeroize::Zeroizing;

use super::Vault;
use crate::database::authenticators::{self, Stage};
use crate::database::connections;
use crate::error::VaultError;
use crate::failpoint;
use crate::store::ItemName;

impl Vault {
    /// All authenticators, or those of one profile.
    pub async fn authenticators(
        &self,
        profile: Option<&ProfileName>,
    ) -> Result<Vec<Authenticator>, VaultError> {
        let profile = profile.cloned();
        self.database
            .run(move |db| authenticators::all(db, profile.as_ref()))
            .await
    }

    /// One authenticator.
    pub async fn authenticator(
        &self,
        id: AuthenticatorId,
    ) -> Result<Option<Authenticator>, VaultError> {
        let row = self
            .database
            .run(move |db| authenticators::get(db, id))
            .await?;
        Ok(row.and_then(|(row, stage)| match stage {
            Stage::Ready | Stage::SettingSecret | Stage::DroppingSecret => Some(row),
            Stage::Adding | Stage::Removing => None,
        }))
    }

    /// Adds an authenticator; `has_secret` must say whether there is a secret.
    pub async fn add_authenticator(
        &self,
        row: &Authenticator,
        secret: Option<&ClientSecret>,
    ) -> Result<(), VaultError> {
        if row.has_secret != secret.is_some() {
            return Err(VaultError::Bug(
                "`has_secret` contradicts the secret".to_owned(),
            ));
        }
        let Some(secret) = secret else {
            return self.insert_authenticator(row, Stage::Ready).await;
        };
        let _pair = self.shared.pairs.lock().await;
        self.check_store().await?;
        self.insert_authenticator(row, Stage::Adding).await?;
        failpoint!("vault.authenticator_row");
        if let Err(error) = self
            .write_item(ItemName::ClientSecret(row.id), bytes(secret))
            .await
        {
            if !error.leaves_doubt() {
                let id = row.id;
                self.database
                    .run(move |db| authenticators::delete(db, id))
                    .await?;
            }
            return Err(error.into());
        }
        failpoint!("vault.client_secret_written");
        self.set_stage(row, Stage::Ready).await
    }

    /// Saves a changed authenticator; None keeps its secret. `has_secret` follows the change.
    pub async fn update_authenticator(
        &self,
        row: &Authenticator,
        change: Option<SecretChange>,
    ) -> Result<(), VaultError> {
        let _pair = self.shared.pairs.lock().await;
        let item = ItemName::ClientSecret(row.id);
        let Some(stored) = self.authenticator(row.id).await? else {
            return Err(VaultError::NotFound(format!(
                "the authenticator `{}`",
                row.name
            )));
        };
        let mut row = Authenticator {
            has_secret: stored.has_secret,
            ..row.clone()
        };
        match change {
            None => {}
            Some(SecretChange::Set(secret)) => {
                self.check_store().await?;
                if !stored.has_secret {
                    self.set_stage(&stored, Stage::SettingSecret).await?;
                }
                failpoint!("vault.authenticator_row");
                self.write_item(item, bytes(&secret)).await?;
                failpoint!("vault.client_secret_written");
                row.has_secret = true;
            }
            Some(SecretChange::Remove) => {
                self.check_store().await?;
                row.has_secret = false;
                self.set_stage(&row, Stage::DroppingSecret).await?;
                failpoint!("vault.authenticator_row");
                self.delete_item(item).await?;
                failpoint!("vault.client_secret_deleted");
            }
        }
        self.set_stage(&row, Stage::Ready).await
    }

    /// Removes an authenticator and its secret; [`VaultError::InUse`] while it has connections.
    pub async fn remove_authenticator(&self, id: AuthenticatorId) -> Result<(), VaultError> {
        let _pair = self.shared.pairs.lock().await;
        let Some((row, _)) = self
            .database
            .run(move |db| authenticators::get(db, id))
            .await?
        else {
            return Err(VaultError::NotFound(format!("the authenticator {id}")));
        };
        let used_by = self
            .database
            .run(move |db| connections::count_of(db, id))
            .await?;
        if used_by > 0 {
            let name = &row.name;
            return Err(VaultError::InUse(format!(
                "`{name}` still has {used_by} connection(s)"
            )));
        }
        if row.has_secret {
            self.check_store().await?;
            self.set_stage(&row, Stage::Removing).await?;
        }
        self.finish_authenticator_removal(&row).await
    }

    /// The secret of a confidential client, from the keychain.
    pub async fn client_secret(
        &self,
        id: AuthenticatorId,
    ) -> Result<Option<ClientSecret>, VaultError> {
        let Some(value) = self.read_item(ItemName::ClientSecret(id)).await? else {
            return Ok(None);
        };
        let text = std::str::from_utf8(&value).map_err(|_| {
            VaultError::Corrupt(format!(
                "the client secret of {id} is damaged; set it again"
            ))
        })?;
        Ok(Some(ClientSecret::new(text)))
    }

    /// Finishes what a crash has left between a row and its secret.
    pub(super) async fn reconcile_authenticators(&self) -> Result<(), VaultError> {
        let _pair = self.shared.pairs.lock().await;
        for (mut row, stage) in self
            .database
            .run(|db| authenticators::unfinished(db))
            .await?
        {
            let item = ItemName::ClientSecret(row.id);
            match stage {
                Stage::Ready => {}
                Stage::Adding => {
                    if self.read_item(item).await?.is_some() {
                        self.set_stage(&row, Stage::Ready).await?;
                    } else {
                        let id = row.id;
                        self.database
                            .run(move |db| authenticators::delete(db, id))
                            .await?;
                    }
                }
                Stage::SettingSecret => {
                    row.has_secret = self.read_item(item).await?.is_some();
                    self.set_stage(&row, Stage::Ready).await?;
                }
                Stage::DroppingSecret => {
                    self.delete_item(item).await?;
                    self.set_stage(&row, Stage::Ready).await?;
                }
                Stage::Removing => self.finish_authenticator_removal(&row).await?,
            }
        }
        Ok(())
    }

    async fn finish_authenticator_removal(&self, row: &Authenticator) -> Result<(), VaultError> {
        failpoint!("vault.authenticator_removing");
        if row.has_secret {
            self.delete_item(ItemName::ClientSecret(row.id)).await?;
            failpoint!("vault.client_secret_deleted");
        }
        let id = row.id;
        self.database
            .run(move |db| authenticators::delete(db, id))
            .await
    }

    async fn insert_authenticator(
        &self,
        row: &Authenticator,
        stage: Stage,
    ) -> Result<(), VaultError> {
        let row = row.clone();
        self.database
            .run(move |db| authenticators::insert(db, &row, stage))
            .await
    }

    async fn set_stage(&self, row: &Authenticator, stage: Stage) -> Result<(), VaultError> {
        let row = row.clone();
        self.database
            .run(move |db| authenticators::update(db, &row, stage))
            .await
    }
}

fn bytes(secret: &ClientSecret) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(secret.expose().as_bytes().to_vec())
}
