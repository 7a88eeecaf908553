//! Removing an authenticator, with its connections and sign-ins.

use serde_json::json;
use valetkey_core::authenticator::Authenticator;
use valetkey_core::event::{Event, EventKind};

use crate::disconnect::{self, Disconnected};
use crate::error::AgentError;
use crate::key::{Actor, AuthenticatorKey};
use crate::reconcile;
use crate::state::Agent;

impl Agent {
    /// Removes an authenticator, and ends its sign-ins. With connections it is in use: 409 unless
    /// `force`, which disconnects them first.
    pub async fn remove_authenticator(
        &self,
        key: &AuthenticatorKey,
        force: bool,
        who: &Actor,
    ) -> Result<Vec<Disconnected>, AgentError> {
        self.check_running()?;
        let found = self.inner.registry().find_authenticator(key)?;
        let who = who.clone();
        self.run(|agent| async move { agent.remove_all(&found, force, &who).await })
            .await
    }

    async fn remove_all(
        &self,
        found: &Authenticator,
        force: bool,
        who: &Actor,
    ) -> Result<Vec<Disconnected>, AgentError> {
        let locked = self.inner.lock_authenticator(found.id).await;
        let (_one_writer, authenticator) =
            locked.ok_or_else(|| AgentError::no_authenticator(&found.full_name().into()))?;
        let connections = self.inner.registry().connections_of(authenticator.id);
        if !connections.is_empty() && !force {
            let in_use = self.name_connections(&connections);
            return Err(AgentError::Conflict {
                message: format!(
                    "`{}` has connections: `{}`",
                    authenticator.name,
                    in_use.join("`, `")
                ),
                in_use,
                hint: Some(
                    "disconnect them first, or use `--force` to disconnect them all".to_owned(),
                ),
            });
        }
        let mut gone = Vec::new();
        for id in &connections {
            match disconnect::remove(&self.inner, *id, &connections, who).await {
                Ok(removed) => gone.push(removed),
                // Somebody disconnected it meanwhile.
                Err(AgentError::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        let event = Event::new(EventKind::AuthenticatorRemoved, self.inner.now())
            .authenticator(authenticator.id)
            .actor(who)
            .detail(json!({ "name": authenticator.name }));
        let registered = self.deletion_of_registration(&authenticator, None).await;
        self.or_finish_later(async {
            reconcile::finish_failed_sign_ins(&self.inner).await?;
            let vault = &self.inner.vault;
            let begun = vault.begin_authenticator_removal(authenticator.id, &event);
            if let Some(unlogged) = begun.await? {
                self.inner.audit_log.queue_change(event, Some(unlogged));
            }
            vault.finish_authenticator_removal(authenticator.id).await
        })
        .await?;
        self.inner.registry().drop_authenticator(authenticator.id);
        self.inner.cancel_sign_ins_of(authenticator.id, who).await;
        self.unregister_later(&authenticator, registered);
        self.inner.audit_log.flush().await;
        Ok(gone)
    }
}
