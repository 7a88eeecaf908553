//! Tokens for the person, of a connection by its name.

use valetkey_agent::{
    Actor, Agent, AgentError, ConnectionKey, Invalidated, Requester, ServedToken, TokenRequirements,
};
use valetkey_core::secret::Fingerprint;

/// Tokens by name, for the person.
pub(crate) trait TokensByName {
    async fn token_of(
        &self,
        key: &ConnectionKey,
        ask: &TokenRequirements,
        who: &Actor,
    ) -> Result<ServedToken, AgentError>;
    fn cached_token_of(
        &self,
        key: &ConnectionKey,
        ask: &TokenRequirements,
        who: &Actor,
    ) -> Option<ServedToken>;
    async fn refresh_of(&self, key: &ConnectionKey, who: &Actor)
    -> Result<ServedToken, AgentError>;
    async fn invalidate_of(
        &self,
        key: &ConnectionKey,
        refused: &Fingerprint,
        who: &Actor,
    ) -> Result<Invalidated, AgentError>;
}

impl TokensByName for Agent {
    async fn token_of(
        &self,
        key: &ConnectionKey,
        ask: &TokenRequirements,
        who: &Actor,
    ) -> Result<ServedToken, AgentError> {
        let id = self.connection_id(key)?;
        self.token(id, ask, &Requester::person(who.clone())).await
    }

    fn cached_token_of(
        &self,
        key: &ConnectionKey,
        ask: &TokenRequirements,
        who: &Actor,
    ) -> Option<ServedToken> {
        let id = self.connection_id(key).ok()?;
        self.cached_token(id, ask, &Requester::person(who.clone()))
    }

    async fn refresh_of(
        &self,
        key: &ConnectionKey,
        who: &Actor,
    ) -> Result<ServedToken, AgentError> {
        let id = self.connection_id(key)?;
        self.refresh(id, &Requester::person(who.clone())).await
    }

    async fn invalidate_of(
        &self,
        key: &ConnectionKey,
        refused: &Fingerprint,
        who: &Actor,
    ) -> Result<Invalidated, AgentError> {
        let id = self.connection_id(key)?;
        self.invalidate(id, refused, &Requester::person(who.clone()))
            .await
    }
}
