//! Authenticators and their secrets: row and item, in steps that a crash may separate.

use jiff::Timestamp;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::discovery::Registration;
use valetkey_core::draft::SecretChange;
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::AuthenticatorId;
use valetkey_core::name::ProfileName;
use valetkey_core::secret::{ClientSecret, RegistrationToken};
use zeroize::Zeroizing;

use super::Vault;
use super::reconcile::ReconcileReport;
use crate::database::authenticators::{self, Stage};
use crate::database::connections;
use crate::database::unlogged::UnloggedId;
use crate::error::VaultError;
use crate::failpoint;
use crate::secret_store::ItemName;

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

    /// Adds an authenticator, with the event of that; `has_secret` must say whether there is a secret. After
    /// an error it does
    /// not exist, and its name is free: a secret that may have been written all the same is deleted
    /// by [`Self::reconcile`].
    pub async fn add_authenticator(
        &self,
        row: &Authenticator,
        secret: Option<&ClientSecret>,
        event: &Event,
    ) -> Result<UnloggedId, VaultError> {
        if row.has_secret != secret.is_some() {
            return Err(VaultError::Bug(
                "`has_secret` contradicts the secret".to_owned(),
            ));
        }
        let _one_writer = self.shared.write_lock.lock().await;
        let Some(secret) = secret else {
            let insert = || {
                let row = row.clone();
                self.change(event, move |db| {
                    authenticators::insert(db, &row, Stage::Ready)
                })
            };
            return self.insert_authenticator(row, insert).await;
        };
        self.check_store().await?;
        let insert = || {
            let row = row.clone();
            self.database.run(move |db| {
                let transaction = db.transaction()?;
                authenticators::insert(&transaction, &row, Stage::Adding)?;
                Ok(transaction.commit()?)
            })
        };
        self.insert_authenticator(row, insert).await?;
        failpoint!("vault.authenticator_row");
        if let Err(error) = self
            .write_item(ItemName::ClientSecret(row.id), bytes(secret))
            .await
        {
            if error.leaves_doubt() {
                self.set_stage(&nameless(row), Stage::Removing).await?;
            } else {
                let id = row.id;
                self.database
                    .run(move |db| authenticators::delete(db, id))
                    .await?;
            }
            return Err(error.into());
        }
        failpoint!("vault.client_secret_written");
        self.finish(row, Stage::Ready, event).await
    }

    /// Saves a changed authenticator, with the event of the change; None keeps its secret. `has_secret`
    /// follows the change.
    ///
    /// The row is saved whole, in one transaction and last: callers read, change and save it under
    /// a lock of their own. After an error no field has changed but `has_secret`, which then says
    /// what [`Self::authenticator`] reports; whether a secret was written is found out by
    /// [`Self::reconcile`], and the change may be repeated. The token of a registration that the change
    /// gives up is deleted before: it never stands beside another registration.
    pub async fn update_authenticator(
        &self,
        row: &Authenticator,
        change: Option<SecretChange>,
        event: &Event,
    ) -> Result<UnloggedId, VaultError> {
        let _one_writer = self.shared.write_lock.lock().await;
        let item = ItemName::ClientSecret(row.id);
        let id = row.id;
        let found = self.database.run(move |db| authenticators::get(db, id));
        let (stored, stage) = match found.await? {
            Some((
                stored,
                stage @ (Stage::Ready | Stage::SettingSecret | Stage::DroppingSecret),
            )) => (stored, stage),
            None | Some((_, Stage::Adding | Stage::Removing)) => {
                return Err(VaultError::NotFound(format!(
                    "the authenticator `{}`",
                    row.name
                )));
            }
        };
        if stored.overrides.registration != row.overrides.registration
            && stored.overrides.registration.is_some()
        {
            self.delete_item(ItemName::Registration(id)).await?;
        }
        let mut row = Authenticator {
            has_secret: stored.has_secret,
            ..row.clone()
        };
        match change {
            // A secret in doubt stays so: asking for it would need the keychain.
            None => return self.finish(&row, stage, event).await,
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
                let dropping = Authenticator {
                    has_secret: false,
                    ..stored
                };
                self.set_stage(&dropping, Stage::DroppingSecret).await?;
                failpoint!("vault.authenticator_row");
                self.delete_item(item).await?;
                failpoint!("vault.client_secret_deleted");
            }
        }
        self.finish(&row, Stage::Ready, event).await
    }

    /// Begins the removal of an authenticator, with the event of that: from here on it does not exist, and
    /// its name is free. [`VaultError::InUse`] while it has connections. None if the removal had begun
    /// before.
    pub async fn begin_authenticator_removal(
        &self,
        id: AuthenticatorId,
        event: &Event,
    ) -> Result<Option<UnloggedId>, VaultError> {
        let _one_writer = self.shared.write_lock.lock().await;
        let Some((row, stage)) = self.authenticator_row(id).await? else {
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
        if stage == Stage::Removing {
            return Ok(None);
        }
        if row.has_secret || row.overrides.registration.is_some() {
            self.check_store().await?;
        }
        let begun = self.finish(&nameless(&row), Stage::Removing, event).await?;
        failpoint!("vault.authenticator_removing");
        Ok(Some(begun))
    }

    /// Deletes the secret, then the row, of an authenticator whose removal has begun; Ok if it is gone
    /// already. If the keychain fails, repeat it, or let [`Self::reconcile`] finish it.
    pub async fn finish_authenticator_removal(
        &self,
        id: AuthenticatorId,
    ) -> Result<(), VaultError> {
        let _one_writer = self.shared.write_lock.lock().await;
        match self.authenticator_row(id).await? {
            None => Ok(()),
            Some((row, Stage::Removing)) => self.delete_authenticator(&row).await,
            Some(_) => {
                let text = format!("the authenticator {id} is not being removed");
                Err(VaultError::Bug(text))
            }
        }
    }

    async fn authenticator_row(
        &self,
        id: AuthenticatorId,
    ) -> Result<Option<(Authenticator, Stage)>, VaultError> {
        self.database
            .run(move |db| authenticators::get(db, id))
            .await
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

    /// What the authenticator's dynamic registration is deleted with, from the keychain.
    pub async fn registration_token(
        &self,
        id: AuthenticatorId,
    ) -> Result<Option<RegistrationToken>, VaultError> {
        let value = self.read_item(ItemName::Registration(id)).await?;
        let text = value.and_then(|value| Some(std::str::from_utf8(&value).ok()?.to_owned()));
        Ok(text.map(RegistrationToken::new))
    }

    /// Stores what this registration of an authenticator is deleted with. Its row comes first and says
    /// that there is one; nothing is stored if it has another one meanwhile, or is gone.
    pub async fn set_registration_token(
        &self,
        id: AuthenticatorId,
        registration: &Registration,
        token: &RegistrationToken,
    ) -> Result<(), VaultError> {
        let _one_writer = self.shared.write_lock.lock().await;
        let found = self.authenticator_row(id).await?;
        let is_current = found.is_some_and(|(row, stage)| {
            stage != Stage::Removing && row.overrides.registration.as_ref() == Some(registration)
        });
        if !is_current {
            let text = format!("the registration of the authenticator {id}");
            return Err(VaultError::NotFound(text));
        }
        let value = Zeroizing::new(token.expose().as_bytes().to_vec());
        Ok(self.write_item(ItemName::Registration(id), value).await?)
    }

    /// Finishes what a crash or a failure has left between a row and its secret. Waits for an operation that
    /// is under way.
    pub(super) async fn reconcile_authenticators(
        &self,
        report: &mut ReconcileReport,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        for (row, _) in self.unfinished_authenticators().await? {
            let _one_writer = self.shared.write_lock.lock().await;
            let id = row.id;
            // Only now, under the lock, is it known that nobody works on it.
            let found = self.database.run(move |db| authenticators::get(db, id));
            if let Some((row, stage)) = found.await?
                && !self.settle_authenticator(row, stage, report, now).await?
            {
                report.removed_authenticators.push(id);
            }
        }
        Ok(())
    }

    pub(super) async fn unfinished_authenticators(
        &self,
    ) -> Result<Vec<(Authenticator, Stage)>, VaultError> {
        self.database.run(|db| authenticators::unfinished(db)).await
    }

    /// Whether the authenticator exists afterwards. Call under the lock.
    async fn settle_authenticator(
        &self,
        mut row: Authenticator,
        stage: Stage,
        report: &mut ReconcileReport,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        let item = ItemName::ClientSecret(row.id);
        match stage {
            Stage::Ready => {}
            Stage::Adding => {
                if self.read_item(item).await?.is_none() {
                    let id = row.id;
                    self.database
                        .run(move |db| authenticators::delete(db, id))
                        .await?;
                    return Ok(false);
                }
                let event = Event::new(EventKind::AuthenticatorAdded, now).authenticator(row.id);
                let unlogged = self.finish(&row, Stage::Ready, &event).await?;
                report.unlogged.push((unlogged, event));
            }
            Stage::SettingSecret => {
                row.has_secret = self.read_item(item).await?.is_some();
                self.set_stage(&row, Stage::Ready).await?;
            }
            Stage::DroppingSecret => {
                self.delete_item(item).await?;
                self.set_stage(&row, Stage::Ready).await?;
            }
            Stage::Removing => {
                self.delete_authenticator(&row).await?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn delete_authenticator(&self, row: &Authenticator) -> Result<(), VaultError> {
        if row.has_secret {
            self.delete_item(ItemName::ClientSecret(row.id)).await?;
            failpoint!("vault.client_secret_deleted");
        }
        if row.overrides.registration.is_some() {
            self.delete_item(ItemName::Registration(row.id)).await?;
        }
        let id = row.id;
        self.database
            .run(move |db| authenticators::delete(db, id))
            .await
    }

    /// Inserts a row by `insert`. A name that only an addition holds which a crash cut off is taken over:
    /// nobody was told of it. Call under the lock, so that no other addition is under way.
    async fn insert_authenticator<T, F: Future<Output = Result<T, VaultError>>>(
        &self,
        row: &Authenticator,
        insert: impl Fn() -> F,
    ) -> Result<T, VaultError> {
        let result = insert().await;
        if !matches!(result, Err(VaultError::NameTaken(_))) {
            return result;
        }
        let unfinished = self.unfinished_authenticators().await?;
        let holder = unfinished.into_iter().find(|(other, stage)| {
            *stage == Stage::Adding && other.name == row.name && other.profile == row.profile
        });
        let Some((holder, _)) = holder else {
            return result;
        };
        self.set_stage(&nameless(&holder), Stage::Removing).await?;
        insert().await
    }

    /// As [`Self::set_stage`], with the event of the change.
    async fn finish(
        &self,
        row: &Authenticator,
        stage: Stage,
        event: &Event,
    ) -> Result<UnloggedId, VaultError> {
        let row = row.clone();
        self.change(event, move |db| authenticators::update(db, &row, stage))
            .await
    }

    async fn set_stage(&self, row: &Authenticator, stage: Stage) -> Result<(), VaultError> {
        let row = row.clone();
        self.database
            .run(move |db| {
                let transaction = db.transaction()?;
                authenticators::update(&transaction, &row, stage)?;
                Ok(transaction.commit()?)
            })
            .await
    }
}

/// As it stands in a removal: its name becomes its id, so that another one can have it at once.
fn nameless(row: &Authenticator) -> Authenticator {
    let id = row.id.to_string();
    Authenticator {
        name: id.parse().expect("an id is a legal name"),
        ..row.clone()
    }
}

fn bytes(secret: &ClientSecret) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(secret.expose().as_bytes().to_vec())
}
