//! Finds connections by their names, and keeps the names of rows.

use std::collections::HashMap;
use std::sync::Arc;

use valetkey_core::connection::Connection;
use valetkey_core::connection_state::Status;
use valetkey_core::id::ConnectionId;
use valetkey_core::name::{AuthenticatorName, ConnectionName, InProfile, ProfileName};

use super::{ConnectionRegistry, LiveGrant};
use crate::error::AgentError;
use crate::key::{AuthenticatorKey, ConnectionKey};

impl ConnectionRegistry {
    pub(crate) fn rename(&mut self, id: ConnectionId) {
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        let Some(name) = self.name_of(&entry.row) else {
            return;
        };
        let profile = self.authenticators[&entry.row.authenticator]
            .row
            .profile
            .clone();
        let names = self.names.entry(profile).or_default();
        names.retain(|_, named| *named != id);
        take_name(names, name.clone(), &entry.row);
        self.relabel(id, &name);
    }

    fn relabel(&mut self, id: ConnectionId, name: &ConnectionName) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        if let Some(live) = entry.live.take() {
            entry.live = Some(Arc::new(LiveGrant {
                grant: live.grant.clone(),
                fingerprint: live.fingerprint.clone(),
                id,
                profile: live.profile.clone(),
                connection: name.clone(),
                account: entry.row.account.display_name.clone(),
                token_generation: live.token_generation,
                narrowed_to: None,
            }));
        }
    }

    pub(crate) fn find(&self, key: &ConnectionKey) -> Result<ConnectionId, AgentError> {
        let found = match key {
            ConnectionKey::Id(id) => self.entries.contains_key(id).then_some(*id),
            ConnectionKey::Name(profile, name) => self.named(profile, name),
        };
        found.ok_or_else(|| self.no_connection(key))
    }

    /// A name without a connection is a sign-in away if its authenticator exists, or lacks the label
    /// of an account.
    fn no_connection(&self, key: &ConnectionKey) -> AgentError {
        let ConnectionKey::Name(profile, name) = key else {
            return AgentError::no_connection(key);
        };
        if name.account.is_none()
            && let Some(full_names) = self.labelled(profile, &name.authenticator)
        {
            return AgentError::NotFound {
                kind: "connection",
                name: name.to_string(),
                hint: Some(format!("name the account, too: {full_names}")),
            };
        }
        match self.named_authenticator(profile, &name.authenticator) {
            Some(authenticator) => AgentError::AuthRequired {
                connection: InProfile::new(profile.clone(), name.clone()),
                again: false,
                reason: None,
                by_key: !authenticator.has_client(),
            },
            None => match self.other_profiles(&name.authenticator) {
                Some(hint) => AgentError::NotFound {
                    kind: "connection",
                    name: name.to_string(),
                    hint: Some(hint),
                },
                None => AgentError::no_authenticator_for(profile, name),
            },
        }
    }

    /// No authenticator has this name in its profile.
    pub(super) fn no_authenticator(&self, key: &AuthenticatorKey) -> AgentError {
        let hint = match key {
            AuthenticatorKey::Id(_) => None,
            AuthenticatorKey::Name(_, name) => self.other_profiles(name),
        };
        match hint {
            Some(_) => AgentError::NotFound {
                kind: "authenticator",
                name: key.to_string(),
                hint,
            },
            None => AgentError::no_authenticator(key),
        }
    }

    /// What to do about a name that only other profiles have; None if none has it.
    fn other_profiles(&self, name: &AuthenticatorName) -> Option<String> {
        let named = self.authenticators().filter(|row| row.name == *name);
        let mut options: Vec<_> = named
            .map(|row| format!("`--profile {}`", row.profile))
            .collect();
        options.sort();
        (!options.is_empty()).then(|| {
            let options = options.join(" or ");
            format!("`{name}` is in another profile: add {options}")
        })
    }

    /// The names of an authenticator's connections, which all have labels; None if there are none.
    fn labelled(&self, profile: &ProfileName, authenticator: &AuthenticatorName) -> Option<String> {
        let names = self.names.get(profile)?.keys();
        let mut names: Vec<_> = names
            .filter(|name| name.authenticator == *authenticator)
            .map(|name| format!("`{name}`"))
            .collect();
        names.sort();
        (!names.is_empty()).then(|| names.join(", "))
    }

    pub(crate) fn named(
        &self,
        profile: &ProfileName,
        name: &ConnectionName,
    ) -> Option<ConnectionId> {
        self.names.get(profile)?.get(name).copied()
    }

    /// The name of a row: its authenticator's, and the account's label.
    pub(crate) fn name_of(&self, row: &Connection) -> Option<ConnectionName> {
        let authenticator = self.authenticator(row.authenticator)?;
        Some(ConnectionName {
            authenticator: authenticator.name.clone(),
            account: row.account.label.clone(),
        })
    }

    /// As [`Self::full_name_of`], for an error about a connection that must be there.
    pub(crate) fn full_name(
        &self,
        id: ConnectionId,
    ) -> Result<InProfile<ConnectionName>, AgentError> {
        let row = self.get(id).map(|entry| &entry.row);
        let name = row.and_then(|row| self.full_name_of(row));
        name.ok_or_else(|| AgentError::no_connection(id))
    }

    /// As [`Self::name_of`], with the profile that the name stands in.
    pub(crate) fn full_name_of(&self, row: &Connection) -> Option<InProfile<ConnectionName>> {
        let authenticator = self.authenticator(row.authenticator)?;
        Some(InProfile::new(
            authenticator.profile.clone(),
            self.name_of(row)?,
        ))
    }
}

/// Lets a row be found by its name. A name is free as soon as its removal has begun: another row may
/// have it, and keeps it.
pub(super) fn take_name(
    names: &mut HashMap<ConnectionName, ConnectionId>,
    name: ConnectionName,
    row: &Connection,
) {
    if row.state.status == Status::Removing {
        names.entry(name).or_insert(row.id);
    } else {
        names.insert(name, row.id);
    }
}
