//! Authenticators as fields of a file. Refresh tokens never leave: a login has one holder.

use std::sync::Arc;

use valetkey_core::authenticator::Authenticator;
use valetkey_core::draft::{self, DraftInput, SecretVariables};
use valetkey_core::event::{Event, EventKind};
use valetkey_core::id::AuthenticatorId;

use crate::client;
use crate::error::AgentError;
use crate::key::{Actor, AuthenticatorKey};
use crate::state::Agent;

impl Agent {
    /// The fields of these authenticators; for each client secret stands the name of a variable.
    pub fn export_authenticators(
        &self,
        ids: &[AuthenticatorId],
    ) -> Result<Vec<DraftInput>, AgentError> {
        let mut variables = SecretVariables::default();
        let found = self.exported(ids)?;
        let fields = found.iter().map(|authenticator| {
            let mut fields = DraftInput::from_members(draft::exported(authenticator));
            if authenticator.has_secret {
                let reference = variables.reference(authenticator);
                fields.set(draft::secret_field(authenticator), reference);
            }
            fields
        });
        Ok(fields.collect())
    }

    /// The same with the client secrets themselves.
    pub async fn export_with_secrets(
        &self,
        ids: &[AuthenticatorId],
        who: &Actor,
    ) -> Result<Vec<DraftInput>, AgentError> {
        let (ids, who) = (ids.to_vec(), who.clone());
        self.run(|agent| async move { agent.with_secrets(&ids, &who).await })
            .await
    }

    async fn with_secrets(
        &self,
        ids: &[AuthenticatorId],
        who: &Actor,
    ) -> Result<Vec<DraftInput>, AgentError> {
        let found = self.exported(ids)?;
        let mut exported = Vec::new();
        for authenticator in &found {
            let mut fields = DraftInput::from_members(draft::exported(authenticator));
            if let Some(secret) = client::secret(&self.inner.vault, authenticator).await? {
                fields.set(draft::secret_field(authenticator), secret.expose());
            }
            exported.push(fields);
        }
        for authenticator in found.iter().filter(|it| it.has_secret) {
            let event = Event::new(EventKind::AuthenticatorExported, self.inner.now())
                .authenticator(authenticator.id)
                .actor(who);
            self.inner.record(event).await;
        }
        Ok(exported)
    }

    fn exported(&self, ids: &[AuthenticatorId]) -> Result<Vec<Arc<Authenticator>>, AgentError> {
        let registry = self.inner.registry();
        let find = |id: &AuthenticatorId| registry.find_authenticator(&AuthenticatorKey::Id(*id));
        ids.iter().map(find).collect()
    }
}
