//! What touches the database only.

use jiff::Timestamp;
use valetkey_core::access::Rule;
use valetkey_core::connection::Connection;
use valetkey_core::event::Event;
use valetkey_core::id::{ClientKeyId, RuleId};
use valetkey_core::name::ProfileName;

use super::Vault;
use crate::database::client_keys::{self, ClientKeyRow};
use crate::database::sign_ins::{self, SignInRow};
use crate::database::unlogged::{self, UnloggedId};
use crate::database::{connections, profiles, rules, settings};
use crate::error::VaultError;

impl Vault {
    /// All profiles; `default` always exists.
    pub async fn profiles(&self) -> Result<Vec<ProfileName>, VaultError> {
        self.database.run(|db| profiles::all(db)).await
    }

    /// All rows, the oldest first, in any state.
    pub async fn connections(&self) -> Result<Vec<Connection>, VaultError> {
        self.database.run(|db| connections::all(db)).await
    }

    /// Saves a row that exists. [`VaultError::NotFound`] if it is gone, being removed, or already
    /// holds a newer generation.
    pub async fn save_connection(&self, row: &Connection) -> Result<(), VaultError> {
        let row = row.clone();
        self.database
            .run(move |db| connections::update(db, &row))
            .await
    }

    /// As [`Self::save_connection`], with the event of the change.
    pub async fn update_connection(
        &self,
        row: &Connection,
        event: &Event,
    ) -> Result<UnloggedId, VaultError> {
        let row = row.clone();
        self.change(event, move |db| connections::update(db, &row))
            .await
    }

    /// Inserts or replaces a sign-in.
    pub async fn save_sign_in(&self, row: &SignInRow) -> Result<(), VaultError> {
        let row = row.clone();
        self.database.run(move |db| sign_ins::save(db, &row)).await
    }

    /// The newest sign-ins first.
    pub async fn sign_ins(&self, limit: u32) -> Result<Vec<SignInRow>, VaultError> {
        self.database
            .run(move |db| sign_ins::latest(db, limit))
            .await
    }

    /// All client keys, the oldest first.
    pub async fn client_keys(&self) -> Result<Vec<ClientKeyRow>, VaultError> {
        self.database.run(|db| client_keys::all(db)).await
    }

    /// Makes a change and keeps its event until its line is in the log, or neither.
    pub(super) async fn change(
        &self,
        event: &Event,
        change: impl FnOnce(&rusqlite::Connection) -> Result<(), VaultError> + Send + 'static,
    ) -> Result<UnloggedId, VaultError> {
        let event = event.clone();
        self.database
            .run(move |db| unlogged::change(db, &event, change))
            .await
    }

    /// Events of changes whose lines are still to be written, the oldest first.
    pub async fn unlogged_events(&self) -> Result<Vec<(UnloggedId, Event)>, VaultError> {
        self.database.run(|db| unlogged::all(db)).await
    }

    /// Adds a client key.
    pub async fn add_client_key(
        &self,
        row: &ClientKeyRow,
        event: &Event,
    ) -> Result<UnloggedId, VaultError> {
        let row = row.clone();
        self.change(event, move |db| client_keys::insert(db, &row))
            .await
    }

    /// Deletes a client key.
    pub async fn revoke_client_key(
        &self,
        id: ClientKeyId,
        event: &Event,
    ) -> Result<UnloggedId, VaultError> {
        self.change(event, move |db| client_keys::delete(db, id))
            .await
    }

    /// The person confirmed a client key that was made while no desktop app ran.
    pub async fn confirm_client_key(
        &self,
        id: ClientKeyId,
        event: &Event,
    ) -> Result<UnloggedId, VaultError> {
        self.change(event, move |db| client_keys::confirm(db, id))
            .await
    }

    /// Saves when client keys were last used.
    pub async fn mark_keys_used(
        &self,
        uses: Vec<(ClientKeyId, Timestamp)>,
    ) -> Result<(), VaultError> {
        self.database
            .run(move |db| client_keys::mark_used(db, &uses))
            .await
    }

    /// All rules, the oldest first.
    pub async fn rules(&self) -> Result<Vec<Rule>, VaultError> {
        self.database.run(|db| rules::all(db)).await
    }

    /// Stores a rule, in the place of `replaced`.
    pub async fn add_rule(
        &self,
        rule: Rule,
        replaced: Vec<RuleId>,
        event: &Event,
    ) -> Result<UnloggedId, VaultError> {
        self.change(event, move |db| rules::insert(db, &rule, &replaced))
            .await
    }

    /// Deletes a rule; one that is gone already is no error.
    pub async fn remove_rule(&self, id: RuleId, event: &Event) -> Result<UnloggedId, VaultError> {
        self.change(event, move |db| rules::delete(db, id)).await
    }

    /// The person confirmed a rule that was written while no desktop app ran.
    pub async fn confirm_rule(&self, id: RuleId, event: &Event) -> Result<UnloggedId, VaultError> {
        self.change(event, move |db| rules::confirm(db, id)).await
    }

    /// Saves when a rule last decided a request.
    pub async fn mark_rule_used(&self, id: RuleId, at: Timestamp) -> Result<(), VaultError> {
        self.database
            .run(move |db| rules::mark_used(db, id, at))
            .await
    }

    /// A setting, if it was made. Names that begin with `vault.` are the vault's own.
    pub async fn setting(&self, key: &str) -> Result<Option<String>, VaultError> {
        let key = key.to_owned();
        self.database.run(move |db| settings::get(db, &key)).await
    }

    /// Makes a setting; None removes it.
    pub async fn set_setting(&self, key: &str, value: Option<&str>) -> Result<(), VaultError> {
        let (key, value) = (key.to_owned(), value.map(str::to_owned));
        self.database
            .run(move |db| settings::set(db, &key, value.as_deref()))
            .await
    }

    /// As [`Self::set_setting`], with the event of the change.
    pub async fn change_setting(
        &self,
        key: &str,
        value: &str,
        event: &Event,
    ) -> Result<UnloggedId, VaultError> {
        let (key, value) = (key.to_owned(), value.to_owned());
        self.change(event, move |db| settings::set(db, &key, Some(&value)))
            .await
    }
}
