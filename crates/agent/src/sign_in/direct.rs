//! A sign-in that needs no person: one request to the token endpoint, for the client itself or in
//! exchange for another connection's token. It is recorded and stored like any other.

use std::sync::Arc;

use valetkey_core::id::SignInId;
use valetkey_core::scope::Scopes;

use super::SIGN_IN_TIMEOUT;
use super::begin::{Begun, Source};
use super::finish::{self, NoTokens};
use super::session::Awaits;
use crate::client::Client;
use crate::error::AgentError;
use crate::exchange;
use crate::protocol::{DirectRequest, Metadata};
use crate::state::Agent;

/// Nothing is shown to anybody; what is wrong with the subject is said at once.
pub(super) fn begin(
    agent: &Agent,
    client: &Client,
    metadata: Option<Arc<Metadata>>,
) -> Result<Begun, AgentError> {
    exchange::check_subject(&agent.inner, client)?;
    Ok(Begun {
        authorize_url: None,
        redirect_uri: None,
        awaits: Awaits::Direct { metadata },
        lifetime: SIGN_IN_TIMEOUT,
        source: Source::Direct,
    })
}

/// Asks, and finishes the sign-in. The answer is awaited whatever happens meanwhile: it may bring a
/// grant, which is revoked if nobody waits for it any more.
pub(super) async fn run(agent: Agent, id: SignInId, client: Arc<Client>, scopes: Scopes) {
    let tokens = async {
        let subject = exchange::subject_token(&agent, &client).await?;
        let request = DirectRequest {
            scopes: &scopes,
            subject,
        };
        let inner = &agent.inner;
        let reply = inner.provider_client.obtain(&client, &request, inner.now());
        Ok::<_, NoTokens>(reply.await?)
    };
    let tokens = tokens.await;
    finish::finish_answered(&agent.inner, id, &client, tokens).await;
}
